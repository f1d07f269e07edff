//! Arbitrary bytes as a heap snapshot: an error, or a heap of which everything can be asked.

#![no_main]

use leakhound_heap::v8::{Landmarks, Scripts};
use leakhound_heap::{Distances, Dominators, Heap, Model, Reverse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let heap = match Heap::read(bytes.to_vec().into(), &()) {
        Ok(heap) => heap,
        Err(error) => {
            let _ = (error.to_string(), error.hint());
            return;
        }
    };
    let dominators = Dominators::new(&heap, Model::Gc);
    let retained = dominators.retained(&heap);
    assert!(retained[heap.root().index()] <= heap.total_size());
    let tree = dominators.children();
    let follow = |from, edge: &_| heap.retains(from, edge, Model::Gc);
    let distances = Distances::new(&heap, [heap.root()], follow);
    let reverse = Reverse::new(&heap);
    let marks = Landmarks::new(&heap);
    let scripts = Scripts::new(&heap, &marks);
    for node in heap.nodes() {
        assert_eq!(dominators.is_reached(node), distances.get(node).is_some());
        assert!(tree.of(node).all(|child| dominators.parent(child) == Some(node)));
        assert_eq!(reverse.retainers(&heap, node).count(), reverse.count(node));
        let _ = (heap.name(node), marks.class(&heap, node), scripts.place(&heap, node));
        for edge in heap.edges(node) {
            let _ = heap.edge_name(&edge);
        }
    }
});
