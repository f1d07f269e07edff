//! `containment`: downwards, what an object refers to. `roots`: what the garbage collector starts from.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::PathBuf;

use leakhound_heap::{EdgeKind, Model, NodeId, NodeKind};
use serde::{Deserialize, Serialize};

use super::object::{field, find, reference};
use super::{Dump, Exploration, FieldView, ReferenceView, TreeOptions};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// `leakhound.containment/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContainmentView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// Where the tree begins.
    pub object: ReferenceView,
    /// What it refers to.
    #[serde(flatten)]
    pub below: Contents,
}

/// What an object refers to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contents {
    /// Edges there are.
    pub content_count: u64,
    /// The largest retained size first.
    pub contents: Vec<ContentView>,
}

/// One edge downwards.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContentView {
    /// The edge and the object that it leads to.
    #[serde(flatten)]
    pub field: FieldView,
    /// It stands further up in this very branch: not followed again.
    pub cycle: bool,
    /// What that object refers to.
    #[serde(flatten)]
    pub below: Contents,
}

/// Walks down from an object, the root where none is given.
///
/// # Errors
/// When the dump cannot be read or has no such object.
pub async fn containment(
    options: TreeOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<ContainmentView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        let node = match options.id {
            Some(id) => find(&exploration, id)?,
            None => exploration.heap().root(),
        };
        exploration.prepare();
        Ok(ContainmentView {
            schema: "leakhound.containment/1".into(),
            model: options.model.as_str().into(),
            dump: exploration.dump(),
            object: reference(&exploration, node),
            below: below(&exploration, node, &mut vec![node], &options),
        })
    })
    .await
}

/// `branch`: from the start to `node`.
fn below(
    exploration: &Exploration,
    node: NodeId,
    branch: &mut Vec<NodeId>,
    options: &TreeOptions,
) -> Contents {
    if branch.len() > options.depth {
        return Contents::default();
    }
    let retained = exploration.order().1;
    let mut edges: Vec<_> = exploration.heap().edges(node).collect();
    let content_count = edges.len() as u64;
    edges.sort_by_key(|edge| Reverse(retained[edge.to.index()]));
    let contents = (edges.iter().take(options.limit))
        .map(|edge| {
            let cycle = branch.contains(&edge.to);
            branch.push(edge.to);
            let below =
                if cycle { Contents::default() } else { below(exploration, edge.to, branch, options) };
            branch.pop();
            ContentView { field: field(exploration, node, edge, edge.to), cycle, below }
        })
        .collect();
    Contents { content_count, contents }
}

/// `leakhound.roots/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RootsView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// The program's own roots: the global object of each realm.
    pub user_roots: Vec<ReferenceView>,
    /// V8's and the embedder's categories, the one that alone keeps most alive first.
    pub roots: Vec<RootView>,
}

/// One category of roots.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RootView {
    /// The category.
    #[serde(flatten)]
    pub node: ReferenceView,
    /// Edges to objects.
    pub edges: u64,
    /// Different objects that they lead to.
    pub objects: u64,
    /// Their shallow sizes, in bytes.
    pub objects_size: u64,
    /// The edges among them that keep nothing alive.
    pub weak: u64,
    /// The object that keeps most alive.
    pub largest: Option<ReferenceView>,
}

/// What the garbage collector starts from.
///
/// # Errors
/// When the dump cannot be read.
pub async fn roots(
    file: PathBuf,
    model: Model,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<RootsView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&file, model, &cancel, sender)?;
        exploration.prepare();
        let (heap, lens) = (exploration.heap(), exploration.lens());
        // Synthetic nodes below synthetic nodes, from the root on; those that lead to objects are listed.
        let mut seen = HashSet::from([heap.root()]);
        let mut stack = vec![heap.root()];
        let mut roots = Vec::new();
        while let Some(node) = stack.pop() {
            for edge in heap.edges(node) {
                if heap.kind(edge.to) == NodeKind::Synthetic && seen.insert(edge.to) {
                    stack.push(edge.to);
                }
            }
            if node != heap.root() {
                roots.extend(root(&exploration, node));
            }
        }
        roots
            .sort_by_key(|root| (Reverse(root.node.retained_size), Reverse(root.objects_size), root.node.id));
        Ok(RootsView {
            schema: "leakhound.roots/1".into(),
            model: model.as_str().into(),
            dump: exploration.dump(),
            user_roots: lens.user_roots().iter().map(|&root| reference(&exploration, root)).collect(),
            roots,
        })
    })
    .await
}

/// One category; `None` when it leads to no object.
fn root(exploration: &Exploration, node: NodeId) -> Option<RootView> {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    let retained = exploration.order().1;
    let (mut edges, mut weak) = (0, 0);
    let mut objects = HashSet::new();
    for edge in heap.edges(node).filter(|edge| heap.kind(edge.to) != NodeKind::Synthetic) {
        edges += 1;
        weak += u64::from(edge.kind == EdgeKind::Weak);
        objects.insert(edge.to);
    }
    let largest = objects.iter().copied().max_by_key(|object| (retained[object.index()], Reverse(*object)));
    (edges > 0).then(|| RootView {
        node: reference(exploration, node),
        edges,
        objects: objects.len() as u64,
        objects_size: objects.iter().map(|&object| lens.size(heap, object)).sum(),
        weak,
        largest: largest.map(|object| reference(exploration, object)),
    })
}
