//! Distances from the roots, as the class table shows them.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Walk;
use crate::graph::{Buffer, Column};
use crate::index::Shelf;
use crate::v8::Lens;
use crate::{Edge, EdgeKind, Heap, Model, NodeId, NodeKind};

/// A distance for every node. 4 bytes a node.
///
/// In the gc model: edges from the root over retaining edges. In the devtools model: edges from the user
/// roots, which have 1; what only the root itself reaches has [`Levels::SYSTEM`] and more.
pub struct Levels(Column<i32>);

impl Levels {
    /// The distance of what cannot be reached.
    pub const NONE: i32 = -5;
    /// Distance of the root in the devtools model, where there are user roots.
    pub const SYSTEM: i32 = 100_000_000;

    /// Distances as a model counts them.
    pub fn of(heap: &Heap, lens: &Lens) -> Self {
        let mut search = Search::new(heap);
        match lens.model() {
            Model::Gc => {
                let walk =
                    Walk::new(heap, |kind| lens.answer(heap, kind), |from, edge| heap.retains(from, edge));
                search.start(heap.root(), 0);
                search.run(heap, |source, edge| walk.from(source).follows(edge));
            }
            Model::DevTools => {
                let mut skips = Skips::new(heap);
                for &root in lens.user_roots() {
                    search.start(root, 1);
                }
                search.run(heap, |source, edge| skips.follows(NodeId(source), &heap.edge_at(edge)));
                let left_out = std::mem::take(&mut skips.left_out);
                lens.learn_page_owned(heap, |node| search.level[node.index()] != Self::NONE, left_out);
                let system = !lens.user_roots().is_empty();
                search.level[heap.root().index()] = Self::NONE;
                search.start(heap.root(), if system { Self::SYSTEM } else { 0 });
                search.run(heap, |source, edge| skips.follows(NodeId(source), &heap.edge_at(edge)));
            }
        }
        Self(search.level.into())
    }

    /// Keeps the distances.
    pub fn keep(self, shelf: &Shelf<'_>) -> Self {
        Self(shelf.park("levels", self.0))
    }

    /// The distances as [`Self::keep`] kept them.
    pub fn kept(heap: &Heap, shelf: &Shelf<'_>) -> Option<Self> {
        shelf.column_of("levels", heap.node_count()).map(Self)
    }

    /// The node's distance; [`Self::NONE`] when it cannot be reached.
    pub fn get(&self, node: NodeId) -> i32 {
        self.0[node.index()]
    }
}

/// A breadth-first search.
struct Search {
    level: Buffer<i32>,
    queue: Buffer<u32>,
    /// Entries of the queue: taken, filled.
    taken: usize,
    filled: usize,
}

impl Search {
    fn new(heap: &Heap) -> Self {
        let nodes = heap.node_count();
        // A node is queued at most once, the root perhaps once more.
        Self {
            level: Buffer::filled(nodes, Levels::NONE),
            queue: Buffer::zeroed(nodes + 1),
            taken: 0,
            filled: 0,
        }
    }

    fn start(&mut self, node: NodeId, level: i32) {
        if self.level[node.index()] == Levels::NONE {
            self.level[node.index()] = level;
            self.queue[self.filled] = node.0;
            self.filled += 1;
        }
    }

    fn run(&mut self, heap: &Heap, mut follows: impl FnMut(u32, usize) -> bool) {
        let targets = &heap.edges.targets[..];
        while self.taken < self.filled {
            let node = self.queue[self.taken];
            self.taken += 1;
            let next = self.level[node as usize] + 1;
            for edge in heap.edge_range(NodeId(node)) {
                let target = targets[edge] as usize;
                if self.level[target] == Levels::NONE && follows(node, edge) {
                    self.level[target] = next;
                    self.queue[self.filled] = target as u32;
                    self.filled += 1;
                }
            }
        }
    }
}

/// The edges that DevTools leaves out when it counts distances.
struct Skips<'h> {
    heap: &'h Heap,
    native_context: Option<u32>,
    sloppy_function_map: Option<u32>,
    map_descriptors: Option<u32>,
    /// Name of an ephemeron edge → its pair, which the key's and the table's edge share.
    pairs: FxHashMap<u32, u32>,
    /// Pairs of which one half has been met.
    met: FxHashSet<u32>,
    /// Where the edges lead that were not followed, the weak ones apart.
    left_out: Vec<NodeId>,
}

impl<'h> Skips<'h> {
    fn new(heap: &'h Heap) -> Self {
        let strings = heap.strings();
        let mut by_text: FxHashMap<String, u32> = FxHashMap::default();
        let mut names: Vec<u32> = heap.ephemeron_tables.keys().copied().collect();
        names.sort_unstable();
        let mut pairs = FxHashMap::default();
        for name in names {
            let text = strings.get(name);
            let pair = text.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
            let count = by_text.len() as u32;
            pairs.insert(name, *by_text.entry(pair).or_insert(count));
        }
        Self {
            heap,
            native_context: strings.position("system / NativeContext"),
            sloppy_function_map: strings.position("sloppy_function_map"),
            map_descriptors: strings.position("(map descriptors)"),
            pairs,
            met: FxHashSet::default(),
            left_out: Vec::new(),
        }
    }

    fn follows(&mut self, source: NodeId, edge: &Edge) -> bool {
        if edge.kind == EdgeKind::Weak {
            return false;
        }
        let follows = self.counts(source, edge);
        if !follows {
            self.left_out.push(edge.to);
        }
        follows
    }

    fn counts(&mut self, source: NodeId, edge: &Edge) -> bool {
        let heap = self.heap;
        let indexed = edge.kind.is_indexed();
        let is = |name: Option<u32>, index: u32| name == Some(index);
        match heap.kind(source) {
            NodeKind::Hidden
                if !indexed
                    && is(self.sloppy_function_map, edge.name_or_index)
                    && is(self.native_context, heap.name_index(source)) =>
            {
                return false;
            }
            NodeKind::Array if is(self.map_descriptors, heap.name_index(source)) => {
                let number = match indexed {
                    true => Some(edge.name_or_index),
                    false => heap.strings().get(edge.name_or_index).parse().ok(),
                };
                if number.is_some_and(|number| number >= 2 && number % 3 == 1) {
                    return false;
                }
            }
            _ => {}
        }
        if edge.kind == EdgeKind::Internal
            && heap.ephemeron_names.contains(edge.name_or_index)
            && let Some(&pair) = self.pairs.get(&edge.name_or_index)
        {
            // The value is one edge away from whichever half comes second.
            return self.met.remove(&pair) || {
                self.met.insert(pair);
                false
            };
        }
        true
    }
}
