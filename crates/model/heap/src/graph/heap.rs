//! [`Heap`]: the columns of one snapshot.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{Column, EdgeKind, Location, Locations, NodeKind, StringSet};
use crate::format::{Header, Layout, Loss, Sample, Scopes, Strings, Traces};

/// Which edges count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Number for number what Chrome DevTools shows.
    DevTools,
    /// True reachability: weak edges and a WeakMap table's half of an ephemeron pair do not retain.
    Gc,
}

impl Model {
    /// The model as JSON and faces spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DevTools => "devtools",
            Self::Gc => "gc",
        }
    }
}

/// A node of one heap: its ordinal in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The ordinal as an index into per-node columns.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The node with the given ordinal; meaningful only below [`Heap::node_count`].
    pub fn from_index(index: usize) -> Self {
        Self(index as u32)
    }
}

/// One edge, taken from the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Its type.
    pub kind: EdgeKind,
    /// A number for element and hidden edges, else an index into the string table.
    pub name_or_index: u32,
    /// Where it points.
    pub to: NodeId,
}

/// Node columns, each `node_count` long.
#[derive(Debug, Default)]
pub(crate) struct NodeColumns {
    pub(crate) kinds: Column<u8>,
    pub(crate) names: Column<u32>,
    pub(crate) ids: Column<u32>,
    pub(crate) self_sizes: Column<u32>,
    /// The sizes that 32 bits do not hold (their column entry is `u32::MAX`).
    pub(crate) large_sizes: FxHashMap<u32, u64>,
    /// `node_count + 1` entries: the edges of node `n` are `first_edges[n]..first_edges[n + 1]`.
    pub(crate) first_edges: Column<u32>,
    pub(crate) detachedness: Option<Column<u8>>,
    pub(crate) trace_nodes: Option<Column<u32>>,
}

/// Edge columns, each `edge_count` long.
#[derive(Debug, Default)]
pub(crate) struct EdgeColumns {
    pub(crate) kinds: Column<u8>,
    pub(crate) names: Column<u32>,
    pub(crate) targets: Column<u32>,
}

/// One heap snapshot. Consistent by construction: see the crate's page.
#[derive(Debug)]
pub struct Heap {
    pub(crate) header: Header,
    pub(crate) nodes: NodeColumns,
    pub(crate) edges: EdgeColumns,
    pub(crate) locations: Locations,
    /// Where the sections stand in the file.
    pub(crate) layout: Layout,
    /// Bytes of all nodes and what V8 counts beside them.
    pub(crate) total_size: u64,
    pub(crate) traces: Option<Traces>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) strings: Strings,
    pub(crate) losses: Vec<Loss>,
    pub(crate) node_kinds: [NodeKind; 256],
    pub(crate) edge_kinds: [EdgeKind; 256],
    pub(crate) root: NodeId,
    /// String index of an ephemeron edge's name → id of the WeakMap's table.
    pub(crate) ephemeron_tables: FxHashMap<u32, u32>,
    /// The names among them, for the millions of edges that have another one.
    pub(crate) ephemeron_names: StringSet,
}

impl Heap {
    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.nodes.kinds.len()
    }

    /// Number of edges.
    pub fn edge_count(&self) -> usize {
        self.edges.kinds.len()
    }

    /// All nodes in file order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        (0..self.node_count() as u32).map(NodeId)
    }

    /// The root that everything alive hangs from.
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// The header as the file states it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the file should hold and does not.
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// The call stacks that allocated, where allocation tracking was on.
    pub fn traces(&self) -> Option<&Traces> {
        self.traces.as_ref()
    }

    /// The clock of an allocation timeline; empty in a plain snapshot.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The scopes of the sources (V8 of 2026), where the file has them.
    pub fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// Names of sections that this reader does not know and therefore left alone.
    pub fn unknown_sections(&self) -> &[String] {
        &self.layout.unknown
    }

    /// Adds a loss that happened before the bytes reached this reader.
    pub fn note_loss(&mut self, loss: Loss) {
        self.losses.push(loss);
    }

    /// Type of a node.
    #[inline]
    pub fn kind(&self, node: NodeId) -> NodeKind {
        self.node_kinds[self.nodes.kinds[node.index()] as usize]
    }

    /// Raw name of a node: the constructor for objects, the value for strings (cut at 1,024 units).
    pub fn name(&self, node: NodeId) -> Cow<'_, str> {
        self.strings.get(self.nodes.names[node.index()])
    }

    /// String index of a node's name; equal indexes are equal names.
    #[inline]
    pub fn name_index(&self, node: NodeId) -> u32 {
        self.nodes.names[node.index()]
    }

    /// Stable object id.
    #[inline]
    pub fn id(&self, node: NodeId) -> u32 {
        self.nodes.ids[node.index()]
    }

    /// Bytes of the node itself.
    #[inline]
    pub fn self_size(&self, node: NodeId) -> u64 {
        match self.nodes.self_sizes[node.index()] {
            u32::MAX => self.nodes.large_sizes.get(&node.0).copied().unwrap_or(u64::from(u32::MAX)),
            size => u64::from(size),
        }
    }

    /// V8's detachedness column (0 unknown, 1 attached, 2 detached), where the file has one.
    pub fn detachedness(&self, node: NodeId) -> Option<u8> {
        self.nodes.detachedness.as_ref().map(|column| column[node.index()])
    }

    /// Node of the allocation trace tree that allocated this node, where the file has traces.
    pub fn trace_node(&self, node: NodeId) -> Option<u32> {
        self.nodes.trace_nodes.as_ref().map(|column| column[node.index()]).filter(|&trace| trace != 0)
    }

    #[inline]
    pub(crate) fn edge_range(&self, node: NodeId) -> Range<usize> {
        self.nodes.first_edges[node.index()] as usize..self.nodes.first_edges[node.index() + 1] as usize
    }

    #[inline]
    pub(crate) fn edge_at(&self, edge: usize) -> Edge {
        Edge {
            kind: self.edge_kinds[self.edges.kinds[edge] as usize],
            name_or_index: self.edges.names[edge],
            to: NodeId(self.edges.targets[edge]),
        }
    }

    pub(crate) fn edge_targets(&self) -> &[u32] {
        &self.edges.targets
    }

    /// Outgoing edges in file order.
    pub fn edges(&self, node: NodeId) -> impl ExactSizeIterator<Item = Edge> + '_ {
        self.edge_range(node).map(|edge| self.edge_at(edge))
    }

    /// The node with the given object id: one look at every node.
    pub fn find(&self, id: u32) -> Option<NodeId> {
        self.nodes.ids.iter().position(|&other| other == id).map(NodeId::from_index)
    }

    /// The edges that point at a node, each with its source, in file order: one look at every edge. For
    /// many nodes, [`super::Reverse`] is faster.
    pub fn incoming(&self, node: NodeId) -> Vec<(NodeId, Edge)> {
        let found = self.incoming_where(|target| target == node);
        found.into_iter().map(|(_, source, edge)| (source, edge)).collect()
    }

    /// The edges that point at the nodes that are `wanted`: target, source and edge, in file order; one look
    /// at every edge.
    pub fn incoming_where(&self, wanted: impl Fn(NodeId) -> bool + Sync) -> Vec<(NodeId, NodeId, Edge)> {
        const PART: usize = 1 << 20;
        let parts = self.edges.targets.par_chunks(PART).enumerate().map(|(part, targets)| {
            let hits = targets.iter().enumerate().filter(|&(_, &target)| wanted(NodeId(target)));
            hits.map(|(at, _)| part * PART + at).collect::<Vec<_>>()
        });
        let hits: Vec<Vec<usize>> = parts.collect();
        (hits.into_iter().flatten())
            .map(|edge| {
                // The last node whose edges do not begin behind this one.
                let source = self.nodes.first_edges.partition_point(|&first| first as usize <= edge) - 1;
                let edge = self.edge_at(edge);
                (edge.to, NodeId::from_index(source), edge)
            })
            .collect()
    }

    /// Number of outgoing edges.
    pub fn degree(&self, node: NodeId) -> usize {
        self.edge_range(node).len()
    }

    /// The edge's name as text: the variable, property or link name, or the number.
    pub fn edge_name(&self, edge: &Edge) -> Cow<'_, str> {
        if edge.kind.is_indexed() {
            Cow::Owned(edge.name_or_index.to_string())
        } else {
            self.strings.get(edge.name_or_index)
        }
    }

    /// The target of the first non-indexed edge called `name` (a string index from [`Strings::position`]).
    pub fn follow(&self, node: NodeId, name: u32) -> Option<NodeId> {
        self.edges(node)
            .find(|edge| !edge.kind.is_indexed() && edge.name_or_index == name)
            .map(|edge| edge.to)
    }

    /// Where the node's function or constructor stands.
    pub fn location(&self, node: NodeId) -> Option<Location> {
        self.locations.get(node)
    }

    /// All locations, by node.
    pub fn locations(&self) -> impl Iterator<Item = (NodeId, Location)> + '_ {
        self.locations.iter()
    }

    /// The string table.
    pub fn strings(&self) -> &Strings {
        &self.strings
    }

    /// Whether the edge truly keeps its target alive (the gc model).
    #[inline]
    pub fn retains(&self, source: NodeId, edge: &Edge) -> bool {
        edge.kind != EdgeKind::Weak && edge.to != source && !self.is_tables_half(source, edge)
    }

    /// Whether the edge is the table's half of an ephemeron pair: the WeakMap's value lives through its key.
    #[inline]
    pub fn is_tables_half(&self, source: NodeId, edge: &Edge) -> bool {
        edge.kind == EdgeKind::Internal
            && self.ephemeron_names.contains(edge.name_or_index)
            && self.ephemeron_tables.get(&edge.name_or_index) == Some(&self.id(source))
    }

    /// Sum of all self sizes, in bytes, plus what V8 counts outside the graph.
    pub fn total_size(&self) -> u64 {
        self.total_size
    }
}
