//! How a holder's population and retained size went through the snapshots.

use leakhound_heap::{Dominators, EdgeKind, Heap, IdSet, NodeId, NodeKind};
use rustc_hash::FxHashMap;

use super::{Scene, Tree, Windows};
use crate::Snapshot;

/// A holder to follow back in time.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    /// The holder in the last heap.
    pub(crate) node: NodeId,
    /// Kind and raw name of its members.
    pub(crate) member: (NodeKind, String),
    /// Context and name of the variable that holds it: the variable may have held another object before.
    pub(crate) slot: Option<(NodeId, String)>,
}

/// One value a snapshot; `None` where the holder did not exist yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) members: Vec<Option<u64>>,
    pub(crate) retained: Vec<Option<u64>>,
    /// Of the first snapshot's members: (alive anywhere in the last, all).
    pub(crate) first_survivors: (u64, u64),
    /// All objects of the members' class in the first snapshot: (alive in the last, all).
    pub(crate) class_survivors: (u64, u64),
    /// Objects of the members' class in the last snapshot.
    pub(crate) class_now: u64,
    /// Of the members that came between the first snapshot and the last but one: the same.
    pub(crate) fresh_survivors: (u64, u64),
}

/// Follows the given holders through the snapshots. Members are counted as objects of the members' class
/// below the holder, or pointed at by it, whichever is more.
pub(crate) fn histories(
    snapshots: &[Snapshot],
    scene: &Scene<'_>,
    windows: &Windows,
    holders: &[Followed],
) -> Vec<History> {
    let mut histories = vec![History::default(); holders.len()];
    let mut ids: Vec<Vec<Vec<u32>>> = vec![Vec::new(); holders.len()];
    let mut classes: Vec<Vec<Vec<u32>>> = vec![Vec::new(); holders.len()];
    for (position, snapshot) in snapshots.iter().enumerate() {
        let heap = &snapshot.heap;
        let nodes = found_again(heap, scene.heap, holders);
        let windows = windows.in_heap(scene.heap, heap);
        let dominators =
            Dominators::over(heap, |source, edge| heap.retains(source, edge) && !windows.cuts(source, edge));
        let retained = dominators.retained(heap);
        let tree = Tree::new(heap, dominators.top_down(), |node| dominators.parent(node));
        for (at, node) in nodes.into_iter().enumerate() {
            // A holder that did not exist yet: what its variable held then, else (a list's newest head) all
            // objects of the members' class stand in for its population.
            let node = node.or_else(|| in_slot(heap, scene, &holders[at]));
            let members = match node {
                Some(node) => members(heap, &tree, node, &holders[at].member),
                None => all_members(heap, &dominators, &holders[at].member),
            };
            if position == 0 || position + 1 == snapshots.len() {
                classes[at].push(
                    all_members(heap, &dominators, &holders[at].member)
                        .iter()
                        .map(|&node| heap.id(node))
                        .collect(),
                );
            }
            histories[at].members.push(node.map(|_| members.len() as u64));
            histories[at].retained.push(node.map(|node| retained[node.index()]));
            ids[at].push(members.iter().map(|&member| heap.id(member)).collect());
        }
    }
    let alive = IdSet::of_nodes(scene.heap, scene.dominators.top_down());
    for ((history, ids), classes) in histories.iter_mut().zip(ids).zip(classes) {
        let survivors =
            |ids: &[u32]| (ids.iter().filter(|&&id| alive.contains(id)).count() as u64, ids.len() as u64);
        if let [first, .., last] = &classes[..] {
            history.class_survivors = survivors(first);
            history.class_now = last.len() as u64;
        }
        let Some(first) = ids.first() else { continue };
        history.first_survivors = survivors(first);
        if let [first, .., middle, _] = &ids[..] {
            let known: rustc_hash::FxHashSet<u32> = first.iter().copied().collect();
            let fresh: Vec<u32> = middle.iter().copied().filter(|id| !known.contains(id)).collect();
            history.fresh_survivors = survivors(&fresh);
        }
    }
    histories
}

fn found_again(heap: &Heap, last: &Heap, holders: &[Followed]) -> Vec<Option<NodeId>> {
    let mut wanted: FxHashMap<u32, Vec<usize>> = FxHashMap::default();
    for (at, holder) in holders.iter().enumerate() {
        wanted.entry(last.id(holder.node)).or_default().push(at);
    }
    let mut nodes = vec![None; holders.len()];
    for node in heap.nodes() {
        for &at in wanted.get(&heap.id(node)).into_iter().flatten() {
            nodes[at] = Some(node);
        }
    }
    nodes
}

/// What the holder's variable held in an earlier heap, if it was of the same class.
fn in_slot(heap: &Heap, scene: &Scene<'_>, holder: &Followed) -> Option<NodeId> {
    let (context, variable) = holder.slot.as_ref()?;
    let id = scene.heap.id(*context);
    let context = heap.nodes().find(|&node| heap.id(node) == id)?;
    let edge = heap
        .edges(context)
        .find(|edge| edge.kind == EdgeKind::Context && heap.edge_name(edge) == variable.as_str())?;
    (heap.name(edge.to) == scene.heap.name(holder.node) && heap.kind(edge.to) == NodeKind::Object)
        .then_some(edge.to)
}

/// Members below the holder, or those it points at when they are more.
fn members(heap: &Heap, tree: &Tree, node: NodeId, member: &(NodeKind, String)) -> Vec<NodeId> {
    let (kind, name) = member;
    let is_member =
        |node: NodeId| heap.kind(node) == *kind && (kind.is_string() || heap.name(node) == name.as_str());
    let below: Vec<NodeId> = tree.subtree(node).skip(1).filter(|&node| is_member(node)).collect();
    let mut pointed: Vec<NodeId> = Vec::new();
    for edge in heap.edges(node) {
        if edge.kind != EdgeKind::Weak && is_member(edge.to) {
            pointed.push(edge.to);
        } else if edge.kind == EdgeKind::Internal && heap.kind(edge.to) == NodeKind::Array {
            pointed.extend(heap.edges(edge.to).map(|edge| edge.to).filter(|&to| is_member(to)));
        }
    }
    pointed.sort_unstable();
    pointed.dedup();
    if pointed.len() > below.len() { pointed } else { below }
}

/// All live objects of a class.
fn all_members(heap: &Heap, dominators: &Dominators, (kind, name): &(NodeKind, String)) -> Vec<NodeId> {
    dominators
        .top_down()
        .filter(|&node| heap.kind(node) == *kind && (kind.is_string() || heap.name(node) == name.as_str()))
        .collect()
}
