//! Growth between snapshots of one process, by identity.
//!
//! [`Births`] says which objects were born after the first snapshot and are still alive; [`Windows`] which
//! collections merely replace their members; [`points`] where growth fans out on the dominator tree.

mod births;
mod history;
mod points;
mod windows;

pub(crate) use births::Births;
pub(crate) use history::{Followed, History, histories};
pub(crate) use points::{Point, Shape, points};
pub(crate) use windows::Windows;

use leakhound_heap::v8::{Landmarks, Scripts};
use leakhound_heap::{Dominators, Heap, NodeId, NodeKind, Reverse};

/// The last heap with everything the search asks of it.
pub(crate) struct Scene<'a> {
    pub(crate) heap: &'a Heap,
    pub(crate) marks: Landmarks,
    pub(crate) scripts: Scripts,
    pub(crate) reverse: Reverse,
    /// Dominators over owning edges: what bounded windows point at is not theirs.
    pub(crate) dominators: Dominators,
    pub(crate) tree: Tree,
    /// Retained size of every node, by the same dominators.
    pub(crate) retained: leakhound_heap::graph::Column<u64>,
}

/// A tree over the nodes of a heap, downwards and as nested intervals.
pub(crate) struct Tree {
    starts: Vec<u32>,
    nodes: Vec<u32>,
    enter: Vec<u32>,
    leave: Vec<u32>,
}

impl Tree {
    /// From the nodes in an order in which parents come first, and each one's parent.
    pub(crate) fn new(
        heap: &Heap,
        top_down: impl Iterator<Item = NodeId> + Clone,
        parent: impl Fn(NodeId) -> Option<NodeId>,
    ) -> Self {
        let mut starts = vec![0u32; heap.node_count() + 1];
        for node in top_down.clone() {
            if let Some(parent) = parent(node) {
                starts[parent.index() + 1] += 1;
            }
        }
        for node in 0..heap.node_count() {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut nodes = vec![0u32; starts[heap.node_count()] as usize];
        let mut root = heap.root();
        for node in top_down {
            match parent(node) {
                Some(parent) => {
                    let slot = &mut next[parent.index()];
                    nodes[*slot as usize] = node.index() as u32;
                    *slot += 1;
                }
                None => root = node,
            }
        }
        let mut tree =
            Self { starts, nodes, enter: vec![0; heap.node_count()], leave: vec![0; heap.node_count()] };
        tree.number(root);
        tree
    }

    fn number(&mut self, root: NodeId) {
        let mut clock = 1;
        self.enter[root.index()] = clock;
        let mut stack = vec![(root.index(), self.starts[root.index()])];
        while let Some((node, next)) = stack.last_mut() {
            if *next < self.starts[*node + 1] {
                let child = self.nodes[*next as usize] as usize;
                *next += 1;
                clock += 1;
                self.enter[child] = clock;
                stack.push((child, self.starts[child]));
            } else {
                self.leave[*node] = clock;
                stack.pop();
            }
        }
    }

    pub(crate) fn children(&self, node: NodeId) -> impl ExactSizeIterator<Item = NodeId> + '_ {
        self.nodes[self.starts[node.index()] as usize..self.starts[node.index() + 1] as usize]
            .iter()
            .map(|&node| NodeId::from_index(node as usize))
    }

    /// Whether `above` is `below` or one of its ancestors.
    pub(crate) fn covers(&self, above: NodeId, below: NodeId) -> bool {
        let (enter, leave) = (self.enter[above.index()], self.leave[above.index()]);
        enter != 0 && (enter..=leave).contains(&self.enter[below.index()])
    }

    /// All nodes below `node`, itself first.
    pub(crate) fn subtree(&self, node: NodeId) -> Subtree<'_> {
        Subtree { tree: self, stack: vec![node] }
    }
}

pub(crate) struct Subtree<'a> {
    tree: &'a Tree,
    stack: Vec<NodeId>,
}

impl Iterator for Subtree<'_> {
    type Item = NodeId;
    fn next(&mut self) -> Option<NodeId> {
        let node = self.stack.pop()?;
        self.stack.extend(self.tree.children(node));
        Some(node)
    }
}

impl<'a> Scene<'a> {
    pub(crate) fn new(heap: &'a Heap, windows: &Windows) -> Self {
        let marks = Landmarks::new(heap);
        let scripts = Scripts::new(heap, &marks);
        let dominators =
            Dominators::over(heap, |source, edge| heap.retains(source, edge) && !windows.cuts(source, edge));
        let tree = Tree::new(heap, dominators.top_down(), |node| dominators.parent(node));
        let retained = dominators.retained(heap);
        Self { heap, marks, scripts, reverse: Reverse::new(heap), dominators, tree, retained }
    }

    /// Class of a node; closures by their own name.
    pub(crate) fn label(&self, node: NodeId) -> String {
        if self.heap.kind(node) == NodeKind::Closure {
            let name = self.heap.name(node);
            return if name.is_empty() { "(anonymous function)".into() } else { name.into_owned() };
        }
        let class = self.marks.class(self.heap, node);
        // V8's own types are told by name: a promise's reactions are more than "(system)".
        if class == "(system)" {
            let name = self.heap.name(node);
            let name = name.strip_prefix("system / ").unwrap_or(&name);
            return if name.is_empty() { class.into_owned() } else { name.to_owned() };
        }
        class.into_owned()
    }

    /// Variables and code around objects: never a holder by itself, only the way to one.
    pub(crate) fn is_plumbing(&self, node: NodeId) -> bool {
        self.is_transparent(node)
            || self.marks.is_context(self.heap, node)
            || matches!(self.heap.kind(node), NodeKind::Code | NodeKind::ObjectShape)
    }

    /// Roots, realms and other plumbing that can never be a holder.
    pub(crate) fn is_transparent(&self, node: NodeId) -> bool {
        node == self.heap.root()
            || self.heap.kind(node) == NodeKind::Synthetic
            || self.marks.is_native_context(self.heap, node)
            || self.marks.global() == Some(node)
    }
}
