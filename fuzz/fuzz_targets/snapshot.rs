//! Arbitrary bytes as a heap snapshot: an error, or a heap of which everything can be asked.

#![no_main]

use leakhound_heap::format::Sample;
use leakhound_heap::query::{Classes, Comparison, Filter, RowSource, Statistics, TraceTotals, display_name};
use leakhound_heap::v8::{Landmarks, Scripts};
use leakhound_heap::{Distances, Dominators, Heap, Lens, Levels, Model, Reverse};
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
    for model in [Model::Gc, Model::DevTools] {
        everything(&heap, model);
    }
});

/// Every question that the views ask.
fn everything(heap: &Heap, model: Model) {
    let lens = Lens::new(heap, model);
    let levels = Levels::of(heap, &lens);
    let dominators = Dominators::of(heap, &lens);
    let retained = dominators.retained_by(heap, &lens);
    let classes = Classes::new(heap, &lens);
    let source = RowSource {
        heap,
        lens: &lens,
        classes: &classes,
        levels: Some(&levels),
        order: Some((&dominators, &retained)),
        only: None,
    };
    let rows = source.rows();
    let reached: u64 = heap.nodes().filter(|&node| dominators.is_reached(node)).map(|node| lens.size(heap, node)).sum();
    assert_eq!(retained[heap.root().index()], reached);
    assert!(rows.iter().all(|row| row.retained <= Some(reached)));
    // Merging moves bytes and loses none.
    let all: u64 = heap.nodes().map(|node| lens.size(heap, node)).sum();
    assert_eq!(rows.iter().map(|row| row.shallow).sum::<u64>(), all);
    assert_eq!(all + heap.header().extra_native_bytes, heap.total_size());
    for filter in [Filter::Contexts, Filter::Detached] {
        let nodes = filter.nodes(heap, &lens, &levels);
        let _ = RowSource { only: Some(&nodes), ..source }.rows();
    }
    let _ = Statistics::new(heap, &lens);
    assert!(Comparison::new((heap, &lens), (heap, &lens)).rows.is_empty() || has_equal_ids(heap));
    for node in heap.nodes() {
        let _ = (display_name(heap, &lens, node), lens.name(heap, node), levels.get(node));
        for edge in heap.edges(node) {
            let _ = lens.why_edge(heap, node, &edge).as_str();
        }
    }
}

fn has_equal_ids(heap: &Heap) -> bool {
    let mut ids: Vec<u32> = heap.nodes().map(|node| heap.id(node)).collect();
    ids.sort_unstable();
    ids.windows(2).any(|pair| pair[0] == pair[1])
}
