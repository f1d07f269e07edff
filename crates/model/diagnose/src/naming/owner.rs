//! The variable nearest above an accumulation point.

use std::cmp::Reverse as Least;
use std::collections::BinaryHeap;

use leakhound_heap::v8::Place;
use leakhound_heap::{Edge, EdgeKind, Heap, NodeId, NodeKind};
use rustc_hash::{FxHashMap, FxHashSet};

use super::closures::{Author, Closures};
use super::texts::Texts;
use crate::finding::Scope;
use crate::growth::{Births, Point, Scene, Shape};
use crate::source::{BindingKind, Initializer, Position};

/// A holder before its lines are known.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// What the variable holds.
    pub(crate) object: NodeId,
    /// The object whose members grow (the same as `object`, or something below it).
    pub(crate) collection: NodeId,
    pub(crate) variable: Option<String>,
    pub(crate) scope: Scope,
    /// Links from `object` down to `collection`: `.items`, `[…]`.
    pub(crate) labels: Vec<String>,
    /// Nodes from `object` down to `collection`, both included.
    pub(crate) nodes: Vec<NodeId>,
    /// A function that sees the variable.
    pub(crate) seen_from: Option<Place>,
    pub(crate) author: Author,
    /// The context that holds the variable.
    pub(crate) context: Option<NodeId>,
}

impl Owner {
    /// As one would write it in the source: `registry.items`.
    pub(crate) fn expression(&self) -> String {
        let name = self.variable.clone().unwrap_or_default();
        let tail: String = self.labels.iter().filter(|label| !label.starts_with('<')).cloned().collect();
        format!("{name}{tail}")
    }

    /// Properties on the way from the variable to the collection, innermost first.
    pub(crate) fn properties(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().rev().filter_map(|label| label.strip_prefix('.'))
    }
}

/// Hops between two links of a recursive structure (node → children → elements → node).
const PERIOD: usize = 8;
/// Nodes looked at on the way up.
const MAX_STEPS: usize = 40_000;
/// Names that are the language's or Node's, shared by unrelated objects.
const GENERIC: [&str; 15] = [
    "Object",
    "Array",
    "Map",
    "Set",
    "WeakMap",
    "Context",
    "(array)",
    "(system)",
    "(string)",
    "Function",
    "Module",
    "Promise",
    "(anonymous)",
    "PromiseReaction",
    "Generator",
];

/// Walks up to the top of a recursive structure: from the list node or tree node at which growth was
/// found to the first one, which a variable holds.
pub(crate) fn climb(scene: &Scene<'_>, point: &Point) -> NodeId {
    let (_, member, _) = crate::accused::main_member(scene, point);
    let own = scene.label(point.node);
    let wanted: Vec<String> = [own, member]
        .into_iter()
        .filter(|class| point.shape == Shape::Chain || !GENERIC.contains(&class.as_str()))
        .collect();
    let mut top = point.node;
    let mut at = point.node;
    let mut gap = 0;
    while let Some(parent) = scene.dominators.parent(at) {
        gap += 1;
        if gap > PERIOD || scene.is_transparent(parent) || scene.marks.is_context(scene.heap, parent) {
            break;
        }
        let object = scene.heap.kind(parent) != NodeKind::Closure;
        if object && wanted.contains(&scene.label(parent)) {
            top = parent;
            gap = 0;
        }
        at = parent;
    }
    top
}

/// One way a name was found.
struct Candidate {
    cost: u32,
    variable: String,
    scope: Scope,
    object: NodeId,
    seen_from: Option<Place>,
    author: Author,
    context: Option<NodeId>,
}

/// Finds the variable nearest above `collection`, over all strong incoming edges that do not come from
/// below it. Falls back to a nameless owner.
pub(crate) fn owner_of(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    births: Option<&Births>,
    collection: NodeId,
) -> Owner {
    let heap = scene.heap;
    let closures = Closures::new(scene);
    let mut costs: FxHashMap<NodeId, u32> = FxHashMap::from_iter([(collection, 0)]);
    let mut below: FxHashMap<NodeId, (NodeId, Edge)> = FxHashMap::default();
    let mut queue = BinaryHeap::from([Least((0u32, collection))]);
    let mut best: Option<Candidate> = None;
    let mut steps = 0;
    while let Some(Least((cost, node))) = queue.pop() {
        if best.as_ref().is_some_and(|best| cost >= best.cost) || steps > MAX_STEPS {
            break;
        }
        if costs.get(&node).is_some_and(|&known| known < cost) {
            continue;
        }
        for (source, edge) in scene.reverse.retainers(heap, node) {
            steps += 1;
            let inside = source != collection && scene.tree.covers(collection, source);
            if inside || !heap.retains(source, &edge) {
                continue;
            }
            let young = births.is_some_and(|births| births.is_young(source) && !births.is_young(collection));
            let penalty = if young { 6 } else { 0 };
            if let Some(candidate) = name(scene, texts, &closures, source, &edge, cost + penalty)
                && best.as_ref().is_none_or(|best| candidate.cost < best.cost)
            {
                best = Some(candidate);
            }
            if let Some(step) = climb_cost(scene, source, &edge) {
                let total = cost + step + penalty;
                if total <= 40 && costs.get(&source).is_none_or(|&known| total < known) {
                    costs.insert(source, total);
                    below.insert(source, (node, edge));
                    queue.push(Least((total, source)));
                }
            }
        }
    }
    assemble(scene, collection, best, &below)
}

/// Whether this incoming edge is a name that a programmer gave.
fn name(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    closures: &Closures<'_, '_>,
    source: NodeId,
    edge: &Edge,
    cost: u32,
) -> Option<Candidate> {
    let heap = scene.heap;
    let candidate = |extra: u32, variable: String, scope, seen_from: Option<Place>| {
        let author = seen_from.as_ref().map_or(Author::User, |place| Author::of(&place.url));
        let extra = extra
            + match author {
                Author::User => 0,
                Author::Package => 3,
                Author::Node => 30,
            };
        Some(Candidate {
            cost: cost + extra,
            variable,
            scope,
            object: edge.to,
            seen_from,
            author,
            context: (edge.kind == EdgeKind::Context).then_some(source),
        })
    };
    let url_of_generator = |generator: NodeId| {
        let location = heap.location(generator)?;
        Some(Place {
            url: scene.scripts.url(heap, location.script_id)?,
            line: location.line,
            column: location.column,
        })
    };
    // `process` is behind an accessor of the global object: nothing names it but its class.
    if heap.kind(edge.to) == NodeKind::Object && heap.name(edge.to) == "process" {
        return candidate(5, "process".into(), Scope::Global, None);
    }
    match edge.kind {
        EdgeKind::Context if scene.marks.is_context(heap, source) => {
            let (_, place) = closures.seeing(source)?;
            let module = closures.is_module_level(source);
            let scope = if module { Scope::Module } else { Scope::Closure };
            let name = heap.edge_name(edge).into_owned();
            // A receiver, a parser's own helper, a module wrapper's parameter: no names that someone gave.
            if ["this", "arguments", "require", "module", "exports"].contains(&name.as_str())
                || name.starts_with('.')
            {
                return None;
            }
            // What another module exports and this one only imported is declared there.
            let alias = if is_imported(texts, &place, &name) { 6 } else { 0 };
            candidate(alias + if module { 1 } else { 2 }, name, scope, Some(place))
        }
        EdgeKind::Property if scene.marks.global() == Some(source) => {
            let name = heap.edge_name(edge).into_owned();
            if ["globalThis", "global", "self"].contains(&name.as_str())
                || heap.kind(edge.to) == NodeKind::Closure
            {
                return None;
            }
            // `process` and `console` reach far into Node: only what hangs close to them is theirs.
            let own = ["process", "console"].contains(&name.as_str());
            candidate(if own { 5 } else { 2 }, name, Scope::Global, None)
        }
        EdgeKind::Property
            if scene.marks.class(heap, source) == "Module" && heap.edge_name(edge) == "children" =>
        {
            let place = module_file(heap, source).map(|url| Place { url, line: 0, column: 0 });
            let mut module = candidate(3, "module".into(), Scope::Module, place)?;
            module.object = source;
            Some(module)
        }
        // A variable that an ES module exports: a cell in the module's table, behind its name.
        EdgeKind::Internal if scene.marks.is_cell(heap, source) => {
            let (table, slot) = scene.reverse.retainers(heap, source).find_map(|(table, entry)| {
                let slot: u64 = heap.edge_name(&entry).parse().ok()?;
                let name = heap.edges(table).find(|before| {
                    before.kind == EdgeKind::Internal
                        && heap.kind(before.to).is_string()
                        && heap.edge_name(before).parse() == Ok(slot.wrapping_sub(1))
                })?;
                Some((table, heap.name(name.to).into_owned()))
            })?;
            let record = scene
                .reverse
                .retainers(heap, table)
                .map(|(record, _)| record)
                .find(|&record| scene.marks.is_module_record(heap, record))?;
            let place = heap.edges(record).find_map(|edge| url_of_generator(edge.to));
            candidate(1, slot, Scope::Module, place.map(|place| Place { line: 0, column: 0, ..place }))
        }
        // A local of a suspended async function or generator: V8 keeps no name, the source does.
        EdgeKind::Internal if scene.marks.is_backing_store(heap, source) => {
            let generator = scene
                .reverse
                .retainers(heap, source)
                .find(|(_, edge)| scene.marks.is_registers_edge(edge))
                .map(|(generator, _)| generator)?;
            let place = url_of_generator(generator)?;
            let local = local_that_holds(texts, &place, &scene.label(edge.to))?;
            candidate(2, local, Scope::Closure, Some(place))
        }
        EdgeKind::Property => {
            // exports.NAME of a module.
            let module = scene.reverse.retainers(heap, source).find(|(above, edge)| {
                edge.kind == EdgeKind::Property
                    && heap.edge_name(edge) == "exports"
                    && scene.marks.class(heap, *above) == "Module"
            });
            let (module, _) = module?;
            let place = module_file(heap, module).map(|url| Place { url, line: 0, column: 0 });
            candidate(4, heap.edge_name(edge).into_owned(), Scope::Exports, place)
        }
        _ => None,
    }
}

/// Whether a variable only stands for what another module exports.
fn is_imported(texts: &Texts<'_>, place: &Place, name: &str) -> bool {
    let Some(source) = texts.get(&place.url) else { return false };
    let Some(binding) = source.resolve(name, Position::new(place.line, place.column)) else { return false };
    match &binding.initializer {
        Some(Initializer::Call(function)) => {
            ["require", "__importDefault", "__importStar", "__toESM"].contains(&function.as_str())
        }
        // `const { store } = require('./store')`.
        None => binding.kind == BindingKind::Import || binding.text.contains("require("),
        Some(_) => binding.text.contains("require(") && !binding.text.contains("new "),
    }
}

/// The local of the function at `place` that is made as a `class` and added to.
fn local_that_holds(texts: &Texts<'_>, place: &Place, class: &str) -> Option<String> {
    let source = texts.get(&place.url)?;
    let function = source.function_at(Position::new(place.line, place.column))?;
    source
        .locals_of(function.id)
        .into_iter()
        .filter(|local| match &local.initializer {
            Some(Initializer::Array) => class == "Array",
            Some(Initializer::Object) => class == "Object",
            Some(Initializer::New(name)) => name == class,
            Some(_) | None => false,
        })
        .filter_map(|local| Some((source.additions_to(&local).first()?.strength, local.name)))
        .max_by_key(|(strength, _)| *strength)
        .map(|(_, name)| name)
}

/// File name of a CommonJS `Module`.
pub(crate) fn module_file(heap: &Heap, module: NodeId) -> Option<String> {
    heap.edges(module)
        .find(|edge| edge.kind == EdgeKind::Property && heap.edge_name(edge) == "filename")
        .map(|edge| heap.name(edge.to).into_owned())
}

/// What it costs to look for a name one link further up; `None` where no name can follow.
fn climb_cost(scene: &Scene<'_>, source: NodeId, edge: &Edge) -> Option<u32> {
    if scene.is_transparent(source) {
        return None;
    }
    let context = scene.marks.is_context(scene.heap, source);
    // Whoever sees a variable does not hold it: the functions of a context say nothing new.
    if scene.heap.kind(source) == NodeKind::Closure && scene.marks.is_context(scene.heap, edge.to) {
        return None;
    }
    Some(match edge.kind {
        EdgeKind::Internal if scene.marks.is_store_edge(edge) => 0,
        EdgeKind::Property => 1,
        EdgeKind::Internal if scene.marks.is_backing_store(scene.heap, source) => 1,
        EdgeKind::Internal if !context => 2,
        EdgeKind::Element => 2,
        EdgeKind::Hidden | EdgeKind::Shortcut => 4,
        EdgeKind::Context => 3,
        _ => return None,
    })
}

fn assemble(
    scene: &Scene<'_>,
    collection: NodeId,
    best: Option<Candidate>,
    below: &FxHashMap<NodeId, (NodeId, Edge)>,
) -> Owner {
    let object = best.as_ref().map_or(collection, |best| best.object);
    let mut nodes = vec![object];
    let mut labels = Vec::new();
    let mut at = object;
    while at != collection {
        let Some((next, edge)) = below.get(&at) else { break };
        let name = scene.heap.edge_name(edge);
        match edge.kind {
            EdgeKind::Property => labels.push(format!(".{name}")),
            EdgeKind::Element => labels.push("[…]".into()),
            EdgeKind::Internal if scene.marks.is_store_edge(edge) => {}
            EdgeKind::Internal if scene.marks.is_backing_store(scene.heap, at) => labels.push("[…]".into()),
            _ => labels.push(format!("<{name}>")),
        }
        nodes.push(*next);
        at = *next;
    }
    match best {
        Some(best) => Owner {
            object,
            collection,
            variable: Some(best.variable),
            scope: if best.author == Author::Node { Scope::NodeInternal } else { best.scope },
            labels,
            nodes,
            seen_from: best.seen_from,
            author: best.author,
            context: best.context,
        },
        None => Owner {
            object,
            collection,
            variable: None,
            scope: Scope::Unknown,
            labels,
            nodes,
            seen_from: None,
            author: Author::Node,
            context: None,
        },
    }
}

/// The user's function nearest below a member (a listener, a timer's callback), with the path to it.
/// Only what `within` dominates is looked at.
pub(crate) fn first_user_closure(
    scene: &Scene<'_>,
    within: NodeId,
    member: NodeId,
) -> Option<(NodeId, Place, Vec<NodeId>)> {
    let mut seen = FxHashSet::from_iter([member]);
    let mut queue = vec![(member, usize::MAX)];
    let mut at = 0;
    while let Some(&(node, _)) = queue.get(at) {
        let suspended = scene.marks.registers(scene.heap, node).is_some();
        if (suspended || scene.heap.kind(node) == NodeKind::Closure)
            && let Some(place) = scene.scripts.place(scene.heap, node)
            && Author::of(&place.url) != Author::Node
        {
            let mut path = Vec::new();
            let mut step = at;
            while let Some(&(node, before)) = queue.get(step) {
                path.push(node);
                step = before;
            }
            path.reverse();
            return Some((node, place, path));
        }
        if queue.len() < 600 {
            for edge in scene.heap.edges(node) {
                let strong = scene.heap.retains(node, &edge);
                if strong && scene.tree.covers(within, edge.to) && seen.insert(edge.to) {
                    queue.push((edge.to, at));
                }
            }
        }
        at += 1;
    }
    None
}
