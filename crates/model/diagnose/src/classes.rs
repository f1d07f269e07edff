//! Growth by class over the whole heap.

use leakhound_heap::v8::Landmarks;
use leakhound_heap::{Heap, NodeKind};
use rustc_hash::FxHashMap;

use crate::finding::ClassGrowth;

/// Classes reported.
const MOST: usize = 50;

/// Counts and shallow bytes of every class in both heaps; the classes that changed most in bytes first.
pub(crate) fn class_growth(before: &Heap, after: &Heap) -> Vec<ClassGrowth> {
    let mut classes: FxHashMap<String, ClassGrowth> = FxHashMap::default();
    for (heap, is_after) in [(before, false), (after, true)] {
        for (class, (count, bytes)) in by_class(heap) {
            let row = classes.entry(class.clone()).or_insert_with(|| ClassGrowth {
                class,
                count_before: 0,
                count_after: 0,
                bytes_before: 0,
                bytes_after: 0,
            });
            if is_after {
                row.count_after += count;
                row.bytes_after += bytes;
            } else {
                row.count_before += count;
                row.bytes_before += bytes;
            }
        }
    }
    let mut rows: Vec<ClassGrowth> =
        classes.into_values().filter(|row| row.bytes_before != row.bytes_after).collect();
    rows.sort_by(|a, b| {
        let growth = |row: &ClassGrowth| row.bytes_after as i64 - row.bytes_before as i64;
        growth(b).cmp(&growth(a)).then_with(|| a.class.cmp(&b.class))
    });
    rows.truncate(MOST);
    rows
}

fn by_class(heap: &Heap) -> FxHashMap<String, (u64, u64)> {
    let marks = Landmarks::new(heap);
    // Names are compared by their index; strings, whose names are their values, by kind alone.
    let mut indexed: FxHashMap<(NodeKind, u32), (leakhound_heap::NodeId, u64, u64)> = FxHashMap::default();
    for node in heap.nodes() {
        let kind = heap.kind(node);
        let name = match kind {
            NodeKind::Object | NodeKind::Native | NodeKind::Synthetic | NodeKind::Hidden => {
                heap.name_index(node)
            }
            _ => 0,
        };
        let entry = indexed.entry((kind, name)).or_insert((node, 0, 0));
        entry.1 += 1;
        entry.2 += heap.self_size(node);
    }
    let mut classes: FxHashMap<String, (u64, u64)> = FxHashMap::default();
    for (node, count, bytes) in indexed.into_values() {
        let entry = classes.entry(marks.class(heap, node).into_owned()).or_default();
        entry.0 += count;
        entry.1 += bytes;
    }
    classes
}
