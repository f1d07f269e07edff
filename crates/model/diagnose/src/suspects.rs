//! One snapshot: who retains the most. Suspects, not a verdict: one picture cannot show growth.

use crate::case::{Case, Snapshot};
use crate::diagnosis::empty;
use crate::finding::{Confidence, Diagnosis, Evidence, Finding, FindingKind, Growth, PathStep};
use crate::growth::{Scene, Windows};
use crate::naming::{Author, Texts, declared, owner_of, path_of};
use crate::write::{bytes, holder};

use leakhound_heap::{NodeId, NodeKind};

/// Share of the heap that makes a suspect.
const SUSPECT_SHARE: f64 = 0.05;
/// Walking down the biggest child stops where the child holds less than this share of its parent
/// (the accumulation point of Eclipse MAT).
const BIG_DROP: f64 = 0.7;
/// Suspects reported.
const MOST: usize = 5;

pub(crate) fn suspects(case: &Case<'_>, snapshot: &Snapshot) -> Diagnosis {
    let scene = Scene::new(&snapshot.heap, &Windows::none());
    let texts = Texts::new(case.sources, &scene);
    let total = scene.retained[scene.heap.root().index()].max(1);
    let least = ((total as f64 * SUSPECT_SHARE) as u64).max(64 << 10);
    let mut points = Vec::new();
    let mut stack = vec![scene.heap.root()];
    while let Some(node) = stack.pop() {
        let retained = scene.retained[node.index()];
        let heavy: Vec<NodeId> =
            scene.tree.children(node).filter(|child| scene.retained[child.index()] >= least).collect();
        let biggest = heavy.iter().map(|child| scene.retained[child.index()]).max().unwrap_or(0);
        let drops = (biggest as f64) < BIG_DROP * retained as f64;
        let plumbing = scene.is_transparent(node)
            || matches!(scene.heap.kind(node), NodeKind::Hidden | NodeKind::Closure | NodeKind::Code);
        if drops && !plumbing && retained >= least {
            points.push(node);
        } else {
            stack.extend(heavy);
        }
    }
    points.sort_by_key(|point| std::cmp::Reverse(scene.retained[point.index()]));

    let mut diagnosis = empty("");
    let mut known = rustc_hash::FxHashSet::default();
    for point in points {
        let owner = owner_of(&scene, &texts, None, point);
        if owner.variable.is_none() || owner.author == Author::Node || !known.insert(owner.object) {
            continue;
        }
        let place = declared(&scene, &texts, &owner);
        let holder = holder(&scene, &texts, &owner, place.as_ref());
        let retained = scene.retained[point.index()];
        let share = retained as f64 / total as f64;
        let members = scene.tree.children(point).len() as u64;
        let context = owner.seen_from.as_ref().map(|place| {
            let context = format!("context of {}", path_of(&place.url));
            PathStep { edge: context.clone(), class: context, object_id: 0, is_holder: false }
        });
        let own = PathStep {
            edge: owner.variable.clone().unwrap_or_default(),
            class: holder.class.clone(),
            object_id: holder.object_id,
            is_holder: true,
        };
        diagnosis.findings.push(Finding {
            id: format!("lh-suspect-{}", holder.expression),
            kind: FindingKind::Collection,
            confidence: Confidence::Low,
            title: format!(
                "{} ({}) retains {} of the heap ({})",
                holder.expression,
                holder.class,
                crate::judge::percent(share),
                bytes(retained)
            ),
            holder,
            grows_at: None,
            growth: Growth {
                member_class: scene
                    .tree
                    .children(point)
                    .next()
                    .map(|child| scene.label(child))
                    .unwrap_or_default(),
                members,
                objects: members,
                bytes: retained,
                external_bytes: 0,
                seconds: None,
                bytes_per_second: None,
                series: Vec::new(),
            },
            runs_out: None,
            path: context.into_iter().chain([own]).collect(),
            classes: Vec::new(),
            allocations: Vec::new(),
            evidence: vec![Evidence { supports: false, text: "one snapshot shows size, not growth".into() }],
            advice: vec!["take a second and a third snapshot of the same process under load".into()],
        });
        if diagnosis.findings.len() == MOST {
            break;
        }
    }
    diagnosis.headline = match diagnosis.findings.first() {
        Some(first) => format!("suspect: {}", first.title),
        None => format!("no single holder stands out in {}", bytes(total)),
    };
    diagnosis.next_steps.push(
        "one snapshot shows who is big, not who grows: `hunt` the process, or analyze two or three snapshots of it"
            .into(),
    );
    diagnosis.warnings.extend(texts.warnings.take());
    diagnosis
}
