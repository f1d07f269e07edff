use proptest::prelude::*;

use super::*;
use crate::{Heap, Model, NodeId};

/// A snapshot with the given edges `(from, to, kind)` over `count` nodes; node n has size n + 1.
pub(crate) fn heap(count: usize, edges: &[(usize, usize, u8)]) -> Heap {
    let mut sorted = edges.to_vec();
    sorted.sort_by_key(|edge| edge.0);
    let nodes: Vec<String> = (0..count)
        .map(|node| {
            let degree = sorted.iter().filter(|edge| edge.0 == node).count();
            format!("1,0,{},{},{degree}", node * 2 + 1, node + 1)
        })
        .collect();
    let edges: Vec<String> = sorted.iter().map(|(_, to, kind)| format!("{kind},0,{}", to * 5)).collect();
    let text = format!(
        r#"{{"snapshot":{{"meta":{{"node_fields":["type","name","id","self_size","edge_count"],
        "node_types":[["hidden","object"],"string","number","number","number"],
        "edge_fields":["type","name_or_index","to_node"],
        "edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"]}},
        "node_count":{count},"edge_count":{}}},"nodes":[{}],"edges":[{}],"strings":["x"]}}"#,
        edges.len(),
        nodes.join(","),
        edges.join(",")
    );
    Heap::read(text.into_bytes().into(), &()).unwrap()
}

/// What can be reached from the root without passing through `removed`.
fn reached(heap: &Heap, removed: Option<NodeId>) -> Vec<bool> {
    let mut seen = vec![false; heap.node_count()];
    let mut stack = vec![heap.root()];
    if removed == Some(heap.root()) {
        return seen;
    }
    seen[heap.root().index()] = true;
    while let Some(node) = stack.pop() {
        for edge in heap.edges(node) {
            if heap.retains(node, &edge) && Some(edge.to) != removed && !seen[edge.to.index()] {
                seen[edge.to.index()] = true;
                stack.push(edge.to);
            }
        }
    }
    seen
}

fn graphs() -> impl Strategy<Value = (usize, Vec<(usize, usize, u8)>)> {
    (1usize..40).prop_flat_map(|count| {
        (Just(count), prop::collection::vec((0..count, 0..count, 0u8..7), 0..count * 3))
    })
}

proptest! {
    #[test]
    fn retained_size_is_what_becomes_unreachable_when_the_node_is_removed((count, edges) in graphs()) {
        let heap = heap(count, &edges);
        let dominators = Dominators::new(&heap, Model::Gc);
        let retained = dominators.retained(&heap);
        let all = reached(&heap, None);
        for node in heap.nodes() {
            let without = reached(&heap, Some(node));
            let lost: u64 = heap
                .nodes()
                .filter(|other| all[other.index()] && !without[other.index()])
                .map(|other| heap.self_size(other))
                .sum();
            prop_assert_eq!(retained[node.index()], lost, "node {:?}", node);
            prop_assert_eq!(dominators.is_reached(node), all[node.index()]);
        }
    }

    #[test]
    fn distances_agree_with_relaxation((count, edges) in graphs()) {
        let heap = heap(count, &edges);
        let distances = Distances::new(&heap, [heap.root()], |from, edge| heap.retains(from, edge));
        let mut naive = vec![usize::MAX; count];
        naive[0] = 0;
        for _ in 0..count {
            for &(from, to, kind) in &edges {
                if kind != 6 && naive[from] != usize::MAX {
                    naive[to] = naive[to].min(naive[from] + 1);
                }
            }
        }
        for node in heap.nodes() {
            let expected = Some(naive[node.index()]).filter(|&d| d != usize::MAX);
            prop_assert_eq!(distances.get(node).map(|d| d as usize), expected);
            prop_assert_eq!(distances.path(node).len(), expected.map_or(0, |d| d + 1));
        }
    }
}
