//! `paths`: how the roots reach an object, or all objects of a class.

use std::path::PathBuf;

use leakhound_heap::query::RowSource;
use leakhound_heap::{Distances, Model, NodeId};
use serde::{Deserialize, Serialize};

use super::object::{field, find, is_retainer, reference};
use super::{Dump, Exploration, FieldView, ReferenceView};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// What is asked about.
#[derive(Clone, Debug)]
pub enum PathsTo {
    /// One object, by its id.
    Object(u32),
    /// All objects of a class, by its name.
    Class(String),
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct PathsOptions {
    /// The dump.
    pub file: PathBuf,
    /// The rules.
    pub model: Model,
    /// What is asked about.
    pub to: PathsTo,
    /// Paths to one object; branches of each object for a class.
    pub limit: usize,
    /// Levels of the tree for a class.
    pub depth: usize,
}

/// `leakhound.paths/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PathsView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// Paths to one object, the shortest first: for every retainer, the shortest path that ends with it.
    /// Each from the root (left out) to the object.
    pub paths: Vec<Vec<FieldView>>,
    /// Paths there are.
    pub path_count: u64,
    /// The shortest paths to all objects of a class, merged.
    pub tree: Option<PathTreeView>,
}

/// An object through which paths go.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PathTreeView {
    /// Name of the edge that leads here; empty for the root.
    pub edge: String,
    /// The object.
    #[serde(flatten)]
    pub node: ReferenceView,
    /// Objects of the class whose shortest path goes through it or ends here.
    pub objects: u64,
    /// Their shallow sizes, in bytes.
    pub objects_size: u64,
    /// Where the paths go on: how many ways.
    pub child_count: u64,
    /// The ways that most of them go.
    pub children: Vec<PathTreeView>,
}

/// Finds the paths.
///
/// # Errors
/// When the dump cannot be read, or has no such object or class.
pub async fn paths(
    options: PathsOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<PathsView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        let (heap, lens) = (exploration.heap(), exploration.lens());
        let mut view = PathsView {
            schema: "leakhound.paths/1".into(),
            model: options.model.as_str().into(),
            dump: exploration.dump(),
            paths: Vec::new(),
            path_count: 0,
            tree: None,
        };
        match &options.to {
            PathsTo::Object(id) => {
                let node = find(&exploration, *id)?;
                exploration.prepare();
                let shortest = exploration.shortest();
                let all = to_object(&exploration, shortest, node);
                view.path_count = all.len() as u64;
                view.paths = (all.iter().take(options.limit)).map(|path| steps(&exploration, path)).collect();
            }
            PathsTo::Class(name) => {
                let classes = exploration.classes();
                let source = RowSource { heap, lens, classes, levels: None, order: None, only: None };
                let members: Vec<NodeId> = (heap.nodes())
                    .filter(|&node| classes.key(classes.of(node)).name == *name && lens.size(heap, node) > 0)
                    .collect();
                if members.is_empty() {
                    return Err(no_class(&source, name, &options));
                }
                exploration.prepare();
                view.path_count = members.len() as u64;
                view.tree = Some(Merged::new(&exploration, &members).view(heap.root(), None, &options));
            }
        }
        Ok(view)
    })
    .await
}

fn no_class(source: &RowSource<'_>, name: &str, options: &PathsOptions) -> WorkbenchError {
    let wanted = name.to_lowercase();
    let similar = source.classes.keys().iter().map(|key| &key.name);
    let similar = similar.into_iter().find(|other| other.to_lowercase().contains(&wanted));
    let hint = match similar {
        Some(other) => format!("there is {other:?}; `leakhound summary` lists all classes"),
        None => "`leakhound summary` lists all classes".into(),
    };
    WorkbenchError::usage(
        format!("find the class {name:?} in {}", options.file.display()),
        "no object has it",
        &hint,
    )
}

/// For every retainer, the shortest path through it: from the root to the object.
fn to_object(exploration: &Exploration, shortest: &Distances, node: NodeId) -> Vec<Vec<NodeId>> {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    if node == heap.root() {
        return vec![vec![node]];
    }
    let mut retainers: Vec<NodeId> = (heap.incoming(node).into_iter())
        .filter(|(source, edge)| lens.retains(heap, *source, edge))
        .map(|(source, _)| source)
        .collect();
    retainers.dedup();
    let mut paths: Vec<Vec<NodeId>> = (retainers.into_iter())
        .filter_map(|retainer| {
            let mut path = shortest.path(retainer);
            // A way that leads through the object itself is none.
            if path.is_empty() || path.contains(&node) {
                return None;
            }
            path.push(node);
            Some(path)
        })
        .collect();
    paths.sort_by_key(Vec::len);
    paths
}

/// The edges along a path.
fn steps(exploration: &Exploration, path: &[NodeId]) -> Vec<FieldView> {
    path.windows(2)
        .filter_map(|pair| match pair {
            [source, target] => step(exploration, *source, *target),
            _ => None,
        })
        .collect()
}

fn step(exploration: &Exploration, source: NodeId, target: NodeId) -> Option<FieldView> {
    let (heap, lens) = (exploration.heap(), exploration.lens());
    let mut edges = heap.edges(source).filter(|edge| edge.to == target);
    let edge =
        edges.find(|edge| lens.retains(heap, source, edge) || is_retainer(exploration, source, edge))?;
    Some(field(exploration, source, &edge, target))
}

/// Shortest paths of many objects, as far as they are the same.
struct Merged<'a> {
    exploration: &'a Exploration,
    /// Objects whose path goes through each node, and their bytes.
    through: std::collections::HashMap<NodeId, (u64, u64)>,
    children: std::collections::HashMap<NodeId, Vec<NodeId>>,
}

impl<'a> Merged<'a> {
    fn new(exploration: &'a Exploration, members: &[NodeId]) -> Self {
        let shortest = exploration.shortest();
        let mut merged = Self {
            exploration,
            through: std::collections::HashMap::new(),
            children: std::collections::HashMap::new(),
        };
        for &member in members {
            let size = exploration.lens().size(exploration.heap(), member);
            if shortest.get(member).is_none() {
                continue;
            }
            let mut at = Some(member);
            while let Some(node) = at {
                let parent = shortest.parent(node);
                let through = merged.through.entry(node).or_insert((0, 0));
                if through.0 == 0
                    && let Some(parent) = parent
                {
                    merged.children.entry(parent).or_default().push(node);
                }
                *through = (through.0 + 1, through.1 + size);
                at = parent;
            }
        }
        merged
    }

    fn view(&self, node: NodeId, parent: Option<NodeId>, options: &PathsOptions) -> PathTreeView {
        self.below(node, parent, options.depth, options.limit)
    }

    fn below(&self, node: NodeId, parent: Option<NodeId>, depth: usize, limit: usize) -> PathTreeView {
        let (objects, objects_size) = self.through.get(&node).copied().unwrap_or((0, 0));
        let mut children = self.children.get(&node).cloned().unwrap_or_default();
        let child_count = children.len() as u64;
        let count = |node: &NodeId| self.through.get(node).map_or(0, |through| through.0);
        children.sort_by_key(|child| std::cmp::Reverse(count(child)));
        children.truncate(if depth == 0 { 0 } else { limit });
        let edge = parent.and_then(|parent| step(self.exploration, parent, node));
        PathTreeView {
            edge: edge.map_or(String::new(), |edge| edge.edge),
            node: reference(self.exploration, node),
            objects,
            objects_size,
            child_count,
            children: (children.into_iter())
                .map(|child| self.below(child, Some(node), depth - 1, limit))
                .collect(),
        }
    }
}
