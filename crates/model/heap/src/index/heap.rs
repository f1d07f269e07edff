//! The columns of a snapshot.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{Shelf, Store};
use crate::format::{Layout, SnapshotBytes, Strings, kinds};
use crate::graph::{EdgeColumns, EdgeKind, Heap, Locations, NodeColumns, NodeId, NodeKind, StringSet};

/// What is small.
#[derive(Serialize, Deserialize)]
struct Rest {
    layout: Layout,
    large_sizes: Vec<(u32, u64)>,
    ephemeron_tables: Vec<(u32, u32)>,
    total_size: u64,
}

impl Heap {
    /// Keeps the columns, which are from now on read from where they are kept. A damaged snapshot is not kept: it is read anew and says so anew.
    pub fn keep(mut self, store: &dyn Store) -> Self {
        if !self.losses.is_empty() {
            return self;
        }
        let shelf = Shelf::new(store, "heap");
        let (nodes, edges) = (&mut self.nodes, &mut self.edges);
        let starts = self.strings.starts();
        rayon::scope(|scope| {
            scope.spawn(|_| edges.names = shelf.park("edge_names", std::mem::take(&mut edges.names)));
            scope.spawn(|_| {
                nodes.names = shelf.park("names", std::mem::take(&mut nodes.names));
                nodes.ids = shelf.park("ids", std::mem::take(&mut nodes.ids));
                nodes.self_sizes = shelf.park("self_sizes", std::mem::take(&mut nodes.self_sizes));
                nodes.detachedness =
                    nodes.detachedness.take().map(|column| shelf.park("detachedness", column));
                nodes.trace_nodes = nodes.trace_nodes.take().map(|column| shelf.park("trace_nodes", column));
                *starts = shelf.park("strings", std::mem::take(starts));
            });
            scope.spawn(|_| {
                nodes.kinds = shelf.park("kinds", std::mem::take(&mut nodes.kinds));
                nodes.first_edges = shelf.park("first_edges", std::mem::take(&mut nodes.first_edges));
                edges.kinds = shelf.park("edge_kinds", std::mem::take(&mut edges.kinds));
                edges.targets = shelf.park("targets", std::mem::take(&mut edges.targets));
            });
        });
        let locations = std::mem::take(&mut self.locations).column();
        self.locations = Locations::new(shelf.park("locations", locations)).unwrap_or_default();
        let rest = Rest {
            layout: self.layout,
            large_sizes: self.nodes.large_sizes.iter().map(|(&node, &size)| (node, size)).collect(),
            ephemeron_tables: self.ephemeron_tables.iter().map(|(&name, &table)| (name, table)).collect(),
            total_size: self.total_size,
        };
        // Last: where it is, all the others are.
        shelf.keep_value("rest", &rest);
        self.layout = rest.layout;
        self
    }

    /// The heap as [`Self::keep`] kept it; `None` when it is not in the store, or not whole.
    pub fn kept(bytes: SnapshotBytes, store: &dyn Store) -> Option<Self> {
        let shelf = Shelf::new(store, "heap");
        let rest: Rest = shelf.value("rest")?;
        let text = bytes.as_slice();
        let header = rest.layout.header(text)?;
        let (nodes, edges) =
            (usize::try_from(header.node_count).ok()?, usize::try_from(header.edge_count).ok()?);
        let columns = NodeColumns {
            kinds: shelf.column_of("kinds", nodes)?,
            names: shelf.column_of("names", nodes)?,
            ids: shelf.column_of("ids", nodes)?,
            self_sizes: shelf.column_of("self_sizes", nodes)?,
            large_sizes: rest.large_sizes.into_iter().collect(),
            first_edges: shelf.column_of("first_edges", nodes + 1)?,
            detachedness: match header.columns.node_detachedness {
                Some(_) => Some(shelf.column_of("detachedness", nodes)?),
                None => None,
            },
            trace_nodes: match header.columns.node_trace {
                Some(_) => Some(shelf.column_of("trace_nodes", nodes)?),
                None => None,
            },
        };
        let edge_columns = EdgeColumns {
            kinds: shelf.column_of("edge_kinds", edges)?,
            names: shelf.column_of("edge_names", edges)?,
            targets: shelf.column_of("targets", edges)?,
        };
        if columns.first_edges.last().copied() != Some(edges as u32) {
            return None;
        }
        let mut losses = Vec::new();
        let (traces, samples, scopes) = rest.layout.side_tables(text, &header, nodes, &mut losses);
        let root = header.root_index / header.columns.node_width as u64;
        let ephemeron_tables: FxHashMap<u32, u32> = rest.ephemeron_tables.into_iter().collect();
        let strings = shelf.column::<u64>("strings")?;
        let inside = |start: &u64| *start < text.len() as u64;
        if !strings.last().is_none_or(inside) || root >= nodes as u64 || !losses.is_empty() {
            return None;
        }
        Some(Self {
            nodes: columns,
            edges: edge_columns,
            locations: Locations::new(shelf.column("locations")?)?,
            layout: rest.layout,
            total_size: rest.total_size,
            traces,
            samples,
            scopes,
            strings: Strings::at(bytes, strings),
            losses,
            node_kinds: kinds(&header.columns.node_types, NodeKind::from_name, NodeKind::Unknown),
            edge_kinds: kinds(&header.columns.edge_types, EdgeKind::from_name, EdgeKind::Unknown),
            root: NodeId(root as u32),
            ephemeron_names: StringSet::of(ephemeron_tables.keys().copied()),
            ephemeron_tables,
            header,
        })
    }
}
