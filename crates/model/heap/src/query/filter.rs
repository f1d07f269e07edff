//! Filters: the nodes that a class table is made of.

use std::collections::hash_map::Entry;
use std::ops::RangeInclusive;

use rustc_hash::FxHashMap;

use super::classes::display_name;
use crate::graph::NodeSet;
use crate::{Edge, EdgeKind, Heap, Lens, Levels, NodeId, NodeKind};

/// Which nodes a filter keeps. Pass what [`Filter::nodes`] returns as
/// [`RowSource::only`](super::RowSource::only).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// What the roots reach only through function contexts.
    Contexts,
    /// What the roots reach only through detached nodes.
    Detached,
    /// What the roots reach only through Chrome's console.
    Console,
    /// What the roots reach only through listeners of a page's events.
    EventHandlers,
    /// Strings, flat and concatenated ones, whose text occurs more than once.
    DuplicatedStrings,
    /// Objects with ids in this range: those that came into being between two snapshots.
    Ids(RangeInclusive<u32>),
}

impl Filter {
    /// The nodes that the filter keeps. `levels` are the distances of the same heap and lens.
    pub fn nodes(&self, heap: &Heap, lens: &Lens, levels: &Levels) -> NodeSet {
        match self {
            Self::Contexts => beyond(heap, levels, |_, edge| {
                let name = heap.name(edge.to);
                name == "system / Context" || name.starts_with("system / Context / ")
            }),
            Self::Detached => beyond(heap, levels, |_, edge| lens.is_detached(edge.to)),
            Self::Console => beyond(heap, levels, |source, edge| {
                heap.kind(source) == NodeKind::Synthetic
                    && !edge.kind.is_indexed()
                    && heap.edge_name(edge).ends_with(" / DevTools console")
            }),
            Self::EventHandlers => {
                let handlers = event_handlers(heap);
                beyond(heap, levels, |_, edge| handlers.contains(edge.to))
            }
            Self::DuplicatedStrings => duplicated_strings(heap, lens),
            Self::Ids(range) => {
                let mut kept = NodeSet::empty(heap.node_count());
                for node in heap.nodes().filter(|&node| range.contains(&heap.id(node))) {
                    kept.insert(node);
                }
                kept
            }
        }
    }
}

/// Functions that a page's listeners call: heap-semantics of Blink's `V8EventListener`.
fn event_handlers(heap: &Heap) -> NodeSet {
    let mut handlers = NodeSet::empty(heap.node_count());
    let named = |node: NodeId, name: &str| heap.edges(node).find(|edge| heap.edge_name(edge) == name);
    let Some(listener) = heap.strings().position("V8EventListener") else { return handlers };
    for node in heap.nodes().filter(|&node| heap.name_index(node) == listener) {
        let Some(callback) = named(node, "1").map(|edge| edge.to) else { continue };
        let has_code = |node: NodeId| named(node, "code").is_some();
        let child = || heap.edges(callback).map(|edge| edge.to).find(|&child| has_code(child));
        let handler = if has_code(callback) { callback } else { child().unwrap_or(callback) };
        handlers.insert(handler);
    }
    handlers
}

/// Strings by the text that is shown of them. Concatenated ones of which one part is empty have been
/// flattened and are only another name of the other part.
fn duplicated_strings(heap: &Heap, lens: &Lens) -> NodeSet {
    let parts = [heap.strings().position("first"), heap.strings().position("second")];
    let is_flattened = |node: NodeId| {
        heap.kind(node) == NodeKind::ConsString
            && heap.edges(node).any(|edge| {
                edge.kind == EdgeKind::Internal
                    && parts.contains(&Some(edge.name_or_index))
                    && heap.kind(edge.to).is_string()
                    && heap.strings().raw(heap.name_index(edge.to)).is_empty()
            })
    };
    let mut first: FxHashMap<String, Option<NodeId>> = FxHashMap::default();
    let mut kept = NodeSet::empty(heap.node_count());
    for node in heap.nodes() {
        if !matches!(heap.kind(node), NodeKind::String | NodeKind::ConsString)
            || lens.size(heap, node) == 0
            || is_flattened(node)
        {
            continue;
        }
        match first.entry(display_name(heap, lens, node).into_owned()) {
            Entry::Vacant(slot) => _ = slot.insert(Some(node)),
            Entry::Occupied(mut slot) => {
                if let Some(one) = slot.get_mut().take() {
                    kept.insert(one);
                }
                kept.insert(node);
            }
        }
    }
    kept
}

/// The nodes with a distance that the root does not reach over non-weak edges once no edge is followed that
/// is a `gate`.
fn beyond(heap: &Heap, levels: &Levels, gate: impl Fn(NodeId, &Edge) -> bool) -> NodeSet {
    let mut visited = NodeSet::empty(heap.node_count());
    visited.insert(heap.root());
    let mut waiting = vec![heap.root()];
    while let Some(node) = waiting.pop() {
        for edge in heap.edges(node).filter(|edge| edge.kind != EdgeKind::Weak) {
            if !visited.contains(edge.to) && !gate(node, &edge) {
                visited.insert(edge.to);
                waiting.push(edge.to);
            }
        }
    }
    let mut kept = NodeSet::empty(heap.node_count());
    for node in heap.nodes().filter(|&node| !visited.contains(node) && levels.get(node) != Levels::NONE) {
        kept.insert(node);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    /// Root → object 3 and context 5; the context → object 7 and object 3; object 9 hangs off nothing.
    fn heap() -> Heap {
        let text = br#"{"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count","detachedness"],
            "node_types":[["synthetic","object","native"],"string","number","number","number","number"],
            "edge_fields":["type","name_or_index","to_node"],
            "edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"]},
            "node_count":6,"edge_count":5},
            "nodes":[0,0,1,0,3,0, 1,1,3,8,0,0, 1,2,5,8,2,0, 1,1,7,8,0,0, 1,1,9,8,0,0, 2,3,4,8,0,2],
            "edges":[1,1,6, 1,2,12, 1,3,30, 2,1,18, 2,1,6],
            "strings":["","x","system / Context / f","Node / Thing"]}"#;
        Heap::read(text.to_vec().into(), &()).unwrap()
    }

    fn ids(filter: &Filter, model: Model) -> Vec<u32> {
        let heap = heap();
        let lens = Lens::new(&heap, model);
        let kept = filter.nodes(&heap, &lens, &Levels::of(&heap, &lens));
        heap.nodes().filter(|&node| kept.contains(node)).map(|node| heap.id(node)).collect()
    }

    #[test]
    fn the_contexts_filter_keeps_contexts_and_what_only_they_reach() {
        assert_eq!(ids(&Filter::Contexts, Model::DevTools), [5, 7]);
        assert_eq!(ids(&Filter::Contexts, Model::Gc), [5, 7]);
    }

    #[test]
    fn the_detached_filter_keeps_detached_nodes_where_the_model_knows_them() {
        assert_eq!(ids(&Filter::Detached, Model::DevTools), [4]);
        assert!(ids(&Filter::Detached, Model::Gc).is_empty());
    }

    #[test]
    fn the_range_filter_keeps_ids_of_the_range_reachable_or_not() {
        assert_eq!(ids(&Filter::Ids(5..=9), Model::DevTools), [5, 7, 9]);
    }
}
