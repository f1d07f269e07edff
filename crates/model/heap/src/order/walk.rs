//! Which edges a walk follows, decided by the edge's type wherever that is enough.

use crate::graph::NodeSet;
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

/// What the types of edges say, by the file's own number of the type.
type Answers = [Answer; 256];

/// The edges of one heap that a walk follows. One byte an edge answers for nearly all of them.
pub(crate) struct Walk<'h, F> {
    pub(crate) heap: &'h Heap,
    /// Of the edges of most nodes, and of those of the members of `apart`.
    answers: [Answers; 2],
    apart: Option<&'h NodeSet>,
    ask: F,
}

/// The edges of one node that a walk follows.
pub(crate) struct From<'w, 'h, F> {
    walk: &'w Walk<'h, F>,
    answers: &'w Answers,
    source: u32,
}

impl<'h, F: Fn(NodeId, &Edge) -> bool> Walk<'h, F> {
    pub(crate) fn new(heap: &'h Heap, by_kind: impl Fn(EdgeKind) -> Answer, ask: F) -> Self {
        let answers = heap.edge_kinds.map(by_kind);
        Self { heap, answers: [answers, answers], apart: None, ask }
    }

    /// A walk that judges the edges of the members of `apart` by other answers.
    pub(crate) fn apart(self, apart: Option<&'h NodeSet>, by_kind: impl Fn(EdgeKind) -> Answer) -> Self {
        let answers = [self.answers[0], self.heap.edge_kinds.map(by_kind)];
        Self { answers, apart, ..self }
    }

    /// The edges of one node.
    #[inline(always)]
    pub(crate) fn from(&self, source: u32) -> From<'_, 'h, F> {
        let apart = self.apart.is_some_and(|apart| apart.contains(NodeId(source)));
        From { walk: self, answers: &self.answers[usize::from(apart)], source }
    }
}

impl<F: Fn(NodeId, &Edge) -> bool> From<'_, '_, F> {
    /// Whether the edge (an ordinal) is followed.
    #[inline(always)]
    pub(crate) fn follows(&self, edge: usize) -> bool {
        let heap = self.walk.heap;
        match self.answers[heap.edges.kinds[edge] as usize] {
            Answer::Never => false,
            Answer::Always => true,
            Answer::Ask => (self.walk.ask)(NodeId(self.source), &heap.edge_at(edge)),
        }
    }
}
