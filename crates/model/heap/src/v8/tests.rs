//! Ephemerons, weak edges, contexts, scripts and classes of small synthetic heaps.

use super::{Landmarks, Scripts};
use crate::{Dominators, Heap, Model, NodeId};

/// A node: type, name, id, size, and its edges as type, name or number, target.
type Node<'a> = (&'a str, &'a str, u32, u64, &'a [(&'a str, &'a str, usize)]);

const NODE_TYPES: [&str; 13] = [
    "hidden",
    "array",
    "string",
    "object",
    "code",
    "closure",
    "regexp",
    "number",
    "native",
    "synthetic",
    "concatenated string",
    "symbol",
    "bigint",
];
const EDGE_TYPES: [&str; 7] = ["context", "element", "property", "internal", "hidden", "shortcut", "weak"];

/// A heap of the given nodes; `locations` are node, script id, line, column.
fn heap(nodes: &[Node<'_>], locations: &[[usize; 4]]) -> Heap {
    let mut strings: Vec<String> = vec![String::new()];
    let mut intern = |text: &str| {
        strings.iter().position(|known| known == text).unwrap_or_else(|| {
            strings.push(text.to_owned());
            strings.len() - 1
        })
    };
    let kind = |kinds: &[&str], name: &str| kinds.iter().position(|kind| *kind == name).unwrap();
    let mut rows = Vec::new();
    let mut edges = Vec::new();
    for (node_kind, name, id, size, out) in nodes {
        let name = intern(name);
        rows.push(format!("{},{name},{id},{size},{}", kind(&NODE_TYPES, node_kind), out.len()));
        for (edge_kind, name, to) in *out {
            let name =
                if ["element", "hidden"].contains(edge_kind) { name.parse().unwrap() } else { intern(name) };
            edges.push(format!("{},{name},{}", kind(&EDGE_TYPES, edge_kind), to * 5));
        }
    }
    let locations: Vec<String> = locations
        .iter()
        .map(|[node, script, line, column]| format!("{},{script},{line},{column}", node * 5))
        .collect();
    let text = serde_json::json!({
        "node_fields": ["type", "name", "id", "self_size", "edge_count"],
        "node_types": [NODE_TYPES, "string", "number", "number", "number"],
        "edge_fields": ["type", "name_or_index", "to_node"],
        "edge_types": [EDGE_TYPES, "string_or_number", "node"],
        "location_fields": ["object_index", "script_id", "line", "column"],
    });
    let text = format!(
        r#"{{"snapshot":{{"meta":{text},"node_count":{},"edge_count":{}}},"nodes":[{}],"edges":[{}],"locations":[{}],"strings":{}}}"#,
        rows.len(),
        edges.len(),
        rows.join(","),
        edges.join(","),
        locations.join(","),
        serde_json::to_string(&strings).unwrap()
    );
    Heap::read(text.into_bytes().into(), &()).unwrap()
}

fn node(index: usize) -> NodeId {
    NodeId::from_index(index)
}

/// Root 0 → WeakMap's table 1 and key 2; both point at value 3 by the ephemeron's edge.
fn ephemeron(edge: &str, table_alive: bool, key_alive: bool) -> Vec<bool> {
    let pair = [("internal", edge, 3)];
    let mut roots = Vec::new();
    roots.extend(table_alive.then_some(("element", "1", 1)));
    roots.extend(key_alive.then_some(("element", "2", 2)));
    let heap = heap(
        &[
            ("synthetic", "", 1, 0, &roots),
            ("array", "", 11, 8, &pair),
            ("object", "Key", 13, 8, &pair),
            ("object", "Value", 15, 8, &[]),
        ],
        &[],
    );
    let dominators = Dominators::new(&heap, Model::Gc);
    heap.nodes().map(|node| dominators.is_reached(node)).collect()
}

const PAIR: &str = "17 / part of key (Key @13) -> value (Value @15) pair in WeakMap (table @11)";

#[test]
fn the_key_of_an_ephemeron_retains_its_value_and_the_table_does_not() {
    assert_eq!(ephemeron(PAIR, true, true), [true, true, true, true]);
    assert_eq!(ephemeron(PAIR, true, false), [true, true, false, false]);
    assert_eq!(ephemeron(PAIR, false, true), [true, false, true, true]);
}

#[test]
fn a_value_below_an_ephemeron_is_dominated_by_its_key() {
    let pair = [("internal", PAIR, 3)];
    let heap = heap(
        &[
            ("synthetic", "", 1, 0, &[("element", "1", 1), ("element", "2", 2)]),
            ("array", "", 11, 8, &pair),
            ("object", "Key", 13, 8, &pair),
            ("object", "Value", 15, 100, &[]),
        ],
        &[],
    );
    let dominators = Dominators::new(&heap, Model::Gc);
    assert_eq!(dominators.parent(node(3)), Some(node(2)));
    assert_eq!(dominators.retained(&heap)[2], 108);
}

#[test]
fn only_the_exact_form_makes_an_ephemeron() {
    for name in [
        "17 / part of key (Key @13) -> value (Value @15) pair in WeakMap (table @13)",
        "x / part of key (Key @13) -> value (Value @15) pair in WeakMap (table @11)",
        "17 / part of key (Key @13) -> value (Value @15) pair in WeakMap (table @11) and more",
        "17 / part of key (Key @13) -> value (Value @15) pair in WeakMap (table @)",
        "17 / part of key (Key @13)",
    ] {
        assert!(ephemeron(name, true, false)[3], "{name}");
    }
}

#[test]
fn names_with_quotes_and_brackets_are_still_ephemerons() {
    let name = r#"3 / part of key (a "b" (c) @13) -> value (\ ) @15) pair in WeakMap (table @11)"#;
    assert_eq!(ephemeron(name, true, false), [true, true, false, false]);
}

#[test]
fn weak_edges_do_not_retain_and_edges_to_oneself_do_not_either() {
    let heap = heap(
        &[
            ("synthetic", "", 1, 0, &[("element", "1", 1), ("weak", "2", 2)]),
            ("object", "Own", 3, 8, &[("property", "self", 1), ("weak", "w", 3)]),
            ("object", "Weak", 5, 8, &[]),
            ("object", "WeakToo", 7, 8, &[]),
        ],
        &[],
    );
    let own = heap.edges(node(1)).next().unwrap();
    assert!(!heap.retains(node(1), &own));
    let dominators = Dominators::new(&heap, Model::Gc);
    let reached: Vec<bool> = heap.nodes().map(|node| dominators.is_reached(node)).collect();
    assert_eq!(reached, [true, true, false, false]);
    assert_eq!(dominators.retained(&heap)[..], [8, 8, 0, 0]);
}

#[test]
fn a_closure_leads_to_its_script_in_every_form_that_node_has_written() {
    for (link, script_kind) in [("script", "code"), ("script_or_debug_info", "code"), ("script", "hidden")] {
        let heap = heap(
            &[
                ("synthetic", "", 1, 0, &[("element", "1", 1)]),
                ("closure", "handle", 3, 64, &[("internal", "shared", 2), ("internal", "context", 5)]),
                ("code", "(shared function info)", 5, 8, &[("internal", link, 3)]),
                (script_kind, "file:///app/a.js", 7, 8, &[("internal", "source", 4)]),
                ("string", "let a = 1;", 9, 8, &[]),
                ("object", "system / Context", 11, 8, &[("internal", "previous", 6), ("context", "a", 4)]),
                ("hidden", "system / NativeContext", 13, 8, &[]),
            ],
            &[[1, 42, 3, 9]],
        );
        let marks = Landmarks::new(&heap);
        let scripts = Scripts::new(&heap, &marks);
        let place = scripts.place(&heap, node(1)).unwrap();
        assert_eq!((place.url.as_str(), place.line, place.column), ("file:///app/a.js", 3, 9));
        assert_eq!(marks.script_source(&heap, node(3)).unwrap(), "let a = 1;");
        assert_eq!(scripts.url(&heap, 43), None);
        assert_eq!(marks.closure_context(&heap, node(1)), Some(node(5)));
        assert_eq!(marks.outer_context(&heap, node(5)), Some(node(6)));
        assert!(marks.is_context(&heap, node(5)) && !marks.is_context(&heap, node(6)));
        assert!(marks.is_native_context(&heap, node(6)));
    }
}

#[test]
fn contexts_are_told_by_their_whole_name() {
    let named = |name: &str| {
        let heap = heap(&[("synthetic", "", 1, 0, &[("element", "1", 1)]), ("hidden", name, 3, 8, &[])], &[]);
        let marks = Landmarks::new(&heap);
        (marks.is_context(&heap, node(1)), marks.is_native_context(&heap, node(1)))
    };
    assert_eq!(named("system / Context"), (true, false));
    assert_eq!(named("system / Context / file:///a.js"), (true, false));
    assert_eq!(named("system / ContextSidePropertyCell"), (false, false));
    assert_eq!(named("system / NativeContext"), (false, true));
    assert_eq!(named("system / NativeContext / main"), (false, true));
    assert_eq!(named("Detached system / NativeContext"), (false, true));
    assert_eq!(named("my system / Context"), (false, false));
}

#[test]
fn the_global_object_is_found_in_both_shapes_of_root() {
    let old = heap(
        &[
            ("synthetic", "", 1, 0, &[("element", "1", 1), ("shortcut", "2", 2)]),
            ("synthetic", "(GC roots)", 3, 0, &[]),
            ("object", "global", 5, 8, &[]),
        ],
        &[],
    );
    assert_eq!(Landmarks::new(&old).global(), Some(node(2)));
    let new = heap(
        &[
            ("synthetic", "", 1, 0, &[("element", "1", 1), ("shortcut", "2", 2)]),
            ("synthetic", "(GC roots)", 3, 0, &[]),
            ("hidden", "system / NativeContext", 5, 8, &[("internal", "extension", 3)]),
            ("object", "global", 7, 8, &[]),
        ],
        &[],
    );
    assert_eq!(Landmarks::new(&new).global(), Some(node(3)));
    let none = heap(&[("synthetic", "", 1, 0, &[])], &[]);
    assert_eq!(Landmarks::new(&none).global(), None);
}

#[test]
fn classes_are_what_a_programmer_calls_them() {
    let class = |kind: &str, name: &str| {
        let heap = heap(&[("synthetic", "", 1, 0, &[("element", "1", 1)]), (kind, name, 3, 8, &[])], &[]);
        Landmarks::new(&heap).class(&heap, node(1)).into_owned()
    };
    let cases = [
        ("object", "Session", "Session"),
        ("object", "", "(anonymous)"),
        ("native", "<div class=\"x\">", "<div>"),
        ("native", "<div>", "<div>"),
        ("native", "Node / Environment", "Node / Environment"),
        ("closure", "handle", "Function"),
        ("regexp", "a+", "RegExp"),
        ("code", "f", "(compiled code)"),
        ("hidden", "system / Cell", "(system)"),
        ("hidden", "system / Context", "Context"),
        ("string", "text", "(string)"),
        ("concatenated string", "text", "(string)"),
        ("array", "", "(array)"),
        ("symbol", "s", "(symbol)"),
        ("number", "heap number", "(number)"),
        ("synthetic", "(GC roots)", "(GC roots)"),
    ];
    for (kind, name, expected) in cases {
        assert_eq!(class(kind, name), expected, "{kind} {name}");
    }
}

#[test]
fn the_store_of_a_collection_is_its_table_or_its_elements() {
    let heap = heap(
        &[
            ("synthetic", "", 1, 0, &[("element", "1", 1), ("element", "2", 3), ("element", "3", 5)]),
            ("object", "Map", 3, 32, &[("internal", "table", 2)]),
            ("array", "", 5, 64, &[]),
            ("object", "Array", 7, 16, &[("internal", "elements", 4), ("property", "table", 0)]),
            ("array", "", 9, 64, &[]),
            ("object", "Plain", 11, 16, &[]),
        ],
        &[],
    );
    let marks = Landmarks::new(&heap);
    assert_eq!(marks.member_store(&heap, node(1)), Some(node(2)));
    assert_eq!(marks.member_store(&heap, node(3)), Some(node(4)));
    assert_eq!(marks.member_store(&heap, node(5)), None);
    let edge = heap.edges(node(1)).next().unwrap();
    assert!(marks.is_store_edge(&edge));
    let property = heap.edges(node(3)).nth(1).unwrap();
    assert!(!marks.is_store_edge(&property));
}
