//! Detachedness: which of a browser's or Node's own objects are no longer part of what is shown or used.

use crate::graph::{Buffer, NodeSet};
use crate::index::Shelf;
use crate::{EdgeKind, Heap, NodeId, NodeKind};

const UNKNOWN: u8 = 0;
const ATTACHED: u8 = 1;
const DETACHED: u8 = 2;

/// States of the nodes, propagated among native ones.
#[derive(Debug, Default)]
pub(in crate::v8) struct Detachedness {
    /// Nodes that are detached; `None` when there are none.
    detached: Option<NodeSet>,
    /// Nodes that are shown with "Detached " in front of their name.
    renamed: Option<NodeSet>,
}

impl Detachedness {
    pub(in crate::v8) fn new(heap: &Heap) -> Self {
        let Some(column) = &heap.nodes.detachedness else { return Self::by_name(heap) };
        if column.iter().all(|&state| state == UNKNOWN) {
            return Self::default();
        }
        let mut states = Buffer::zeroed(column.len());
        states.copy_from_slice(column);
        let nodes = heap.node_count();
        let mut work = Propagation {
            heap,
            states,
            processed: NodeSet::empty(nodes),
            renamed: NodeSet::empty(nodes),
            attached: Vec::new(),
            detached: Vec::new(),
        };
        for node in heap.nodes() {
            let state = work.states[node.index()];
            if state != UNKNOWN {
                work.process(node, state);
            }
        }
        while let Some(node) = work.attached.pop() {
            work.children(node, ATTACHED);
        }
        while let Some(node) = work.detached.pop() {
            if work.states[node.index()] != ATTACHED {
                work.children(node, DETACHED);
            }
        }
        let mut detached = NodeSet::empty(nodes);
        for node in heap.nodes().filter(|node| work.states[node.index()] == DETACHED) {
            detached.insert(node);
        }
        Self { detached: Some(detached), renamed: Some(work.renamed) }
    }

    /// Before V8 had a column, the embedder said it in the name.
    fn by_name(heap: &Heap) -> Self {
        let mut detached = None;
        for node in heap.nodes() {
            if heap.kind(node) == NodeKind::Native && heap.name(node).starts_with("Detached ") {
                detached.get_or_insert_with(|| NodeSet::empty(heap.node_count())).insert(node);
            }
        }
        Self { detached, renamed: None }
    }

    pub(in crate::v8) fn keep(&self, shelf: &Shelf<'_>) {
        for (name, set) in [("detached", &self.detached), ("renamed", &self.renamed)] {
            if let Some(set) = set {
                set.keep(shelf, name);
            }
        }
    }

    pub(in crate::v8) fn kept(heap: &Heap, shelf: &Shelf<'_>) -> Self {
        let set = |name| NodeSet::kept(shelf, name, heap.node_count());
        Self { detached: set("detached"), renamed: set("renamed") }
    }

    pub(in crate::v8) fn is_detached(&self, node: NodeId) -> bool {
        self.detached.as_ref().is_some_and(|detached| detached.contains(node))
    }

    pub(in crate::v8) fn is_renamed(&self, node: NodeId) -> bool {
        self.renamed.as_ref().is_some_and(|renamed| renamed.contains(node))
    }
}

struct Propagation<'h> {
    heap: &'h Heap,
    states: Buffer<u8>,
    processed: NodeSet,
    renamed: NodeSet,
    attached: Vec<NodeId>,
    detached: Vec<NodeId>,
}

impl Propagation<'_> {
    fn process(&mut self, node: NodeId, state: u8) {
        if !self.processed.insert(node) || self.heap.kind(node) != NodeKind::Native {
            return;
        }
        self.states[node.index()] = state;
        match state {
            ATTACHED => self.attached.push(node),
            DETACHED => {
                self.renamed.insert(node);
                self.detached.push(node);
            }
            _ => {}
        }
    }

    fn children(&mut self, node: NodeId, state: u8) {
        let heap = self.heap;
        for edge in heap.edges(node) {
            if !matches!(edge.kind, EdgeKind::Hidden | EdgeKind::Weak) {
                self.process(edge.to, state);
            }
        }
    }
}
