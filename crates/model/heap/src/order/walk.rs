//! Which edges a walk follows, decided by the edge's type wherever that is enough.

use crate::{Edge, EdgeKind, Heap, NodeId};

/// What the type of an edge says about following it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Edges of this type are never followed.
    Never,
    /// They always are.
    Always,
    /// It depends on the edge.
    Ask,
}

/// The edges of one heap that a walk follows. One byte an edge answers for nearly all of them.
pub(crate) struct Walk<'h, F> {
    pub(crate) heap: &'h Heap,
    /// By the file's own number of the edge type.
    answers: [Answer; 256],
    ask: F,
}

impl<'h, F: Fn(NodeId, &Edge) -> bool> Walk<'h, F> {
    pub(crate) fn new(heap: &'h Heap, by_kind: impl Fn(EdgeKind) -> Answer, ask: F) -> Self {
        Self { heap, answers: heap.edge_kinds.map(by_kind), ask }
    }

    /// Whether the edge (an ordinal) of `source` is followed.
    #[inline(always)]
    pub(crate) fn follows(&self, source: u32, edge: usize) -> bool {
        match self.answers[self.heap.edges.kinds[edge] as usize] {
            Answer::Never => false,
            Answer::Always => true,
            Answer::Ask => (self.ask)(NodeId(source), &self.heap.edge_at(edge)),
        }
    }
}
