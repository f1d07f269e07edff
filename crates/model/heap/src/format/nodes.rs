//! The node columns.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::Watch;
use super::header::Header;
use super::numbers::Piece;
use super::read::{MAXIMUM_BYTES, Pieces, no_numbers, take};
use crate::SnapshotError;
use crate::graph::{Buffer, Column, NodeColumns};

/// The mutable parts of the columns that one piece fills.
struct NodeSlices<'a> {
    kinds: &'a mut [u8],
    names: &'a mut [u32],
    ids: &'a mut [u32],
    self_sizes: &'a mut [u32],
    /// Edge counts, turned into offsets afterwards.
    edge_counts: &'a mut [u32],
    detachedness: Option<&'a mut [u8]>,
    trace_nodes: Option<&'a mut [u32]>,
}

/// The columns, and the bytes of all nodes and what V8 counts beside them.
pub(super) fn read_nodes(
    found: &Pieces<'_>,
    header: &Header,
    watch: &Watch<'_>,
) -> Result<(NodeColumns, u64), SnapshotError> {
    let columns = &header.columns;
    let count = header.node_count as usize;
    let pieces = &found.pieces;
    let mut kinds = Buffer::zeroed(count);
    let mut names = Buffer::zeroed(count);
    let mut ids = Buffer::zeroed(count);
    let mut self_sizes = Buffer::zeroed(count);
    let mut first_edges = Buffer::<u32>::zeroed(count + 1);
    let mut detachedness = columns.node_detachedness.map(|_| Buffer::zeroed(count));
    let mut trace_nodes = columns.node_trace.map(|_| Buffer::zeroed(count));
    let mut large_sizes = FxHashMap::default();
    let mut slices = Vec::with_capacity(pieces.len());
    {
        let mut kinds = &mut kinds[..];
        let mut names = &mut names[..];
        let mut ids = &mut ids[..];
        let mut self_sizes = &mut self_sizes[..];
        let mut edge_counts = &mut first_edges[1..];
        let mut detachedness = detachedness.as_deref_mut();
        let mut trace_nodes = trace_nodes.as_deref_mut();
        for piece in pieces {
            slices.push(NodeSlices {
                kinds: take(&mut kinds, piece.records),
                names: take(&mut names, piece.records),
                ids: take(&mut ids, piece.records),
                self_sizes: take(&mut self_sizes, piece.records),
                edge_counts: take(&mut edge_counts, piece.records),
                detachedness: detachedness.as_mut().map(|column| take(column, piece.records)),
                trace_nodes: trace_nodes.as_mut().map(|column| take(column, piece.records)),
            });
        }
    }
    let sizes: Vec<Result<Sizes, SnapshotError>> = pieces
        .par_iter()
        .zip(slices.par_iter_mut())
        .map(|(piece, slices)| {
            let sizes = fill_nodes(piece, slices, header)?;
            watch.parsed(piece)?;
            Ok(sizes)
        })
        .collect();
    let mut total = header.extra_native_bytes;
    for sizes in sizes {
        let sizes = sizes?;
        total = total.saturating_add(sizes.sum);
        large_sizes.extend(sizes.large);
    }
    if total > MAXIMUM_BYTES {
        return Err(SnapshotError::TooLarge {
            what: "the sum of all sizes",
            found: total,
            maximum: MAXIMUM_BYTES,
        });
    }
    let mut sum = 0u64;
    for count in &mut first_edges[1..] {
        sum += u64::from(*count);
        *count = sum.min(u64::from(u32::MAX)) as u32;
    }
    if sum != header.edge_count {
        return Err(SnapshotError::Inconsistent {
            section: "nodes",
            index: header.node_count,
            what: format!("the edge counts add up to {sum}, the header declares {}", header.edge_count),
        });
    }
    let nodes = NodeColumns {
        kinds: kinds.into(),
        names: names.into(),
        ids: ids.into(),
        self_sizes: self_sizes.into(),
        large_sizes,
        first_edges: first_edges.into(),
        detachedness: detachedness.map(Column::from),
        trace_nodes: trace_nodes.map(Column::from),
    };
    Ok((nodes, total))
}

/// The self sizes of one piece.
#[derive(Default)]
struct Sizes {
    /// Node and size, where 32 bits do not hold it.
    large: Vec<(u32, u64)>,
    sum: u64,
}

fn fill_nodes(
    piece: &Piece<'_>,
    slices: &mut NodeSlices<'_>,
    header: &Header,
) -> Result<Sizes, SnapshotError> {
    let columns = &header.columns;
    let mut sizes = Sizes::default();
    let not_numbers = || no_numbers("nodes", piece);
    piece.records(columns.node_width, not_numbers, |at, record| {
        let narrow = |value: u64, what: &str| {
            u32::try_from(value).map_err(|_| SnapshotError::Inconsistent {
                section: "nodes",
                index: (piece.first + at) as u64,
                what: format!("{what} {value} does not fit 32 bits"),
            })
        };
        slices.kinds[at] = record[columns.node_type].min(255) as u8;
        slices.names[at] = narrow(record[columns.node_name], "string index")?;
        slices.ids[at] = narrow(record[columns.node_id], "id")?;
        let size = record[columns.node_self_size];
        slices.self_sizes[at] = size.min(u64::from(u32::MAX)) as u32;
        if size >= u64::from(u32::MAX) {
            sizes.large.push(((piece.first + at) as u32, size));
        }
        sizes.sum = sizes.sum.saturating_add(size);
        slices.edge_counts[at] = narrow(record[columns.node_edge_count], "edge count")?;
        if let (Some(column), Some(slice)) = (columns.node_detachedness, &mut slices.detachedness) {
            slice[at] = record[column].min(255) as u8;
        }
        if let (Some(column), Some(slice)) = (columns.node_trace, &mut slices.trace_nodes) {
            slice[at] = narrow(record[column], "trace node")?;
        }
        Ok(())
    })?;
    Ok(sizes)
}
