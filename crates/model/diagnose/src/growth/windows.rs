//! Bounded windows: collections that replace their members instead of gaining more.
//!
//! A ring of recent entries, an LRU cache at its bound, the set of requests in flight: they point at young
//! objects without being the reason why those stay. Their member edges are cut before dominators are
//! computed, so that what only passes through a window is attributed to whoever else holds it.

use leakhound_heap::v8::Landmarks;
use leakhound_heap::{Edge, EdgeKind, Heap, NodeId, NodeKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::Snapshot;

/// Fewer members than this say nothing.
const MIN_MEMBERS: usize = 8;

/// A collection that replaces its members.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// The collection in the last heap.
    pub(crate) node: NodeId,
    /// Members in each snapshot.
    pub(crate) members: Vec<u64>,
    /// Share (0 to 1) of the first snapshot's members that are gone.
    pub(crate) replaced: f64,
}

/// All windows of the last heap.
pub(crate) struct Windows {
    /// Collections and their stores.
    sources: FxHashSet<NodeId>,
    pub(crate) found: Vec<Window>,
}

impl Windows {
    pub(crate) fn none() -> Self {
        Self { sources: FxHashSet::default(), found: Vec::new() }
    }

    /// Whether the edge leads from a window to a member.
    pub(crate) fn cuts(&self, source: NodeId, edge: &Edge) -> bool {
        !self.sources.is_empty()
            && self.sources.contains(&source)
            && matches!(edge.kind, EdgeKind::Element | EdgeKind::Internal | EdgeKind::Hidden)
    }

    /// The same windows in another heap of the process.
    pub(crate) fn in_heap(&self, last: &Heap, other: &Heap) -> Self {
        let ids: FxHashSet<u32> = self.found.iter().map(|window| last.id(window.node)).collect();
        if ids.is_empty() {
            return Self::none();
        }
        let marks = Landmarks::new(other);
        let mut sources: FxHashSet<NodeId> =
            other.nodes().filter(|&node| ids.contains(&other.id(node))).collect();
        let stores: Vec<NodeId> =
            sources.iter().filter_map(|&node| marks.member_store(other, node)).collect();
        sources.extend(stores);
        Self { sources, found: Vec::new() }
    }

    /// Compares the members of every collection that exists in all snapshots.
    pub(crate) fn find(snapshots: &[Snapshot]) -> Self {
        let Some((last, earlier)) = snapshots.split_last() else { return Self::none() };
        if earlier.is_empty() {
            return Self::none();
        }
        let marks = Landmarks::new(&last.heap);
        let candidates: Vec<(NodeId, Vec<u32>)> = last
            .heap
            .nodes()
            .filter(|&node| last.heap.kind(node) == NodeKind::Object && last.heap.id(node) & 1 == 1)
            .filter_map(|node| {
                let members = members(&last.heap, &marks, node);
                (members.len() >= MIN_MEMBERS).then_some((node, members))
            })
            .collect();
        let wanted: FxHashSet<u32> = candidates.iter().map(|(node, _)| last.heap.id(*node)).collect();
        let history: Vec<FxHashMap<u32, Vec<u32>>> = earlier
            .iter()
            .map(|snapshot| {
                let marks = Landmarks::new(&snapshot.heap);
                snapshot
                    .heap
                    .nodes()
                    .filter(|&node| wanted.contains(&snapshot.heap.id(node)))
                    .map(|node| (snapshot.heap.id(node), members(&snapshot.heap, &marks, node)))
                    .collect()
            })
            .collect();

        let mut windows = Self::none();
        for (node, now) in candidates {
            let id = last.heap.id(node);
            let Some(past) = history.iter().map(|by_id| by_id.get(&id)).collect::<Option<Vec<_>>>() else {
                continue;
            };
            if let Some(window) = judge(node, &past, &now, last.load_before) {
                windows.sources.insert(node);
                windows.sources.extend(marks.member_store(&last.heap, node));
                windows.found.push(window);
            }
        }
        windows
    }
}

/// Ids of the heap objects that a collection's elements or table point at, sorted.
fn members(heap: &Heap, marks: &Landmarks, node: NodeId) -> Vec<u32> {
    let mut ids: Vec<u32> = Vec::new();
    let store = marks.member_store(heap, node);
    for source in std::iter::once(node).chain(store) {
        for edge in heap.edges(source) {
            let is_member = match edge.kind {
                EdgeKind::Element | EdgeKind::Hidden => true,
                EdgeKind::Internal => Some(source) == store,
                _ => false,
            };
            let kind = heap.kind(edge.to);
            if is_member
                && heap.id(edge.to) & 1 == 1
                && !matches!(kind, NodeKind::Hidden | NodeKind::ObjectShape)
            {
                ids.push(heap.id(edge.to));
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn judge(node: NodeId, past: &[&Vec<u32>], now: &[u32], load_in_last: Option<bool>) -> Option<Window> {
    let first = past.first()?;
    let gone_from = |members: &[u32]| members.iter().filter(|id| now.binary_search(id).is_err()).count();
    let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let replaced = share(gone_from(first), first.len());
    let counts: Vec<u64> =
        past.iter().map(|members| members.len() as u64).chain([now.len() as u64]).collect();
    let steady = now.len() <= first.len() + first.len() / 10 + 4;
    let window = Window { node, members: counts, replaced };

    // Steady population, changing members.
    if steady && first.len() >= MIN_MEMBERS && replaced >= 0.2 {
        return Some(window);
    }
    // Filled since the first snapshot, but lets members go: what came in between two snapshots is mostly
    // gone in the next, which no leak does.
    if let [.., before, middle] = past {
        let fresh: Vec<u32> = middle.iter().copied().filter(|id| before.binary_search(id).is_err()).collect();
        if load_in_last != Some(false)
            && fresh.len() >= MIN_MEMBERS
            && share(gone_from(&fresh), fresh.len()) >= 0.5
        {
            return Some(window);
        }
    }
    // Nobody knows of load after the last growth: only a full exchange of a sizeable first population tells.
    let exchanged = first.len() >= 2 * MIN_MEMBERS && replaced >= 0.9 && now.len() <= first.len() * 16;
    if exchanged && load_in_last != Some(true) {
        return Some(window);
    }
    None
}
