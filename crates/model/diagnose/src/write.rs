//! The words of a finding.

use leakhound_heap::NodeKind;

use crate::accused::{Accused, SAMPLE};
use crate::case::Case;
use crate::finding::{
    BoundedHolder, Confidence, Evidence, Finding, FindingKind, GrowsAt, Growth, Holder, PathStep,
    PopulationPoint, RunsOut,
};
use crate::growth::{Scene, Shape};
use crate::naming::{
    Declared, Owner, Site, Texts, allocation_sites, declared, growth_site, package, path_of, spread,
};
use crate::path::path;

/// The finding for one accused holder.
pub(crate) fn finding(
    case: &Case<'_>,
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    accused: &Accused,
    confidence: Confidence,
    mut evidence: Vec<Evidence>,
) -> Finding {
    let owner = &accused.owner;
    let declared = accused.written_at.clone().or_else(|| declared(scene, texts, owner));
    let site = growth_site(scene, texts, owner, &accused.point, case.allocations);
    // What nobody declares (a property of `process`, a module's own record) is best shown where it grows.
    let declared =
        declared.or_else(|| site.as_ref().filter(|_| owner.variable.is_some()).map(|site| site.at.clone()));
    let kind = kind(scene, accused);
    let holder = holder(scene, texts, owner, declared.as_ref());
    let mut confidence = confidence;
    join_allocations(case, site.as_ref(), &mut confidence, &mut evidence);
    if holder.line.is_none() {
        confidence = confidence.min(Confidence::Medium);
        evidence.push(Evidence { supports: false, text: "no source line is known for the holder".into() });
    }
    let allocations =
        case.allocations.map(|profile| allocation_sites(profile, site.as_ref())).unwrap_or_default();
    let growth = growth(case, accused);
    let runs_out = runs_out(case, &growth);
    let path = path(scene, accused);
    let grows_at = site.map(|site| site.into_grows_at(texts));
    evidence.extend(eviction_code(texts, owner));
    Finding {
        id: fingerprint(&holder, &path),
        kind,
        confidence,
        title: title(&holder, kind, accused),
        advice: advice(kind, &holder, grows_at.as_ref()),
        holder,
        grows_at,
        growth,
        runs_out,
        path,
        classes: accused.classes.clone(),
        allocations,
        evidence,
    }
}

/// What the sampled allocations say about the growing statement.
fn join_allocations(
    case: &Case<'_>,
    site: Option<&Site>,
    confidence: &mut Confidence,
    evidence: &mut Vec<Evidence>,
) {
    if let Some((function, share)) = site.and_then(|site| site.charged_to.as_ref()) {
        evidence.push(Evidence {
            supports: true,
            text: format!(
                "{} of the sampled live growth is charged to {function}, which V8 inlined the statement into",
                crate::judge::percent(*share)
            ),
        });
        if *share >= 0.3 && *confidence == Confidence::High {
            *confidence = Confidence::Certain;
        }
        return;
    }
    let Some(share) = site.and_then(|site| site.share) else {
        if case.allocations.is_some_and(|profile| profile.total_bytes() > 0) && site.is_some() {
            evidence.push(Evidence {
                supports: false,
                text: "the sampled allocations do not tell which function adds to it".into(),
            });
        }
        return;
    };
    evidence.push(Evidence {
        supports: share >= 0.2,
        text: format!("{} of the sampled live growth was allocated below it", crate::judge::percent(share)),
    });
    if share >= 0.3 && *confidence == Confidence::High {
        *confidence = Confidence::Certain;
    }
}

/// Statements that take members away exist although they did not help.
fn eviction_code(texts: &Texts<'_>, owner: &Owner) -> Option<Evidence> {
    let place = owner.seen_from.as_ref()?;
    let variable = owner.variable.as_deref()?;
    let source = texts.get(&place.url)?;
    let binding = source.resolve(variable, crate::source::Position::new(place.line, place.column))?;
    let deletion = source.deletions_from(&binding).into_iter().next()?;
    Some(Evidence {
        supports: true,
        text: format!(
            "code that removes members exists ({}:{}: {}) but did not keep up",
            path_of(&place.url),
            deletion.call_position.line + 1,
            deletion.text
        ),
    })
}

pub(crate) fn holder(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    owner: &Owner,
    declared: Option<&Declared>,
) -> Holder {
    let class = scene.label(owner.object);
    let collection = (owner.collection != owner.object).then(|| scene.label(owner.collection));
    Holder {
        variable: owner.variable.clone(),
        expression: if owner.variable.is_some() { owner.expression() } else { class.clone() },
        class,
        collection,
        scope: owner.scope,
        object_id: u64::from(scene.heap.id(owner.object)),
        file: declared.map(Declared::file),
        line: declared.map(|declared| declared.line),
        column: declared.map(|declared| declared.column),
        source: declared.and_then(|declared| declared.text.clone()).filter(|text| !text.is_empty()),
        package: declared.and_then(|declared| package(texts, &declared.url)),
    }
}

/// A holder that is not accused, with the reason.
pub(crate) fn holder_line(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    owner: &Owner,
    reason: String,
) -> BoundedHolder {
    let declared = declared(scene, texts, owner);
    BoundedHolder { holder: holder(scene, texts, owner, declared.as_ref()), reason, series: Vec::new() }
}

pub(crate) fn bounded_holder(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    accused: &Accused,
    reason: String,
) -> BoundedHolder {
    let mut bounded = holder_line(scene, texts, &accused.owner, reason);
    bounded.series = series(accused, |_| None);
    bounded
}

fn series(accused: &Accused, seconds: impl Fn(usize) -> Option<f64>) -> Vec<PopulationPoint> {
    let history = &accused.history;
    history
        .members
        .iter()
        .zip(&history.retained)
        .enumerate()
        .map(|(at, (members, retained))| PopulationPoint {
            seconds: seconds(at),
            members: members.unwrap_or(0),
            retained_bytes: retained.unwrap_or(0),
        })
        .collect()
}

fn growth(case: &Case<'_>, accused: &Accused) -> Growth {
    let snapshots = case.snapshots;
    // Growth counts what was born up to the last snapshot but one.
    let until = if snapshots.len() > 2 { snapshots.len() - 2 } else { snapshots.len() - 1 };
    let seconds = match (snapshots[0].seconds, snapshots[until].seconds) {
        (Some(from), Some(to)) if to > from => Some(to - from),
        _ => None,
    };
    Growth {
        member_class: accused.member_class.clone(),
        members: accused.members,
        objects: accused.objects,
        bytes: accused.bytes,
        external_bytes: accused.external_bytes,
        seconds,
        bytes_per_second: seconds.map(|seconds| accused.bytes as f64 / seconds),
        series: series(accused, |at| snapshots.get(at).and_then(|snapshot| snapshot.seconds)),
    }
}

fn runs_out(case: &Case<'_>, growth: &Growth) -> Option<RunsOut> {
    let rate = growth.bytes_per_second.filter(|&rate| rate >= 1.0)?;
    let limits = &case.limits;
    let left = |limit: Option<u64>, used: Option<u64>| Some((limit?, limit?.checked_sub(used?)? as f64));
    let heap_rate = rate * (1.0 - growth.external_bytes as f64 / growth.bytes.max(1) as f64);
    let heap = left(limits.heap_limit, limits.heap_used).filter(|_| heap_rate >= 1.0).map(|(limit, left)| {
        RunsOut { limit: "heap limit".into(), limit_bytes: limit, seconds: left / heap_rate }
    });
    let container = left(limits.container_limit, limits.container_used).map(|(limit, left)| RunsOut {
        limit: "container limit".into(),
        limit_bytes: limit,
        seconds: left / rate,
    });
    [heap, container].into_iter().flatten().min_by(|a, b| a.seconds.total_cmp(&b.seconds))
}

fn kind(scene: &Scene<'_>, accused: &Accused) -> FindingKind {
    let labels = &accused.owner.labels;
    let member = accused.member_class.as_str();
    let above: Vec<String> =
        std::iter::successors(Some(accused.point.node), |&node| scene.dominators.parent(node))
            .take(6)
            .map(|node| scene.label(node))
            .collect();
    let above_is = |class: &str| above.iter().any(|label| label == class);
    if accused.external_bytes as f64 >= 0.8 * accused.bytes as f64 {
        return FindingKind::OffHeap;
    }
    if labels.iter().any(|label| label == "._events" || label.contains("kEvents")) || member == "Listener" {
        return FindingKind::Listener;
    }
    if member == "Timeout" || member == "Immediate" || accused.written_at.is_some() && above_is("TimersList")
    {
        return FindingKind::Timer;
    }
    if member == "Module" {
        return FindingKind::ModuleDuplicated;
    }
    // A settled promise is a value like any other; one that waits has reactions.
    let waits = accused.point.members.iter().take(SAMPLE).any(|&member| {
        scene.label(member) == "Promise"
            && scene.tree.children(member).any(|child| scene.label(child) == "PromiseReaction")
    });
    let promise = ["Promise", "PromiseReaction"];
    if member == "PromiseReaction"
        || member == "Promise" && waits
        || promise.iter().any(|class| above.first().is_some_and(|own| own == class))
    {
        return FindingKind::Promise;
    }
    if accused.member_kind.0 == NodeKind::SlicedString || slices(scene, accused) {
        return FindingKind::StringSlice;
    }
    if member == "AsyncContextFrame" || above_is("AsyncContextFrame") {
        return FindingKind::AsyncContext;
    }
    if accused.shape == Shape::Chain || accused.recursive && accused.owner.collection == accused.owner.object
    {
        return FindingKind::LinkedStructure;
    }
    match accused.member_kind.0 {
        NodeKind::Closure => FindingKind::ClosureContext,
        NodeKind::Hidden if member == "Context" => FindingKind::ClosureContext,
        _ => FindingKind::Collection,
    }
}

/// Whether most of what the members keep is parents of sliced strings.
fn slices(scene: &Scene<'_>, accused: &Accused) -> bool {
    let sample = spread(&accused.point.members, SAMPLE);
    let pinned = sample
        .iter()
        .filter(|&&member| {
            scene.tree.subtree(member).take(200).any(|node| scene.heap.kind(node) == NodeKind::SlicedString)
        })
        .count();
    pinned * 2 > sample.len() && pinned > 4
}

fn title(holder: &Holder, kind: FindingKind, accused: &Accused) -> String {
    let name = match &holder.collection {
        Some(collection) => format!("{} ({collection} in {})", holder.expression, holder.class),
        None => format!("{} ({})", holder.expression, holder.class),
    };
    match kind {
        FindingKind::Timer => format!("{} timers are never cleared: {name}", accused.member_class),
        FindingKind::Listener => format!("{name} gains listeners and never loses them"),
        FindingKind::Promise => format!("{name} gains promise reactions that never run"),
        FindingKind::OffHeap => format!("{name} keeps buffers outside the heap"),
        FindingKind::StringSlice => format!("{name} pins big strings through small slices"),
        FindingKind::LinkedStructure => format!("{name} only grows"),
        FindingKind::ModuleDuplicated => format!("{name} gains modules that are loaded again and again"),
        _ => format!("{name} grows without bound"),
    }
}

fn advice(kind: FindingKind, holder: &Holder, grows_at: Option<&GrowsAt>) -> Vec<String> {
    let at = grows_at
        .map(|at| format!("{}:{}", at.file, at.line))
        .unwrap_or_else(|| "where it is added to".into());
    let name = &holder.expression;
    vec![match kind {
        FindingKind::Listener => format!(
            "remove the listener when its owner is done (`off`, `once`, or an AbortSignal); it is added at {at}"
        ),
        FindingKind::Timer => format!("clear the timer when its owner is done; it is started at {at}"),
        FindingKind::Promise => {
            format!("settle or drop the promise that the reactions wait for; they are attached at {at}")
        }
        FindingKind::StringSlice => {
            format!(
                "store a copy instead of a slice (for example `Buffer.from(part).toString()`); added at {at}"
            )
        }
        FindingKind::OffHeap => {
            format!("release the buffers: remove them from {name} once they are used; added at {at}")
        }
        FindingKind::ClosureContext => {
            format!("capture only what the function needs, and release it when done; it is added at {at}")
        }
        FindingKind::ModuleDuplicated => format!("load the module once; it is loaded again at {at}"),
        _ => {
            format!("bound {name} (size or age) or remove members when they are done; it is added to at {at}")
        }
    }]
}

/// The same holder in the next deploy has the same id: names, classes and the file's last parts, no line.
fn fingerprint(holder: &Holder, path: &[PathStep]) -> String {
    let file = holder.file.as_deref().unwrap_or_default();
    let tail: Vec<&str> = file.rsplit('/').take(2).collect();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let words = [holder.variable.as_deref().unwrap_or_default(), &holder.expression, &holder.class];
    let classes = path.iter().map(|step| step.class.as_str()).filter(|class| !class.contains('/'));
    for word in words.into_iter().chain(tail).chain(classes) {
        for byte in word.bytes().filter(|byte| !byte.is_ascii_digit()).chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("lh-{hash:016x}")
}

/// Bytes for people: binary, three digits.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1000.0 || unit == "GiB" {
            return match unit {
                "B" => format!("{bytes} B"),
                _ if value >= 99.95 => format!("{value:.0} {unit}"),
                _ if value >= 9.995 => format!("{value:.1} {unit}"),
                _ => format!("{value:.2} {unit}"),
            };
        }
        value /= 1024.0;
    }
    format!("{bytes} B")
}
