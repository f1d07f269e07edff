//! Realms: which native context (global object, `vm` context, frame) an object belongs to.

use crate::graph::Buffer;
use crate::v8::Landmarks;
use crate::{EdgeKind, Heap, Lens, NodeId};

/// Whose a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Realm {
    /// One native context's: a number of [`Realms::contexts`].
    Of(usize),
    /// More than one native context reaches it.
    Shared,
    /// None does.
    Nobodys,
}

/// Objects and bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealmSizes {
    /// What is one context's alone, as [`Realms::contexts`].
    pub own: Vec<(u64, u64)>,
    /// What several reach.
    pub shared: (u64, u64),
    /// What none reaches.
    pub nobodys: (u64, u64),
}

const NOBODYS: u32 = u32::MAX;
const SHARED: u32 = u32::MAX - 1;

/// The realm of every node. 4 bytes a node.
///
/// An object is its native context's for certain when its map's map says so; from these objects ownership
/// spreads over all edges but weak ones and shortcuts to what does not know its own realm.
pub struct Realms {
    contexts: Vec<NodeId>,
    of_node: Buffer<u32>,
}

impl Realms {
    /// Finds the native contexts and what is theirs.
    pub fn new(heap: &Heap, marks: &Landmarks) -> Self {
        let contexts: Vec<NodeId> =
            heap.nodes().filter(|&node| marks.is_native_context(heap, node)).collect();
        let number = |node: NodeId| contexts.binary_search(&node).ok().map(|at| at as u32);
        let internal = |node: NodeId, name: Option<u32>| {
            heap.edges(node)
                .filter(move |edge| edge.kind == EdgeKind::Internal && Some(edge.name_or_index) == name)
                .map(|edge| edge.to)
        };
        let map = heap.strings().position("map");
        let native_context = heap.strings().position("native_context");
        // Maps are few: what each says is found out once.
        let mut said = Buffer::filled(heap.node_count(), NOBODYS);
        for node in heap.nodes() {
            if let Some(owner) = internal(node, native_context).find_map(number) {
                said[node.index()] = owner;
            }
        }
        let mut of_node = Buffer::filled(heap.node_count(), NOBODYS);
        let mut spreading = Vec::new();
        for node in heap.nodes() {
            let by_map = || {
                let meta = internal(node, map).next().and_then(|map_of| internal(map_of, map).next())?;
                Some(said[meta.index()]).filter(|&owner| owner != NOBODYS)
            };
            if let Some(owner) = number(node).or_else(by_map) {
                of_node[node.index()] = owner;
                spreading.push(node);
            }
        }
        let mut fixed = crate::NodeSet::empty(heap.node_count());
        spreading.iter().for_each(|&node| _ = fixed.insert(node));
        while let Some(node) = spreading.pop() {
            let owner = of_node[node.index()];
            for edge in heap.edges(node) {
                if matches!(edge.kind, EdgeKind::Weak | EdgeKind::Shortcut) || fixed.contains(edge.to) {
                    continue;
                }
                let known = &mut of_node[edge.to.index()];
                let joined = if *known == NOBODYS || *known == owner { owner } else { SHARED };
                if joined != *known {
                    *known = joined;
                    spreading.push(edge.to);
                }
            }
        }
        Self { contexts, of_node }
    }

    /// The native contexts, in file order.
    pub fn contexts(&self) -> &[NodeId] {
        &self.contexts
    }

    /// Whose a node is.
    pub fn of(&self, node: NodeId) -> Realm {
        match self.of_node[node.index()] {
            NOBODYS => Realm::Nobodys,
            SHARED => Realm::Shared,
            number => Realm::Of(number as usize),
        }
    }

    /// Objects and bytes (a model's shallow sizes) of every context, of several, and of nobody.
    pub fn sizes(&self, heap: &Heap, lens: &Lens) -> RealmSizes {
        let sizes = lens.sizes(heap);
        let mut sums = RealmSizes { own: vec![(0, 0); self.contexts.len()], ..RealmSizes::default() };
        for node in heap.nodes() {
            let sum = match self.of(node) {
                Realm::Of(number) => &mut sums.own[number],
                Realm::Shared => &mut sums.shared,
                Realm::Nobodys => &mut sums.nobodys,
            };
            *sum = (sum.0 + 1, sum.1 + sizes.get(node));
        }
        sums
    }
}
