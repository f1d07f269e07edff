//! What one module of the program keeps.

use super::prelude::{
    CLASSES, META_MAP, PROPERTIES, class_name, constructor, fixed, node_count, property_name, prototype,
    shape,
};
use super::random::Random;

/// Types of nodes, as numbered by V8.
#[derive(Clone, Copy)]
pub(super) enum NodeType {
    Hidden = 0,
    Array = 1,
    String = 2,
    Object = 3,
    Code = 4,
    Closure = 5,
    RegExp = 6,
    Number = 7,
    Native = 8,
    Synthetic = 9,
    ConcatenatedString = 10,
    SlicedString = 11,
    ObjectShape = 14,
}

/// Types of edges, as numbered by V8.
#[derive(Clone, Copy)]
pub(super) enum EdgeType {
    Context = 0,
    Element = 1,
    Property = 2,
    Internal = 3,
    Hidden = 4,
    Shortcut = 5,
    Weak = 6,
}

pub(super) struct Node {
    pub(super) kind: NodeType,
    /// A string of the prelude, or, from [`OWN`], one of the part's own.
    pub(super) name: u64,
    pub(super) size: u64,
    pub(super) edges: u32,
}

impl Node {
    pub(super) fn new(kind: NodeType, name: u64, size: u64) -> Self {
        Self { kind, name, size, edges: 0 }
    }
}

/// The first number of a part's own strings, far above those of the prelude.
pub(super) const OWN: u64 = 1 << 40;

#[derive(Clone, Copy)]
pub(super) enum Target {
    /// A node of the same part.
    Here(u32),
    /// A node counted from the heap's first.
    Anywhere(u64),
}

#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) source: u32,
    pub(super) kind: EdgeType,
    pub(super) name: u64,
    pub(super) to: Target,
}

/// Some nodes, their edges and strings.
#[derive(Default)]
pub(super) struct Part {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) strings: Vec<String>,
    /// Node, script, line and column.
    pub(super) locations: Vec<(u32, u64, u64, u64)>,
}

impl Part {
    pub(super) fn add(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }

    pub(super) fn link(&mut self, edge: Edge) {
        if let Some(source) = self.nodes.get_mut(edge.source as usize) {
            source.edges += 1;
            self.edges.push(edge);
        }
    }

    fn text(&mut self, text: String) -> u64 {
        self.strings.push(text);
        OWN + self.strings.len() as u64 - 1
    }
}

/// A unit while it is made.
struct Unit {
    part: Part,
    random: Random,
    number: u64,
    /// The number of the unit's first node in the heap.
    base: u64,
    /// Nodes that many others point at.
    shared: Vec<u32>,
}

/// The unit of this number, whose first node is `base`.
pub(super) fn part(seed: u64, number: u64, base: u64) -> Part {
    let random = Random::of(seed, number + 1);
    let mut unit = Unit { part: Part::default(), random, number, base, shared: Vec::new() };
    let module = unit.module();
    let stores = 4 + unit.random.below(5);
    for _ in 0..stores {
        unit.store(module);
    }
    unit.weak_map(module);
    unit.part.edges.sort_by_key(|edge| edge.source); // stable: a node's edges keep their order
    unit.part
}

impl Unit {
    fn node(&mut self, kind: NodeType, name: u64, size: u64) -> u32 {
        let node = self.part.add(Node::new(kind, name, size));
        self.to(node, EdgeType::Internal, fixed("map"), Target::Anywhere(META_MAP));
        node
    }

    fn to(&mut self, source: u32, kind: EdgeType, name: u64, to: Target) {
        self.part.link(Edge { source, kind, name, to });
    }

    fn internal(&mut self, source: u32, name: &str, to: u32) {
        self.to(source, EdgeType::Internal, fixed(name), Target::Here(to));
    }

    fn property(&mut self, source: u32, to: u32) {
        let name = property_name(self.random.often_small(PROPERTIES));
        self.to(source, EdgeType::Property, name, Target::Here(to));
    }

    /// An instance of a class, with its shape and prototype.
    fn object(&mut self, class: u64) -> u32 {
        let size = 24 + 8 * self.random.below(8);
        let object = self.part.add(Node::new(NodeType::Object, class_name(class), size));
        self.to(object, EdgeType::Internal, fixed("map"), Target::Anywhere(shape(class)));
        self.to(object, EdgeType::Property, fixed("__proto__"), Target::Anywhere(prototype(class)));
        object
    }

    /// The module's own object, its context and its functions; the unit's first node.
    fn module(&mut self) -> u32 {
        let module = self.object(self.number % CLASSES);
        let context = self.node(NodeType::Object, fixed("system / Context"), 64);
        let script = self.node(NodeType::Code, fixed("system / Script"), 96);
        let source = self.string();
        self.internal(script, "script", source);
        self.internal(module, "context", context);
        for function in 0..8 {
            let closure = self.closure(context, script, function);
            self.property(module, closure);
        }
        let expression = self.node(NodeType::RegExp, property_name(3), 56);
        let store = self.node(NodeType::Native, property_name(5), 4096);
        self.property(module, expression);
        self.internal(expression, "elements", store);
        module
    }

    fn closure(&mut self, context: u32, script: u32, line: u64) -> u32 {
        let name = property_name(self.random.often_small(PROPERTIES));
        let closure = self.node(NodeType::Closure, name, 64);
        let (script_id, column) = (CLASSES + 1 + self.number, self.random.below(90));
        self.part.locations.push((closure, script_id, line * 12 + column / 4, column));
        self.internal(closure, "context", context);
        let shared = if self.random.percent(42) {
            let shared = self.node(NodeType::Code, name, 64);
            self.internal(shared, "script", script);
            let hidden = if self.random.percent(25) { NodeType::Hidden } else { NodeType::Code };
            let scope = self.node(hidden, fixed("scope_info"), 32);
            self.internal(shared, "scope_info", scope);
            shared
        } else {
            script
        };
        self.internal(closure, "shared", shared);
        self.to(closure, EdgeType::Internal, fixed("feedback_cell"), Target::Anywhere(META_MAP));
        self.to(closure, EdgeType::Internal, fixed("code"), Target::Anywhere(META_MAP));
        closure
    }

    /// A text of some ten to a hundred characters; a few need escapes or hold half a surrogate pair.
    fn string(&mut self) -> u32 {
        let (number, draw) = (self.random.next(), self.random.below(200));
        let name = match draw {
            0 => self.part.text(format!("line {number:x}\\n\\t\\\"quoted\\\"")),
            1 => self.part.text(format!("half a pair \\ud83d {number}")),
            2 => self.part.text(format!("größer als {number}, 世界 ✓")),
            3..=19 => property_name(self.random.often_small(PROPERTIES)),
            20..=90 => self.part.text(format!("https://example.org/items/{number:016x}?page={draw}")),
            _ => self.part.text(format!("{number:016x}-{:08x}-{draw}", self.number)),
        };
        let node = self.part.add(Node::new(NodeType::String, name, 16 + 8 * (1 + number % 9)));
        self.to(node, EdgeType::Internal, fixed("map"), Target::Anywhere(META_MAP));
        node
    }

    /// A text put together from `length` pieces, each hanging on the one before.
    fn concatenated(&mut self, length: u64) -> u32 {
        let mut whole = self.string();
        for piece in 0..length {
            let second = if piece % 4 == 3 { self.string() } else { self.some_shared(whole) };
            let joined = self.node(NodeType::ConcatenatedString, fixed("(concatenated string)"), 32);
            self.internal(joined, "first", whole);
            self.internal(joined, "second", second);
            whole = joined;
        }
        if self.random.percent(2) {
            let sliced = self.node(NodeType::SlicedString, property_name(1), 32);
            self.internal(sliced, "first", whole);
            return sliced;
        }
        whole
    }

    fn some_shared(&mut self, otherwise: u32) -> u32 {
        let at = self.random.often_small(self.shared.len() as u64);
        self.shared.get(at as usize).copied().unwrap_or(otherwise)
    }

    /// An array of the language: an object with its elements.
    fn array(&mut self, elements: &[u32]) -> u32 {
        let array = self.part.add(Node::new(NodeType::Object, fixed("Array"), 32));
        self.to(array, EdgeType::Internal, fixed("map"), Target::Anywhere(META_MAP));
        self.to(array, EdgeType::Property, fixed("__proto__"), Target::Anywhere(prototype(0)));
        let backing = self.node(NodeType::Array, fixed("(object elements)"), 16 + 8 * elements.len() as u64);
        self.internal(array, "elements", backing);
        for (at, element) in elements.iter().enumerate() {
            self.to(array, EdgeType::Element, at as u64, Target::Here(*element));
            if at % 3 != 0 {
                self.to(backing, EdgeType::Hidden, at as u64 + 1, Target::Here(*element));
            }
        }
        array
    }

    /// A Map of some hundred records, and the list that links them.
    fn store(&mut self, module: u32) {
        let map = self.part.add(Node::new(NodeType::Object, fixed("Map"), 32));
        self.to(map, EdgeType::Internal, fixed("map"), Target::Anywhere(META_MAP));
        self.to(map, EdgeType::Property, fixed("__proto__"), Target::Anywhere(prototype(1)));
        self.property(module, map);
        let size = 40 + self.random.below(400);
        let table = self.node(NodeType::Array, fixed("system / FixedArray"), 32 + 24 * size);
        self.internal(map, "table", table);
        let class = self.random.often_small(CLASSES);
        let context = self.node(NodeType::Object, fixed("system / Context"), 48);
        self.internal(context, "previous", module);
        let mut previous = None;
        for at in 0..size {
            let record = self.record(class, context);
            let key = if at % 2 == 0 { self.string() } else { self.number() };
            self.to(table, EdgeType::Internal, fixed("first"), Target::Here(key));
            self.to(table, EdgeType::Internal, fixed("second"), Target::Here(record));
            if let Some(previous) = previous {
                self.to(previous, EdgeType::Property, property_name(2), Target::Here(record));
            }
            previous = Some(record);
        }
    }

    fn number(&mut self) -> u32 {
        self.node(NodeType::Number, fixed("heap number"), 16)
    }

    /// An instance with a few values: numbers, texts, an array, a nested object, sometimes a callback.
    fn record(&mut self, class: u64, context: u32) -> u32 {
        let record = self.object(class);
        let out_of_line = self.node(NodeType::Array, fixed("(object properties)"), 48);
        self.internal(record, "properties", out_of_line);
        for _ in 0..1 + self.random.below(3) {
            let number = self.number();
            self.property(record, number);
            self.to(out_of_line, EdgeType::Internal, fixed("second"), Target::Here(number));
        }
        for _ in 0..1 + self.random.below(2) {
            let text = self.string();
            self.property(record, text);
            if self.random.percent(10) {
                self.shared.push(text);
            }
        }
        if self.random.percent(70) {
            let length = 1 + self.random.often_small(14);
            let text = self.concatenated(length);
            self.property(record, text);
        }
        for _ in 0..3 {
            let nested_class = self.random.often_small(CLASSES);
            let nested = self.object(nested_class);
            self.property(record, nested);
            let back = self.some_shared(record);
            self.property(nested, back);
        }
        if self.random.percent(60) {
            let length = self.random.below(8);
            let elements: Vec<u32> = (0..length)
                .map(|at| if at == 0 { self.object(class) } else { self.some_shared(record) })
                .collect();
            let array = self.array(&elements);
            self.property(record, array);
        }
        if self.random.percent(70) {
            let closure = self.closure(context, context, 100);
            self.property(record, closure);
            let name = property_name(self.random.often_small(PROPERTIES));
            self.to(context, EdgeType::Context, name, Target::Here(closure));
        }
        if self.random.percent(15) {
            let weak = self.node(NodeType::Array, fixed("system / WeakFixedArray"), 32);
            self.internal(record, "table", weak);
            self.to(weak, EdgeType::Weak, 1, Target::Here(record));
            self.to(weak, EdgeType::Weak, 2, Target::Anywhere(constructor(class)));
        }
        // Some values are those of another module, anywhere before this one.
        if self.random.percent(8) && self.base > node_count() {
            let foreign = self.random.below(self.base - node_count()) + node_count();
            self.to(record, EdgeType::Property, property_name(4), Target::Anywhere(foreign));
        }
        record
    }

    /// A WeakMap whose pairs are named as V8 names them: the key and the table both point at the value.
    fn weak_map(&mut self, module: u32) {
        let map = self.part.add(Node::new(NodeType::Object, fixed("WeakMap"), 24));
        self.to(map, EdgeType::Internal, fixed("map"), Target::Anywhere(META_MAP));
        self.property(module, map);
        let table = self.node(NodeType::Array, fixed("system / FixedArray"), 512);
        self.internal(map, "table", table);
        for pair in 0..8 {
            let class = self.random.often_small(CLASSES);
            let (key, value) = (self.object(class), self.object(class));
            self.property(module, key);
            let id = |node: u32| (self.base + u64::from(node)) * 2 + 1;
            let name = format!(
                "{pair} / part of key (Key @{}) -> value (Value @{}) pair in WeakMap (table @{})",
                id(key),
                id(value),
                id(table)
            );
            let name = self.part.text(name);
            self.to(key, EdgeType::Internal, name, Target::Here(value));
            self.to(table, EdgeType::Internal, name, Target::Here(value));
            self.to(table, EdgeType::Weak, pair, Target::Here(key));
        }
    }
}
