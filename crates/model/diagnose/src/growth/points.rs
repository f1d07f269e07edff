//! Accumulation points: where, walking down the tree of owners, growth fans out into many members.

use leakhound_heap::{NodeId, NodeKind};
use rustc_hash::FxHashMap;

use super::{Births, Scene, Tree};

/// How the growth below a point is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Many members side by side.
    Members,
    /// One after the other: a linked list, a promise chain.
    Chain,
}

/// A node below which growth accumulates.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// Where growth fans out; the object that owns the store, if it is a store.
    pub(crate) node: NodeId,
    pub(crate) shape: Shape,
    /// Bytes that grew directly below it (what stable sub-holders account for is theirs).
    pub(crate) bytes: u64,
    /// The young nodes directly below it, largest growth first.
    pub(crate) members: Vec<NodeId>,
    /// Found on shortest paths because several holders share the members.
    pub(crate) shared: bool,
}

/// Members of one class that make a container.
const MANY: usize = 8;
/// A single child with this share of the growth is where the growth is.
const DOMINANT: f64 = 0.7;
/// Hops through young nodes that make a chain.
const CHAIN: usize = 24;

/// Walks down from the root of `tree`. `grown` is the growth at and below each node, `least` the smallest
/// growth of interest. Returns the points, and the young nodes that hang directly from plumbing.
pub(crate) fn points(
    scene: &Scene<'_>,
    tree: &Tree,
    births: &Births,
    grown: &[u64],
    least: u64,
    shared: bool,
) -> (Vec<Point>, Vec<NodeId>) {
    let mut found = Vec::new();
    let mut loose = Vec::new();
    let mut stack = vec![Descent { node: scene.heap.root(), entry: None, hops: 0 }];
    while let Some(descent) = stack.pop() {
        step(scene, tree, births, grown, least, shared, descent, &mut stack, &mut found, &mut loose);
    }
    found.sort_by_key(|point: &Point| std::cmp::Reverse(point.bytes));
    (found, loose)
}

/// One branch of the walk.
#[derive(Clone)]
struct Descent {
    node: NodeId,
    /// Parent of the first young node on the branch, and the growth there.
    entry: Option<(NodeId, NodeId, u64)>,
    /// Young nodes passed since.
    hops: usize,
}

#[allow(clippy::too_many_arguments, reason = "the walk's state, split so that each part can be read")]
fn step(
    scene: &Scene<'_>,
    tree: &Tree,
    births: &Births,
    grown: &[u64],
    least: u64,
    shared: bool,
    descent: Descent,
    stack: &mut Vec<Descent>,
    found: &mut Vec<Point>,
    loose: &mut Vec<NodeId>,
) {
    let Descent { node, entry, hops } = descent.clone();
    let total = grown[node.index()];
    let mut members = Vec::new();
    let mut member_bytes = 0;
    let mut growers = Vec::new();
    let mut descended = false;
    let container = is_container(scene, tree, births, grown, node);
    let store_owner = scene.marks.is_backing_store(scene.heap, node);
    for child in tree.children(node) {
        let bytes = grown[child.index()];
        if bytes == 0 {
            continue;
        }
        let young = births.is_young(child);
        let dominant = bytes as f64 >= DOMINANT * total as f64;
        let heavy =
            bytes >= least && (!young || dominant || !container && bytes as f64 >= 0.1 * total as f64);
        if heavy {
            descended = true;
            let entry = if young { entry.or(Some((node, child, bytes))) } else { None };
            stack.push(Descent { node: child, entry, hops: if young { hops + 1 } else { 0 } });
        } else {
            member_bytes += bytes;
            if young {
                members.push(child);
            } else {
                growers.push(child);
            }
        }
    }
    if member_bytes >= least && members.len() < MANY {
        // Many small collections that each gain a little: their members together are the members.
        growers.iter().for_each(|&grower| first_young_below(tree, births, grown, grower, &mut members));
    }
    if scene.is_plumbing(node) {
        loose.extend(members);
        if let Some(point) = chain(scene, tree, grown, least, shared, &descent).filter(|_| !descended) {
            found.push(point);
        }
        return;
    }
    if member_bytes >= least && members.len() >= MANY {
        let at = if store_owner { owner_of_store(scene, node) } else { node };
        found.push(point(at, Shape::Members, member_bytes, members, grown, shared));
        return;
    }
    // The branch ends without a fan-out: was it a chain on the way?
    if !descended {
        found.extend(chain(scene, tree, grown, least, shared, &descent));
    }
}

/// The chain that a branch of the walk came along, if it is one.
fn chain(
    scene: &Scene<'_>,
    tree: &Tree,
    grown: &[u64],
    least: u64,
    shared: bool,
    descent: &Descent,
) -> Option<Point> {
    let (above, first, bytes) = descent.entry?;
    if descent.hops < CHAIN || bytes < least {
        return None;
    }
    let links = chain_members(tree, grown, first);
    // A variable's context is no holder: the chain's own first link is what the variable names.
    let above = if scene.is_plumbing(above) { first } else { above };
    Some(point(above, Shape::Chain, bytes, links, grown, shared))
}

fn point(
    node: NodeId,
    shape: Shape,
    bytes: u64,
    mut members: Vec<NodeId>,
    grown: &[u64],
    shared: bool,
) -> Point {
    members.sort_by_key(|member| std::cmp::Reverse(grown[member.index()]));
    Point { node, shape, bytes, members, shared }
}

/// Whether the children of `node` are members of a collection rather than parts of an object.
fn is_container(scene: &Scene<'_>, tree: &Tree, births: &Births, grown: &[u64], node: NodeId) -> bool {
    if scene.marks.is_backing_store(scene.heap, node) {
        return true;
    }
    let mut classes: FxHashMap<(NodeKind, u32), usize> = FxHashMap::default();
    for child in tree.children(node) {
        if births.is_young(child) && grown[child.index()] > 0 {
            let kind = scene.heap.kind(child);
            // Strings are named by their content, closures by their function: both are one class here.
            let name = if kind.is_string() { 0 } else { scene.heap.name_index(child) };
            let count = classes.entry((kind, name)).or_default();
            *count += 1;
            if *count >= MANY {
                return true;
            }
        }
    }
    false
}

/// The topmost young nodes with growth below a stable node.
fn first_young_below(tree: &Tree, births: &Births, grown: &[u64], node: NodeId, members: &mut Vec<NodeId>) {
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        for child in tree.children(node).filter(|child| grown[child.index()] > 0) {
            if births.is_young(child) {
                members.push(child);
            } else {
                stack.push(child);
            }
        }
    }
}

/// The object whose elements, table or properties `store` is.
pub(super) fn owner_of_store(scene: &Scene<'_>, store: NodeId) -> NodeId {
    scene
        .reverse
        .retainers(scene.heap, store)
        .find(|(_, edge)| scene.marks.is_store_edge(edge))
        .map_or_else(|| scene.dominators.parent(store).unwrap_or(store), |(owner, _)| owner)
}

/// The young nodes along a chain, following the heaviest child.
fn chain_members(tree: &Tree, grown: &[u64], first: NodeId) -> Vec<NodeId> {
    let mut links = vec![first];
    let mut at = first;
    while let Some(next) = tree.children(at).max_by_key(|child| grown[child.index()]) {
        if grown[next.index()] == 0 {
            break;
        }
        links.push(next);
        at = next;
    }
    links
}
