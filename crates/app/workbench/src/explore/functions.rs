//! `closures`: functions that exist many times. `contexts`: variables that functions have captured.

use std::cmp::Reverse;
use std::path::PathBuf;

use leakhound_heap::graph::Buffer;
use leakhound_heap::query::{Classes, Key, RowSource};
use leakhound_heap::v8::Landmarks;
use leakhound_heap::{EdgeKind, Model, NodeId, NodeKind, NodeSet};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::object::reference;
use super::{Dump, Exploration, ReferenceView};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// Variables of a context that are worth a line.
const VARIABLES: usize = 12;

/// What is asked, of `closures` and of `contexts`.
#[derive(Clone, Debug)]
pub struct FunctionsOptions {
    /// The dump.
    pub file: PathBuf,
    /// The rules.
    pub model: Model,
    /// At most so many rows.
    pub limit: Option<usize>,
}

/// `leakhound.closures/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClosuresView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// Functions, before the limit.
    pub matching: u64,
    /// Functions, those that keep most alive first.
    pub functions: Vec<FunctionView>,
}

/// All closures of one function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FunctionView {
    /// Its name.
    pub name: String,
    /// `file:line:column`, counting from 1; `None` for functions without a source.
    pub location: Option<String>,
    /// Closures of it.
    pub count: u64,
    /// Bytes of the closures themselves.
    pub shallow_size: u64,
    /// Bytes that they keep alive together.
    pub retained_size: u64,
    /// Different contexts that they hold.
    pub contexts: u64,
    /// Names of the variables in these contexts.
    pub variables: Vec<String>,
    /// One of the closures: the one that keeps most alive.
    pub id: u32,
}

/// `leakhound.contexts/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContextsView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// Whether the file says which variables are still used (V8 of 2026); if not, any of them may be dead.
    pub knows_uses: bool,
    /// Contexts, before the limit.
    pub matching: u64,
    /// Contexts, those that keep most alive first.
    pub contexts: Vec<ContextView>,
}

/// The captured variables of one call, block or module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContextView {
    /// The context.
    #[serde(flatten)]
    pub node: ReferenceView,
    /// Closures that hold it directly.
    pub closures: u64,
    /// Where one of them stands, counting from 1: inside of what declares the variables.
    pub location: Option<String>,
    /// The variables, the one that keeps most alive first.
    pub variables: Vec<VariableView>,
}

/// A captured variable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VariableView {
    /// Its name.
    pub variable: String,
    /// Its value.
    #[serde(flatten)]
    pub value: ReferenceView,
}

/// What tells functions apart: place and name.
type Function = (Option<leakhound_heap::Location>, String);

/// Lists functions by what their closures keep alive.
///
/// # Errors
/// When the dump cannot be read.
pub async fn closures(
    options: FunctionsOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<ClosuresView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        exploration.prepare();
        let functions = functions(&exploration, options.limit.unwrap_or(usize::MAX));
        Ok(ClosuresView {
            schema: "leakhound.closures/1".into(),
            model: options.model.as_str().into(),
            dump: exploration.dump(),
            matching: functions.0,
            functions: functions.1,
        })
    })
    .await
}

fn functions(exploration: &Exploration, limit: usize) -> (u64, Vec<FunctionView>) {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    let marks = Landmarks::new(heap);
    let mut numbers: FxHashMap<Function, u32> = FxHashMap::default();
    let mut groups: Vec<(Function, Vec<NodeId>)> = Vec::new();
    let mut of_node = Buffer::zeroed(heap.node_count());
    let mut closures = NodeSet::empty(heap.node_count());
    for node in heap.nodes().filter(|&node| heap.kind(node) == NodeKind::Closure) {
        let function = (heap.location(node), heap.name(node).into_owned());
        let number = *numbers.entry(function.clone()).or_insert_with(|| {
            groups.push((function, Vec::new()));
            groups.len() as u32 - 1
        });
        groups[number as usize].1.push(node);
        of_node[node.index()] = number;
        closures.insert(node);
    }
    let keys = (groups.iter()).map(|((location, name), _)| Key { name: name.clone(), location: *location });
    let grouped = Classes::grouped(of_node, keys.collect());
    let order = exploration.order();
    let source =
        RowSource { heap, lens, classes: &grouped, levels: None, order: Some(order), only: Some(&closures) };
    let mut rows = source.rows();
    rows.sort_by_key(|row| Reverse(row.retained));
    let all = rows.len() as u64;
    rows.truncate(limit);
    let views = rows.iter().map(|row| {
        let ((location, name), members) = &groups[row.class as usize];
        let mut contexts: Vec<NodeId> =
            members.iter().filter_map(|&closure| marks.closure_context(heap, closure)).collect();
        contexts.sort_unstable();
        contexts.dedup();
        let mut variables: Vec<String> = Vec::new();
        for &context in contexts.iter().take(VARIABLES) {
            for (variable, _) in captured(exploration, context) {
                if !variables.contains(&variable) && variables.len() < VARIABLES {
                    variables.push(variable);
                }
            }
        }
        let largest = members.iter().copied().max_by_key(|node| (order.1[node.index()], Reverse(*node)));
        FunctionView {
            name: if name.is_empty() { "(anonymous)".into() } else { name.clone() },
            location: location.and_then(|location| exploration.place_of(location)),
            count: members.len() as u64,
            shallow_size: row.shallow,
            retained_size: row.retained.unwrap_or_default(),
            contexts: contexts.len() as u64,
            variables,
            id: largest.map_or(0, |node| heap.id(node)),
        }
    });
    (all, views.collect())
}

/// The variables of a context and their values.
fn captured(exploration: &Exploration, context: NodeId) -> Vec<(String, NodeId)> {
    let heap = exploration.heap();
    let variables = heap.edges(context).filter(|edge| edge.kind == EdgeKind::Context);
    variables.map(|edge| (heap.edge_name(&edge).into_owned(), edge.to)).collect()
}

/// Lists contexts by what they keep alive.
///
/// # Errors
/// When the dump cannot be read.
pub async fn contexts(
    options: FunctionsOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<ContextsView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        exploration.prepare();
        let heap = exploration.heap();
        let marks = Landmarks::new(heap);
        let retained = exploration.order().1;
        let mut contexts: Vec<NodeId> = heap
            .nodes()
            .filter(|&node| marks.is_context(heap, node) && !marks.is_native_context(heap, node))
            .collect();
        contexts.sort_by_key(|node| Reverse(retained[node.index()]));
        let matching = contexts.len() as u64;
        contexts.truncate(options.limit.unwrap_or(usize::MAX));
        let mut holders: FxHashMap<NodeId, (u64, Option<NodeId>)> =
            contexts.iter().map(|&context| (context, (0, None))).collect();
        for closure in heap.nodes().filter(|&node| heap.kind(node) == NodeKind::Closure) {
            let context = marks.closure_context(heap, closure);
            if let Some(holder) = context.and_then(|context| holders.get_mut(&context)) {
                holder.0 += 1;
                let known = holder.1.is_some_and(|closure| heap.location(closure).is_some());
                holder.1 = if known { holder.1 } else { Some(closure) };
            }
        }
        let views = contexts.iter().map(|&context| {
            let (closures, one) = holders.get(&context).copied().unwrap_or_default();
            let mut variables: Vec<(String, NodeId)> = captured(&exploration, context);
            variables.sort_by_key(|(_, value)| Reverse(retained[value.index()]));
            ContextView {
                node: reference(&exploration, context),
                closures,
                location: one.and_then(|closure| exploration.place(closure)),
                variables: (variables.into_iter())
                    .map(|(variable, value)| VariableView { variable, value: reference(&exploration, value) })
                    .collect(),
            }
        });
        Ok(ContextsView {
            schema: "leakhound.contexts/1".into(),
            model: options.model.as_str().into(),
            knows_uses: heap.scopes().is_some(),
            matching,
            contexts: views.collect(),
            dump: exploration.dump(),
        })
    })
    .await
}
