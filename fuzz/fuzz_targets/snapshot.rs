//! Arbitrary bytes as a heap snapshot: an error, or a heap of which everything can be asked.

#![no_main]

use leakhound_heap::format::Sample;
use leakhound_heap::query::TraceTotals;
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
    let follow = |from, edge: &_| heap.retains(from, edge);
    let distances = Distances::new(&heap, [heap.root()], follow);
    let reverse = Reverse::new(&heap);
    let marks = Landmarks::new(&heap);
    let scripts = Scripts::new(&heap, &marks);
    if let Some(traces) = heap.traces() {
        let totals = TraceTotals::new(&heap, traces, |node| heap.self_size(node));
        assert_eq!(totals.nodes.len(), traces.nodes.len());
        for at in 0..traces.nodes.len() {
            assert!(traces.children(at).all(|child| child > at && traces.nodes[child].end <= traces.nodes[at].end));
        }
    }
    if let Some(scopes) = heap.scopes() {
        for scope in &scopes.scopes {
            let _ = (&scopes.variables[scope.variables.clone()], &scopes.uses[scope.uses.clone()]);
        }
    }
    for node in heap.nodes() {
        let _ = (Sample::of(heap.samples(), heap.id(node)), heap.strings().utf16_len(heap.name_index(node)));
        assert_eq!(dominators.is_reached(node), distances.get(node).is_some());
        assert!(dominators.children(node).all(|child| dominators.parent(child) == Some(node)));
        assert_eq!(reverse.retainers(&heap, node).count(), reverse.count(node));
        let _ = (heap.name(node), marks.class(&heap, node), scripts.place(&heap, node));
        for edge in heap.edges(node) {
            let _ = heap.edge_name(&edge);
        }
    }
});
