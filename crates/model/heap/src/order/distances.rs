//! Shortest paths from a set of starting nodes.

use crate::graph::{Buffer, Column};
use crate::index::Shelf;
use crate::{Edge, Heap, NodeId};

/// Breadth-first distances (edges) and the tree of shortest paths. 8 bytes a node.
pub struct Distances {
    distance: Column<u32>,
    parent: Column<u32>,
}

const UNREACHED: u32 = u32::MAX;

impl Distances {
    /// Walks from `starts`, in that order, over every edge that `follow` accepts.
    pub fn new(
        heap: &Heap,
        starts: impl IntoIterator<Item = NodeId>,
        follow: impl Fn(NodeId, &Edge) -> bool,
    ) -> Self {
        let mut distance = Buffer::filled(heap.node_count(), UNREACHED);
        let mut parent = Buffer::filled(heap.node_count(), UNREACHED);
        let mut queue = Vec::new();
        for start in starts {
            if distance[start.index()] == UNREACHED {
                distance[start.index()] = 0;
                queue.push(start);
            }
        }
        let mut at = 0;
        while let Some(&node) = queue.get(at) {
            at += 1;
            for edge in heap.edges(node) {
                if distance[edge.to.index()] == UNREACHED && follow(node, &edge) {
                    distance[edge.to.index()] = distance[node.index()] + 1;
                    parent[edge.to.index()] = node.0;
                    queue.push(edge.to);
                }
            }
        }
        Self { distance: distance.into(), parent: parent.into() }
    }

    /// Keeps the paths.
    pub fn keep(self, shelf: &Shelf<'_>) -> Self {
        let shelf = shelf.below("shortest");
        Self { distance: shelf.park("distance", self.distance), parent: shelf.park("parent", self.parent) }
    }

    /// The paths as [`Self::keep`] kept them.
    pub fn kept(heap: &Heap, shelf: &Shelf<'_>) -> Option<Self> {
        let shelf = shelf.below("shortest");
        let nodes = heap.node_count();
        Some(Self {
            distance: shelf.column_of("distance", nodes)?,
            parent: shelf.column_of("parent", nodes)?,
        })
    }

    /// Edges between the nearest start and `node`; `None` when it cannot be reached.
    pub fn get(&self, node: NodeId) -> Option<u32> {
        Some(self.distance[node.index()]).filter(|&distance| distance != UNREACHED)
    }

    /// The node before `node` on its shortest path.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        Some(self.parent[node.index()]).filter(|&parent| parent != UNREACHED).map(NodeId)
    }

    /// The shortest path, from the start to `node`; empty when it cannot be reached.
    pub fn path(&self, node: NodeId) -> Vec<NodeId> {
        if self.get(node).is_none() {
            return Vec::new();
        }
        let mut path = vec![node];
        while let Some(parent) = path.last().and_then(|&last| self.parent(last)) {
            path.push(parent);
        }
        path.reverse();
        path
    }
}
