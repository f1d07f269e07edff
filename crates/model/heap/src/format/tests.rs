//! What damaged, hostile and merely unusual files give.

use proptest::prelude::*;

use crate::{Dominators, EdgeKind, Heap, Model, NodeKind, SnapshotError};

const NODE_FIELDS: &str = r#"["type","name","id","self_size","edge_count","detachedness"]"#;
const NODE_TYPES: &str = r#"[["hidden","array","string","object","code","closure","regexp","number","native","synthetic"],"string","number","number","number","number"]"#;
const EDGE_FIELDS: &str = r#"["type","name_or_index","to_node"]"#;
const EDGE_TYPES: &str =
    r#"[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"]"#;
const LOCATION_FIELDS: &str = r#"["object_index","script_id","line","column"]"#;

/// The parts of a snapshot, to be replaced one by one.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) node_fields: String,
    pub(crate) node_types: String,
    pub(crate) edge_fields: String,
    pub(crate) edge_types: String,
    pub(crate) location_fields: String,
    /// What follows the counts in the header.
    pub(crate) header_tail: String,
    pub(crate) node_count: String,
    pub(crate) edge_count: String,
    pub(crate) nodes: String,
    pub(crate) edges: String,
    /// Sections between the edges and the locations, each with a comma behind it.
    pub(crate) between: String,
    pub(crate) locations: String,
    pub(crate) strings: String,
    /// What follows the string table.
    pub(crate) end: String,
}

impl Default for Parts {
    /// Five nodes, as Node 24 lays them out: the root, a global, a Map with one text in it, a closure.
    fn default() -> Self {
        Self {
            node_fields: NODE_FIELDS.into(),
            node_types: NODE_TYPES.into(),
            edge_fields: EDGE_FIELDS.into(),
            edge_types: EDGE_TYPES.into(),
            location_fields: LOCATION_FIELDS.into(),
            header_tail: r#","trace_function_count":0,"extra_native_bytes":0"#.into(),
            node_count: "5".into(),
            edge_count: "5".into(),
            nodes: "9,0,1,0,1,0\n,3,1,3,24,2,0\n,3,2,5,32,1,0\n,2,3,7,100,0,0\n,5,4,9,64,1,0\n".into(),
            edges: "1,1,6\n,2,5,12\n,2,6,24\n,1,0,18\n,3,5,12\n".into(),
            between: r#""trace_function_infos":[],
"trace_tree":[],
"samples":[],
"#
            .into(),
            locations: "24,7,3,14\n".into(),
            strings: "\"<dummy>\",\n\"global\",\n\"Map\",\n\"value\",\n\"handle\",\n\"cache\",\n\"fn\""
                .into(),
            end: "}\n".into(),
        }
    }
}

impl Parts {
    pub(crate) fn header(&self) -> String {
        format!(
            r#"{{"meta":{{"node_fields":{},"node_types":{},"edge_fields":{},"edge_types":{},"location_fields":{}}},"node_count":{},"edge_count":{}{}}}"#,
            self.node_fields,
            self.node_types,
            self.edge_fields,
            self.edge_types,
            self.location_fields,
            self.node_count,
            self.edge_count,
            self.header_tail
        )
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "{{\"snapshot\":{},\n\"nodes\":[{}],\n\"edges\":[{}],\n{}\"locations\":[{}],\n\"strings\":[{}]{}",
            self.header(),
            self.nodes,
            self.edges,
            self.between,
            self.locations,
            self.strings,
            self.end
        )
    }
}

/// The whole snapshot with some parts changed.
fn with(change: impl FnOnce(&mut Parts)) -> String {
    let mut parts = Parts::default();
    change(&mut parts);
    parts.text()
}

fn read(text: impl Into<Vec<u8>>) -> Result<Heap, SnapshotError> {
    Heap::read(text.into().into(), &())
}

/// What a file must give.
#[derive(Debug)]
enum Gives {
    /// A heap without losses.
    Whole,
    /// A heap with a loss of this section, whose text holds these words.
    Loss(&'static str, &'static str),
    /// At this byte.
    NotASnapshot(u64),
    /// The header's JSON.
    Header,
    MissingColumn(&'static str),
    MissingSection(&'static str),
    Truncated(&'static str),
    /// Section, entry, words of the message.
    Inconsistent(&'static str, u64, &'static str),
    TooLarge,
}

/// `docs/malformed.md`: a line for every case.
const DOCUMENT: &str = include_str!("../../../../../docs/malformed.md");

/// The case's line in the document: what it is, the exit code, what a user reads.
fn documented(name: &str, result: &Result<Heap, SnapshotError>) -> String {
    let (code, text) = match result {
        Ok(heap) if heap.losses().is_empty() => (0, "read whole".to_owned()),
        Ok(heap) => (6, heap.losses().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Err(error) => (3, error.to_string()),
    };
    format!("| {name} | {code} | {} |", text.replace('|', "\\|").replace('\n', " "))
}

fn check(name: &str, text: Vec<u8>, gives: &Gives) {
    let result = read(text);
    let line = documented(name, &result);
    // With this variable set, the lines are printed instead, for whoever has changed a message.
    if std::env::var_os("LEAKHOUND_PRINT_MALFORMED").is_some() {
        println!("{line}");
    } else {
        assert!(DOCUMENT.contains(&line), "docs/malformed.md has no such line:\n{line}");
    }
    let fits = match (&result, gives) {
        (Ok(heap), Gives::Whole) => heap.losses().is_empty(),
        (Ok(heap), Gives::Loss(section, words)) => {
            heap.losses().iter().any(|loss| loss.section == *section && loss.what.contains(words))
        }
        (Err(SnapshotError::NotASnapshot { offset, .. }), Gives::NotASnapshot(at)) => offset == at,
        (Err(SnapshotError::Header { offset, .. }), Gives::Header) => *offset == 12,
        (Err(SnapshotError::MissingColumn { column, .. }), Gives::MissingColumn(wanted)) => column == wanted,
        (Err(SnapshotError::MissingSection { section }), Gives::MissingSection(wanted)) => section == wanted,
        (Err(SnapshotError::Truncated { section, .. }), Gives::Truncated(wanted)) => section == wanted,
        (
            Err(SnapshotError::Inconsistent { section, index, what }),
            Gives::Inconsistent(wanted, at, words),
        ) => section == wanted && index == at && what.contains(words),
        (Err(SnapshotError::TooLarge { .. }), Gives::TooLarge) => true,
        _ => false,
    };
    assert!(fits, "{name}: expected {gives:?}, got {:?}", result.map(|heap| heap.losses().to_vec()));
}

#[test]
fn the_sample_itself_is_whole() {
    let heap = read(Parts::default().text()).unwrap();
    assert_eq!(heap.losses(), []);
    assert_eq!((heap.node_count(), heap.edge_count()), (5, 5));
    let nodes: Vec<_> = heap.nodes().collect();
    assert_eq!(heap.kind(nodes[2]), NodeKind::Object);
    assert_eq!(heap.name(nodes[2]), "Map");
    assert_eq!((heap.id(nodes[2]), heap.self_size(nodes[2])), (5, 32));
    let edge = heap.edges(nodes[1]).next().unwrap();
    assert_eq!((edge.kind, heap.edge_name(&edge), edge.to), (EdgeKind::Property, "cache".into(), nodes[2]));
    let location = heap.location(nodes[4]).unwrap();
    assert_eq!((location.script_id, location.line, location.column), (7, 3, 14));
    assert_eq!(heap.total_size(), 220);
}

#[test]
fn what_is_no_snapshot_is_refused_at_the_byte_that_says_so() {
    let cases: Vec<(&str, Vec<u8>, Gives)> = vec![
        ("an empty file", b"".to_vec(), Gives::NotASnapshot(0)),
        ("white space", b" \n\t".to_vec(), Gives::NotASnapshot(3)),
        ("plain text", b"hello".to_vec(), Gives::NotASnapshot(0)),
        ("binary", vec![0x1f, 0x8b, 8, 0, 0], Gives::NotASnapshot(0)),
        ("UTF-16", vec![0xff, 0xfe, b'{', 0], Gives::NotASnapshot(0)),
        ("an array", b"[1,2,3]".to_vec(), Gives::NotASnapshot(0)),
        ("a number", b"17".to_vec(), Gives::NotASnapshot(0)),
        ("an empty object", b"{}".to_vec(), Gives::MissingSection("snapshot")),
        ("an open brace", b"{".to_vec(), Gives::MissingSection("snapshot")),
        ("a profile", br#"{"head":{"id":1},"samples":[]}"#.to_vec(), Gives::MissingSection("snapshot")),
        ("a key without colon", br#"{"head"}"#.to_vec(), Gives::NotASnapshot(7)),
        ("a bare key", b"{head:1}".to_vec(), Gives::NotASnapshot(1)),
        ("a stray bracket", br#"{"a":]}"#.to_vec(), Gives::NotASnapshot(5)),
        ("a header that is a number", br#"{"snapshot":17}"#.to_vec(), Gives::Header),
        ("a header without meta", br#"{"snapshot":{"node_count":1,"edge_count":0}}"#.to_vec(), Gives::Header),
        (
            "a header nested too deep",
            format!(r#"{{"snapshot":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
            Gives::Header,
        ),
        (
            "nodes that are an object",
            {
                let text = Parts::default().text().replace("\"nodes\":[", "\"nodes\":{");
                text.into_bytes()
            },
            {
                let at = Parts::default().text().find("\"nodes\":[").unwrap() + 8;
                Gives::NotASnapshot(at as u64)
            },
        ),
    ];
    for (name, text, gives) in cases {
        check(name, text, &gives);
    }
}

#[test]
fn a_damaged_header_names_what_is_wrong() {
    let cases: Vec<(&str, String, Gives)> = vec![
        ("a negative count", with(|p| p.node_count = "-5".into()), Gives::Header),
        ("a fractional count", with(|p| p.edge_count = "5.5".into()), Gives::Header),
        ("a count in quotes", with(|p| p.node_count = "\"5\"".into()), Gives::Header),
        ("a count beyond 64 bits", with(|p| p.node_count = "99999999999999999999".into()), Gives::Header),
        ("a count beyond 32 bits", with(|p| p.node_count = "4294967296".into()), Gives::TooLarge),
        ("edges beyond 32 bits", with(|p| p.edge_count = "18446744073709551615".into()), Gives::TooLarge),
        (
            "no id column",
            with(|p| p.node_fields = NODE_FIELDS.replace("\"id\"", "\"identity\"")),
            Gives::MissingColumn("id"),
        ),
        (
            "no type column",
            with(|p| p.node_fields = NODE_FIELDS.replace("\"type\"", "\"kind\"")),
            Gives::MissingColumn("type"),
        ),
        (
            "no edge_count column",
            with(|p| p.node_fields = NODE_FIELDS.replace("edge_count", "edges")),
            Gives::MissingColumn("edge_count"),
        ),
        ("no node columns", with(|p| p.node_fields = "[]".into()), Gives::MissingColumn("type")),
        (
            "no to_node column",
            with(|p| p.edge_fields = EDGE_FIELDS.replace("to_node", "to")),
            Gives::MissingColumn("to_node"),
        ),
        ("no list of node types", with(|p| p.node_types = "[\"enum\"]".into()), Gives::MissingColumn("type")),
        ("no list of edge types", with(|p| p.edge_types = "[]".into()), Gives::MissingColumn("type")),
        (
            "root_index beyond the nodes",
            with(|p| p.header_tail = ",\"root_index\":30".into()),
            Gives::Inconsistent("snapshot", 30, "5 nodes"),
        ),
        (
            "root_index inside a node",
            with(|p| p.header_tail = ",\"root_index\":5".into()),
            Gives::Inconsistent("snapshot", 5, "no node index"),
        ),
        ("another root", with(|p| p.header_tail = ",\"root_index\":12".into()), Gives::Whole),
        (
            "bytes outside the heap beyond measure",
            with(|p| p.header_tail = ",\"extra_native_bytes\":18446744073709551615".into()),
            Gives::TooLarge,
        ),
        (
            "no nodes at all",
            with(|p| {
                p.node_count = "0".into();
                p.edge_count = "0".into();
                p.nodes.clear();
                p.edges.clear();
            }),
            Gives::Inconsistent("snapshot", 0, "0 nodes"),
        ),
    ];
    for (name, text, gives) in cases {
        check(name, text.into_bytes(), &gives);
    }
}

#[test]
fn counts_that_do_not_fit_the_arrays_are_refused_or_rule() {
    let cases: Vec<(&str, String, Gives)> = vec![
        (
            "node_count too high",
            with(|p| p.node_count = "6".into()),
            Gives::Inconsistent("nodes", 30, "declares 36"),
        ),
        (
            "node_count absurdly high, which must not allocate",
            with(|p| p.node_count = "4294967294".into()),
            Gives::Inconsistent("nodes", 30, "declares 25769803764"),
        ),
        (
            "edge_count absurdly high",
            with(|p| p.edge_count = "4294967294".into()),
            Gives::Inconsistent("nodes", 5, "add up to 5"),
        ),
        (
            "node_count too low",
            with(|p| p.node_count = "4".into()),
            Gives::Inconsistent("nodes", 4, "add up to 4"),
        ),
        (
            "edge_count too low",
            with(|p| p.edge_count = "4".into()),
            Gives::Inconsistent("nodes", 5, "add up to 5"),
        ),
        (
            "edge counts add up to less",
            with(|p| p.nodes = p.nodes.replace(",3,1,3,24,2,0", ",3,1,3,24,1,0")),
            Gives::Inconsistent("nodes", 5, "add up to 4"),
        ),
        (
            "an edge count beyond 32 bits",
            with(|p| p.nodes = p.nodes.replace(",3,1,3,24,2,0", ",3,1,3,24,4294967298,0")),
            Gives::Inconsistent("nodes", 1, "edge count 4294967298"),
        ),
        (
            "edges missing",
            with(|p| p.edges = "1,1,6\n".into()),
            Gives::Inconsistent("edges", 3, "3 numbers present, the header declares 15"),
        ),
        (
            "surplus edges",
            with(|p| p.edges.push_str(",3,5,12\n")),
            Gives::Loss("edges", "3 surplus numbers dropped"),
        ),
        (
            "surplus numbers of no node",
            with(|p| p.nodes.push_str(",1,2\n")),
            Gives::Loss("nodes", "2 surplus numbers dropped"),
        ),
        ("no nodes in the array", with(|p| p.nodes.clear()), Gives::Inconsistent("nodes", 0, "0 numbers")),
        (
            "only commas",
            with(|p| p.nodes = ",".repeat(29)),
            Gives::Inconsistent("nodes", 29, "29 numbers present"),
        ),
        (
            "only commas, enough of them",
            with(|p| p.nodes = format!("{}0", ",".repeat(29))),
            Gives::Inconsistent("nodes", 0, "whole numbers"),
        ),
    ];
    for (name, text, gives) in cases {
        check(name, text.into_bytes(), &gives);
    }
}

#[test]
fn values_that_contradict_the_file_are_refused_with_their_entry() {
    let node = |from: &'static str, to: &'static str| {
        with(|p| {
            assert!(p.nodes.contains(from));
            p.nodes = p.nodes.replace(from, to);
        })
    };
    let edge = |from: &'static str, to: &'static str| {
        with(|p| {
            assert!(p.edges.contains(from));
            p.edges = p.edges.replace(from, to);
        })
    };
    let cases: Vec<(&str, String, Gives)> = vec![
        ("to_node out of range", edge(",1,0,18", ",1,0,30"), Gives::Inconsistent("edges", 3, "to_node 30")),
        ("to_node inside a node", edge(",2,6,24", ",2,6,23"), Gives::Inconsistent("edges", 2, "to_node 23")),
        (
            "to_node beyond 64 bits",
            edge(",2,6,24", ",2,6,99999999999999999999999"),
            Gives::Inconsistent("edges", 2, "to_node 18446744073709551615"),
        ),
        (
            "an edge's name beyond 32 bits",
            edge(",1,0,18", ",1,4294967296,18"),
            Gives::Inconsistent("edges", 3, "name 4294967296"),
        ),
        (
            "an edge's name beyond the strings",
            edge(",2,6,24", ",2,7,24"),
            Gives::Inconsistent("strings", 7, "holds 7"),
        ),
        ("an element's number beyond the strings", edge(",1,0,18", ",1,4294967294,18"), Gives::Whole),
        (
            "a node's name beyond the strings",
            node(",2,3,7,100", ",2,70,7,100"),
            Gives::Inconsistent("strings", 70, "holds 7"),
        ),
        (
            "a node's name beyond 32 bits",
            node(",2,3,7,100", ",2,4294967296,7,100"),
            Gives::Inconsistent("nodes", 3, "string index"),
        ),
        (
            "an id beyond 32 bits",
            node(",2,3,7,100", ",2,3,4294967297,100"),
            Gives::Inconsistent("nodes", 3, "id 4294967297"),
        ),
        ("a size beyond measure", node(",2,3,7,100", ",2,3,7,9007199254740993"), Gives::TooLarge),
        (
            "sizes that overflow together",
            with(|p| {
                p.nodes = p
                    .nodes
                    .replace(",24,", ",18446744073709551615,")
                    .replace(",32,", ",18446744073709551615,")
            }),
            Gives::TooLarge,
        ),
        (
            "a fraction among the nodes",
            node(",2,3,7,100", ",2,3,7,1.5"),
            Gives::Inconsistent("nodes", 0, "whole"),
        ),
        (
            "null among the nodes",
            node(",2,3,7,100", ",null,3,7,100"),
            Gives::Inconsistent("nodes", 0, "whole"),
        ),
        (
            "an unknown node type",
            node(",2,3,7,100", ",77,3,7,100"),
            Gives::Loss("nodes", "1 of an unknown type (number 77)"),
        ),
        (
            "a node type beyond a byte",
            node(",2,3,7,100", ",70000,3,7,100"),
            Gives::Loss("nodes", "1 of an unknown type"),
        ),
        (
            "an unknown edge type",
            edge(",2,6,24", ",9,6,24"),
            Gives::Loss("edges", "1 of an unknown type (number 9)"),
        ),
        (
            "an unknown edge type whose name is no string",
            edge(",2,6,24", ",9,4000,24"),
            Gives::Loss("edges", "unknown type"),
        ),
        (
            "an unknown name in the type list",
            with(|p| p.node_types = NODE_TYPES.replace("closure", "closet")),
            Gives::Loss("nodes", "unknown type (number 5)"),
        ),
    ];
    for (name, text, gives) in cases {
        check(name, text.into_bytes(), &gives);
    }
}

#[test]
fn damage_beside_the_graph_is_a_stated_loss() {
    let full = Parts::default();
    let without = |section: &str| {
        let start = full.text().find(&format!("\"{section}\":")).unwrap();
        let text = full.text();
        let end = start + text[start..].find("],").map_or(text.len() - start, |end| end + 2);
        format!("{}{}", &text[..start], &text[end..])
    };
    let cases: Vec<(&str, String, Gives)> = vec![
        ("no nodes section", without("nodes"), Gives::MissingSection("nodes")),
        ("no edges section", without("edges"), Gives::MissingSection("edges")),
        ("no locations section", without("locations"), Gives::Whole),
        (
            "no strings section",
            full.text().replace(",\n\"strings\":[", ",\n\"samples\":["),
            Gives::MissingSection("strings"),
        ),
        ("an empty string table", with(|p| p.strings.clear()), Gives::Inconsistent("strings", 6, "holds 0")),
        (
            "a string table too short",
            with(|p| p.strings = "\"\",\"a\"".into()),
            Gives::Inconsistent("strings", 6, "holds 2"),
        ),
        ("a number among the strings", with(|p| p.strings = p.strings.replace("\"Map\"", "17")), {
            let text = full.text();
            Gives::NotASnapshot(text.find("\"Map\"").unwrap() as u64)
        }),
        ("no closing brace", with(|p| p.end.clear()), Gives::Loss("file", "before the closing brace")),
        (
            "a section behind the strings",
            with(|p| p.end = ",\"scopes\":[]}".into()),
            Gives::Loss("file", "follows the strings"),
        ),
        (
            "a second nodes section",
            with(|p| p.between = "\"nodes\":[1,2,3],\n".into()),
            Gives::Loss("file", "a second \"nodes\""),
        ),
        (
            "a second header",
            with(|p| p.between = "\"snapshot\":{},\n".into()),
            Gives::Loss("file", "a second \"snapshot\""),
        ),
        (
            "a second edges section",
            with(|p| p.between = "\"edges\":[],\n".into()),
            Gives::Loss("file", "a second \"edges\""),
        ),
        (
            "locations without columns",
            with(|p| p.location_fields = "[]".into()),
            Gives::Loss("locations", "no columns"),
        ),
        (
            "a location beyond the nodes",
            with(|p| p.locations = "24,7,3,14,30,7,1,1".into()),
            Gives::Loss("locations", "1 that name no node"),
        ),
        (
            "a location inside a node",
            with(|p| p.locations = "25,7,3,14".into()),
            Gives::Loss("locations", "1 that name no node"),
        ),
        (
            "a location beyond 32 bits",
            with(|p| p.locations = "24,7,4294967296,14".into()),
            Gives::Loss("locations", "1 that name"),
        ),
        (
            "half a location",
            with(|p| p.locations = "24,7,3,14,6,7".into()),
            Gives::Loss("locations", "2 numbers at the end"),
        ),
        (
            "sections in another order",
            {
                let parts = Parts::default();
                format!(
                    "{{\"locations\":[{}],\"edges\":[{}],\"nodes\":[{}],\"snapshot\":{},\"strings\":[{}]}}",
                    parts.locations,
                    parts.edges,
                    parts.nodes,
                    parts.header(),
                    parts.strings
                )
            },
            Gives::Whole,
        ),
        ("a byte order mark", format!("\u{feff}{}", full.text()), Gives::Whole),
        ("no white space", full.text().replace('\n', ""), Gives::Whole),
        ("carriage returns and blanks", full.text().replace('\n', " \r\n\t "), Gives::Whole),
        (
            "blanks around every number",
            with(|p| {
                p.nodes = p.nodes.replace(',', " ,\n ");
                p.edges = p.edges.replace(',', " , ");
            }),
            Gives::Whole,
        ),
        (
            "unknown sections of any shape",
            with(|p| {
                p.between = r#""a":1,"b":"x]}\"","c":null,"d":{"e":[{}]},"f":[["]"]],"g":true,"#.into();
            }),
            Gives::Whole,
        ),
        (
            "deep nesting in an unknown section",
            with(|p| {
                p.between = format!("\"trace_tree\":{}{},", "[".repeat(200_000), "]".repeat(200_000));
            }),
            Gives::Whole,
        ),
        (
            "deep nesting of braces",
            with(|p| {
                p.between = format!("\"x\":{}1{},", "{\"a\":".repeat(50_000), "}".repeat(50_000));
            }),
            Gives::Whole,
        ),
    ];
    for (name, text, gives) in cases {
        check(name, text.into_bytes(), &gives);
    }
}

#[test]
fn a_file_cut_off_anywhere_never_claims_to_be_whole() {
    let text = Parts::default().text();
    let body = text.trim_end();
    for at in 0..body.len() {
        match read(&body.as_bytes()[..at]) {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(heap) => {
                assert!(!heap.losses().is_empty(), "cut at byte {at} of {}: {:?}", body.len(), &body[..at]);
                // What is left can be worked with.
                let _ = Dominators::new(&heap, Model::Gc).retained(&heap);
                let _: Vec<String> = heap.nodes().map(|node| heap.name(node).into_owned()).collect();
            }
        }
    }
}

#[test]
fn where_a_file_was_cut_off_is_said() {
    let text = Parts::default().text();
    let cut = |behind: &str, more: usize| {
        let at = text.find(behind).unwrap() + behind.len() + more;
        text.as_bytes()[..at].to_vec()
    };
    let cases = [
        ("inside the nodes", cut("\"nodes\":[", 9), Gives::Truncated("nodes")),
        (
            "inside the last node",
            cut("\"nodes\":[9,0,1,0,1,0\n,3,1,3,24,2,0\n,3,2,5,32,1,0\n,2,3,7,100,0,0\n,5,4,9,64,1,0", 0),
            Gives::Truncated("nodes"),
        ),
        ("behind the nodes", cut(",5,4,9,64,1,0\n", 2), Gives::Truncated("edges")),
        ("behind the key of the edges", cut("\"edges\"", 0), Gives::Truncated("edges")),
        ("inside the edges", cut("\"edges\":[", 5), Gives::Truncated("edges")),
        ("behind the edges", cut("\"trace_function_infos\"", 0), Gives::Loss("strings", "0 of at least 7")),
        (
            "inside a location",
            cut("\"locations\":[24,7", 0),
            Gives::Loss("locations", "0 locations are left"),
        ),
        (
            "inside the last number of a location",
            cut("\"locations\":[24,7,3,1", 0),
            Gives::Loss("locations", "0 locations are left"),
        ),
        ("behind the key of the strings", cut("\"strings\"", 0), Gives::Loss("strings", "0 of at least 7")),
        ("inside a string", cut("\"Ma", 0), Gives::Loss("strings", "2 of at least 7")),
        ("behind the strings", cut("\"fn\"]", 0), Gives::Loss("file", "before the closing brace")),
    ];
    for (name, bytes, gives) in cases {
        check(name, bytes, &gives);
    }
}

#[test]
fn names_that_a_truncated_file_lost_are_shown_as_lost() {
    let text = Parts::default().text();
    let at = text.find("\"Map\"").unwrap();
    let heap = read(&text.as_bytes()[..at]).unwrap();
    let names: Vec<String> = heap.nodes().map(|node| heap.name(node).into_owned()).collect();
    assert_eq!(names, ["<dummy>", "global", "(lost string)", "(lost string)", "(lost string)"]);
}

/// Found by fuzzing: what is allocated must not follow a name that a truncated file has lost.
#[test]
fn a_lost_name_takes_no_memory_whatever_its_number() {
    let text = with(|p| p.nodes = p.nodes.replace(",3,2,5,", ",3,4294967295,5,"));
    let at = text.find("\"Map\"").unwrap();
    let heap = read(&text.as_bytes()[..at]).unwrap();
    assert_eq!(heap.strings().len(), 2);
    for model in [Model::Gc, Model::DevTools] {
        let lens = crate::Lens::new(&heap, model);
        let classes = crate::query::Classes::new(&heap, &lens);
        let lost = heap.nodes().nth(2).unwrap();
        assert_eq!(classes.key(classes.of(lost)).name, "(lost string)");
    }
}

#[test]
fn columns_are_found_by_name_wherever_they_stand() {
    let heap = read(with(|p| {
        p.node_fields = r#"["id","surprise","edge_count","self_size","name","type"]"#.into();
        p.node_types = format!(
            r#"["number","x","number","number","string",{}]"#,
            &NODE_TYPES[1..NODE_TYPES.find(']').unwrap() + 1]
        );
        p.nodes = "1,8,1,0,0,9\n,3,8,2,24,1,3\n,5,8,1,32,2,3\n,7,8,0,100,3,2\n,9,8,1,64,4,5\n".into();
        p.edge_fields = r#"["to_node","weight","type","name_or_index"]"#.into();
        p.edge_types = format!(
            r#"["node","number",{},"string_or_number"]"#,
            &EDGE_TYPES[1..EDGE_TYPES.find(']').unwrap() + 1]
        );
        p.edges = "6,5,1,1\n,12,5,2,5\n,24,5,2,6\n,18,5,1,0\n,12,5,3,5\n".into();
        p.location_fields = r#"["object_index","script_id","script_object_index","line","column"]"#.into();
        p.locations = "24,7,12,3,14\n".into();
    }))
    .unwrap();
    assert_eq!(heap.losses(), []);
    let closure = heap.nodes().last().unwrap();
    assert_eq!((heap.kind(closure), heap.name(closure)), (NodeKind::Closure, "handle".into()));
    let location = heap.location(closure).unwrap();
    assert_eq!((location.script_id, location.line, location.column), (7, 3, 14));
    assert_eq!(heap.detachedness(closure), None);
    assert_eq!(heap.total_size(), 220);
}

#[test]
fn trace_nodes_and_detachedness_are_read_where_they_exist() {
    let heap = read(with(|p| {
        p.node_fields =
            r#"["type","name","id","self_size","edge_count","trace_node_id","detachedness"]"#.into();
        p.nodes =
            "9,0,1,0,1,0,0\n,3,1,3,24,2,0,2\n,3,2,5,32,1,17,1\n,2,3,7,100,0,0,0\n,5,4,9,64,1,0,0\n".into();
        p.edges = "1,1,7\n,2,5,14\n,2,6,28\n,1,0,21\n,3,5,14\n".into();
        p.locations = "28,7,3,14\n".into();
    }))
    .unwrap();
    let nodes: Vec<_> = heap.nodes().collect();
    assert_eq!(heap.trace_node(nodes[2]), Some(17));
    assert_eq!(heap.trace_node(nodes[1]), None);
    assert_eq!(heap.detachedness(nodes[1]), Some(2));
    assert!(heap.location(nodes[4]).is_some());
}

#[test]
fn sizes_beyond_32_bits_are_kept() {
    for size in [u64::from(u32::MAX) - 1, u64::from(u32::MAX), 1 << 32, 1 << 40] {
        let heap = read(with(|p| p.nodes = p.nodes.replace(",100,", &format!(",{size},")))).unwrap();
        let text = heap.nodes().nth(3).unwrap();
        assert_eq!(heap.self_size(text), size);
        assert_eq!(heap.total_size(), 120 + size);
        assert_eq!(Dominators::new(&heap, Model::Gc).retained(&heap)[0], 120 + size);
    }
}

#[test]
fn strings_with_escapes_surrogates_and_broken_bytes_are_decoded() {
    let mut text = with(|p| {
        p.strings =
            r#""<dummy>","gl\"ob\\al","\ud83d\ude00","\udc00x\ud800","\u00e9\n\/","][},{:","ZZ""#.into();
    })
    .into_bytes();
    let at = text.windows(2).position(|pair| pair == b"ZZ").unwrap();
    text[at] = 0xff;
    let heap = read(text).unwrap();
    assert_eq!(heap.losses(), []);
    let names: Vec<String> = (1..7).map(|index| heap.strings().get(index).into_owned()).collect();
    assert_eq!(names, ["gl\"ob\\al", "😀", "\u{fffd}x\u{fffd}", "é\n/", "][},{:", "\u{fffd}Z"]);
}

#[test]
fn broken_escapes_are_shown_as_something() {
    let heap = read(with(|p| {
        p.strings = r#""<dummy>","\u12","\uzzzz","\x41","a\u","\ud83d\n","fn""#.into();
    }))
    .unwrap();
    for index in 0..7 {
        let _ = heap.strings().get(index);
    }
    assert_eq!(heap.strings().get(5), "\u{fffd}\n");
}

#[test]
fn a_read_can_be_cancelled_at_every_report() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    struct Impatient {
        seen: AtomicUsize,
        until: usize,
    }
    impl crate::Observer for Impatient {
        fn progress(&self, progress: crate::Progress) {
            assert!(progress.bytes <= progress.total);
            self.seen.fetch_add(1, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.seen.load(Ordering::Relaxed) > self.until
        }
    }
    let reports = |until| {
        let observer = Impatient { seen: AtomicUsize::new(0), until };
        let result = Heap::read(Parts::default().text().into_bytes().into(), &observer);
        (result, observer.seen.into_inner())
    };
    let (whole, count) = reports(usize::MAX);
    assert!(whole.is_ok() && count >= 3);
    for until in 0..count {
        assert!(matches!(reports(until).0, Err(SnapshotError::Cancelled)));
    }
}

#[test]
fn errors_that_a_user_can_act_on_carry_a_hint() {
    let hint = |text: &str| read(text).unwrap_err().hint();
    assert!(hint("").unwrap().contains(".heapsnapshot"));
    assert!(hint(r#"{"head":{}}"#).unwrap().contains(".heapprofile"));
    let text = Parts::default().text();
    for part in [20, text.find("\"nodes\"").unwrap() + 20] {
        assert!(hint(&text[..part]).unwrap().contains("capture again"));
    }
    assert!(hint(&with(|p| p.edges.clear())).unwrap().contains("damaged"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_snapshot_with_changed_bytes_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            any::<u8>(),
            prop::sample::select(b"0123456789,[]{}\"\\: \n-.u".to_vec()),
        ]), 1..6),
        removed in prop::option::of((any::<prop::sample::Index>(), 0usize..40)),
    ) {
        let mut bytes = Parts::default().text().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((at, count)) = removed {
            let at = at.index(bytes.len());
            bytes.drain(at..(at + count).min(bytes.len()));
        }
        walk(bytes);
    }

    #[test]
    fn any_numbers_in_the_arrays_never_panic(
        nodes in prop::collection::vec(number(), 30),
        edges in prop::collection::vec(number(), 15),
        locations in prop::collection::vec(number(), 0..9),
        root in number(),
    ) {
        let list = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let text = with(|p| {
            p.nodes = list(&nodes);
            p.edges = list(&edges);
            p.locations = list(&locations);
            p.edge_count = nodes.chunks(6).map(|node| node[4]).fold(0, u64::saturating_add).min(5).to_string();
            p.header_tail = format!(",\"root_index\":{root}");
        });
        walk(text.into_bytes());
    }
}

/// Mostly numbers that occur, some that are absurd.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![12 => 0u64..7, 6 => (0u64..6).prop_map(|node| node * 6), 1 => any::<u64>(), 1 => any::<u32>().prop_map(u64::from)]
}

/// Reads, and asks everything that later stages ask.
fn walk(bytes: Vec<u8>) {
    let Ok(heap) = read(bytes) else { return };
    let dominators = Dominators::new(&heap, Model::Gc);
    let retained = dominators.retained(&heap);
    assert!(retained[heap.root().index()] <= heap.total_size());
    let reverse = crate::Reverse::new(&heap);
    let marks = crate::v8::Landmarks::new(&heap);
    let scripts = crate::v8::Scripts::new(&heap, &marks);
    for node in heap.nodes() {
        let _ = (heap.name(node), heap.location(node), marks.class(&heap, node), scripts.place(&heap, node));
        for edge in heap.edges(node) {
            let _ = heap.edge_name(&edge);
        }
        assert!(reverse.retainers(&heap, node).count() == reverse.count(node));
    }
}
