//! One opened dump and the stages that views need, each computed once, when it is asked for.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use leakhound_heap::graph::Column;
use leakhound_heap::index::Shelf;
use leakhound_heap::query::{ClassRow, Classes, RowSource};
use leakhound_heap::v8::{Landmarks, Scripts};
use leakhound_heap::{Distances, Dominators, Edge, Heap, Lens, Levels, Model, NodeId};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::index::Index;
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
    index: Option<Index>,
    order: OnceLock<(Dominators, Column<u64>)>,
    levels: OnceLock<Levels>,
    classes: OnceLock<Classes>,
    scripts: OnceLock<Scripts>,
    shortest: OnceLock<Distances>,
}

impl Exploration {
    /// Reads the dump. Blocks: for a thread of its own.
    pub(crate) fn open(
        path: &Path,
        model: Model,
        cancel: &Cancel,
        events: &mpsc::Sender<Event>,
    ) -> Result<Self, WorkbenchError> {
        let (heap, index) = open::indexed_heap(path, cancel, events)?;
        let _ = events.try_send(Event::Judging);
        let shelf = shelf(index.as_ref(), model);
        let lens = Lens::on(&heap, model, &shelf);
        drop(shelf);
        Ok(Self {
            path: path.to_owned(),
            heap,
            lens,
            index,
            order: OnceLock::new(),
            levels: OnceLock::new(),
            classes: OnceLock::new(),
            scripts: OnceLock::new(),
            shortest: OnceLock::new(),
        })
    }

    /// Where what this model makes of the dump is kept.
    pub(crate) fn shelf(&self) -> Shelf<'_> {
        shelf(self.index.as_ref(), self.lens.model())
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
        // Counting distances spares the tree a walk of its own.
        rayon::join(
            || {
                self.levels();
                self.order();
            },
            || {
                self.lens.keep_sizes(&self.heap, &self.shelf());
                self.classes();
            },
        );
    }

    /// The dominator tree and the retained size of every node.
    pub fn order(&self) -> (&Dominators, &[u64]) {
        let nodes = self.heap.node_count();
        let (dominators, retained) = self.order.get_or_init(|| {
            let shelf = self.shelf();
            let kept = || Some((Dominators::kept(&self.heap, &shelf)?, shelf.column_of("retained", nodes)?));
            kept().unwrap_or_else(|| {
                let dominators = Dominators::of(&self.heap, &self.lens);
                self.lens.keep_page(&shelf);
                let retained = dominators.retained_by(&self.heap, &self.lens);
                (dominators.keep(&shelf), shelf.park("retained", retained))
            })
        });
        (dominators, retained)
    }

    /// Distances.
    pub fn levels(&self) -> &Levels {
        self.levels.get_or_init(|| {
            let shelf = self.shelf();
            let new = || Levels::of(&self.heap, &self.lens).keep(&shelf);
            Levels::kept(&self.heap, &shelf).unwrap_or_else(new)
        })
    }

    /// The class of every node.
    pub fn classes(&self) -> &Classes {
        self.classes.get_or_init(|| {
            let shelf = self.shelf();
            let new = || Classes::new(&self.heap, &self.lens).keep(&shelf);
            Classes::kept(&self.heap, &shelf).unwrap_or_else(new)
        })
    }

    /// What a class table is made of: everything, or nothing that needs the tree.
    pub(crate) fn row_source(&self, shallow_only: bool) -> RowSource<'_> {
        if !shallow_only {
            self.prepare();
        }
        RowSource {
            heap: &self.heap,
            lens: &self.lens,
            classes: self.classes(),
            levels: (!shallow_only).then(|| self.levels()),
            order: (!shallow_only).then(|| self.order()),
            only: None,
        }
    }

    /// The class table of all nodes, in the order of the file.
    pub fn rows(&self, shallow_only: bool) -> Vec<ClassRow> {
        let shelf = self.shelf();
        let name = if shallow_only { "shallow_rows" } else { "rows" };
        shelf.value(name).unwrap_or_else(|| {
            let rows = self.row_source(shallow_only).rows();
            shelf.keep_value(name, &rows);
            rows
        })
    }

    /// The scripts.
    pub fn scripts(&self) -> &Scripts {
        self.scripts.get_or_init(|| Scripts::new(&self.heap, &Landmarks::new(&self.heap)))
    }

    /// The shortest paths from the root over edges that keep alive.
    pub fn shortest(&self) -> &Distances {
        self.shortest.get_or_init(|| {
            let shelf = self.shelf();
            let (heap, lens) = (&self.heap, &self.lens);
            let follow = |source, edge: &Edge| lens.retains(heap, source, edge);
            let new = || Distances::new(heap, [heap.root()], follow).keep(&shelf);
            Distances::kept(heap, &shelf).unwrap_or_else(new)
        })
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

/// An index is worth nothing before it is whole; what the command has computed is whole when it ends.
impl Drop for Exploration {
    fn drop(&mut self) {
        if let Some(index) = &self.index
            && let Err(error) = index.commit()
        {
            tracing::debug!(%error, "the index cannot be written");
        }
    }
}

fn shelf(index: Option<&Index>, model: Model) -> Shelf<'_> {
    match index {
        Some(index) => Shelf::new(index, model.as_str()),
        None => Shelf::new(&(), model.as_str()),
    }
}
