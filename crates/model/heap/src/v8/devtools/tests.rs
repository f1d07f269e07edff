//! The devtools model against naive readings of its rules, on random heaps with every kind of edge.

use proptest::prelude::*;

use crate::{Dominators, EdgeKind, Heap, Lens, Levels, Model, NodeId, NodeKind};

const KINDS: [&str; 6] = ["synthetic", "hidden", "array", "object", "native", "string"];
const SYNTHETIC: u8 = 0;

#[derive(Clone, Debug)]
struct Sketch {
    /// Index into [`KINDS`] and detachedness of each node; node 0 is the root.
    nodes: Vec<(u8, u8)>,
    /// From, to, kind.
    edges: Vec<(usize, usize, u8)>,
}

fn sketches() -> impl Strategy<Value = Sketch> {
    (2usize..24).prop_flat_map(|count| {
        let nodes = prop::collection::vec((0u8..6, 0u8..3), count);
        let edges = prop::collection::vec((0..count, 0..count, 0u8..7), 0..count * 3);
        // The root has shortcuts in most snapshots: they are what makes a user root page-owned.
        let shortcuts = prop::collection::vec((Just(0usize), 0..count, Just(5u8)), 0..3);
        (nodes, edges, shortcuts).prop_map(|(mut nodes, mut edges, shortcuts)| {
            nodes[0] = (SYNTHETIC, 0);
            edges.extend(shortcuts);
            edges.sort_by_key(|edge| edge.0);
            Sketch { nodes, edges }
        })
    })
}

fn read(sketch: &Sketch) -> Heap {
    let kinds = KINDS.map(|kind| format!("{kind:?}")).join(",");
    let nodes: Vec<String> = (sketch.nodes.iter().enumerate())
        .map(|(node, &(kind, detachedness))| {
            let degree = sketch.edges.iter().filter(|edge| edge.0 == node).count();
            format!("{kind},0,{},{},{degree},{detachedness}", node * 2 + 1, (node + 1) * 8)
        })
        .collect();
    let edges: Vec<String> =
        sketch.edges.iter().map(|&(_, to, kind)| format!("{kind},0,{}", to * 6)).collect();
    let text = format!(
        r#"{{"snapshot":{{"meta":{{"node_fields":["type","name","id","self_size","edge_count","detachedness"],
        "node_types":[[{kinds}],"string","number","number","number","number"],
        "edge_fields":["type","name_or_index","to_node"],
        "edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"]}},
        "node_count":{},"edge_count":{}}},"nodes":[{}],"edges":[{}],"strings":["x"]}}"#,
        nodes.len(),
        edges.len(),
        nodes.join(","),
        edges.join(",")
    );
    Heap::read(text.into_bytes().into(), &()).unwrap()
}

/// The rules once more, each in the most obvious way.
struct Naive<'a> {
    heap: &'a Heap,
    count: usize,
    edges: Vec<(usize, usize, EdgeKind)>,
    user_roots: Vec<usize>,
    page_owned: Vec<bool>,
}

impl<'a> Naive<'a> {
    fn new(heap: &'a Heap) -> Self {
        let count = heap.node_count();
        let edges: Vec<_> = (heap.nodes())
            .flat_map(|from| heap.edges(from).map(move |edge| (from.index(), edge.to.index(), edge.kind)))
            .collect();
        let kind = |node: usize| heap.kind(NodeId::from_index(node));
        let user_roots: Vec<usize> = (edges.iter())
            .filter(|&&(from, to, _)| from == 0 && kind(to) != NodeKind::Synthetic)
            .map(|&(_, to, _)| to)
            .collect();
        let mut page_owned = vec![false; count];
        if !user_roots.is_empty() {
            for &(from, to, edge) in &edges {
                page_owned[to] |= from == 0 && edge == EdgeKind::Shortcut;
            }
            for _ in 0..count {
                for &(from, to, edge) in &edges {
                    page_owned[to] |= page_owned[from] && edge != EdgeKind::Weak;
                }
            }
        }
        Self { heap, count, edges, user_roots, page_owned }
    }

    fn is_essential(&self, (from, to, kind): (usize, usize, EdgeKind)) -> bool {
        let from_system = kind == EdgeKind::Shortcut || self.page_owned[to] && !self.page_owned[from];
        kind != EdgeKind::Weak && from != to && (from == 0 || !from_system)
    }

    fn sizes(&self) -> Vec<u64> {
        let node = NodeId::from_index;
        let own = |at: usize| self.heap.self_size(node(at));
        let mut sizes: Vec<u64> = (0..self.count).map(own).collect();
        if self.user_roots.is_empty() {
            return sizes;
        }
        let is_candidate = |at: usize| matches!(self.heap.kind(node(at)), NodeKind::Hidden | NodeKind::Array);
        // All owners, not only whether there is one.
        let mut owners: Vec<std::collections::BTreeSet<usize>> =
            (0..self.count).map(|at| if is_candidate(at) { [].into() } else { [at].into() }).collect();
        for _ in 0..self.count {
            for &(from, to, kind) in &self.edges {
                if kind != EdgeKind::Weak && is_candidate(to) {
                    let more = owners[from].clone();
                    owners[to].extend(more);
                }
            }
        }
        for at in (0..self.count).filter(|&at| is_candidate(at)) {
            let Some(&owner) = owners[at].first() else { continue };
            if owners[at].len() == 1 && owner != 0 && self.heap.kind(node(owner)) != NodeKind::Synthetic {
                sizes[owner] += own(at);
                sizes[at] = 0;
            }
        }
        sizes
    }

    /// What the root reaches over the given edges, without one node.
    fn reached(&self, edges: &[(usize, usize)], without: usize) -> Vec<bool> {
        let mut reached = vec![false; self.count];
        reached[0] = without != 0;
        for _ in 0..self.count {
            for &(from, to) in edges {
                reached[to] |= reached[from] && to != without;
            }
        }
        reached
    }

    /// The immediate dominator of every node but the root.
    fn dominators(&self) -> Vec<usize> {
        let mut edges: Vec<(usize, usize)> = (self.edges.iter())
            .filter(|&&edge| self.is_essential(edge))
            .map(|&(from, to, _)| (from, to))
            .collect();
        let incoming: Vec<bool> =
            (0..self.count).map(|node| edges.iter().any(|&(_, to)| to == node)).collect();
        for node in 0..self.count {
            if !incoming[node] && !self.reached(&edges, usize::MAX)[node] {
                edges.push((0, node));
            }
        }
        let all = self.reached(&edges, usize::MAX);
        let without: Vec<Vec<bool>> = (0..self.count).map(|node| self.reached(&edges, node)).collect();
        let dominates = |one: usize, other: usize| one != other && all[other] && !without[one][other];
        (0..self.count)
            .map(|node| {
                let strict = (0..self.count).filter(|&one| dominates(one, node));
                // The nearest is the one that all others dominate.
                strict.max_by_key(|&one| (0..self.count).filter(|&x| dominates(x, one)).count()).unwrap_or(0)
            })
            .collect()
    }

    fn levels(&self) -> Vec<i32> {
        let mut levels = vec![Levels::NONE; self.count];
        let spread = |levels: &mut Vec<i32>, may: &dyn Fn(usize) -> bool, open: &[bool]| {
            for _ in 0..self.count {
                for &(from, to, kind) in &self.edges {
                    if kind == EdgeKind::Weak || levels[from] == Levels::NONE || !may(from) || !open[to] {
                        continue;
                    }
                    let next = levels[from] + 1;
                    if levels[to] == Levels::NONE || levels[to] > next {
                        levels[to] = next;
                    }
                }
            }
        };
        self.user_roots.iter().for_each(|&root| levels[root] = 1);
        let open: Vec<bool> = levels.iter().map(|&level| level == Levels::NONE).collect();
        spread(&mut levels, &|_| true, &open);
        let mut open: Vec<bool> = levels.iter().map(|&level| level == Levels::NONE).collect();
        open[0] = false;
        levels[0] = if self.user_roots.is_empty() { 0 } else { Levels::SYSTEM };
        let again = open.clone();
        spread(&mut levels, &|from| from == 0 || again[from], &open);
        levels
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn sizes_edges_dominators_and_distances_follow_the_rules(sketch in sketches()) {
        let heap = read(&sketch);
        let lens = Lens::new(&heap, Model::DevTools);
        let naive = Naive::new(&heap);
        let sizes = naive.sizes();
        for node in heap.nodes() {
            prop_assert_eq!(lens.size(&heap, node), sizes[node.index()], "size of {:?}", node);
            for edge in heap.edges(node) {
                let essential = naive.is_essential((node.index(), edge.to.index(), edge.kind));
                prop_assert_eq!(lens.retains(&heap, node, &edge), essential, "{:?} {:?}", node, edge);
                let explained = lens.why_edge(&heap, node, &edge) == crate::v8::EdgeRule::Retains;
                prop_assert_eq!(explained, essential, "{:?} {:?}", node, edge);
            }
        }

        let dominators = Dominators::of(&heap, &lens);
        let expected = naive.dominators();
        let mut retained = sizes.clone();
        for node in heap.nodes().skip(1) {
            let dominator = dominators.parent(node).map(NodeId::index);
            prop_assert_eq!(dominator, Some(expected[node.index()]), "dominator of {:?}", node);
            let mut above = expected[node.index()];
            loop {
                retained[above] += sizes[node.index()];
                if above == 0 {
                    break;
                }
                above = expected[above];
            }
        }
        let ours = dominators.retained_by(&heap, &lens);
        prop_assert_eq!(&ours[..], &retained[..]);
        prop_assert_eq!(ours[0], heap.total_size());

        let levels = naive.levels();
        for node in heap.nodes() {
            prop_assert_eq!(Levels::of(&heap, &lens).get(node), levels[node.index()], "distance of {:?}", node);
        }
    }

    #[test]
    fn the_tree_keeps_subtrees_together(sketch in sketches(), devtools in any::<bool>()) {
        let heap = read(&sketch);
        let lens = Lens::new(&heap, if devtools { Model::DevTools } else { Model::Gc });
        let dominators = Dominators::of(&heap, &lens);
        for node in heap.nodes() {
            let is_below = |&other: &NodeId| {
                dominators.is_reached(other)
                    && std::iter::successors(Some(other), |&other| dominators.parent(other)).any(|one| one == node)
            };
            let mut below: Vec<NodeId> = heap.nodes().filter(is_below).collect();
            let mut subtree: Vec<NodeId> = dominators.subtree(node).collect();
            subtree.sort_unstable();
            below.sort_unstable();
            prop_assert_eq!(subtree, below);
            let mut children: Vec<NodeId> = dominators.children(node).collect();
            children.sort_unstable();
            let expected: Vec<NodeId> =
                heap.nodes().filter(|&other| dominators.parent(other) == Some(node)).collect();
            prop_assert_eq!(children, expected);
        }
    }
}
