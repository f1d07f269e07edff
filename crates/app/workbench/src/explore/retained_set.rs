//! `retained-set`: what would be freed if some objects were.

use std::cmp::Reverse;
use std::path::PathBuf;

use leakhound_heap::query::RowSource;
use leakhound_heap::{Model, NodeId, NodeSet};
use regex::Regex;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::object::find;
use super::{Dump, Exploration};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// What is asked.
#[derive(Clone, Debug)]
pub struct RetainedSetOptions {
    /// The dump.
    pub file: PathBuf,
    /// The rules.
    pub model: Model,
    /// These objects.
    pub ids: Vec<u32>,
    /// And all objects of the classes whose name matches.
    pub class: Option<Regex>,
    /// At most so many rows of each table.
    pub limit: Option<usize>,
}

/// `leakhound.retained-set/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetainedSetView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// Objects selected.
    pub selected: u64,
    /// Objects that every path from a root reaches through a selected one, the selected ones included.
    pub count: u64,
    /// Their shallow sizes, in bytes: what would be freed.
    pub size: u64,
    /// Classes in the set, before the limit.
    pub matching: u64,
    /// What the set is made of, the largest class first.
    pub classes: Vec<SetRowView>,
    /// What the set refers to and something else keeps alive too, by class, the most edges first.
    pub boundary: Vec<SetRowView>,
}

/// Objects of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRowView {
    /// The class.
    pub name: String,
    /// Objects of it; at the boundary, edges to them.
    pub count: u64,
    /// Bytes of the objects themselves.
    pub shallow_size: u64,
}

/// Finds the set.
///
/// # Errors
/// When the dump cannot be read or nothing is selected.
pub async fn retained_set(
    options: RetainedSetOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<RetainedSetView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        let selected = select(&exploration, &options)?;
        let set = held(&exploration, &selected);
        Ok(view(&exploration, &selected, &set, &options))
    })
    .await
}

fn select(exploration: &Exploration, options: &RetainedSetOptions) -> Result<NodeSet, WorkbenchError> {
    let heap = exploration.heap();
    let mut selected = NodeSet::empty(heap.node_count());
    for &id in &options.ids {
        selected.insert(find(exploration, id)?);
    }
    if let Some(class) = &options.class {
        let classes = exploration.classes();
        let matching: Vec<bool> = classes.keys().iter().map(|key| class.is_match(&key.name)).collect();
        for node in heap.nodes().filter(|&node| matching[classes.of(node) as usize]) {
            selected.insert(node);
        }
    }
    if selected.is_empty() {
        return Err(WorkbenchError::usage(
            format!("find the retained set in {}", options.file.display()),
            "no object is selected",
            "give ids, or --class with the name of a class; `leakhound summary` lists them",
        ));
    }
    Ok(selected)
}

/// What the roots reach, without what they reach past the selected nodes.
fn held(exploration: &Exploration, selected: &NodeSet) -> NodeSet {
    let nothing = NodeSet::empty(exploration.heap().node_count());
    let (all, others) = rayon::join(|| reach(exploration, &nothing), || reach(exploration, selected));
    let mut set = nothing;
    for node in exploration.heap().nodes().filter(|&node| all.contains(node) && !others.contains(node)) {
        set.insert(node);
    }
    set
}

fn reach(exploration: &Exploration, closed: &NodeSet) -> NodeSet {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    let mut reached = NodeSet::empty(heap.node_count());
    let mut stack = Vec::new();
    if !closed.contains(heap.root()) {
        reached.insert(heap.root());
        stack.push(heap.root());
    }
    while let Some(node) = stack.pop() {
        for edge in heap.edges(node) {
            if !closed.contains(edge.to) && lens.retains(heap, node, &edge) && reached.insert(edge.to) {
                stack.push(edge.to);
            }
        }
    }
    reached
}

fn view(
    exploration: &Exploration,
    selected: &NodeSet,
    set: &NodeSet,
    options: &RetainedSetOptions,
) -> RetainedSetView {
    let (heap, lens, classes) = (exploration.heap(), exploration.lens(), exploration.classes());
    let members = || heap.nodes().filter(|&node| set.contains(node));
    let source = RowSource { heap, lens, classes, levels: None, order: None, only: Some(set) };
    let mut rows = source.rows();
    rows.sort_by_key(|row| Reverse(row.shallow));
    let matching = rows.len() as u64;
    let limit = options.limit.unwrap_or(usize::MAX);

    let mut outside: FxHashMap<u32, (u64, FxHashMap<NodeId, u64>)> = FxHashMap::default();
    for node in members() {
        for edge in heap.edges(node).filter(|edge| !set.contains(edge.to) && lens.retains(heap, node, edge)) {
            let row = outside.entry(classes.of(edge.to)).or_default();
            row.0 += 1;
            row.1.insert(edge.to, lens.size(heap, edge.to));
        }
    }
    let mut boundary: Vec<SetRowView> = (outside.into_iter())
        .map(|(class, (count, objects))| SetRowView {
            name: classes.key(class).name.clone(),
            count,
            shallow_size: objects.values().sum(),
        })
        .collect();
    boundary.sort_by(|one, other| (Reverse(one.count), &one.name).cmp(&(Reverse(other.count), &other.name)));
    boundary.truncate(limit);
    RetainedSetView {
        schema: "leakhound.retained-set/1".into(),
        model: options.model.as_str().into(),
        dump: exploration.dump(),
        selected: selected.len() as u64,
        count: set.len() as u64,
        size: members().map(|node| lens.size(heap, node)).sum(),
        matching,
        classes: (rows.iter().take(limit))
            .map(|row| SetRowView {
                name: row.key(classes).name.clone(),
                count: row.count,
                shallow_size: row.shallow,
            })
            .collect(),
        boundary,
    }
}
