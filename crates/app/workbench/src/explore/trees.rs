//! `retainers`: upwards, what keeps an object alive. `dominators`: downwards, what it alone keeps alive.

use std::collections::HashMap;
use std::path::PathBuf;

use leakhound_heap::{Edge, Model, NodeId, NodeSet};
use serde::{Deserialize, Serialize};

use super::object::{field, find, is_retainer, reference};
use super::{Dump, Exploration, FieldView, ReferenceView};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// What is asked.
#[derive(Clone, Debug)]
pub struct TreeOptions {
    /// The dump.
    pub file: PathBuf,
    /// The rules.
    pub model: Model,
    /// The object; the root where none is given.
    pub id: Option<u32>,
    /// Levels below the object.
    pub depth: usize,
    /// Branches of each node.
    pub limit: usize,
}

/// `leakhound.retainers/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetainersView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// The object.
    pub object: ReferenceView,
    /// What keeps it alive.
    #[serde(flatten)]
    pub above: Retainers,
}

/// The retainers of one object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Retainers {
    /// How many there are.
    pub retainer_count: u64,
    /// The nearest to a root first.
    pub retainers: Vec<RetainerView>,
}

/// One retainer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetainerView {
    /// The edge and the object that has it.
    #[serde(flatten)]
    pub field: FieldView,
    /// Its distance from a root; −5 when it cannot be reached.
    pub distance: i32,
    /// It stands further up in this very branch: not followed again.
    pub cycle: bool,
    /// What keeps the retainer alive.
    #[serde(flatten)]
    pub above: Retainers,
}

/// `leakhound.dominators/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DominatorsView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// The tree.
    pub tree: DominatorView,
}

/// One object and what it immediately dominates.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DominatorView {
    /// The object.
    #[serde(flatten)]
    pub node: ReferenceView,
    /// How many objects it immediately dominates.
    pub child_count: u64,
    /// The largest of them.
    pub children: Vec<DominatorView>,
}

/// What keeps an object alive.
///
/// # Errors
/// When the dump cannot be read or has no such object.
pub async fn retainers(
    options: TreeOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<RetainersView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        let node = start(&exploration, &options)?;
        exploration.prepare();
        Ok(RetainersView {
            schema: "leakhound.retainers/1".into(),
            model: options.model.as_str().into(),
            dump: exploration.dump(),
            object: reference(&exploration, node),
            above: {
                let incoming = incoming(&exploration, node, &options);
                above(&exploration, &incoming, &mut vec![node], &options)
            },
        })
    })
    .await
}

fn start(exploration: &Exploration, options: &TreeOptions) -> Result<NodeId, WorkbenchError> {
    match options.id {
        Some(id) => find(exploration, id),
        None => Ok(exploration.heap().root()),
    }
}

/// What retains each node of the tree, in the order in which it is shown.
type Incoming = HashMap<NodeId, Vec<(NodeId, Edge)>>;

/// Level by level: one look at all edges a level, however many nodes it has.
fn incoming(exploration: &Exploration, start: NodeId, options: &TreeOptions) -> Incoming {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    let mut found = Incoming::new();
    let mut level = vec![start];
    for _ in 0..options.depth {
        let mut wanted = NodeSet::empty(heap.node_count());
        level.retain(|&node| !found.contains_key(&node) && wanted.insert(node));
        if level.is_empty() {
            break;
        }
        level.iter().for_each(|&node| _ = found.entry(node).or_default());
        for (target, source, edge) in heap.incoming_where(|node| wanted.contains(node)) {
            if is_retainer(exploration, source, &edge)
                && let Some(retainers) = found.get_mut(&target)
            {
                retainers.push((source, edge));
            }
        }
        let mut next = Vec::new();
        for node in level {
            let Some(retainers) = found.get_mut(&node) else { continue };
            retainers.sort_by_cached_key(|(source, _)| {
                (exploration.levels().get(*source), lens.name(heap, *source).into_owned())
            });
            next.extend(retainers.iter().take(options.limit).map(|(source, _)| *source));
        }
        level = next;
    }
    found
}

/// `branch`: from the object asked for to the one whose retainers are shown. As deep as the options say.
fn above(
    exploration: &Exploration,
    incoming: &Incoming,
    branch: &mut Vec<NodeId>,
    options: &TreeOptions,
) -> Retainers {
    let known = branch.last().and_then(|node| incoming.get(node));
    let Some(retainers) = known.filter(|_| branch.len() <= options.depth) else {
        return Retainers::default();
    };
    let views = (retainers.iter().take(options.limit))
        .map(|(source, edge)| {
            let cycle = branch.contains(source);
            branch.push(*source);
            let above =
                if cycle { Retainers::default() } else { above(exploration, incoming, branch, options) };
            branch.pop();
            let field = field(exploration, *source, edge, *source);
            RetainerView { field, distance: exploration.levels().get(*source), cycle, above }
        })
        .collect();
    Retainers { retainer_count: retainers.len() as u64, retainers: views }
}

/// What an object alone keeps alive, as a tree.
///
/// # Errors
/// When the dump cannot be read or has no such object.
pub async fn dominators(
    options: TreeOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<DominatorsView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        let node = start(&exploration, &options)?;
        exploration.prepare();
        Ok(DominatorsView {
            schema: "leakhound.dominators/1".into(),
            model: options.model.as_str().into(),
            dump: exploration.dump(),
            tree: below(&exploration, node, options.depth, options.limit),
        })
    })
    .await
}

fn below(exploration: &Exploration, node: NodeId, depth: usize, limit: usize) -> DominatorView {
    let (tree, retained) = exploration.order();
    let mut children: Vec<NodeId> = tree.children(node).collect();
    let child_count = children.len() as u64;
    children.sort_by_key(|child| std::cmp::Reverse(retained[child.index()]));
    children.truncate(if depth == 0 { 0 } else { limit });
    DominatorView {
        node: reference(exploration, node),
        child_count,
        children: children.into_iter().map(|child| below(exploration, child, depth - 1, limit)).collect(),
    }
}
