use leakhound_heap::{Heap, SnapshotBytes};

use super::{Layout, Recipe, many_edges, snapshot};

fn made(bytes: u64, seed: u64, layout: Layout) -> Vec<u8> {
    let mut out = Vec::new();
    snapshot(&Recipe { bytes, seed, layout }, &mut out).unwrap();
    out
}

#[test]
fn one_seed_makes_one_file_and_another_seed_another() {
    let first = made(1_500_000, 7, Layout::Node20);
    assert!(first == made(1_500_000, 7, Layout::Node20), "the same recipe made two files");
    assert!(first != made(1_500_000, 8, Layout::Node20), "the seed changes nothing");
}

#[test]
fn both_layouts_are_read_back_whole_and_have_about_the_wanted_size() {
    for layout in [Layout::Node20, Layout::Node24] {
        let mut text = Vec::new();
        let written = snapshot(&Recipe { bytes: 6_000_000, seed: 1, layout }, &mut text).unwrap();
        assert!((4_500_000..7_500_000).contains(&text.len()), "{layout:?}: {} bytes", text.len());
        let heap = Heap::read(SnapshotBytes::from(text), &()).unwrap();
        assert_eq!(
            (heap.node_count() as u64, heap.edge_count() as u64),
            (written.nodes, written.edges),
            "{layout:?}"
        );
    }
}

#[test]
fn a_file_of_many_edges_has_as_many_as_wanted() {
    let mut text = Vec::new();
    many_edges(100_003, &mut text).unwrap();
    let heap = Heap::read(SnapshotBytes::from(text), &()).unwrap();
    assert_eq!((heap.node_count(), heap.edge_count()), (14, 100_003));
}
