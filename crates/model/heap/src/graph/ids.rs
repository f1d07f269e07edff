//! Sets of stable object ids.

use super::{Heap, NodeId};

/// A set of V8 heap object ids (odd ids: stable for an object's life within one process). Embedder ids
/// (even) say nothing about identity across snapshots and are never members. One bit for every second
/// id up to the largest.
#[derive(Clone, Debug, Default)]
pub struct IdSet {
    bits: Vec<u64>,
}

impl IdSet {
    /// All object ids of a heap.
    pub fn of(heap: &Heap) -> Self {
        let mut set = Self::default();
        for node in heap.nodes() {
            set.insert(heap.id(node));
        }
        set
    }

    /// The ids of the given nodes.
    pub fn of_nodes(heap: &Heap, nodes: impl IntoIterator<Item = NodeId>) -> Self {
        let mut set = Self::default();
        for node in nodes {
            set.insert(heap.id(node));
        }
        set
    }

    fn insert(&mut self, id: u32) {
        if id & 1 == 1 {
            let bit = (id >> 1) as usize;
            if self.bits.len() <= bit / 64 {
                self.bits.resize((bit / 64 + 1).next_power_of_two(), 0);
            }
            self.bits[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Whether the object is a member. Embedder ids never are.
    pub fn contains(&self, id: u32) -> bool {
        let bit = (id >> 1) as usize;
        id & 1 == 1 && self.bits.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.bits.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|&word| word == 0)
    }
}
