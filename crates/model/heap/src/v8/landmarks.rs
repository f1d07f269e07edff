//! The string indexes of the names that matter, looked up once, and the questions they answer.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::{Edge, EdgeKind, Heap, NodeId, NodeKind};

/// Recognises V8's and Node's own objects in one heap.
pub struct Landmarks {
    contexts: FxHashSet<u32>,
    native_contexts: FxHashSet<u32>,
    /// `context` (of a closure).
    context: Option<u32>,
    shared: Option<u32>,
    script: Option<u32>,
    script_or_debug_info: Option<u32>,
    source: Option<u32>,
    previous: Option<u32>,
    elements: Option<u32>,
    table: Option<u32>,
    properties: Option<u32>,
    backing_store: Option<u32>,
    registers: Option<u32>,
    cell: Option<u32>,
    module_record: Option<u32>,
    global: Option<NodeId>,
}

impl Landmarks {
    /// Looks the names up: one pass over the string table a name.
    pub fn new(heap: &Heap) -> Self {
        let strings = heap.strings();
        let starting = |prefix: &str| -> FxHashSet<u32> {
            strings
                .containing(prefix)
                .into_iter()
                .filter(|&index| {
                    let name = strings.get(index);
                    let name = name.strip_prefix("Detached ").unwrap_or(&name);
                    name == prefix || name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(" / "))
                })
                .collect()
        };
        let mut marks = Self {
            contexts: starting("system / Context"),
            native_contexts: starting("system / NativeContext"),
            context: strings.position("context"),
            shared: strings.position("shared"),
            script: strings.position("script"),
            script_or_debug_info: strings.position("script_or_debug_info"),
            source: strings.position("source"),
            previous: strings.position("previous"),
            elements: strings.position("elements"),
            table: strings.position("table"),
            properties: strings.position("properties"),
            backing_store: strings.position("backing_store"),
            registers: strings.position("parameters_and_registers"),
            cell: strings.position("system / Cell"),
            module_record: strings.position("system / SourceTextModule"),
            global: None,
        };
        marks.global = marks.find_global(heap);
        marks
    }

    /// The global object: the user root of Node ≤ 24, or what the native context's extension is in 26.
    fn find_global(&self, heap: &Heap) -> Option<NodeId> {
        let user_root = |edge: &Edge| heap.kind(edge.to) != NodeKind::Synthetic;
        let mut roots = heap.edges(heap.root()).filter(user_root).map(|edge| edge.to);
        let first = roots.next()?;
        if !self.is_native_context(heap, first) {
            return Some(first);
        }
        let strings = heap.strings();
        ["global_object", "global_proxy_object", "extension"]
            .into_iter()
            .filter_map(|name| strings.position(name))
            .find_map(|name| heap.follow(first, name))
    }

    /// The main realm's global object.
    pub fn global(&self) -> Option<NodeId> {
        self.global
    }

    /// Whether the node holds the variables of a function, block or module that closures captured.
    pub fn is_context(&self, heap: &Heap, node: NodeId) -> bool {
        self.contexts.contains(&heap.name_index(node))
    }

    /// Whether the node is a realm's own context.
    pub fn is_native_context(&self, heap: &Heap, node: NodeId) -> bool {
        self.native_contexts.contains(&heap.name_index(node))
    }

    /// Whether the node is a store of its owner's members: elements of an array or object, the table of a
    /// Map or Set, out-of-object properties.
    pub fn is_backing_store(&self, heap: &Heap, node: NodeId) -> bool {
        heap.kind(node) == NodeKind::Array
    }

    /// Whether the edge leads from a collection to its own store.
    pub fn is_store_edge(&self, edge: &Edge) -> bool {
        edge.kind == EdgeKind::Internal
            && [self.elements, self.table, self.properties, self.backing_store]
                .contains(&Some(edge.name_or_index))
    }

    /// Store of a Map, Set, array or dictionary-mode object, where it has one.
    pub fn member_store(&self, heap: &Heap, node: NodeId) -> Option<NodeId> {
        let by = |name: Option<u32>| {
            name.and_then(|name| {
                heap.edges(node)
                    .find(|edge| edge.kind == EdgeKind::Internal && edge.name_or_index == name)
                    .map(|edge| edge.to)
            })
        };
        by(self.table).or_else(|| by(self.elements))
    }

    /// Context of a closure.
    pub fn closure_context(&self, heap: &Heap, closure: NodeId) -> Option<NodeId> {
        self.internal(heap, closure, self.context)
    }

    /// Context around a context.
    pub fn outer_context(&self, heap: &Heap, context: NodeId) -> Option<NodeId> {
        self.internal(heap, context, self.previous)
    }

    /// Script of a closure.
    pub fn script_of_closure(&self, heap: &Heap, closure: NodeId) -> Option<NodeId> {
        let shared = self.internal(heap, closure, self.shared)?;
        self.internal(heap, shared, self.script)
            .or_else(|| self.internal(heap, shared, self.script_or_debug_info))
            .filter(|&script| heap.kind(script) != NodeKind::Array)
    }

    /// Registers of a suspended generator or async function: its locals, nameless.
    pub fn is_registers_edge(&self, edge: &Edge) -> bool {
        edge.kind == EdgeKind::Internal
            && self.registers.is_some()
            && Some(edge.name_or_index) == self.registers
    }

    /// The registers of a node that is a suspended generator or async function.
    pub fn registers(&self, heap: &Heap, generator: NodeId) -> Option<NodeId> {
        self.internal(heap, generator, self.registers)
    }

    /// Whether the node is the cell of a variable that an ES module exports.
    pub fn is_cell(&self, heap: &Heap, node: NodeId) -> bool {
        self.cell.is_some() && Some(heap.name_index(node)) == self.cell
    }

    /// Whether the node is an ES module's record.
    pub fn is_module_record(&self, heap: &Heap, node: NodeId) -> bool {
        self.module_record.is_some() && Some(heap.name_index(node)) == self.module_record
    }

    /// Source text of a script, as far as the dump holds it (V8 cuts strings at 1,024 units by default).
    pub fn script_source<'h>(&self, heap: &'h Heap, script: NodeId) -> Option<Cow<'h, str>> {
        let source = self.internal(heap, script, self.source)?;
        heap.kind(source).is_string().then(|| heap.name(source))
    }

    fn internal(&self, heap: &Heap, node: NodeId, name: Option<u32>) -> Option<NodeId> {
        let name = name?;
        heap.edges(node)
            .find(|edge| edge.kind == EdgeKind::Internal && edge.name_or_index == name)
            .map(|edge| edge.to)
    }

    /// Class of a node: the constructor of objects, `(string)`, `(array)`, … for the rest, `Function` for
    /// closures.
    pub fn class<'h>(&self, heap: &'h Heap, node: NodeId) -> Cow<'h, str> {
        match heap.kind(node) {
            _ if self.is_context(heap, node) => Cow::Borrowed("Context"),
            NodeKind::Object | NodeKind::Native => {
                let name = heap.name(node);
                match name.as_bytes().first() {
                    // Elements carry their attributes in their name: `<div class="x">`.
                    Some(b'<') => match name.find(' ') {
                        Some(space) => Cow::Owned(format!("{}>", &name[..space])),
                        None => name,
                    },
                    None => Cow::Borrowed("(anonymous)"),
                    Some(_) => name,
                }
            }
            NodeKind::Closure => Cow::Borrowed("Function"),
            NodeKind::RegExp => Cow::Borrowed("RegExp"),
            NodeKind::Code => Cow::Borrowed("(compiled code)"),
            NodeKind::Hidden => Cow::Borrowed("(system)"),
            kind if kind.is_string() => Cow::Borrowed("(string)"),
            NodeKind::Synthetic => heap.name(node),
            kind => Cow::Owned(format!("({})", kind.name())),
        }
    }
}
