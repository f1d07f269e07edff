//! Where the bytes are, as DevTools' chart shows it.

use crate::{EdgeKind, Heap, Lens, NodeKind};

/// Sums of shallow sizes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// All nodes, and what V8 counts outside the graph.
    pub total: u64,
    /// Without native memory.
    pub v8_heap: u64,
    /// Native nodes, and what V8 counts outside the graph.
    pub native: u64,
    /// Contents of array buffers (part of `native`).
    pub typed_arrays: u64,
    /// Compiled code.
    pub code: u64,
    /// Strings of every kind.
    pub strings: u64,
    /// Arrays with the elements that are theirs alone.
    pub js_arrays: u64,
    /// Hidden nodes.
    pub system: u64,
}

impl Statistics {
    /// Sums over all nodes as the model sizes them.
    pub fn new(heap: &Heap, lens: &Lens) -> Self {
        let strings = heap.strings();
        let buffers = strings.position("system / JSArrayBufferData");
        let array = strings.position("Array");
        let elements = strings.position("elements");
        let mut sums = Self { native: heap.header().extra_native_bytes, ..Self::default() };
        sums.total = sums.native;
        // Elements belong to an array when nothing else points at them: found after counting.
        let mut stores = Vec::new();
        for node in heap.nodes() {
            let size = lens.size(heap, node);
            sums.total += size;
            match heap.kind(node) {
                NodeKind::Hidden => sums.system += size,
                NodeKind::Native => {
                    sums.native += size;
                    if buffers == Some(heap.name_index(node)) {
                        sums.typed_arrays += size;
                    }
                }
                NodeKind::Code => sums.code += size,
                kind if kind.is_string() => sums.strings += size,
                _ if array == Some(heap.name_index(node)) && !lens.is_renamed(node) => {
                    sums.js_arrays += size;
                    let store = heap
                        .edges(node)
                        .find(|edge| edge.kind == EdgeKind::Internal && elements == Some(edge.name_or_index));
                    stores.extend(store.map(|edge| edge.to));
                }
                _ => {}
            }
        }
        sums.js_arrays += sole_sizes(heap, lens, &stores);
        sums.v8_heap = sums.total.saturating_sub(sums.native);
        sums
    }

    /// What of the heap is none of the other parts.
    pub fn other_js(&self) -> u64 {
        self.v8_heap.saturating_sub(self.code + self.strings + self.js_arrays + self.system)
    }

    /// Native memory that is no array buffer's.
    pub fn other_native(&self) -> u64 {
        self.native.saturating_sub(self.typed_arrays)
    }
}

/// Sum of the sizes of those stores that exactly one edge points at.
fn sole_sizes(heap: &Heap, lens: &Lens, stores: &[crate::NodeId]) -> u64 {
    let mut incoming = crate::graph::Buffer::<u8>::zeroed(heap.node_count());
    for &target in heap.edge_targets() {
        let count = &mut incoming[target as usize];
        *count = count.saturating_add(1);
    }
    (stores.iter()).filter(|store| incoming[store.index()] == 1).map(|&store| lens.size(heap, store)).sum()
}
