//! `object`: one object, what it refers to, what keeps it alive, and why.

use std::path::PathBuf;

use leakhound_heap::query::display_name;
use leakhound_heap::v8::{EdgeRule, Merges};
use leakhound_heap::{Edge, EdgeKind, Model, NodeId};
use serde::{Deserialize, Serialize};

use super::{Dump, Exploration};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// Characters of a name that are worth keeping in a view.
const PREVIEW: usize = 200;

/// What is asked.
#[derive(Clone, Debug)]
pub struct ObjectOptions {
    /// The dump.
    pub file: PathBuf,
    /// The rules.
    pub model: Model,
    /// The object's id.
    pub id: u32,
    /// At most so many fields and so many retainers.
    pub limit: Option<usize>,
    /// Whether to say which rule made each number, and to list what does not keep the object alive.
    pub explain: bool,
}

/// `leakhound.object/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObjectView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// The object.
    pub object: ReferenceView,
    /// V8's type of the node: `object`, `closure`, `array`, …
    pub kind: String,
    /// Distance from a root; −5 when it cannot be reached.
    pub distance: i32,
    /// Whether it is detached (devtools model).
    pub detached: bool,
    /// Where its function or constructor stands, counting from 1.
    pub location: Option<String>,
    /// What it refers to, in the file's order.
    pub fields: Vec<FieldView>,
    /// Fields there are.
    pub field_count: u64,
    /// What refers to it, nearest to a root first.
    pub retainers: Vec<FieldView>,
    /// Retainers there are.
    pub retainer_count: u64,
    /// Its dominators, the nearest first, the root last.
    pub dominators: Vec<ReferenceView>,
    /// Which rules made the numbers, when asked.
    pub explain: Vec<String>,
}

/// A node in few words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReferenceView {
    /// Its id.
    pub id: u32,
    /// Its class.
    pub class: String,
    /// How it is shown: text of a string, properties of a plain object, name of a function.
    pub name: String,
    /// Bytes of itself.
    pub shallow_size: u64,
    /// Bytes that it keeps alive.
    pub retained_size: u64,
}

/// An edge and the node at its other end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FieldView {
    /// Name of the edge, or its index.
    pub edge: String,
    /// V8's type of the edge: `property`, `element`, `context`, `internal`, …
    pub edge_kind: String,
    /// The other end.
    #[serde(flatten)]
    pub node: ReferenceView,
    /// Whether the edge keeps its target alive, and by which rule not.
    pub rule: String,
}

/// The id in `@12345` or `12345`.
///
/// # Errors
/// When it is no id.
pub fn object_id(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix('@').unwrap_or(text);
    digits.parse().map_err(|_| "an object id is a number, as in @12345".into())
}

/// Looks at one object.
///
/// # Errors
/// When the dump cannot be read or has no such object.
pub async fn object(
    options: ObjectOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<ObjectView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        let node = find(&exploration, options.id)?;
        exploration.prepare();
        Ok(view(&exploration, node, &options))
    })
    .await
}

/// The object of an id.
pub(super) fn find(exploration: &Exploration, id: u32) -> Result<NodeId, WorkbenchError> {
    exploration.heap().find(id).ok_or_else(|| {
        WorkbenchError::usage(
            format!("find @{id} in {}", exploration.dump().file.display()),
            "no object has this id",
            "ids are those of one process: take one from this dump, or from Chrome DevTools on it",
        )
    })
}

fn view(exploration: &Exploration, node: NodeId, options: &ObjectOptions) -> ObjectView {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    let (dominators, _) = exploration.order();
    let limit = options.limit.unwrap_or(usize::MAX);
    let fields = heap.edges(node).take(limit).map(|edge| field(exploration, node, &edge, edge.to)).collect();

    let mut incoming = heap.incoming(node);
    if !options.explain {
        incoming.retain(|(source, edge)| is_retainer(exploration, *source, edge));
    }
    let retainer_count = incoming.len() as u64;
    let distance = |node: NodeId| exploration.levels().get(node);
    incoming.sort_by_cached_key(|(source, _)| (distance(*source), lens.name(heap, *source).into_owned()));
    let retainers = (incoming.iter().take(limit))
        .map(|(source, edge)| field(exploration, *source, edge, *source))
        .collect();
    let chain = std::iter::successors(dominators.parent(node), |&node| dominators.parent(node));
    ObjectView {
        schema: "leakhound.object/1".into(),
        model: options.model.as_str().into(),
        dump: exploration.dump(),
        object: reference(exploration, node),
        kind: heap.kind(node).name().into(),
        distance: distance(node),
        detached: lens.is_detached(node),
        location: exploration.place(node),
        fields,
        field_count: heap.degree(node) as u64,
        retainers,
        retainer_count,
        dominators: chain.map(|node| reference(exploration, node)).collect(),
        explain: if options.explain { explain(exploration, node) } else { Vec::new() },
    }
}

/// DevTools shows no weak edges and none from the root; truly, only what retains is a retainer.
pub(super) fn is_retainer(exploration: &Exploration, source: NodeId, edge: &Edge) -> bool {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    match lens.model() {
        Model::DevTools => edge.kind != EdgeKind::Weak && source != heap.root(),
        Model::Gc => lens.retains(heap, source, edge),
    }
}

pub(super) fn field(exploration: &Exploration, source: NodeId, edge: &Edge, shown: NodeId) -> FieldView {
    let heap = exploration.heap();
    FieldView {
        edge: heap.edge_name(edge).into_owned(),
        edge_kind: edge.kind.name().into(),
        node: reference(exploration, shown),
        rule: exploration.lens().why_edge(heap, source, edge).as_str().into(),
    }
}

pub(super) fn reference(exploration: &Exploration, node: NodeId) -> ReferenceView {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    let classes = exploration.classes();
    let name = display_name(heap, lens, node);
    ReferenceView {
        id: heap.id(node),
        class: classes.key(classes.of(node)).name.clone(),
        name: name.chars().take(PREVIEW).collect(),
        shallow_size: lens.size(heap, node),
        retained_size: exploration.order().1[node.index()],
    }
}

fn explain(exploration: &Exploration, node: NodeId) -> Vec<String> {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    let (dominators, _) = exploration.order();
    let (own, shown) = (heap.self_size(node), lens.size(heap, node));
    let merges = if shown == own { None } else { lens.merges(heap) };
    let owner = merges.as_ref().and_then(|merges| merges.owner(heap, node));
    let shallow = match (owner, shown.checked_sub(own)) {
        (Some(owner), _) => {
            let owner = reference(exploration, owner);
            format!(
                "shallow size: its {own} bytes count as those of {} @{}, which alone uses it",
                owner.class, owner.id
            )
        }
        (None, Some(more)) if more > 0 => {
            let merged = |merges: Merges| {
                heap.nodes().filter(|&other| merges.owner(heap, other) == Some(node)).count()
            };
            format!(
                "shallow size: {own} bytes as V8 wrote it, and {more} of {} arrays and hidden nodes that only \
                 this object uses",
                merges.map_or(0, merged)
            )
        }
        _ => format!("shallow size: {own} bytes, as V8 wrote it"),
    };
    let mut lines = vec![shallow];
    lines.push(match dominators.span(node) {
        0 => "retained size: 0 bytes, nothing reaches this object".into(),
        1 => "retained size: it dominates nothing but itself".into(),
        span => {
            format!("retained size: the shallow sizes of the {span} nodes that it dominates, itself included")
        }
    });
    lines.push(match lens.model() {
        Model::Gc => "distance: edges that keep alive, from the root".into(),
        Model::DevTools => {
            "distance: edges from a user root; 100000000 and more through the root only".into()
        }
    });
    let incoming = heap.incoming(node);
    let keeping =
        incoming.iter().filter(|(source, edge)| lens.why_edge(heap, *source, edge) == EdgeRule::Retains);
    lines.push(format!("retainers: {} of {} incoming edges keep it alive", keeping.count(), incoming.len()));
    lines
}
