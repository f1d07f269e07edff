//! One opened dump and the stages that views need, each computed once, when it is asked for.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use leakhound_heap::graph::Column;
use leakhound_heap::query::Classes;
use leakhound_heap::v8::{Landmarks, Scripts};
use leakhound_heap::{Dominators, Heap, Lens, Levels, Model, NodeId};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{Cancel, Event, WorkbenchError, names, open};

/// What every view says about the dump it was made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dump {
    /// The file.
    pub file: PathBuf,
    /// Number of nodes.
    pub nodes: u64,
    /// Number of edges.
    pub edges: u64,
    /// Bytes of all nodes, and what V8 counts outside the graph.
    pub total_size: u64,
    /// What the file should hold and does not, in words. Not empty: the answer is partial.
    pub losses: Vec<String>,
}

/// One dump, seen through one model.
pub struct Exploration {
    path: PathBuf,
    heap: Heap,
    lens: Lens,
    order: OnceLock<(Dominators, Column<u64>)>,
    levels: OnceLock<Levels>,
    classes: OnceLock<Classes>,
    scripts: OnceLock<Scripts>,
}

impl Exploration {
    /// Reads the dump. Blocks: for a thread of its own.
    pub(crate) fn open(
        path: &Path,
        model: Model,
        cancel: &Cancel,
        events: &mpsc::Sender<Event>,
    ) -> Result<Self, WorkbenchError> {
        let heap = open::heap(path, cancel, events)?;
        let _ = events.try_send(Event::Judging);
        Ok(Self {
            path: path.to_owned(),
            lens: Lens::new(&heap, model),
            heap,
            order: OnceLock::new(),
            levels: OnceLock::new(),
            classes: OnceLock::new(),
            scripts: OnceLock::new(),
        })
    }

    /// The heap.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// The model.
    pub fn lens(&self) -> &Lens {
        &self.lens
    }

    /// Computes the tree, the distances and the classes beside each other.
    pub(crate) fn prepare(&self) {
        rayon::join(
            || self.order(),
            || {
                self.classes();
                self.levels();
            },
        );
    }

    /// The dominator tree and the retained size of every node.
    pub fn order(&self) -> (&Dominators, &[u64]) {
        let (dominators, retained) = self.order.get_or_init(|| {
            let dominators = Dominators::of(&self.heap, &self.lens);
            let retained = dominators.retained_by(&self.heap, &self.lens);
            (dominators, retained)
        });
        (dominators, retained)
    }

    /// Distances.
    pub fn levels(&self) -> &Levels {
        self.levels.get_or_init(|| Levels::of(&self.heap, &self.lens))
    }

    /// The class of every node.
    pub fn classes(&self) -> &Classes {
        self.classes.get_or_init(|| Classes::new(&self.heap, &self.lens))
    }

    /// The scripts.
    pub fn scripts(&self) -> &Scripts {
        self.scripts.get_or_init(|| Scripts::new(&self.heap, &Landmarks::new(&self.heap)))
    }

    /// What every view says about the dump.
    pub fn dump(&self) -> Dump {
        Dump {
            file: self.path.clone(),
            nodes: self.heap.node_count() as u64,
            edges: self.heap.edge_count() as u64,
            total_size: self.heap.total_size(),
            losses: self.heap.losses().iter().map(ToString::to_string).collect(),
        }
    }

    /// Where the node's function or constructor stands: `file:line:column`, counting from 1.
    pub fn place(&self, node: NodeId) -> Option<String> {
        let location = self.heap.location(node)?;
        self.place_of(location)
    }

    pub(crate) fn place_of(&self, location: leakhound_heap::Location) -> Option<String> {
        let url = self.scripts().url(&self.heap, location.script_id)?;
        Some(format!(
            "{}:{}:{}",
            names::file(&url),
            location.line.saturating_add(1),
            location.column.saturating_add(1)
        ))
    }
}
