//! Incoming edges.

use super::{Edge, Heap, NodeId};

/// For every node, the edges that point at it, in ascending order of their source.
/// 4 bytes a node, 8 an edge.
pub struct Reverse {
    starts: Vec<u32>,
    edges: Vec<u32>,
    sources: Vec<u32>,
}

impl Reverse {
    /// Turns the edges of `heap` round.
    pub fn new(heap: &Heap) -> Self {
        let mut starts = vec![0u32; heap.node_count() + 1];
        for &target in heap.edge_targets() {
            starts[target as usize + 1] += 1;
        }
        for node in 0..heap.node_count() {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut edges = vec![0u32; heap.edge_count()];
        let mut sources = vec![0u32; heap.edge_count()];
        for source in heap.nodes() {
            for edge in heap.edge_range(source) {
                let slot = &mut next[heap.edge_targets()[edge] as usize];
                edges[*slot as usize] = edge as u32;
                sources[*slot as usize] = source.0;
                *slot += 1;
            }
        }
        Self { starts, edges, sources }
    }

    /// The edges that point at `node`, each with its source.
    pub fn retainers<'a>(
        &'a self,
        heap: &'a Heap,
        node: NodeId,
    ) -> impl Iterator<Item = (NodeId, Edge)> + 'a {
        let range = self.starts[node.index()] as usize..self.starts[node.index() + 1] as usize;
        range.map(move |slot| (NodeId(self.sources[slot]), heap.edge_at(self.edges[slot] as usize)))
    }

    /// How many edges point at `node`.
    pub fn count(&self, node: NodeId) -> usize {
        (self.starts[node.index() + 1] - self.starts[node.index()]) as usize
    }
}
