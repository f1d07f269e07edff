//! The path that a finding shows: from the roots to the holder, on to a typical member.

use leakhound_heap::{EdgeKind, NodeId, NodeKind};
use rustc_hash::FxHashSet;

use crate::accused::Accused;
use crate::finding::{PathStep, Scope};
use crate::growth::{Scene, Shape};
use crate::naming::path_of;

/// From the roots to the holder, on to the collection and a typical member.
pub(crate) fn path(scene: &Scene<'_>, accused: &Accused) -> Vec<PathStep> {
    let owner = &accused.owner;
    let heap = scene.heap;
    let step = |edge: String, node: NodeId| PathStep {
        edge,
        class: scene.label(node),
        object_id: u64::from(heap.id(node)),
        is_holder: node == owner.object,
    };
    let mut steps = vec![PathStep {
        edge: "(GC roots)".into(),
        class: "(GC roots)".into(),
        object_id: 0,
        is_holder: false,
    }];
    let from = if accused.written_at.is_some() { accused.point.node } else { owner.object };
    if let (Some(place), None) = (&owner.seen_from, &accused.written_at) {
        let context = match owner.scope {
            Scope::Module => "module context",
            Scope::Exports => "exports",
            _ => "context",
        };
        let context = format!("{context} of {}", path_of(&place.url));
        steps.push(PathStep { edge: context.clone(), class: context, object_id: 0, is_holder: false });
        steps.push(step(format!("variable {}", owner.variable.as_deref().unwrap_or("?")), owner.object));
    } else if let Some(variable) = owner.variable.as_deref().filter(|_| accused.written_at.is_none()) {
        steps.push(step(format!("global {variable}"), owner.object));
    } else {
        steps.push(step(scene.label(from), from));
    }
    // The nearest member of the class that accumulates stands for all of them.
    let members: FxHashSet<NodeId> = accused
        .point
        .members
        .iter()
        .copied()
        .filter(|&member| scene.label(member) == accused.member_class)
        .collect();
    let mut member = from;
    for (edge, node) in way(scene, from, |node| members.contains(&node)) {
        steps.push(step(edge, node));
        member = node;
    }
    if accused.shape == Shape::Members && !accused.recursive && member != from {
        let deepest = deepest(scene, member);
        steps.extend(
            way(scene, member, |node| node == deepest).into_iter().map(|(edge, node)| step(edge, node)),
        );
    }
    steps
}

/// The object that a member keeps: down the heaviest part while it makes up most of it.
fn deepest(scene: &Scene<'_>, member: NodeId) -> NodeId {
    let mut at = member;
    for _ in 0..8 {
        let heaviest = scene.tree.children(at).max_by_key(|child| scene.retained[child.index()]);
        match heaviest {
            Some(child)
                if scene.retained[child.index()] * 2 > scene.retained[at.index()]
                    && (scene.marks.is_context(scene.heap, child)
                        || !matches!(
                            scene.heap.kind(child),
                            NodeKind::Array | NodeKind::Code | NodeKind::Hidden
                        )) =>
            {
                at = child;
            }
            _ => break,
        }
    }
    at
}

/// Shortest way over strong edges, as steps written like source.
fn way(scene: &Scene<'_>, from: NodeId, is_there: impl Fn(NodeId) -> bool) -> Vec<(String, NodeId)> {
    const MOST: usize = 400_000;
    let heap = scene.heap;
    let mut seen = FxHashSet::from_iter([from]);
    let mut queue: Vec<(NodeId, usize, String)> = vec![(from, usize::MAX, String::new())];
    let mut at = 0;
    while at < queue.len() && queue.len() < MOST {
        let node = queue[at].0;
        if is_there(node) {
            let mut steps = Vec::new();
            let mut step = at;
            while let Some((node, before, edge)) =
                queue.get(step).filter(|(_, before, _)| *before != usize::MAX)
            {
                steps.push((edge.clone(), *node));
                step = *before;
            }
            steps.reverse();
            return steps;
        }
        for edge in heap.edges(node) {
            if heap.retains(node, &edge) && !scene.is_transparent(edge.to) && seen.insert(edge.to) {
                let name = heap.edge_name(&edge);
                let text = match edge.kind {
                    EdgeKind::Property => format!(".{name}"),
                    EdgeKind::Element => "[…]".into(),
                    EdgeKind::Context => format!("variable {name}"),
                    EdgeKind::Internal if scene.marks.is_backing_store(heap, node) => "[…]".into(),
                    _ => format!("({name})"),
                };
                queue.push((edge.to, at, text));
            }
        }
        at += 1;
    }
    Vec::new()
}
