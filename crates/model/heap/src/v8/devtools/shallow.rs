//! Shallow sizes: what only one object uses counts as that object's own.

use rustc_hash::FxHashMap;

use crate::graph::{Buffer, Column, NodeSet};
use crate::index::Shelf;
use crate::v8::lens::Sizes;
use crate::{EdgeKind, Heap, NodeId, NodeKind};

/// No owner is known yet.
const NONE: u32 = u32::MAX;
/// More than one owner.
const MANY: u32 = u32::MAX - 1;

/// Merged sizes. 4 bytes a node, 8 while they are computed.
#[derive(Debug)]
pub(in crate::v8) struct Shallow {
    sizes: Column<u32>,
    /// The sizes that 32 bits do not hold (their column entry is `u32::MAX`).
    large: FxHashMap<u32, u64>,
}

impl Shallow {
    /// Gives the size of every hidden node, array and external string's data that belongs to exactly one
    /// object to that object.
    pub(in crate::v8) fn new(heap: &Heap) -> Self {
        let merges = Merges::new(heap);
        let mut sizes = Buffer::zeroed(heap.node_count());
        sizes.copy_from_slice(&heap.nodes.self_sizes);
        let mut merged = Self { sizes: Column::default(), large: heap.nodes.large_sizes.clone() };
        for node in heap.nodes() {
            let Some(owner) = merges.owner(heap, node) else { continue };
            let sum = merged.at(&sizes, owner) + heap.self_size(node);
            merged.set(&mut sizes, owner, sum);
            merged.set(&mut sizes, node, 0);
        }
        merged.sizes = sizes.into();
        merged
    }

    pub(in crate::v8) fn keep(self, shelf: &Shelf<'_>) -> Self {
        shelf.keep_value("large_sizes", &self.large.iter().collect::<Vec<_>>());
        Self { sizes: shelf.park("sizes", self.sizes), large: self.large }
    }

    pub(in crate::v8) fn kept(heap: &Heap, shelf: &Shelf<'_>) -> Option<Self> {
        let large: Vec<(u32, u64)> = shelf.value("large_sizes")?;
        let sizes = shelf.column_of("sizes", heap.node_count())?;
        Some(Self { sizes, large: large.into_iter().collect() })
    }

    pub(in crate::v8) fn view(&self) -> Sizes<'_> {
        Sizes { sizes: &self.sizes, large: &self.large }
    }

    /// Bytes of the node with what was merged into it.
    #[inline(always)]
    pub(in crate::v8) fn get(&self, node: NodeId) -> u64 {
        self.at(&self.sizes, node)
    }

    #[inline(always)]
    fn at(&self, sizes: &[u32], node: NodeId) -> u64 {
        match sizes[node.index()] {
            u32::MAX => self.large.get(&node.0).copied().unwrap_or(u64::from(u32::MAX)),
            size => u64::from(size),
        }
    }

    fn set(&mut self, sizes: &mut [u32], node: NodeId, size: u64) {
        sizes[node.index()] = size.min(u64::from(u32::MAX)) as u32;
        if size >= u64::from(u32::MAX) {
            self.large.insert(node.0, size);
        }
    }
}

/// Which node's size counts as which other's. 4 bytes a node.
pub struct Merges {
    owners: Buffer<u32>,
}

impl Merges {
    pub(in crate::v8) fn new(heap: &Heap) -> Self {
        Self { owners: owners(heap, &candidates(heap)) }
    }

    /// The node whose size holds this one's; `None` where a node keeps its own.
    #[inline]
    pub fn owner(&self, heap: &Heap, node: NodeId) -> Option<NodeId> {
        let owner = self.owners[node.index()];
        if owner == node.0 || owner >= MANY {
            return None;
        }
        let owner = NodeId(owner);
        (heap.kind(owner) != NodeKind::Synthetic && owner != heap.root()).then_some(owner)
    }
}

fn candidates(heap: &Heap) -> NodeSet {
    let external = heap.strings().position("system / ExternalStringData");
    let mut candidates = NodeSet::empty(heap.node_count());
    for node in heap.nodes() {
        let is_candidate = match heap.kind(node) {
            NodeKind::Hidden | NodeKind::Array => true,
            NodeKind::Native => external == Some(heap.name_index(node)),
            _ => false,
        };
        if is_candidate {
            candidates.insert(node);
        }
    }
    candidates
}

/// The one owner of every node, [`NONE`] or [`MANY`]: the least fixed point of joining the owners of all
/// sources of non-weak edges. A node that is no candidate owns itself.
fn owners(heap: &Heap, candidates: &NodeSet) -> Buffer<u32> {
    let mut owners = Buffer::<u32>::zeroed(heap.node_count());
    for node in heap.nodes() {
        owners[node.index()] = if candidates.contains(node) { NONE } else { node.0 };
    }
    // Owners spread from the nodes that own themselves; a candidate changes at most twice.
    let mut changed = Vec::new();
    for node in heap.nodes().filter(|&node| !candidates.contains(node)) {
        spread(heap, candidates, &mut owners, node, &mut changed);
    }
    while let Some(node) = changed.pop() {
        spread(heap, candidates, &mut owners, node, &mut changed);
    }
    owners
}

#[inline]
fn spread(
    heap: &Heap,
    candidates: &NodeSet,
    owners: &mut Buffer<u32>,
    node: NodeId,
    changed: &mut Vec<NodeId>,
) {
    let owner = owners[node.index()];
    for at in heap.edge_range(node) {
        let to = NodeId(heap.edges.targets[at]);
        if !candidates.contains(to) || heap.edge_at(at).kind == EdgeKind::Weak {
            continue;
        }
        let known = owners[to.index()];
        let joined = if known == NONE || known == owner { owner } else { MANY };
        if joined != known {
            owners[to.index()] = joined;
            changed.push(to);
        }
    }
}
