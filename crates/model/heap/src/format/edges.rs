//! The edge columns.

use rayon::prelude::*;

use super::Watch;
use super::header::Header;
use super::numbers::Piece;
use super::read::{Pieces, no_numbers, take};
use crate::SnapshotError;
use crate::graph::{Buffer, EdgeColumns};

pub(super) fn read_edges(
    found: &Pieces<'_>,
    header: &Header,
    watch: &Watch<'_>,
) -> Result<EdgeColumns, SnapshotError> {
    let count = header.edge_count as usize;
    let mut kinds = Buffer::zeroed(count);
    let mut names = Buffer::zeroed(count);
    let mut targets = Buffer::zeroed(count);
    {
        let (mut kinds, mut names, mut targets) = (&mut kinds[..], &mut names[..], &mut targets[..]);
        let mut slices: Vec<_> = (found.pieces.iter())
            .map(|piece| EdgeSlices {
                kinds: take(&mut kinds, piece.records),
                names: take(&mut names, piece.records),
                targets: take(&mut targets, piece.records),
            })
            .collect();
        // Dividing by a number that the compiler knows takes a fraction of the time.
        let fill = match header.columns.node_width {
            5 => fill_edges::<5>,
            6 => fill_edges::<6>,
            7 => fill_edges::<7>,
            _ => fill_edges::<0>,
        };
        found.pieces.par_iter().zip(slices.par_iter_mut()).try_for_each(|(piece, slices)| {
            fill(piece, slices, header)?;
            watch.parsed(piece)
        })?;
    }
    Ok(EdgeColumns { kinds: kinds.into(), names: names.into(), targets: targets.into() })
}

/// The parts of the columns that one piece fills.
struct EdgeSlices<'a> {
    kinds: &'a mut [u8],
    names: &'a mut [u32],
    targets: &'a mut [u32],
}

/// `NODE_WIDTH`: fields a node, 0 when only the header knows.
fn fill_edges<const NODE_WIDTH: u64>(
    piece: &Piece<'_>,
    slices: &mut EdgeSlices<'_>,
    header: &Header,
) -> Result<(), SnapshotError> {
    let columns = &header.columns;
    let node_width = if NODE_WIDTH == 0 { columns.node_width as u64 } else { NODE_WIDTH };
    let (kind_at, name_at, to_at) = (columns.edge_type, columns.edge_name, columns.edge_to);
    let not_numbers = || no_numbers("edges", piece);
    piece.records(columns.edge_width, not_numbers, |at, record| {
        let wrong = |what: String| SnapshotError::Inconsistent {
            section: "edges",
            index: (piece.first + at) as u64,
            what,
        };
        slices.kinds[at] = record[kind_at].min(255) as u8;
        let name = record[name_at];
        slices.names[at] =
            u32::try_from(name).map_err(|_| wrong(format!("name {name} does not fit 32 bits")))?;
        let to = record[to_at];
        let target = to / node_width;
        if target >= header.node_count || target * node_width != to {
            return Err(wrong(format!("to_node {to} is no node index (of {} nodes)", header.node_count)));
        }
        slices.targets[at] = target as u32;
        Ok(())
    })
}
