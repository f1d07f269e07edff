//! The user roots: what of the root's own children is the program's.

use crate::{Heap, NodeId, NodeKind};

/// The synthetic root below which a browser keeps its documents.
pub(super) const DOM_TREES: &str = "(Document DOM trees)";

/// Targets of the root's edges that are not synthetic, or are the documents' root; in the order of the
/// edges, each once. None in a snapshot with internals exposed.
pub(in crate::v8) fn user_roots(heap: &Heap) -> Vec<NodeId> {
    let mut roots = Vec::new();
    for edge in heap.edges(heap.root()) {
        let is_user = heap.kind(edge.to) != NodeKind::Synthetic || heap.name(edge.to) == DOM_TREES;
        if is_user && !roots.contains(&edge.to) {
            roots.push(edge.to);
        }
    }
    roots
}
