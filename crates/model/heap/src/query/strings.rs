//! Strings: the same text many times, large parents that small slices keep alive, ropes.

use rustc_hash::FxHashMap;

use crate::{EdgeKind, Heap, NodeId, NodeKind};

/// V8 writes a string's first so many UTF-16 units by default; a text of this length may go on.
pub const CUT_UNITS: usize = 1024;

/// Flat strings of the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateText {
    /// One of them.
    pub example: NodeId,
    /// How many there are.
    pub count: u64,
    /// Bytes of all of them.
    pub size: u64,
    /// Bytes of all but one.
    pub wasted: u64,
    /// Whether V8 may have cut the text, so that the strings could differ behind the cut. Such strings are
    /// told apart by their sizes as well.
    pub is_cut: bool,
}

/// A string of which other strings are slices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlicedParent {
    /// The whole string.
    pub parent: NodeId,
    /// Its bytes.
    pub size: u64,
    /// Slices of it.
    pub slices: u64,
    /// One of the slices.
    pub example: NodeId,
    /// Whether nothing but its slices keeps it alive: then it is pinned.
    pub is_pinned: bool,
}

/// What a heap's strings are.
#[derive(Clone, Debug, Default)]
pub struct StringReport {
    /// Flat strings and their bytes.
    pub flat: (u64, u64),
    /// Concatenated strings (ropes), without their parts.
    pub ropes: (u64, u64),
    /// Slices, without their parents.
    pub slices: (u64, u64),
    /// Texts that occur more than once, the most wasteful first.
    pub duplicates: Vec<DuplicateText>,
    /// Strings that have slices, the largest first.
    pub parents: Vec<SlicedParent>,
}

impl StringReport {
    /// Looks at every string node. Sizes are the nodes' own.
    pub fn new(heap: &Heap) -> Self {
        let mut report = Self::default();
        // Texts by their index: V8 writes each text once. The size tells cut ones apart.
        let mut texts: FxHashMap<(u32, u64), DuplicateText> = FxHashMap::default();
        let mut parents: FxHashMap<NodeId, SlicedParent> = FxHashMap::default();
        let parent_name = heap.strings().position("parent");
        for node in heap.nodes() {
            let size = heap.self_size(node);
            let add = |sum: &mut (u64, u64)| *sum = (sum.0 + 1, sum.1 + size);
            match heap.kind(node) {
                NodeKind::String => {
                    add(&mut report.flat);
                    if size > 0 {
                        let text = texts.entry((heap.name_index(node), size)).or_insert(DuplicateText {
                            example: node,
                            count: 0,
                            size: 0,
                            wasted: 0,
                            is_cut: false,
                        });
                        text.count += 1;
                        text.size += size;
                        text.wasted = text.size - size;
                    }
                }
                NodeKind::ConsString => add(&mut report.ropes),
                NodeKind::SlicedString => {
                    add(&mut report.slices);
                    let parent = heap.edges(node).find(|edge| {
                        edge.kind == EdgeKind::Internal && Some(edge.name_or_index) == parent_name
                    });
                    if let Some(parent) = parent.map(|edge| edge.to) {
                        let found = parents.entry(parent).or_insert(SlicedParent {
                            parent,
                            size: heap.self_size(parent),
                            slices: 0,
                            example: node,
                            is_pinned: true,
                        });
                        found.slices += 1;
                    }
                }
                _ => {}
            }
        }
        report.duplicates = whole_texts(heap, texts);
        report.parents = pinned(heap, parents);
        report
    }

    /// Bytes that would be saved if every text existed once.
    pub fn wasted(&self) -> u64 {
        self.duplicates.iter().map(|text| text.wasted).sum()
    }
}

/// Joins strings of one whole text whatever their sizes (one byte or two bytes a unit); keeps what occurs
/// more than once.
fn whole_texts(heap: &Heap, texts: FxHashMap<(u32, u64), DuplicateText>) -> Vec<DuplicateText> {
    let mut joined: FxHashMap<u32, DuplicateText> = FxHashMap::default();
    let mut duplicates = Vec::new();
    for ((index, _), mut text) in texts {
        let units: usize = heap.strings().get(index).chars().map(char::len_utf16).sum();
        if units >= CUT_UNITS {
            text.is_cut = true;
            duplicates.push(text);
            continue;
        }
        match joined.get_mut(&index) {
            Some(known) => {
                let largest = (known.size - known.wasted).max(text.size - text.wasted);
                known.example = known.example.min(text.example);
                known.count += text.count;
                known.size += text.size;
                known.wasted = known.size - largest;
            }
            None => {
                joined.insert(index, text);
            }
        }
    }
    duplicates.extend(joined.into_values());
    duplicates.retain(|text| text.count > 1);
    duplicates.sort_by_key(|text| (std::cmp::Reverse(text.wasted), text.example));
    duplicates
}

fn pinned(heap: &Heap, mut parents: FxHashMap<NodeId, SlicedParent>) -> Vec<SlicedParent> {
    if !parents.is_empty() {
        for source in heap.nodes().filter(|&node| heap.kind(node) != NodeKind::SlicedString) {
            for edge in heap.edges(source).filter(|edge| heap.retains(source, edge)) {
                if let Some(parent) = parents.get_mut(&edge.to) {
                    parent.is_pinned = false;
                }
            }
        }
    }
    let mut parents: Vec<SlicedParent> = parents.into_values().collect();
    parents.sort_by_key(|parent| (std::cmp::Reverse(parent.size), parent.parent));
    parents
}
