//! What all units share: roots, the global object, classes.

use super::unit::{Edge, EdgeType, Node, NodeType, Part, Target};

/// How many classes a program has; their instances are shared out by `Random::often_small`.
pub(super) const CLASSES: u64 = 400;
/// Property names that all classes choose from.
pub(super) const PROPERTIES: u64 = 1500;

/// Strings that the parts name by number: the beginning of the string table.
pub(super) const FIXED: [&str; 40] = [
    "",
    "(GC roots)",
    "(Internalized strings)",
    "(Strong roots)",
    "(Stack roots)",
    "(Handle scope)",
    "(Global handles)",
    "global",
    "system / Map",
    "system / Context",
    "(concatenated string)",
    "heap number",
    "Array",
    "Map",
    "WeakMap",
    "Object",
    "(object elements)",
    "(object properties)",
    "system / FixedArray",
    "system / Script",
    "map",
    "first",
    "second",
    "elements",
    "properties",
    "table",
    "shared",
    "context",
    "feedback_cell",
    "code",
    "prototype",
    "__proto__",
    "constructor",
    "script",
    "bytecode_array",
    "scope_info",
    "previous",
    "require.cache",
    "exports",
    "system / WeakFixedArray",
];

/// The number of a string of [`FIXED`]; the empty string for any other.
pub(super) fn fixed(text: &str) -> u64 {
    FIXED.iter().position(|known| *known == text).unwrap_or_default() as u64
}

/// The number of a class' name.
pub(super) fn class_name(class: u64) -> u64 {
    FIXED.len() as u64 + class
}

/// The number of a property's name.
pub(super) fn property_name(property: u64) -> u64 {
    class_name(CLASSES) + property
}

/// How many strings stand before those of the first unit.
pub(super) fn string_count() -> u64 {
    property_name(PROPERTIES)
}

/// Those strings, in order.
pub(super) fn strings() -> impl Iterator<Item = String> {
    const NOUNS: [&str; 16] = [
        "Request", "Response", "Session", "Cache", "Entry", "User", "Order", "Socket", "Route", "Token",
        "Query", "Row", "Event", "Buffer", "Layer", "Node",
    ];
    let noun = |number: u64| NOUNS.get((number % 16) as usize).copied().unwrap_or_default();
    let classes = (0..CLASSES).map(move |class| match class / 16 {
        0 => noun(class).to_string(),
        more => format!("{}{}{more}", noun(class / 16), noun(class)),
    });
    let properties = (0..PROPERTIES).map(move |property| match property % 11 {
        0 => format!("_{}{property}", noun(property).to_lowercase()),
        7 => format!("{{{}, {property}}}", noun(property)),
        _ => format!("{}{property}", noun(property).to_lowercase()),
    });
    FIXED.iter().map(|text| (*text).to_string()).chain(classes).chain(properties)
}

const GLOBAL: u64 = 7;
const MODULES: u64 = 8;
/// The map of everything that is no instance of a class.
pub(super) const META_MAP: u64 = 9;
const FIRST_CLASS: u64 = 10;
/// Of each class: its shape, its prototype, its constructor, the constructor's shared function, the script.
const NODES_OF_CLASS: u64 = 5;

/// The node that is the shape of a class' instances.
pub(super) fn shape(class: u64) -> u64 {
    FIRST_CLASS + class * NODES_OF_CLASS
}

/// The node that is the prototype of a class' instances.
pub(super) fn prototype(class: u64) -> u64 {
    shape(class) + 1
}

/// The node that is a class' constructor.
pub(super) fn constructor(class: u64) -> u64 {
    shape(class) + 2
}

/// How many nodes stand before those of the first unit.
pub(super) fn node_count() -> u64 {
    shape(CLASSES)
}

/// Roots and classes; `units` has the number of each unit's first node, the module that is its entry.
pub(super) fn part(units: &[u64]) -> Part {
    let mut part = Part::default();
    for name in [
        "",
        "(GC roots)",
        "(Internalized strings)",
        "(Strong roots)",
        "(Stack roots)",
        "(Handle scope)",
        "(Global handles)",
    ] {
        part.add(Node::new(NodeType::Synthetic, fixed(name), 0));
    }
    part.add(Node::new(NodeType::Object, fixed("global"), 56));
    part.add(Node::new(NodeType::Object, fixed("Object"), 32));
    part.add(Node::new(NodeType::ObjectShape, fixed("system / Map"), 80));

    let edge = |source, kind, name, to| Edge { source, kind, name, to: Target::Anywhere(to) };
    let mut edges =
        vec![edge(0, EdgeType::Element, 1, 1), edge(0, EdgeType::Shortcut, fixed("global"), GLOBAL)];
    edges.extend((2..=6).map(|synthetic| edge(1, EdgeType::Element, synthetic - 1, synthetic)));
    edges.push(edge(3, EdgeType::Internal, fixed("map"), META_MAP));
    edges.push(edge(6, EdgeType::Internal, fixed("global"), GLOBAL));
    edges.push(edge(GLOBAL as u32, EdgeType::Property, fixed("require.cache"), MODULES));
    for class in 0..CLASSES {
        edges.push(edge(GLOBAL as u32, EdgeType::Property, class_name(class), constructor(class)));
    }
    for (at, first) in units.iter().enumerate() {
        edges.push(edge(MODULES as u32, EdgeType::Element, at as u64, *first));
    }
    for class in 0..CLASSES {
        let (name, at) = (class_name(class), shape(class) as u32);
        part.add(Node::new(NodeType::ObjectShape, fixed("system / Map"), 80));
        part.add(Node::new(NodeType::Object, name, 56));
        part.add(Node::new(NodeType::Closure, name, 64));
        part.add(Node::new(NodeType::Code, name, 64));
        part.add(Node::new(NodeType::Code, fixed("system / Script"), 96));
        part.locations.push((at + 2, class + 1, class % 900, class % 80));
        let (proto, closure, shared, script) = (at + 1, at + 2, at + 3, at + 4);
        edges.push(edge(at, EdgeType::Internal, fixed("map"), META_MAP));
        edges.push(edge(at, EdgeType::Internal, fixed("prototype"), u64::from(proto)));
        edges.push(edge(proto, EdgeType::Property, fixed("constructor"), u64::from(closure)));
        edges.push(edge(proto, EdgeType::Internal, fixed("map"), META_MAP));
        edges.push(edge(closure, EdgeType::Property, fixed("prototype"), u64::from(proto)));
        edges.push(edge(closure, EdgeType::Internal, fixed("map"), META_MAP));
        edges.push(edge(closure, EdgeType::Internal, fixed("shared"), u64::from(shared)));
        edges.push(edge(shared, EdgeType::Internal, fixed("script"), u64::from(script)));
    }
    for edge in edges {
        part.link(edge);
    }
    part
}
