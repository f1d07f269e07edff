//! Where functions and constructors stand.

use super::Loss;
use super::header::Header;
use super::numbers::Numbers;
use super::read::Section;
use crate::graph::{Location, Locations};

/// Reads the table of locations, sorted by node; the first of several for one node rules.
pub(super) fn read_locations(
    text: &[u8],
    section: &Section,
    header: &Header,
    node_count: usize,
    losses: &mut Vec<Loss>,
) -> Locations {
    let Some([object, script, line, column]) = header.columns.location else {
        losses.push(Loss {
            section: "locations",
            offset: section.range.start as u64,
            what: "the header names no columns".into(),
        });
        return Locations::default();
    };
    let width = header.columns.location_width;
    let node_width = header.columns.node_width as u64;
    let mut numbers = Numbers::over(&text[section.range.clone()]);
    let mut record = vec![0u64; width];
    let mut locations = Vec::new();
    let mut misplaced = 0u64;
    let rest = 'all: loop {
        for (at, field) in record.iter_mut().enumerate() {
            match numbers.next() {
                Some(value) => *field = value,
                None => break 'all at,
            }
        }
        let node = record[object] / node_width;
        let is_node = node < node_count as u64 && record[object].is_multiple_of(node_width);
        let small = |at: usize| u32::try_from(record[at]).ok();
        match (is_node, small(script), small(line), small(column)) {
            (true, Some(script_id), Some(line), Some(column)) => {
                locations.push((node as u32, Location { script_id, line, column }));
            }
            _ => misplaced += 1,
        }
    };
    let mut lost = |offset: usize, what: String| {
        losses.push(Loss { section: "locations", offset: offset as u64, what });
    };
    if !section.complete {
        // The last number may lack digits.
        if rest == 0 {
            locations.pop();
        }
        lost(section.range.end, format!("the file ends here; {} locations are left", locations.len()));
    } else if rest > 0 {
        lost(section.range.end, format!("{rest} numbers at the end make no location of {width}, dropped"));
    }
    if misplaced > 0 {
        lost(section.range.start, format!("{misplaced} that name no node or no place, dropped"));
    }
    locations.sort_by_key(|&(node, _)| node);
    locations.dedup_by_key(|&mut (node, _)| node);
    Locations::of(&locations)
}
