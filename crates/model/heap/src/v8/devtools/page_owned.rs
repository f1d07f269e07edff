//! Page-owned nodes: what the user roots reach. Nothing else counts as keeping them alive.

use super::roots::DOM_TREES;
use crate::graph::NodeSet;
use crate::{Edge, EdgeKind, Heap, NodeId};

/// Everything reachable over all but weak edges from the root's shortcuts and from the documents' root.
pub(in crate::v8) fn page_owned(heap: &Heap) -> NodeSet {
    spread(heap, NodeSet::empty(heap.node_count()), starts(heap))
}

/// The same, where a walk over most of those edges, from the same starts, has reached `reached` and left
/// out only edges that lead to `left_out`. `None` where its starts, `from`, were others.
pub(in crate::v8) fn page_owned_from(
    heap: &Heap,
    from: &[NodeId],
    reached: impl Fn(NodeId) -> bool,
    left_out: Vec<NodeId>,
) -> Option<NodeSet> {
    let (mut starts, mut from) = (starts(heap), from.to_vec());
    starts.sort_unstable();
    starts.dedup();
    from.sort_unstable();
    if starts != from {
        return None;
    }
    let mut owned = NodeSet::empty(heap.node_count());
    for node in heap.nodes().filter(|&node| reached(node)) {
        owned.insert(node);
    }
    Some(spread(heap, owned, left_out))
}

fn starts(heap: &Heap) -> Vec<NodeId> {
    let is_start = |edge: &Edge| match edge.kind {
        EdgeKind::Shortcut => true,
        EdgeKind::Element => heap.name(edge.to) == DOM_TREES,
        _ => false,
    };
    heap.edges(heap.root()).filter(is_start).map(|edge| edge.to).collect()
}

/// Adds what `starts` reach and nobody has reached yet.
fn spread(heap: &Heap, mut owned: NodeSet, starts: Vec<NodeId>) -> NodeSet {
    let mut stack: Vec<NodeId> = starts.into_iter().filter(|&start| owned.insert(start)).collect();
    while let Some(node) = stack.pop() {
        for edge in heap.edges(node) {
            if edge.kind != EdgeKind::Weak && owned.insert(edge.to) {
                stack.push(edge.to);
            }
        }
    }
    owned
}
