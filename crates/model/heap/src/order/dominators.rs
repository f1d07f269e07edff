//! Immediate dominators by Semi-NCA (Georgiadis, "Linear-Time Algorithms for Dominators and Related
//! Problems", 2005), on depth-first preorder numbers so that neighbours in the tree are neighbours in
//! memory.

use super::walk::{Answer, Walk};
use crate::graph::{Buffer, Column};
use crate::index::Shelf;
use crate::v8::Lens;
use crate::{Edge, Heap, Model, NodeId};

/// The dominator tree. 16 bytes a node.
///
/// Nodes stand in the tree's own preorder: what a node dominates follows it directly, [`Self::span`] nodes
/// long, itself included. Sums over a subtree are sums over a range.
pub struct Dominators {
    /// Position → node.
    order: Column<u32>,
    /// Position → number of nodes in its subtree.
    spans: Column<u32>,
    /// Position → position of the immediate dominator; the root's is itself.
    parents: Column<u32>,
    /// Node → position.
    positions: Column<u32>,
}

const UNREACHED: u32 = u32::MAX;

impl Dominators {
    /// Dominators from the heap's root under `model`.
    pub fn new(heap: &Heap, model: Model) -> Self {
        Self::of(heap, &Lens::new(heap, model))
    }

    /// Dominators as a model sees them. In the devtools model every node has a place: an *orphan*, met
    /// unreached in file order and the target of no essential edge, hangs from the root with all that it
    /// reaches; what is unreached even then (cycles that nothing points at) hangs from the root node by
    /// node and influences nothing else.
    pub fn of(heap: &Heap, lens: &Lens) -> Self {
        let walk =
            Walk::new(heap, |kind| lens.answer(heap, kind), |source, edge| lens.retains(heap, source, edge))
                .apart(lens.apart(heap), |kind| lens.answer_apart(kind));
        Self::walked(&walk, lens.model() == Model::DevTools)
    }

    /// Dominators from the heap's root over the edges that `follow` accepts.
    pub fn over(heap: &Heap, follow: impl Fn(NodeId, &Edge) -> bool) -> Self {
        Self::walked(&Walk::new(heap, |_| Answer::Ask, follow), false)
    }

    fn walked(walk: &Walk<'_, impl Fn(NodeId, &Edge) -> bool>, everything: bool) -> Self {
        let mut tree = DepthFirst::new(walk.heap);
        tree.visit(walk, walk.heap.root().0, 0);
        let mut reached = tree.count;
        if everything && reached < walk.heap.node_count() {
            tree.visit_orphans(walk);
            reached = tree.count;
            tree.append_the_rest();
        }
        let idom = semi_nca(walk, &mut tree, reached);
        Self::in_preorder(tree, idom)
    }

    /// Renumbers from the order of the walk to the preorder of the tree.
    fn in_preorder(tree: DepthFirst, mut idom: Buffer<u32>) -> Self {
        let count = tree.count;
        let DepthFirst { mut order, parent: mut position, number: mut positions, .. } = tree;
        let mut size = Buffer::<u32>::filled(count, 1);
        for at in (1..count).rev() {
            size[idom[at] as usize] += size[at];
        }
        // The arrays of the walk are reused: `position` of each number, and in `next` its next child's.
        let mut next = Buffer::<u32>::zeroed(count);
        position[0] = 0;
        next[0] = 1;
        for at in 1..count {
            let dominator = idom[at] as usize;
            let here = next[dominator];
            next[dominator] += size[at];
            position[at] = here;
            next[at] = here + 1;
        }
        let mut spans = next;
        for at in 0..count {
            spans[position[at] as usize] = size[at];
        }
        let mut parents = size;
        for at in 0..count {
            parents[position[at] as usize] = position[idom[at] as usize];
        }
        for at in 0..count {
            let node = order[at];
            positions[node as usize] = position[at];
            idom[position[at] as usize] = node;
        }
        order = idom;
        order.truncate(count);
        Self {
            order: order.into(),
            spans: spans.into(),
            parents: parents.into(),
            positions: positions.into(),
        }
    }

    /// Keeps the tree.
    pub fn keep(self, shelf: &Shelf<'_>) -> Self {
        Self {
            order: shelf.park("order", self.order),
            spans: shelf.park("spans", self.spans),
            parents: shelf.park("parents", self.parents),
            positions: shelf.park("positions", self.positions),
        }
    }

    /// The tree as [`Self::keep`] kept it.
    pub fn kept(heap: &Heap, shelf: &Shelf<'_>) -> Option<Self> {
        let order: Column<u32> = shelf.column("order")?;
        Some(Self {
            spans: shelf.column_of("spans", order.len())?,
            parents: shelf.column_of("parents", order.len())?,
            positions: shelf.column_of("positions", heap.node_count())?,
            order,
        })
    }

    /// The immediate dominator; `None` for the root and for what cannot be reached.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        match self.positions[node.index()] {
            0 | UNREACHED => None,
            position => Some(NodeId(self.order[self.parents[position as usize] as usize])),
        }
    }

    /// Whether the node has a place in the tree: in the gc model, whether the root reaches it.
    pub fn is_reached(&self, node: NodeId) -> bool {
        self.positions[node.index()] != UNREACHED
    }

    /// The nodes of the tree, dominators before what they dominate, subtrees together.
    pub fn top_down(&self) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + Clone + '_ {
        self.order.iter().map(|&node| NodeId(node))
    }

    /// Number of nodes that `node` dominates, itself included; 0 for what cannot be reached.
    pub fn span(&self, node: NodeId) -> usize {
        match self.positions[node.index()] {
            UNREACHED => 0,
            position => self.spans[position as usize] as usize,
        }
    }

    /// The nodes that `node` dominates, itself first.
    pub fn subtree(&self, node: NodeId) -> impl ExactSizeIterator<Item = NodeId> + '_ {
        let start = match self.positions[node.index()] {
            UNREACHED => 0,
            position => position as usize,
        };
        self.order[start..start + self.span(node)].iter().map(|&node| NodeId(node))
    }

    /// The nodes that `node` immediately dominates.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let (mut at, end) = match self.positions[node.index()] {
            UNREACHED => (0, 0),
            position => (position as usize + 1, position as usize + self.span(node)),
        };
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let child = NodeId(self.order[at]);
                at += self.spans[at] as usize;
                child
            })
        })
    }

    /// Positions of the tree's preorder with the node and the end of its subtree.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (NodeId, std::ops::Range<u32>)> + '_ {
        (self.order.iter().zip(self.spans.iter()).zip(0u32..))
            .map(|((&node, &span), start)| (NodeId(node), start..start + span))
    }

    /// Adds every node's value to its dominators: `values[n]` becomes the sum over the nodes that `n`
    /// dominates, itself included. One entry a node of the heap.
    pub fn accumulate(&self, values: &mut [u64]) {
        for position in (1..self.order.len()).rev() {
            let value = values[self.order[position] as usize];
            let dominator = self.order[self.parents[position] as usize] as usize;
            values[dominator] = values[dominator].saturating_add(value);
        }
    }

    /// Retained size (bytes) of every node; 0 for what cannot be reached.
    pub fn retained(&self, heap: &Heap) -> Column<u64> {
        self.sums(heap, |node| heap.self_size(node))
    }

    /// Retained size (bytes) of every node with the sizes that a model gives.
    pub fn retained_by(&self, heap: &Heap, lens: &Lens) -> Column<u64> {
        let sizes = lens.sizes(heap);
        self.sums(heap, |node| sizes.get(node))
    }

    fn sums(&self, heap: &Heap, size: impl Fn(NodeId) -> u64) -> Column<u64> {
        // In the order of the tree first, where dominators are near.
        let mut sums = Buffer::<u64>::zeroed(self.order.len());
        for (sum, &node) in sums.iter_mut().zip(self.order.iter()) {
            *sum = size(NodeId(node));
        }
        for position in (1..sums.len()).rev() {
            let dominator = self.parents[position] as usize;
            sums[dominator] = sums[dominator].saturating_add(sums[position]);
        }
        let mut retained = Buffer::<u64>::zeroed(heap.node_count());
        for (&sum, &node) in sums.iter().zip(self.order.iter()) {
            retained[node as usize] = sum;
        }
        retained.into()
    }
}

/// A depth-first walk: preorder numbers. Every array is as long as the heap has nodes.
struct DepthFirst {
    /// Numbers given.
    count: usize,
    /// Number → node.
    order: Buffer<u32>,
    /// Number → number of the node it was reached from.
    parent: Buffer<u32>,
    /// Node → number.
    number: Buffer<u32>,
    /// (number, next edge): one entry a level of the walk.
    stack: Vec<(u32, u32)>,
}

impl DepthFirst {
    fn new(heap: &Heap) -> Self {
        let nodes = heap.node_count();
        Self {
            count: 0,
            order: Buffer::zeroed(nodes),
            parent: Buffer::zeroed(nodes),
            number: Buffer::filled(nodes, UNREACHED),
            stack: Vec::new(),
        }
    }

    fn add(&mut self, node: u32, from: u32) -> u32 {
        let own = self.count as u32;
        self.number[node as usize] = own;
        self.order[self.count] = node;
        self.parent[self.count] = from;
        self.count += 1;
        own
    }

    /// Walks from `start`, reached from the number `from`.
    fn visit(&mut self, walk: &Walk<'_, impl Fn(NodeId, &Edge) -> bool>, start: u32, from: u32) {
        let (first_edges, targets) = (&walk.heap.nodes.first_edges[..], &walk.heap.edges.targets[..]);
        let own = self.add(start, from);
        self.stack.push((own, first_edges[start as usize]));
        while let Some(&(at, next)) = self.stack.last() {
            let node = self.order[at as usize];
            let end = first_edges[node as usize + 1];
            let from = walk.from(node);
            let found = (next..end).find(|&edge| {
                self.number[targets[edge as usize] as usize] == UNREACHED && from.follows(edge as usize)
            });
            match found {
                Some(edge) => {
                    let child = targets[edge as usize];
                    if let Some(top) = self.stack.last_mut() {
                        top.1 = edge + 1;
                    }
                    let own = self.add(child, at);
                    self.stack.push((own, first_edges[child as usize]));
                }
                None => {
                    self.stack.pop();
                }
            }
        }
    }

    /// Walks from every node that is unreached when its turn comes and that nothing points at.
    fn visit_orphans(&mut self, walk: &Walk<'_, impl Fn(NodeId, &Edge) -> bool>) {
        let heap = walk.heap;
        // Whatever points at an unreached node is unreached itself.
        let mut pointed_at = vec![false; heap.node_count()];
        for node in heap.nodes().filter(|node| self.number[node.index()] == UNREACHED) {
            let from = walk.from(node.0);
            for edge in heap.edge_range(node) {
                let target = heap.edges.targets[edge];
                if target != node.0 && from.follows(edge) {
                    pointed_at[target as usize] = true;
                }
            }
        }
        for node in heap.nodes() {
            if self.number[node.index()] == UNREACHED && !pointed_at[node.index()] {
                self.visit(walk, node.0, 0);
            }
        }
    }

    /// Gives the rest numbers too, as children of the root.
    fn append_the_rest(&mut self) {
        for node in 0..self.number.len() {
            if self.number[node] == UNREACHED {
                self.add(node as u32, 0);
            }
        }
    }
}

/// Immediate dominators in the walk's numbers. Of `tree`, only the first `reached` numbers have influence.
///
/// Memory is what this costs, so arrays take each other's place: see [`Influences`].
fn semi_nca(
    walk: &Walk<'_, impl Fn(NodeId, &Edge) -> bool>,
    tree: &mut DepthFirst,
    reached: usize,
) -> Buffer<u32> {
    let count = tree.count;
    let Influences { mut forest, mut starts, sources } = Influences::of(walk, tree, reached);
    // From here on the nodes' own numbers are not needed until the end.
    let numbered = tree.number.len();
    tree.number = Buffer::zeroed(0);
    let mut path = Vec::new();
    for node in (1..count).rev() {
        let mut best = forest[node] as u32;
        for &source in &sources[starts[node] as usize..starts[node + 1] as usize] {
            best = best.min(evaluate(source, node as u32, &mut forest, &mut path));
        }
        forest[node] = forest[node] & ANCESTOR | u64::from(best);
        // Nobody asks for this start again: the semi-dominator takes its place.
        starts[node + 1] = best;
    }
    drop(sources);
    drop(forest);
    let semi = |node: usize| starts[node + 1];
    // The dominator is the nearest common ancestor of the semi-dominator and the parent.
    let mut idom = Buffer::<u32>::zeroed(count);
    idom.copy_from_slice(&tree.parent[..count]);
    for node in 1..count {
        let (mut dominator, semi) = (idom[node], semi(node));
        while dominator > semi {
            dominator = idom[dominator as usize];
        }
        idom[node] = dominator;
    }
    drop(starts);
    tree.number = Buffer::filled(numbered, UNREACHED);
    for (number, &node) in (0u32..).zip(&tree.order[..count]) {
        tree.number[node as usize] = number;
    }
    idom
}

/// The half of a forest's entry that holds the ancestor.
const ANCESTOR: u64 = !(u32::MAX as u64);

/// The edges that decide about dominators, in the walk's numbers.
///
/// In a depth-first order an edge that leads to a larger number comes from an ancestor, and all that it can
/// say about semi-dominators is its own source. Only the others, which lead back or across, are kept.
struct Influences {
    /// Of every node the ancestor to jump to (high half) and the smallest semi-dominator on the way there
    /// (low half), side by side because they are read together. At first the parent, and the smallest
    /// source of an edge to a larger number.
    forest: Buffer<u64>,
    /// The sources of the other edges to number `n` are `sources[starts[n]..starts[n + 1]]`.
    starts: Buffer<u32>,
    sources: Buffer<u32>,
}

impl Influences {
    fn of(walk: &Walk<'_, impl Fn(NodeId, &Edge) -> bool>, tree: &DepthFirst, reached: usize) -> Self {
        let count = tree.count;
        let mut forest = Buffer::<u64>::zeroed(count);
        for (entry, &parent) in forest.iter_mut().zip(&tree.parent[..count]) {
            *entry = u64::from(parent) << 32 | u64::from(parent);
        }
        let mut starts = Buffer::<u32>::zeroed(count + 1);
        each_followed(walk, tree, reached, |from, to| {
            if from < to {
                // The smaller low half makes the smaller entry.
                let entry = &mut forest[to as usize];
                *entry = (*entry).min(*entry & ANCESTOR | u64::from(from));
            } else if from > to {
                starts[to as usize + 1] += 1;
            }
        });
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut sources = Buffer::<u32>::zeroed(starts[count] as usize);
        // Filling moves each start to its end, which is the next one's start.
        each_followed(walk, tree, reached, |from, to| {
            if from > to {
                let slot = &mut starts[to as usize];
                sources[*slot as usize] = from;
                *slot += 1;
            }
        });
        for at in (1..=count).rev() {
            starts[at] = starts[at - 1];
        }
        starts[0] = 0;
        Self { forest, starts, sources }
    }
}

/// Every followed edge between reached nodes, as numbers.
#[inline]
fn each_followed(
    walk: &Walk<'_, impl Fn(NodeId, &Edge) -> bool>,
    tree: &DepthFirst,
    reached: usize,
    mut visit: impl FnMut(u32, u32),
) {
    let heap = walk.heap;
    let (number, targets) = (&tree.number[..], &heap.edges.targets[..]);
    // In the order of the file: the edges then come one after the other.
    for (node, &number_from) in (0u32..).zip(number) {
        if (number_from as usize) >= reached {
            continue;
        }
        let from = walk.from(node);
        for edge in heap.edge_range(NodeId(node)) {
            if from.follows(edge) {
                visit(number_from, number[targets[edge] as usize]);
            }
        }
    }
}

/// The smallest semi-dominator on the compressed path from `source`, which is linked, up to the forest's
/// root. Numbers up to `linked` are not linked yet.
#[inline]
fn evaluate(source: u32, linked: u32, forest: &mut [u64], path: &mut Vec<u32>) -> u32 {
    let ancestor = |entry: u64| (entry >> 32) as u32;
    let mut at = source;
    let mut entry = forest[at as usize];
    while ancestor(entry) > linked {
        path.push(at);
        at = ancestor(entry);
        entry = forest[at as usize];
    }
    // Compress: every node on the path jumps to the topmost one's ancestor and keeps the best label.
    let mut best = entry as u32;
    let top = entry & ANCESTOR;
    while let Some(node) = path.pop() {
        best = best.min(forest[node as usize] as u32);
        forest[node as usize] = top | u64::from(best);
    }
    best
}
