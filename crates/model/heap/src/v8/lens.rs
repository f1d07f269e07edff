//! What one model makes of a heap: sizes, names, and the edges that count.

use std::borrow::Cow;

use crate::{Edge, Heap, Model, NodeId};

/// One heap as one model sees it. Holds no borrow: every question takes the heap it was made for.
#[derive(Debug)]
pub struct Lens {
    model: Model,
}

impl Lens {
    /// Applies the model's rules to `heap`.
    pub fn new(_heap: &Heap, model: Model) -> Self {
        Self { model }
    }

    /// The model.
    pub fn model(&self) -> Model {
        self.model
    }

    /// Shallow size in bytes.
    pub fn size(&self, heap: &Heap, node: NodeId) -> u64 {
        heap.self_size(node)
    }

    /// Name of a node.
    pub fn name<'h>(&'h self, heap: &'h Heap, node: NodeId) -> Cow<'h, str> {
        heap.name(node)
    }

    /// Whether the edge keeps its target alive.
    pub fn retains(&self, heap: &Heap, source: NodeId, edge: &Edge) -> bool {
        heap.retains(source, edge, self.model)
    }
}
