//! Allocation traces, samples and scopes: whole, damaged, under other columns.

use proptest::prelude::*;

use super::tests::Parts;
use super::{Sample, ScopeUse};
use crate::query::TraceTotals;
use crate::{Heap, Loss};

const META: &str = r#"["object_index","script_object_index","script_id","line","column"],"trace_function_info_fields":["function_id","name","script_name","script_id","line","column"],"trace_node_fields":["id","function_info_index","count","size","children"],"sample_fields":["timestamp_us","last_assigned_id"],"scope_fields":["script_node_index","scope_id","depth","scope_context_vars_count","scope_uses_count"],"scope_context_var_fields":["name"],"scope_use_fields":["declaring_scope_id","slot_index"]"#;

struct Extra {
    functions: String,
    tree: String,
    samples: String,
    scopes: String,
}

impl Default for Extra {
    fn default() -> Self {
        Self {
            functions: "1,1,0,0,0,0,\n9,4,3,7,4,15".into(),
            tree: "[1,0,0,0,[2,1,3,100,[3,0,0,0,[]],4,1,1,8,[]]]".into(),
            samples: "0,3,\n1000,7,\n2000,8".into(),
            scopes: r#""scopes":[24,0,0,1,0,24,5,1,0,1],"scope_context_vars":[5],"scope_uses":[0,0],"#.into(),
        }
    }
}

fn text(change: impl FnOnce(&mut Extra)) -> String {
    let mut extra = Extra::default();
    change(&mut extra);
    let Extra { functions, tree, samples, scopes } = extra;
    Parts {
        location_fields: META.into(),
        locations: "24,6,7,3,14".into(),
        header_tail: r#","trace_function_count":2"#.into(),
        node_fields: r#"["type","name","id","self_size","edge_count","trace_node_id"]"#.into(),
        nodes: "9,0,1,0,1,0\n,3,1,3,24,2,0\n,3,2,5,32,1,2\n,2,3,7,100,0,4\n,5,4,9,64,1,2\n".into(),
        between: format!(
            "\"trace_function_infos\":[{functions}],\n\"trace_tree\":{tree},\n\"samples\":[{samples}],\n{scopes}"
        ),
        ..Parts::default()
    }
    .text()
}

fn heap(change: impl FnOnce(&mut Extra)) -> Heap {
    Heap::read(text(change).into_bytes().into(), &()).unwrap()
}

fn says(losses: &[Loss], section: &str, words: &str) {
    assert!(losses.iter().any(|loss| loss.section == section && loss.what.contains(words)), "{losses:?}");
}

#[test]
fn a_recording_is_read_with_its_tree_its_clock_and_its_scopes() {
    let heap = heap(|_| {});
    assert_eq!(heap.losses(), []);
    let traces = heap.traces().unwrap();
    assert_eq!(traces.functions.len(), 2);
    let function = traces.functions[1];
    assert_eq!((function.id, function.script_id, function.line, function.column), (9, 7, 4, 15));
    assert_eq!(heap.strings().get(function.name), "handle");
    let shape: Vec<_> = traces.nodes.iter().map(|node| (node.id, node.parent, node.end)).collect();
    assert_eq!(shape, [(1, None, 4), (2, Some(0), 3), (3, Some(1), 3), (4, Some(0), 4)]);
    assert_eq!(traces.children(0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(traces.children(1).collect::<Vec<_>>(), [2]);
    assert_eq!(traces.children(2).count(), 0);
    assert_eq!(heap.samples()[1], Sample { timestamp_us: 1000, last_id: 7 });
    assert_eq!(
        [1, 3, 5, 7, 9, 4].map(|id| Sample::of(heap.samples(), id)),
        [Some(0), Some(0), Some(1), Some(1), None, None]
    );
    let scopes = heap.scopes().unwrap();
    assert_eq!(scopes.scopes.len(), 2);
    assert_eq!((scopes.scopes[0].variables.clone(), scopes.scopes[1].uses.clone()), (0..1, 0..1));
    assert_eq!(heap.strings().get(scopes.variables[0]), "cache");
    assert_eq!(scopes.uses, [ScopeUse { declaring_scope: 0, slot: 0 }]);
    assert_eq!(scopes.scopes[0].script.unwrap().index(), 4);

    let totals = TraceTotals::new(&heap, traces, |node| heap.self_size(node));
    assert_eq!((totals.nodes[1].live_count, totals.nodes[1].live_size), (2, 96));
    assert_eq!((totals.functions[1].count, totals.functions[1].size), (4, 108));
    assert_eq!((totals.functions[1].live_count, totals.functions[1].live_size), (3, 196));
}

#[test]
fn a_tree_that_knows_more_functions_than_the_file_keeps_their_stacks() {
    let heap = heap(|extra| extra.functions = "1,1,0,0,0,0".into());
    says(heap.losses(), "trace_function_infos", "1 functions present, the header declares 2");
    says(heap.losses(), "trace_tree", "2 refer to functions beyond the 1 present");
    let traces = heap.traces().unwrap();
    assert_eq!(traces.nodes[1].function, None);
    let totals = TraceTotals::new(&heap, traces, |node| heap.self_size(node));
    assert_eq!(totals.functions[1].live_size, 196);
}

#[test]
fn damage_in_the_optional_sections_is_a_stated_loss() {
    type Case = (fn(&mut Extra), &'static str, &'static str);
    let cases: Vec<Case> = vec![
        (|extra| extra.functions = "1,1,0,0,0,0,9".into(), "trace_function_infos", "1 numbers at the end"),
        (
            |extra| extra.functions = "1,1,0,0,0,0,9,4,3,99999999999,4,15".into(),
            "trace_function_infos",
            "exceed 32",
        ),
        (|extra| extra.tree = "[1,0,0,[2]]".into(), "trace_tree", "an array stands where"),
        (|extra| extra.tree = "[1,0,0,0,5]".into(), "trace_tree", "a number stands where"),
        (|extra| extra.tree = "[1,0,0]".into(), "trace_tree", "lacks values"),
        (|extra| extra.tree = "{}".into(), "trace_tree", "something else"),
        (|extra| extra.tree = "[[[1]]]".into(), "trace_tree", "an array stands where"),
        (|extra| extra.tree = "[1,0,0,0,[\"x\"]]".into(), "trace_tree", "something else"),
        (|extra| extra.samples = "1,2,3".into(), "samples", "1 numbers at the end"),
        (|extra| extra.scopes = r#""scopes":[25,0,0,0,0],"#.into(), "scopes", "1 name no node"),
        (|extra| extra.scopes = r#""scopes":[24,0,0,9,0],"#.into(), "scopes", "go beyond"),
    ];
    for (change, section, words) in cases {
        says(heap(change).losses(), section, words);
    }
    let unnamed = text(|_| {}).replace("trace_node_fields", "x").replace("sample_fields", "y");
    let heap = Heap::read(unnamed.into_bytes().into(), &()).unwrap();
    says(heap.losses(), "trace_tree", "does not name its columns");
    says(heap.losses(), "samples", "no column \"timestamp_us\"");
}

#[test]
fn a_stack_of_a_million_calls_needs_no_stack_of_ours() {
    let depth = 1_000_000;
    let heap = heap(|extra| extra.tree = format!("[{}{}]", "1,1,1,1,[".repeat(depth), "]".repeat(depth)));
    let traces = heap.traces().unwrap();
    assert_eq!(traces.nodes.len(), depth);
    assert_eq!(traces.nodes[depth - 1].parent, Some(depth as u32 - 2));
    assert_eq!(heap.losses(), []);
}

#[test]
fn sections_that_nobody_knows_are_named() {
    let heap = heap(|extra| extra.scopes = r#""novelties":[[{"a":1}]],"#.into());
    assert_eq!(heap.unknown_sections(), ["novelties"]);
    assert_eq!(heap.losses(), []);
    assert!(heap.scopes().is_none());
}

#[test]
fn a_recording_cut_off_anywhere_never_panics_and_never_claims_to_be_whole() {
    let text = text(|_| {});
    for end in 0..text.trim_end().len() {
        if let Ok(heap) = Heap::read(text.as_bytes()[..end].to_vec().into(), &()) {
            assert!(!heap.losses().is_empty(), "{end}");
            if let Some(traces) = heap.traces() {
                let _ = TraceTotals::new(&heap, traces, |node| heap.self_size(node));
                assert!((0..traces.nodes.len()).all(|at| traces.children(at).all(|child| child > at)));
            }
        }
    }
}

proptest! {
    #[test]
    fn a_recording_with_changed_bytes_never_panics(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = text(|_| {}).into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(heap) = Heap::read(bytes.into(), &()) {
            if let Some(traces) = heap.traces() {
                let totals = TraceTotals::new(&heap, traces, |node| heap.self_size(node));
                prop_assert_eq!(totals.nodes.len(), traces.nodes.len());
                for (at, node) in traces.nodes.iter().enumerate() {
                    prop_assert!(node.end as usize > at && node.end as usize <= traces.nodes.len());
                    prop_assert!(traces.children(at).all(|child| traces.nodes[child].parent == Some(at as u32)));
                }
            }
            for scope in heap.scopes().into_iter().flat_map(|scopes| &scopes.scopes) {
                prop_assert!(scope.variables.start <= scope.variables.end);
            }
            for node in heap.nodes() {
                let _ = (heap.strings().utf16_len(heap.name_index(node)), Sample::of(heap.samples(), heap.id(node)));
            }
        }
    }
}
