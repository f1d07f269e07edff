//! A Node-like process that does not exist, for tests: objects with stable ids that come and go, and
//! snapshots of what can be reached, in V8's own format.

use std::collections::BTreeMap;
use std::sync::Arc;

use leakhound_heap::Heap;

use crate::{Case, Diagnosis, Limits, Snapshot, Sources, diagnose};

const NODE_TYPES: [&str; 14] = [
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
    "sliced string",
    "symbol",
    "bigint",
];
const EDGE_TYPES: [&str; 7] = ["context", "element", "property", "internal", "hidden", "shortcut", "weak"];

/// Something in the process' heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ref(usize);

struct Object {
    kind: &'static str,
    name: String,
    id: u32,
    size: u64,
    /// Type, name (or number), target.
    edges: Vec<(&'static str, String, Ref)>,
    location: Option<(u32, u32, u32)>,
}

/// A script that the process has loaded, with the context of its top level.
#[derive(Clone, Copy)]
pub(crate) struct Module {
    pub(crate) context: Ref,
    script: Ref,
    script_id: u32,
    exports: Ref,
}

/// One process.
pub(crate) struct Process {
    objects: Vec<Object>,
    next_id: u32,
    next_native: u32,
    scripts: u32,
    pub(crate) global: Ref,
    native_context: Ref,
    /// `require.cache`.
    cache: Ref,
    internals: Option<Module>,
    sources: BTreeMap<String, Arc<str>>,
    pub(crate) snapshots: Vec<Snapshot>,
}

impl Process {
    pub(crate) fn new() -> Self {
        Self::with_first_id(3)
    }

    /// Another process has other ids: `first` is odd.
    pub(crate) fn with_first_id(first: u32) -> Self {
        let nowhere = Ref(0);
        let mut process = Self {
            objects: Vec::new(),
            next_id: first,
            next_native: 2,
            scripts: 0,
            global: nowhere,
            native_context: nowhere,
            cache: nowhere,
            internals: None,
            sources: BTreeMap::new(),
            snapshots: Vec::new(),
        };
        let root = process.add("synthetic", "", 0);
        let roots = process.add("synthetic", "(GC roots)", 0);
        let handles = process.add("synthetic", "(Global handles)", 0);
        process.global = process.add("object", "global", 48);
        process.native_context = process.add("hidden", "system / NativeContext", 2000);
        process.link(root, "element", "1", roots);
        process.link(root, "shortcut", "2", process.global);
        process.link(roots, "element", "1", handles);
        process.link(handles, "element", "1", process.native_context);
        process.link(process.native_context, "internal", "global_proxy_object", process.global);
        let internals = process.script("node:internal/modules/cjs/loader");
        let loader = process.function(internals, "Module._load", 10, 2);
        process.link(handles, "element", "2", loader);
        process.link(handles, "element", "3", internals.exports);
        process.cache = process.object("Object", 48);
        process.variable(internals, "relativeResolveCache", process.cache);
        process.internals = Some(internals);
        // A process always has Node's own functions: they tell one process from another.
        for line in 0..120 {
            process.function(internals, &format!("internal{line}"), 100 + line, 4);
        }
        process
    }

    /// A module of Node's own.
    pub(crate) fn internals(&self) -> Module {
        self.internals.unwrap()
    }

    pub(crate) fn add(&mut self, kind: &'static str, name: &str, size: u64) -> Ref {
        let id = if kind == "native" {
            self.next_native += 2;
            self.next_native
        } else {
            self.next_id += 2;
            self.next_id
        };
        self.objects.push(Object {
            kind,
            name: name.to_owned(),
            id,
            size,
            edges: Vec::new(),
            location: None,
        });
        Ref(self.objects.len() - 1)
    }

    pub(crate) fn object(&mut self, class: &str, size: u64) -> Ref {
        self.add("object", class, size)
    }

    pub(crate) fn text(&mut self, text: &str, size: u64) -> Ref {
        self.add("string", text, size)
    }

    pub(crate) fn link(&mut self, from: Ref, kind: &'static str, name: impl ToString, to: Ref) {
        self.objects[from.0].edges.push((kind, name.to_string(), to));
    }

    /// Sets a property, replacing what it was.
    pub(crate) fn set(&mut self, from: Ref, name: &str, to: Ref) {
        self.objects[from.0].edges.retain(|(kind, known, _)| *kind != "property" || known != name);
        self.link(from, "property", name, to);
    }

    fn internal(&self, from: Ref, name: &str) -> Ref {
        let edge = self.objects[from.0].edges.iter().find(|edge| edge.0 == "internal" && edge.1 == name);
        edge.unwrap().2
    }

    // ── code ─────────────────────────────────────────────────────────────────────────────────

    /// Loads a script: a context for its top level, and `module.exports` to hang functions from.
    fn script(&mut self, url: &str) -> Module {
        self.scripts += 1;
        let context = self.object("system / Context", 64);
        self.link(context, "internal", "previous", self.native_context);
        let script = self.add("code", url, 80);
        let exports = self.object("Object", 56);
        Module { context, script, script_id: self.scripts, exports }
    }

    /// Loads a user's module with its source.
    pub(crate) fn module(&mut self, url: &str, source: &str) -> Module {
        let module = self.bare_module(url);
        let cut: String = source.chars().take(1024).collect();
        let text = self.text(&cut, 1024);
        self.link(module.script, "internal", "source", text);
        self.sources.insert(url.to_owned(), Arc::from(source));
        module
    }

    /// Loads a user's module whose source nobody has, not even the dump.
    pub(crate) fn bare_module(&mut self, url: &str) -> Module {
        let module = self.script(url);
        let record = self.object("Module", 96);
        let name = self.text(url, 40);
        self.set(record, "filename", name);
        self.set(record, "exports", module.exports);
        self.set(self.cache, url, record);
        module
    }

    /// A function of the module's top level, exported; line and column (of its parameters) are 0-based.
    pub(crate) fn function(&mut self, module: Module, name: &str, line: u32, column: u32) -> Ref {
        let closure = self.closure(module, module.context, name, line, column);
        self.set(module.exports, name, closure);
        closure
    }

    /// A function made anew, over the given context, held by nobody yet.
    pub(crate) fn closure(
        &mut self,
        module: Module,
        context: Ref,
        name: &str,
        line: u32,
        column: u32,
    ) -> Ref {
        let closure = self.add("closure", name, 64);
        let shared = self.add("code", name, 56);
        self.link(closure, "internal", "shared", shared);
        self.link(closure, "internal", "context", context);
        self.link(shared, "internal", "script", module.script);
        self.objects[closure.0].location = Some((module.script_id, line, column));
        closure
    }

    /// The context of a call, whose variables a closure captures.
    pub(crate) fn context(&mut self, module: Module) -> Ref {
        let context = self.object("system / Context", 40);
        self.link(context, "internal", "previous", module.context);
        context
    }

    /// Assigns a variable of the module's top level.
    pub(crate) fn variable(&mut self, module: Module, name: &str, to: Ref) {
        self.objects[module.context.0].edges.retain(|(kind, known, _)| *kind != "context" || known != name);
        self.link(module.context, "context", name, to);
    }

    // ── collections ──────────────────────────────────────────────────────────────────────────

    pub(crate) fn map(&mut self) -> Ref {
        let map = self.object("Map", 32);
        let table = self.add("array", "", 64);
        self.link(map, "internal", "table", table);
        map
    }

    /// Adds a member under a key of its own.
    pub(crate) fn map_set(&mut self, map: Ref, value: Ref) {
        let table = self.internal(map, "table");
        let key = self.text(&format!("key {}", self.next_id), 24);
        let at = self.objects[table.0].edges.len();
        self.link(table, "internal", at, key);
        self.link(table, "internal", at + 1, value);
        self.objects[table.0].size += 24;
    }

    /// Drops the oldest members.
    pub(crate) fn map_drop(&mut self, map: Ref, count: usize) {
        let table = self.internal(map, "table");
        let left = self.objects[table.0].edges.len().min(count * 2);
        self.objects[table.0].edges.drain(..left);
    }

    pub(crate) fn array(&mut self) -> Ref {
        let array = self.object("Array", 16);
        let elements = self.add("array", "", 64);
        self.link(array, "internal", "elements", elements);
        array
    }

    pub(crate) fn push(&mut self, array: Ref, value: Ref) {
        let elements = self.internal(array, "elements");
        let at = self.objects[elements.0].edges.len();
        self.link(array, "element", at, value);
        self.link(elements, "internal", at, value);
        self.objects[elements.0].size += 8;
    }

    /// Drops the oldest members.
    pub(crate) fn shift(&mut self, array: Ref, count: usize) {
        let elements = self.internal(array, "elements");
        let left = self.objects[elements.0].edges.len().min(count);
        self.objects[elements.0].edges.drain(..left);
        let objects = &mut self.objects[array.0].edges;
        let mut dropped = 0;
        objects.retain(|(kind, ..)| {
            let drop = *kind == "element" && dropped < left;
            dropped += usize::from(drop);
            !drop
        });
    }

    /// An object of the application with a text of about 1 KB.
    pub(crate) fn record(&mut self, class: &str) -> Ref {
        let record = self.object(class, 40);
        let payload = self.text(&format!("payload {}", self.next_id), 1000);
        self.set(record, "payload", payload);
        record
    }

    /// A `Buffer` whose bytes lie outside the heap.
    pub(crate) fn buffer(&mut self, size: u64) -> Ref {
        let buffer = self.object("Buffer", 88);
        let memory = self.object("ArrayBuffer", 72);
        let data = self.add("native", "system / JSArrayBufferData", size);
        self.link(buffer, "internal", "buffer", memory);
        self.link(memory, "internal", "backing_store", data);
        buffer
    }

    // ── snapshots ────────────────────────────────────────────────────────────────────────────

    /// Takes a snapshot, ten seconds after the one before. `load` says whether requests came in between.
    pub(crate) fn snapshot(&mut self, load: Option<bool>) {
        let number = self.snapshots.len();
        self.snapshots.push(Snapshot {
            heap: self.heap(),
            file: format!("{number}.heapsnapshot"),
            phase: format!("snapshot {number}"),
            seconds: Some(number as f64 * 10.0),
            load_before: load.filter(|_| number > 0),
        });
    }

    /// Cuts the last snapshot's file off just before its end.
    pub(crate) fn damage_last(&mut self) {
        let mut text = self.file();
        text.truncate(text.len() - 2);
        let last = self.snapshots.last_mut().unwrap();
        last.heap = Heap::read(text.into_bytes().into(), &()).unwrap();
    }

    fn reached(&self) -> Vec<Ref> {
        let mut seen = vec![false; self.objects.len()];
        let mut stack = vec![Ref(0)];
        while let Some(at) = stack.pop() {
            if !std::mem::replace(&mut seen[at.0], true) {
                stack.extend(
                    self.objects[at.0].edges.iter().filter(|edge| edge.0 != "weak").map(|edge| edge.2),
                );
            }
        }
        (0..self.objects.len()).filter(|&at| seen[at]).map(Ref).collect()
    }

    fn heap(&self) -> Heap {
        Heap::read(self.file().into_bytes().into(), &()).unwrap()
    }

    /// What can be reached, in V8's format.
    fn file(&self) -> String {
        let reached = self.reached();
        let mut ordinals = vec![None; self.objects.len()];
        for (ordinal, node) in reached.iter().enumerate() {
            ordinals[node.0] = Some(ordinal);
        }
        let mut strings = vec![String::new()];
        let mut known = BTreeMap::from([(String::new(), 0)]);
        let mut intern = |text: &str| {
            *known.entry(text.to_owned()).or_insert_with(|| {
                strings.push(text.to_owned());
                strings.len() - 1
            })
        };
        let number = |kinds: &[&str], kind: &str| kinds.iter().position(|known| *known == kind).unwrap();
        let (mut nodes, mut edges, mut locations) = (Vec::new(), Vec::new(), Vec::new());
        for (ordinal, node) in reached.iter().enumerate() {
            let object = &self.objects[node.0];
            let mut degree = 0;
            for (kind, name, to) in &object.edges {
                let Some(to) = ordinals[to.0] else { continue };
                let name =
                    if ["element", "hidden"].contains(kind) { name.parse().unwrap() } else { intern(name) };
                edges.push(format!("{},{name},{}", number(&EDGE_TYPES, kind), to * 5));
                degree += 1;
            }
            let name = intern(&object.name);
            let kind = number(&NODE_TYPES, object.kind);
            nodes.push(format!("{kind},{name},{},{},{degree}", object.id, object.size));
            if let Some((script, line, column)) = object.location {
                locations.push(format!("{},{script},{line},{column}", ordinal * 5));
            }
        }
        let meta = serde_json::json!({
            "node_fields": ["type", "name", "id", "self_size", "edge_count"],
            "node_types": [NODE_TYPES, "string", "number", "number", "number"],
            "edge_fields": ["type", "name_or_index", "to_node"],
            "edge_types": [EDGE_TYPES, "string_or_number", "node"],
            "location_fields": ["object_index", "script_id", "line", "column"],
        });
        format!(
            r#"{{"snapshot":{{"meta":{meta},"node_count":{},"edge_count":{}}},"nodes":[{}],"edges":[{}],"locations":[{}],"strings":{}}}"#,
            nodes.len(),
            edges.len(),
            nodes.join(","),
            edges.join(","),
            locations.join(","),
            serde_json::to_string(&strings).unwrap()
        )
    }

    /// The verdict on all snapshots taken, with the sources.
    pub(crate) fn diagnose(&self) -> Diagnosis {
        diagnose(&self.case(&self.texts()))
    }

    pub(crate) fn case<'a>(&'a self, sources: &'a dyn Sources) -> Case<'a> {
        Case {
            snapshots: &self.snapshots,
            allocations: None,
            sources,
            limits: Limits::default(),
            memory: None,
        }
    }

    pub(crate) fn texts(&self) -> SourceTexts {
        SourceTexts(self.sources.clone())
    }
}

/// Sources by URL.
pub(crate) struct SourceTexts(BTreeMap<String, Arc<str>>);

impl Sources for SourceTexts {
    fn text(&self, url: &str) -> Option<Arc<str>> {
        self.0.get(url).cloned()
    }
    fn package_version(&self, _url: &str) -> Option<String> {
        None
    }
}
