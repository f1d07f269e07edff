//! Where functions and constructors stand.

use super::{Column, NodeId};

/// Where a function (of a closure) or the constructor (of an object) stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Location {
    /// V8's number of the script within the process.
    pub script_id: u32,
    /// 0-based line.
    pub line: u32,
    /// 0-based column, in UTF-16 units.
    pub column: u32,
}

/// Locations sorted by node. 16 bytes each.
#[derive(Debug, Default)]
pub(crate) struct Locations {
    /// Node, script id, line, column, one location after the other.
    numbers: Column<u32>,
}

const WIDTH: usize = 4;

impl Locations {
    /// Numbers in the order of the column; `None` when they are no whole number of locations.
    pub(crate) fn new(numbers: Column<u32>) -> Option<Self> {
        numbers.len().is_multiple_of(WIDTH).then_some(Self { numbers })
    }

    pub(crate) fn of(sorted: &[(u32, Location)]) -> Self {
        let numbers: Vec<u32> = (sorted.iter())
            .flat_map(|&(node, Location { script_id, line, column })| [node, script_id, line, column])
            .collect();
        Self { numbers: numbers.into() }
    }

    pub(crate) fn column(self) -> Column<u32> {
        self.numbers
    }

    pub(crate) fn get(&self, node: NodeId) -> Option<Location> {
        let (mut low, mut high) = (0, self.numbers.len() / WIDTH);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.numbers[middle * WIDTH] < node.0 { low = middle + 1 } else { high = middle }
        }
        self.iter_from(low).next().filter(|&(found, _)| found == node).map(|(_, location)| location)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeId, Location)> + '_ {
        self.iter_from(0)
    }

    fn iter_from(&self, first: usize) -> impl Iterator<Item = (NodeId, Location)> + '_ {
        self.numbers[first * WIDTH..].chunks_exact(WIDTH).map(|numbers| {
            let location = Location { script_id: numbers[1], line: numbers[2], column: numbers[3] };
            (NodeId(numbers[0]), location)
        })
    }
}
