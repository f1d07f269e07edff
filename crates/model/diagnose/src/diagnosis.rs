//! From a case to a diagnosis: the order of the steps, and the verdict at the end.

use leakhound_heap::{IdSet, Model};

use crate::accused::{Accused, group};
use crate::case::{Case, Snapshot};
use crate::classes::class_growth;
use crate::finding::{
    BoundedHolder, Confidence, Diagnosis, Finding, PopulationPoint, SnapshotTotals, Verdict,
};
use crate::growth::{Births, Followed, Point, Scene, Windows, histories, points};
use crate::judge::{Judged, judge};
use crate::naming::{Author, Texts, owner_of};
use crate::off_heap;
use crate::suspects::suspects;
use crate::write::{bounded_holder, finding};

/// Growth below this many bytes is not looked at, however large its share.
const LEAST_BYTES: u64 = 12 << 10;
/// Growth below this share of all growth is not looked at.
const LEAST_SHARE: f64 = 0.02;
/// Findings reported.
const MAX_FINDINGS: usize = 10;
/// Windows and stopped holders reported.
const MAX_BOUNDED: usize = 8;
/// Kept growth without a holder that is too much to be called noise: bytes, and share of the first heap.
const UNEXPLAINED_BYTES: u64 = 1 << 20;
const UNEXPLAINED_SHARE: f64 = 0.15;
/// A window that retains less is not worth a line.
const WORTH_A_LINE: u64 = 16 << 10;

/// Judges the evidence: suspects of one snapshot, growth of two or more.
pub fn diagnose(case: &Case<'_>) -> Diagnosis {
    let mut diagnosis = match case.snapshots {
        [] => {
            let mut nothing = empty("no snapshot to judge");
            nothing.next_steps.push("take three snapshots of the process under load, or `hunt` it".into());
            nothing
        }
        [only] => suspects(case, only),
        snapshots => growth(case, snapshots),
    };
    diagnosis.snapshots = totals(case.snapshots);
    for snapshot in case.snapshots {
        let losses = snapshot.heap.losses().iter();
        diagnosis.warnings.extend(losses.map(|loss| format!("{}: {loss}", snapshot.file)));
    }
    diagnosis
}

pub(crate) fn empty(headline: &str) -> Diagnosis {
    Diagnosis {
        verdict: Verdict::Inconclusive,
        confidence: Confidence::Low,
        headline: headline.to_owned(),
        model: Model::Gc.as_str().to_owned(),
        findings: Vec::new(),
        bounded: Vec::new(),
        classes: Vec::new(),
        snapshots: Vec::new(),
        warnings: Vec::new(),
        next_steps: Vec::new(),
    }
}

fn totals(snapshots: &[Snapshot]) -> Vec<SnapshotTotals> {
    snapshots
        .iter()
        .map(|snapshot| {
            let heap = &snapshot.heap;
            let native: u64 = heap
                .nodes()
                .filter(|&node| heap.kind(node) == leakhound_heap::NodeKind::Native)
                .map(|node| heap.self_size(node))
                .sum();
            SnapshotTotals {
                file: snapshot.file.clone(),
                phase: snapshot.phase.clone(),
                seconds: snapshot.seconds,
                nodes: heap.node_count() as u64,
                edges: heap.edge_count() as u64,
                total_bytes: heap.total_size(),
                native_bytes: native + heap.header().extra_native_bytes,
            }
        })
        .collect()
}

/// Everything found by comparing the snapshots of one process.
struct Comparison {
    accused: Vec<(Accused, Judged)>,
    /// All growth, in bytes.
    grown: u64,
}

fn growth(case: &Case<'_>, snapshots: &[Snapshot]) -> Diagnosis {
    let mut diagnosis = empty("");
    let (Some(first), Some(last)) = (snapshots.first(), snapshots.last()) else { return diagnosis };
    if let Some(warning) = different_processes(first, last) {
        diagnosis.headline = "the snapshots are not of one process".into();
        diagnosis.warnings.push(warning);
        diagnosis
            .next_steps
            .push("take all snapshots from the same process, without a restart between them".into());
        diagnosis.classes = class_growth(&first.heap, &last.heap);
        return diagnosis;
    }
    diagnosis.classes = class_growth(&first.heap, &last.heap);
    let windows = Windows::find(snapshots);
    let scene = Scene::new(&last.heap, &windows);
    let texts = Texts::new(case.sources, &scene);
    let comparison = compare(snapshots, &scene, &windows, &texts);

    let mut stopped = Vec::new();
    for (accused, judged) in comparison.accused {
        match judged {
            Judged::Leak(confidence, evidence) => {
                if diagnosis.findings.len() < MAX_FINDINGS {
                    let found = finding(case, &scene, &texts, &accused, confidence, evidence);
                    diagnosis.findings.push(found);
                }
            }
            Judged::Bounded(reason) => stopped.push(bounded_holder(&scene, &texts, &accused, reason)),
            Judged::Noise => {}
        }
    }
    settle_confidence(&mut diagnosis.findings);
    diagnosis.bounded = windows_worth_a_line(&windows, &scene, &texts);
    let filled = !stopped.is_empty();
    diagnosis.bounded.splice(0..0, stopped);
    diagnosis.bounded.truncate(MAX_BOUNDED);
    let drained = if diagnosis.findings.is_empty() { drained(case, snapshots) } else { None };
    conclude(case, &mut diagnosis, comparison.grown, filled, drained);
    diagnosis.warnings.extend(texts.warnings.take());
    diagnosis
}

/// Objects keep their id and their function its name within one process: where the same ids mean other
/// functions, the heaps are strangers.
fn different_processes(first: &Snapshot, last: &Snapshot) -> Option<String> {
    let closures = |heap: &leakhound_heap::Heap| {
        let nodes: Vec<_> = heap
            .nodes()
            .filter(|&node| heap.kind(node) == leakhound_heap::NodeKind::Closure && heap.id(node) & 1 == 1)
            .collect();
        nodes
    };
    let known: rustc_hash::FxHashMap<u32, leakhound_heap::NodeId> =
        closures(&first.heap).into_iter().map(|node| (first.heap.id(node), node)).collect();
    let mut both = 0usize;
    let mut same = 0usize;
    for node in closures(&last.heap) {
        if let Some(&before) = known.get(&last.heap.id(node)) {
            both += 1;
            same += usize::from(first.heap.name(before) == last.heap.name(node));
        }
    }
    let strangers = known.len() >= 100 && (both < known.len() / 20 || same * 10 < both * 9);
    strangers.then(|| {
        format!(
            "{} and {} have {both} of {} function ids in common, and {same} of these mean the same function: \
             growth by identity cannot be told",
            first.file,
            last.file,
            known.len()
        )
    })
}

fn compare(snapshots: &[Snapshot], scene: &Scene<'_>, windows: &Windows, texts: &Texts<'_>) -> Comparison {
    let first = IdSet::of(&snapshots[0].heap);
    let seen = (snapshots.len() > 2).then(|| IdSet::of(&snapshots[snapshots.len() - 2].heap));
    let births = Births::new(scene.heap, &scene.dominators, &first, seen.as_ref());
    let weights = births.weights(scene.heap);
    let mut grown = weights.clone();
    scene.dominators.accumulate(&mut grown);
    let total = grown[scene.heap.root().index()];
    let least = LEAST_BYTES.max((total as f64 * LEAST_SHARE) as u64);
    let (mut found, loose) = points(scene, &scene.tree, &births, &grown, least, false);
    found.extend(shared_points(scene, &births, &weights, &grown, &loose, least));
    let accused = group(scene, texts, &births, found);
    let holders: Vec<Followed> = accused.iter().map(Accused::followed).collect();
    let histories = histories(snapshots, scene, windows, &holders);
    let accused = accused
        .into_iter()
        .zip(histories)
        .map(|(mut accused, history)| {
            accused.history = history;
            let judged = judge(snapshots, &accused, total);
            (accused, judged)
        })
        .collect();
    Comparison { accused, grown: total }
}

/// Growth that several holders share hangs from plumbing in the dominator tree; on the tree of shortest
/// paths it shows one of them.
fn shared_points(
    scene: &Scene<'_>,
    births: &Births,
    weights: &[u64],
    grown: &[u64],
    loose: &[leakhound_heap::NodeId],
    least: u64,
) -> Vec<Point> {
    let bytes: u64 = loose.iter().map(|node| grown[node.index()]).sum();
    if bytes < least {
        return Vec::new();
    }
    let heap = scene.heap;
    let distances = leakhound_heap::Distances::new(heap, [heap.root()], |source, edge| {
        heap.retains(source, edge)
            && scene.dominators.is_reached(edge.to)
            && !(scene.marks.is_native_context(heap, source) && edge.kind == leakhound_heap::EdgeKind::Hidden)
    });
    let mut order: Vec<_> = heap.nodes().filter(|&node| distances.get(node).is_some()).collect();
    order.sort_by_key(|&node| distances.get(node));
    let mut sums = vec![0u64; heap.node_count()];
    for &top in loose {
        for node in scene.tree.subtree(top) {
            sums[node.index()] = weights[node.index()];
        }
    }
    for &node in order.iter().rev() {
        if let Some(parent) = distances.parent(node) {
            sums[parent.index()] += sums[node.index()];
        }
    }
    let tree = crate::growth::Tree::new(heap, order.iter().copied(), |node| distances.parent(node));
    points(scene, &tree, births, &sums, least, true).0
}

/// What every further finding of a run is worth beside the first.
fn settle_confidence(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| {
        let strong = |finding: &Finding| finding.confidence >= Confidence::Medium;
        strong(b).cmp(&strong(a)).then(b.growth.bytes.cmp(&a.growth.bytes))
    });
    // Beside a strong finding, weak ones only distract.
    if findings.first().is_some_and(|first| first.confidence >= Confidence::Medium) {
        findings.retain(|finding| finding.confidence > Confidence::Low);
    }
}

fn windows_worth_a_line(windows: &Windows, scene: &Scene<'_>, texts: &Texts<'_>) -> Vec<BoundedHolder> {
    let mut worth: Vec<_> = windows
        .found
        .iter()
        .filter(|window| window.members.iter().max() >= Some(&16))
        .filter_map(|window| {
            let owner = owner_of(scene, texts, None, window.node);
            let user = owner.variable.is_some() && owner.author == Author::User;
            let heap_sizes: u64 = scene
                .heap
                .edges(window.node)
                .chain(
                    scene
                        .marks
                        .member_store(scene.heap, window.node)
                        .into_iter()
                        .flat_map(|store| scene.heap.edges(store).collect::<Vec<_>>()),
                )
                .map(|edge| scene.retained[edge.to.index()].max(scene.heap.self_size(edge.to)))
                .sum();
            user.then_some((heap_sizes, window, owner))
        })
        .collect();
    worth.sort_by_key(|(bytes, ..)| std::cmp::Reverse(*bytes));
    worth
        .into_iter()
        .take(MAX_BOUNDED)
        .map(|(bytes, window, owner)| {
            let most = window.members.iter().copied().max().unwrap_or(0);
            let reason = match window.replaced {
                0.0 => format!("bounded at {most}, replaces its members"),
                replaced => format!(
                    "bounded at {most}, replaces its members ({} since the first snapshot)",
                    crate::judge::percent(replaced)
                ),
            };
            let mut bounded = crate::write::holder_line(scene, texts, &owner, reason);
            bounded.series = window
                .members
                .iter()
                .map(|&members| PopulationPoint { seconds: None, members, retained_bytes: bytes })
                .collect();
            bounded
        })
        .collect()
}

/// Growth of the middle of the run that is gone at its end: (bytes at the peak, bytes left, holder).
struct Drained {
    peak: u64,
    left: u64,
    holder: BoundedHolder,
}

fn drained(case: &Case<'_>, snapshots: &[Snapshot]) -> Option<Drained> {
    let [_, .., before_last, last] = snapshots else { return None };
    let earlier = &snapshots[..snapshots.len() - 1];
    let scene = Scene::new(&before_last.heap, &Windows::none());
    let texts = Texts::new(case.sources, &scene);
    let alive = IdSet::of(&last.heap);
    let mut accused: Vec<Accused> = compare(earlier, &scene, &Windows::none(), &texts)
        .accused
        .into_iter()
        .map(|(accused, _)| accused)
        .collect();
    let followed: Vec<Followed> = accused.iter().map(Accused::followed).collect();
    let histories = histories(snapshots, &scene, &Windows::none(), &followed);
    accused.iter_mut().zip(histories).for_each(|(accused, history)| accused.history = history);
    accused.into_iter().find_map(|accused| {
        // Members that were exchanged for as many others are a bounded population, not a backlog.
        let series = &accused.history.members;
        let most = series.iter().flatten().copied().max().unwrap_or(0);
        if series.last().copied().flatten().unwrap_or(0) * 5 > most * 2 {
            return None;
        }
        let named = accused.owner.variable.is_some() && accused.owner.author != Author::Node;
        let members = &accused.point.members;
        let left = members.iter().filter(|&&member| alive.contains(scene.heap.id(member))).count();
        if !named || accused.bytes < WORTH_A_LINE || members.len() < 16 || left * 5 > members.len() * 2 {
            return None;
        }
        let reason = format!("backlog: {} of {} members are gone again", members.len() - left, members.len());
        let peak = accused.bytes;
        let left = (peak as f64 * left as f64 / members.len() as f64) as u64;
        Some(Drained { peak, left, holder: bounded_holder(&scene, &texts, &accused, reason) })
    })
}

fn conclude(case: &Case<'_>, diagnosis: &mut Diagnosis, grown: u64, filled: bool, drained: Option<Drained>) {
    let bytes = crate::write::bytes;
    if let Some(first) = diagnosis.findings.first() {
        diagnosis.confidence = first.confidence;
        diagnosis.headline = first.title.clone();
        let off_heap = first.growth.external_bytes as f64 >= 0.8 * first.growth.bytes as f64;
        diagnosis.verdict = match (first.confidence, off_heap) {
            (Confidence::Low, _) => Verdict::Inconclusive,
            (_, true) => Verdict::OffHeapLeak,
            (_, false) => Verdict::Leak,
        };
        if diagnosis.verdict == Verdict::Inconclusive {
            diagnosis
                .next_steps
                .push("hunt longer, with more load, so that growth stands out from noise".into());
        }
        return;
    }
    if let Some(leak) = off_heap::native_growth(case, grown) {
        diagnosis.verdict = Verdict::OffHeapLeak;
        diagnosis.confidence = Confidence::Low;
        diagnosis.headline = leak.headline;
        diagnosis.next_steps.extend(leak.next_steps);
        return;
    }
    if let Some(drained) = drained {
        diagnosis.verdict = Verdict::Backlog;
        diagnosis.confidence = Confidence::High;
        diagnosis.headline = format!(
            "{} grew by {} under load, and {} of it was released again",
            drained.holder.holder.expression,
            bytes(drained.peak),
            bytes(drained.peak.saturating_sub(drained.left))
        );
        diagnosis.bounded.insert(0, drained.holder);
        return;
    }
    let worth = diagnosis.bounded.iter().find(|bounded| {
        bounded.series.iter().map(|point| point.retained_bytes).max().unwrap_or(0) >= WORTH_A_LINE
    });
    let loaded = case.snapshots.iter().skip(1).any(|snapshot| snapshot.load_before != Some(false));
    match worth {
        Some(bounded) => {
            diagnosis.verdict = Verdict::Bounded;
            diagnosis.confidence = if filled { Confidence::Medium } else { Confidence::High };
            diagnosis.headline = format!(
                "nothing leaks: {} ({}) is {}",
                bounded.holder.expression, bounded.holder.class, bounded.reason
            );
        }
        // Much was kept, and nobody was found who keeps it: silence would be a wrong answer.
        None if grown >= UNEXPLAINED_BYTES
            && grown as f64
                >= UNEXPLAINED_SHARE
                    * case.snapshots.first().map_or(0, |first| first.heap.total_size()) as f64 =>
        {
            diagnosis.verdict = Verdict::Inconclusive;
            diagnosis.confidence = Confidence::Low;
            diagnosis.headline = format!(
                "{} of new objects were kept, by no holder of the application that stands out",
                bytes(grown)
            );
            diagnosis
                .next_steps
                .push("hunt longer, under more load: the holder would stand out from noise".into());
        }
        None => {
            diagnosis.verdict = Verdict::NoLeak;
            diagnosis.confidence = if loaded { Confidence::High } else { Confidence::Medium };
            diagnosis.headline = format!("nothing grows beyond noise ({} of new objects kept)", bytes(grown));
        }
    }
    if case.snapshots.len() < 3 {
        diagnosis.confidence = diagnosis.confidence.min(Confidence::Medium);
        diagnosis.next_steps.push(
            "take a third snapshot after more load: two cannot tell a leak from a cache that is filling"
                .into(),
        );
    }
}
