//! One bit a node.

use super::{Buffer, Column, NodeId};
use crate::index::Shelf;

/// A set of nodes of one heap.
pub struct NodeSet {
    words: Buffer<u64>,
}

impl NodeSet {
    /// The empty set of a heap of `nodes` nodes.
    pub fn empty(nodes: usize) -> Self {
        Self { words: Buffer::zeroed(nodes.div_ceil(64)) }
    }

    /// Keeps the set.
    pub(crate) fn keep(&self, shelf: &Shelf<'_>, name: &str) {
        shelf.copy_buffer(name, &self.words);
    }

    /// A set that was kept, of a heap of `nodes` nodes.
    pub(crate) fn kept(shelf: &Shelf<'_>, name: &str, nodes: usize) -> Option<Self> {
        let column: Column<u64> = shelf.column_of(name, nodes.div_ceil(64))?;
        let mut words = Buffer::zeroed(column.len());
        words.copy_from_slice(&column);
        Some(Self { words })
    }

    /// Whether the node is a member.
    #[inline(always)]
    pub fn contains(&self, node: NodeId) -> bool {
        self.words.get(node.index() / 64).is_some_and(|word| word >> (node.0 % 64) & 1 == 1)
    }

    /// Adds a node; says whether it was new. Nodes of a larger heap cannot be added.
    #[inline(always)]
    pub fn insert(&mut self, node: NodeId) -> bool {
        let Some(word) = self.words.get_mut(node.index() / 64) else { return false };
        let bit = 1 << (node.0 % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }
}

impl std::fmt::Debug for NodeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeSet({} nodes)", self.len())
    }
}

/// One bit a string of the table.
#[derive(Debug, Default)]
pub(crate) struct StringSet {
    words: Vec<u64>,
}

impl StringSet {
    pub(crate) fn of(indexes: impl IntoIterator<Item = u32>) -> Self {
        let mut words = Vec::new();
        for index in indexes {
            let word = index as usize / 64;
            if words.len() <= word {
                words.resize(word + 1, 0u64);
            }
            words[word] |= 1 << (index % 64);
        }
        Self { words }
    }

    #[inline(always)]
    pub(crate) fn contains(&self, index: u32) -> bool {
        self.words.get(index as usize / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }
}
