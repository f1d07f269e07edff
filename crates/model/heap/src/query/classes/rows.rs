//! The class table.

use super::{Classes, Key};
use crate::graph::{Buffer, NodeSet};
use crate::{Dominators, Heap, Lens, Levels, NodeId};

/// One class.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClassRow {
    /// The class, a number of [`Classes`].
    pub class: u32,
    /// Objects of it that have a size.
    pub count: u64,
    /// The smallest distance of any.
    pub distance: Option<i32>,
    /// Sum of their shallow sizes, in bytes.
    pub shallow: u64,
    /// What they keep alive together, in bytes: the retained sizes of those that no other of them dominates.
    pub retained: Option<u64>,
}

/// A class or node that is in no row.
const NO_ROW: u32 = u32::MAX;

/// What the rows are made of. Distances and retained sizes are left out where they are not given.
#[derive(Clone, Copy)]
pub struct RowSource<'a> {
    /// The heap.
    pub heap: &'a Heap,
    /// The model.
    pub lens: &'a Lens,
    /// The class of every node.
    pub classes: &'a Classes,
    /// Distances.
    pub levels: Option<&'a Levels>,
    /// The tree and the retained size of every node.
    pub order: Option<(&'a Dominators, &'a [u64])>,
    /// Only these nodes count.
    pub only: Option<&'a NodeSet>,
}

impl RowSource<'_> {
    /// The table, in the order in which the classes first appear in the file.
    pub fn rows(&self) -> Vec<ClassRow> {
        let sizes = self.lens.sizes(self.heap);
        let mut rows: Vec<ClassRow> = Vec::new();
        // Row of each class; in the order of the first object that counts.
        let mut row_of = vec![NO_ROW; self.classes.len()];
        // Row of each node that counts: the second pass goes through the nodes in another order.
        let mut row_at =
            Buffer::filled(if self.order.is_some() { self.heap.node_count() } else { 0 }, NO_ROW);
        for node in self.heap.nodes() {
            let size = sizes.get(node);
            if size == 0 || self.only.is_some_and(|only| !only.contains(node)) {
                continue;
            }
            let class = self.classes.of(node);
            let slot = &mut row_of[class as usize];
            if *slot == NO_ROW {
                *slot = rows.len() as u32;
                rows.push(ClassRow { class, count: 0, distance: None, shallow: 0, retained: None });
            }
            if let Some(at) = row_at.get_mut(node.index()) {
                *at = *slot;
            }
            let row = &mut rows[*slot as usize];
            row.count += 1;
            row.shallow = row.shallow.saturating_add(size);
            if let Some(levels) = self.levels {
                let distance = levels.get(node);
                row.distance = Some(row.distance.map_or(distance, |least| least.min(distance)));
            }
        }
        self.retained(&row_at, &mut rows);
        rows
    }

    /// The members of one class, in file order.
    pub fn members(&self, class: u32) -> impl Iterator<Item = NodeId> + '_ {
        self.heap.nodes().filter(move |&node| self.classes.of(node) == class && self.counts(node))
    }

    fn counts(&self, node: NodeId) -> bool {
        self.only.is_none_or(|only| only.contains(node)) && self.lens.size(self.heap, node) > 0
    }

    fn retained(&self, row_at: &[u32], rows: &mut [ClassRow]) {
        let Some((dominators, retained)) = self.order else { return };
        rows.iter_mut().for_each(|row| row.retained = Some(0));
        // End of the subtree of the last member that no other member of its class dominates.
        let mut covered = vec![0u32; rows.len()];
        for (node, range) in dominators.ranges() {
            let row = row_at[node.index()];
            let Some(end) = covered.get_mut(row as usize).filter(|end| range.start >= **end) else {
                continue;
            };
            *end = range.end;
            let row = &mut rows[row as usize];
            row.retained = Some(row.retained.unwrap_or(0).saturating_add(retained[node.index()]));
        }
    }
}

impl ClassRow {
    /// Key of the row's class.
    pub fn key<'a>(&self, classes: &'a Classes) -> &'a Key {
        classes.key(self.class)
    }
}
