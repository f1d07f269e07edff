//! Page-owned nodes: what the user roots reach. Nothing else counts as keeping them alive.

use super::roots::DOM_TREES;
use crate::graph::NodeSet;
use crate::{EdgeKind, Heap};

/// Everything reachable over all but weak edges from the root's shortcuts and from the documents' root.
pub(in crate::v8) fn page_owned(heap: &Heap) -> NodeSet {
    let mut owned = NodeSet::empty(heap.node_count());
    let mut stack = Vec::new();
    for edge in heap.edges(heap.root()) {
        let is_start = match edge.kind {
            EdgeKind::Shortcut => true,
            EdgeKind::Element => heap.name(edge.to) == DOM_TREES,
            _ => false,
        };
        if is_start && owned.insert(edge.to) {
            stack.push(edge.to);
        }
    }
    while let Some(node) = stack.pop() {
        for edge in heap.edges(node) {
            if edge.kind != EdgeKind::Weak && owned.insert(edge.to) {
                stack.push(edge.to);
            }
        }
    }
    owned
}
