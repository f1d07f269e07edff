//! Which objects were born after the first snapshot and are alive in the last.

use leakhound_heap::{Dominators, Heap, IdSet, NodeId, NodeKind};

/// Birth and survival of every node of the last heap.
pub(crate) struct Births {
    /// Born after the first snapshot, seen before the last, alive in it.
    kept: Vec<bool>,
    /// Not in the first snapshot (superset of `kept`).
    young: Vec<bool>,
}

impl Births {
    /// `first` are the ids of the first snapshot, `seen` those of the last but one (absent when there are
    /// only two snapshots: then everything young counts as kept).
    pub(crate) fn new(heap: &Heap, dominators: &Dominators, first: &IdSet, seen: Option<&IdSet>) -> Self {
        let mut kept = vec![false; heap.node_count()];
        let mut young = vec![false; heap.node_count()];
        for node in dominators.top_down() {
            let id = heap.id(node);
            let (is_young, is_kept) = if id & 1 == 1 {
                let is_young = !first.contains(id);
                (is_young, is_young && seen.is_none_or(|seen| seen.contains(id)))
            } else {
                // Embedder ids carry no identity: memory outside the heap shares its owner's fate.
                match dominators.parent(node) {
                    Some(owner) => (young[owner.index()], kept[owner.index()]),
                    None => (false, false),
                }
            };
            young[node.index()] = is_young;
            kept[node.index()] = is_kept;
        }
        Self { kept, young }
    }

    pub(crate) fn is_kept(&self, node: NodeId) -> bool {
        self.kept[node.index()]
    }

    pub(crate) fn is_young(&self, node: NodeId) -> bool {
        self.young[node.index()]
    }

    /// Bytes of growth that each node itself stands for.
    pub(crate) fn weights(&self, heap: &Heap) -> Vec<u64> {
        let machinery = Machinery::new(heap);
        heap.nodes()
            .map(
                |node| {
                    if self.kept[node.index()] && !machinery.is(heap, node) {
                        heap.self_size(node)
                    } else {
                        0
                    }
                },
            )
            .collect()
    }
}

/// What V8 makes for itself while code warms up: never a leak's members.
struct Machinery {
    names: rustc_hash::FxHashSet<u32>,
}

impl Machinery {
    fn new(heap: &Heap) -> Self {
        const OWN: [&str; 23] = [
            "system / FeedbackVector",
            "system / FeedbackCell",
            "system / FeedbackMetadata",
            "system / ClosureFeedbackCellArray",
            "system / SharedFunctionInfo",
            "system / UncompiledDataWithPreparseData",
            "system / UncompiledDataWithoutPreparseData",
            "system / BytecodeArray",
            "system / Map",
            "system / DescriptorArray",
            "system / TransitionArray",
            "system / ScopeInfo",
            "system / AllocationSite",
            "system / AllocationMemento",
            "system / PropertyCell",
            "system / AccessorPair",
            "system / PrototypeInfo",
            "system / EnumCache",
            "system / DependentCode",
            "system / Script",
            "system / WeakCell",
            "system / StoreHandler",
            "system / LoadHandler",
        ];
        let names = OWN.iter().filter_map(|name| heap.strings().position(name)).collect();
        Self { names }
    }

    fn is(&self, heap: &Heap, node: NodeId) -> bool {
        match heap.kind(node) {
            NodeKind::Code | NodeKind::ObjectShape | NodeKind::Synthetic => true,
            NodeKind::Hidden | NodeKind::Array => self.names.contains(&heap.name_index(node)),
            _ => false,
        }
    }
}
