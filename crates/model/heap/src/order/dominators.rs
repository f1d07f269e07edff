//! Immediate dominators by Semi-NCA (Georgiadis, "Linear-Time Algorithms for Dominators and Related
//! Problems", 2005), on depth-first preorder numbers so that neighbours in the tree are neighbours in
//! memory.

use crate::{Edge, Heap, Model, NodeId};

/// The dominator tree over the nodes that can be reached. 8 bytes a node.
pub struct Dominators {
    /// Preorder number → node.
    order: Vec<u32>,
    /// Preorder number → preorder number of the immediate dominator; the root's is itself.
    idom: Vec<u32>,
    /// Node → preorder number.
    number: Vec<u32>,
}

const UNREACHED: u32 = u32::MAX;

impl Dominators {
    /// Dominators from the heap's root under `model`.
    pub fn new(heap: &Heap, model: Model) -> Self {
        Self::over(heap, |source, edge| heap.retains(source, edge, model))
    }

    /// Dominators from the heap's root over the edges that `follow` accepts.
    pub fn over(heap: &Heap, follow: impl Fn(NodeId, &Edge) -> bool) -> Self {
        let (order, parent, number) = depth_first(heap, &follow);
        let (starts, sources) = predecessors(heap, &order, &number, &follow);
        let idom = semi_nca(&parent, &starts, &sources);
        Self { order, idom, number }
    }

    /// The immediate dominator; `None` for the root and for what cannot be reached.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        match self.number[node.index()] {
            0 | UNREACHED => None,
            number => Some(NodeId(self.order[self.idom[number as usize] as usize])),
        }
    }

    /// Whether the node can be reached from the root.
    pub fn is_reached(&self, node: NodeId) -> bool {
        self.number[node.index()] != UNREACHED
    }

    /// The reached nodes, dominators before what they dominate.
    pub fn top_down(&self) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + Clone + '_ {
        self.order.iter().map(|&node| NodeId(node))
    }

    /// Adds every node's value to its dominators: `values[n]` becomes the sum over the nodes that `n`
    /// dominates, itself included. One entry a node of the heap.
    pub fn accumulate(&self, values: &mut [u64]) {
        for number in (1..self.order.len()).rev() {
            let value = values[self.order[number] as usize];
            let dominator = self.order[self.idom[number] as usize] as usize;
            values[dominator] = values[dominator].saturating_add(value);
        }
    }

    /// Retained size (bytes) of every node; 0 for what cannot be reached.
    pub fn retained(&self, heap: &Heap) -> Vec<u64> {
        let mut sizes: Vec<u64> =
            heap.nodes().map(|node| if self.is_reached(node) { heap.self_size(node) } else { 0 }).collect();
        self.accumulate(&mut sizes);
        sizes
    }

    /// The tree downwards.
    pub fn children(&self) -> DominatorTree {
        let mut starts = vec![0u32; self.number.len() + 1];
        for number in 1..self.order.len() {
            starts[self.order[self.idom[number] as usize] as usize + 1] += 1;
        }
        for node in 0..self.number.len() {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut nodes = vec![0u32; self.order.len().saturating_sub(1)];
        for number in 1..self.order.len() {
            let slot = &mut next[self.order[self.idom[number] as usize] as usize];
            nodes[*slot as usize] = self.order[number];
            *slot += 1;
        }
        DominatorTree { starts, nodes }
    }
}

/// For every node, what it immediately dominates.
pub struct DominatorTree {
    starts: Vec<u32>,
    nodes: Vec<u32>,
}

impl DominatorTree {
    /// The nodes that `node` immediately dominates.
    pub fn of(&self, node: NodeId) -> impl ExactSizeIterator<Item = NodeId> + '_ {
        self.nodes[self.starts[node.index()] as usize..self.starts[node.index() + 1] as usize]
            .iter()
            .map(|&node| NodeId(node))
    }
}

/// Preorder from the root: (number → node, number → parent's number, node → number).
fn depth_first(heap: &Heap, follow: &impl Fn(NodeId, &Edge) -> bool) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let mut number = vec![UNREACHED; heap.node_count()];
    let mut order = Vec::with_capacity(heap.node_count());
    let mut parent = Vec::with_capacity(heap.node_count());
    // (node's number, next edge): one entry a level of the walk.
    let mut stack: Vec<(u32, u32)> = Vec::new();
    let root = heap.root();
    number[root.index()] = 0;
    order.push(root.0);
    parent.push(0);
    stack.push((0, heap.edge_range(root).start as u32));
    while let Some((at, next)) = stack.last_mut() {
        let node = NodeId(order[*at as usize]);
        let end = heap.edge_range(node).end as u32;
        let mut found = None;
        while *next < end {
            let edge = heap.edge_at(*next as usize);
            *next += 1;
            if number[edge.to.index()] == UNREACHED && follow(node, &edge) {
                found = Some(edge.to);
                break;
            }
        }
        match found {
            Some(child) => {
                let from = *at;
                let own = order.len() as u32;
                number[child.index()] = own;
                order.push(child.0);
                parent.push(from);
                stack.push((own, heap.edge_range(child).start as u32));
            }
            None => {
                stack.pop();
            }
        }
    }
    (order, parent, number)
}

/// Incoming followed edges in preorder numbers: starts (one more than nodes) and sources.
fn predecessors(
    heap: &Heap,
    order: &[u32],
    number: &[u32],
    follow: &impl Fn(NodeId, &Edge) -> bool,
) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; order.len() + 1];
    for &node in order {
        let node = NodeId(node);
        for edge in heap.edges(node) {
            if follow(node, &edge) {
                starts[number[edge.to.index()] as usize + 1] += 1;
            }
        }
    }
    for at in 0..order.len() {
        starts[at + 1] += starts[at];
    }
    let mut next = starts.clone();
    let mut sources = vec![0u32; starts[order.len()] as usize];
    for (from, &node) in order.iter().enumerate() {
        let node = NodeId(node);
        for edge in heap.edges(node) {
            if follow(node, &edge) {
                let slot = &mut next[number[edge.to.index()] as usize];
                sources[*slot as usize] = from as u32;
                *slot += 1;
            }
        }
    }
    (starts, sources)
}

fn semi_nca(parent: &[u32], starts: &[u32], sources: &[u32]) -> Vec<u32> {
    let count = parent.len();
    let mut semi: Vec<u32> = (0..count as u32).collect();
    let mut label = semi.clone();
    // Path-compressed copy of the tree; `parent` itself is needed again at the end.
    let mut ancestor = parent.to_vec();
    let mut path = Vec::new();
    for node in (1..count).rev() {
        let mut best = node as u32;
        for &source in &sources[starts[node] as usize..starts[node + 1] as usize] {
            best = best.min(evaluate(source, node as u32, &mut ancestor, &mut label, &semi, &mut path));
        }
        semi[node] = best;
        label[node] = node as u32;
    }
    // semi[node] is now the semi-dominator; the dominator is its nearest common ancestor with the parent.
    let mut idom = parent.to_vec();
    for node in 1..count {
        let mut dominator = idom[node];
        while dominator > semi[node] {
            dominator = idom[dominator as usize];
        }
        idom[node] = dominator;
    }
    idom
}

/// The smallest semi-dominator on the compressed path from `source` up to the forest's root. Nodes below
/// or equal to `linked` are not linked yet: they stand for themselves.
fn evaluate(
    source: u32,
    linked: u32,
    ancestor: &mut [u32],
    label: &mut [u32],
    semi: &[u32],
    path: &mut Vec<u32>,
) -> u32 {
    if source <= linked {
        return source;
    }
    path.clear();
    let mut at = source;
    while ancestor[at as usize] > linked {
        path.push(at);
        at = ancestor[at as usize];
    }
    // Compress: every node on the path jumps to the topmost one's ancestor and keeps the best label.
    let mut best = label[at as usize];
    let top = ancestor[at as usize];
    while let Some(node) = path.pop() {
        if semi[label[node as usize] as usize] > semi[best as usize] {
            label[node as usize] = best;
        } else {
            best = label[node as usize];
        }
        ancestor[node as usize] = top;
    }
    semi[best as usize]
}
