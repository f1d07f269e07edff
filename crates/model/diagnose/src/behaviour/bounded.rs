//! What is excused: a false accusation costs more than a missed one.

use super::{APP, fill, only, server, titles};
use crate::testing::Process;
use crate::{Confidence, Verdict, diagnose};

#[test]
fn a_map_that_stopped_growing_under_continued_load_is_bounded() {
    let (mut process, _, cache, _) = server();
    process.snapshot(None);
    fill(&mut process, cache, 200);
    process.snapshot(Some(true));
    process.snapshot(Some(true));
    process.snapshot(Some(true));
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Bounded, "{:?}", titles(&diagnosis));
    assert!(diagnosis.findings.is_empty());
    assert_eq!(diagnosis.bounded[0].holder.expression, "cache");
    assert!(diagnosis.bounded[0].reason.contains("stopped"), "{}", diagnosis.bounded[0].reason);
}

#[test]
fn a_map_that_grew_and_was_kept_when_the_load_ended_is_a_leak() {
    let (mut process, _, cache, _) = server();
    process.snapshot(None);
    fill(&mut process, cache, 200);
    process.snapshot(Some(true));
    process.snapshot(Some(false));
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{:?}", titles(&diagnosis));
}

#[test]
fn a_ring_is_never_accused_and_what_passes_through_it_belongs_to_the_other_holder() {
    let (mut process, _, cache, recent) = server();
    for _ in 0..4 {
        for _ in 0..100 {
            let session = process.record("Session");
            process.map_set(cache, session);
            process.push(recent, session);
        }
        // The last twenty stay.
        let length = if process.snapshots.is_empty() { 100 } else { 120 };
        process.shift(recent, length - 20);
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{:?}", titles(&diagnosis));
    let finding = only(&diagnosis);
    assert_eq!(finding.holder.variable.as_deref(), Some("cache"));
    assert_eq!(finding.growth.members, 200);
    let ring = diagnosis.bounded.iter().find(|row| row.holder.expression == "recent").unwrap();
    assert!(ring.reason.contains("bounded at 20"), "{}", ring.reason);
}

#[test]
fn a_ring_alone_is_bounded() {
    let (mut process, _, _, recent) = server();
    for _ in 0..4 {
        for _ in 0..100 {
            let session = process.record("Session");
            process.push(recent, session);
        }
        let length = if process.snapshots.is_empty() { 100 } else { 120 };
        process.shift(recent, length - 20);
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert!(diagnosis.findings.is_empty(), "{:?}", titles(&diagnosis));
    assert!(matches!(diagnosis.verdict, Verdict::Bounded | Verdict::NoLeak), "{:?}", titles(&diagnosis));
    assert_eq!(diagnosis.bounded[0].holder.expression, "recent");
}

/// A ring long enough to hold members over two snapshots, next to a Map or alone.
fn long_ring(beside_a_map: bool) -> Process {
    let (mut process, _, cache, recent) = server();
    for round in 0..4 {
        for _ in 0..if round == 0 { 150 } else { 100 } {
            let session = process.record("Session");
            if beside_a_map {
                process.map_set(cache, session);
            }
            process.push(recent, session);
        }
        process.shift(recent, if round == 0 { 0 } else { 100 });
        process.snapshot(Some(true));
    }
    process
}

#[test]
fn what_is_still_in_a_ring_belongs_to_the_other_holder_alone() {
    let diagnosis = long_ring(true).diagnose();
    let finding = only(&diagnosis);
    assert_eq!(finding.holder.variable.as_deref(), Some("cache"));
    assert_eq!(finding.growth.members, 200);
    assert_eq!(finding.confidence, Confidence::High);
    assert!(!finding.evidence.iter().any(|row| row.text.contains("other holders")), "{:?}", finding.evidence);
}

#[test]
fn what_a_ring_still_holds_two_snapshots_later_is_no_growth() {
    let diagnosis = long_ring(false).diagnose();
    assert!(diagnosis.findings.is_empty(), "{:?}", titles(&diagnosis));
    assert!(
        diagnosis.bounded.iter().all(|row| row.reason.contains("replaces its members")),
        "{:?}",
        titles(&diagnosis)
    );
    assert!(!diagnosis.verdict.is_leak());
}

#[test]
fn a_cache_that_replaces_its_oldest_members_is_bounded() {
    for replaced in [30, 60, 100] {
        let (mut process, _, cache, _) = server();
        fill(&mut process, cache, 100);
        process.snapshot(None);
        for _ in 0..3 {
            process.map_drop(cache, replaced);
            fill(&mut process, cache, replaced);
            process.snapshot(Some(true));
        }
        let diagnosis = process.diagnose();
        assert!(diagnosis.findings.is_empty(), "{replaced}: {:?}", titles(&diagnosis));
        assert!(
            matches!(diagnosis.verdict, Verdict::Bounded | Verdict::NoLeak),
            "{replaced}: {:?}",
            titles(&diagnosis)
        );
        assert_eq!(diagnosis.bounded[0].holder.expression, "cache", "{replaced}: {:?}", titles(&diagnosis));
    }
}

#[test]
fn a_cache_that_fills_during_the_hunt_and_then_replaces_is_not_accused() {
    let (mut process, _, cache, _) = server();
    process.snapshot(None);
    fill(&mut process, cache, 100);
    process.snapshot(Some(true));
    for _ in 0..2 {
        process.map_drop(cache, 100);
        fill(&mut process, cache, 100);
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert!(diagnosis.findings.is_empty(), "{:?}", titles(&diagnosis));
}

#[test]
fn a_batch_that_is_flushed_is_not_accused() {
    let source = "\
let batch = [];
function add(x) {
  batch.push(x);
  if (batch.length > 60) flush();
}
function flush() {
  batch = [];
}
";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "add", 1, 12);
    for waiting in [10, 55, 20, 50] {
        let batch = process.array();
        process.variable(app, "batch", batch);
        for _ in 0..waiting {
            let event = process.record("Event");
            process.push(batch, event);
        }
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert!(diagnosis.findings.is_empty(), "{:?}", titles(&diagnosis));
    assert!(!diagnosis.verdict.is_leak());
}

#[test]
fn a_queue_that_drained_when_the_load_ended_was_a_backlog() {
    let source =
        "const queue = [];\nfunction add(x) {\n  queue.push(x);\n}\nfunction work() {\n  queue.shift();\n}\n";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "add", 1, 12);
    let queue = process.array();
    process.variable(app, "queue", queue);
    process.snapshot(None);
    for _ in 0..2 {
        for _ in 0..100 {
            let job = process.record("Job");
            process.push(queue, job);
        }
        process.snapshot(Some(true));
    }
    process.shift(queue, 200);
    process.snapshot(Some(false));
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Backlog, "{:?}", titles(&diagnosis));
    assert!(diagnosis.findings.is_empty());
    assert_eq!(diagnosis.bounded[0].holder.expression, "queue");
    assert_eq!(diagnosis.bounded[0].holder.line, Some(1));
}

#[test]
fn a_process_in_which_nothing_grows_has_no_leak() {
    let (mut process, _, cache, _) = server();
    fill(&mut process, cache, 100);
    for _ in 0..4 {
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::NoLeak, "{:?}", titles(&diagnosis));
    assert!(diagnosis.findings.is_empty());
}

#[test]
fn members_that_a_weak_edge_alone_reaches_are_not_growth() {
    let (mut process, _, cache, _) = server();
    for _ in 0..4 {
        for _ in 0..100 {
            let session = process.record("Session");
            process.link(cache, "weak", "9", session);
        }
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::NoLeak, "{:?}", titles(&diagnosis));
}

#[test]
fn small_growth_inside_node_without_a_users_name_is_not_accused() {
    let (mut process, ..) = server();
    let internals = process.internals();
    let wraps = process.map();
    process.variable(internals, "wrapCache", wraps);
    for _ in 0..4 {
        fill(&mut process, wraps, 100);
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert!(diagnosis.findings.is_empty(), "{:?}", titles(&diagnosis));
    assert!(!diagnosis.verdict.is_leak());
}

#[test]
fn compiled_code_is_nobodys_growth() {
    let (mut process, app, cache, _) = server();
    let handle = process.function(app, "hot", 3, 4);
    let vector = process.add("array", "", 64);
    process.link(handle, "internal", "feedback_cell", vector);
    for _ in 0..4 {
        for slot in 0..60 {
            let code = process.add("code", "(bytecode)", 2000);
            let vector_of = process.add("hidden", "system / FeedbackVector", 500);
            process.link(code, "internal", "vector", vector_of);
            process.link(vector, "internal", slot, code);
        }
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::NoLeak, "{:?}", titles(&diagnosis));
    // The same number of ordinary objects is growth.
    for _ in 0..4 {
        fill(&mut process, cache, 60);
        process.snapshot(Some(true));
    }
    assert_eq!(process.diagnose().verdict, Verdict::Leak);
}

#[test]
fn a_few_large_objects_are_no_population() {
    let (mut process, _, cache, _) = server();
    for _ in 0..4 {
        for _ in 0..2 {
            let session = process.object("Session", 40);
            let text = process.text("much", 20_000);
            process.set(session, "text", text);
            process.map_set(cache, session);
        }
        process.snapshot(Some(true));
    }
    let diagnosis = diagnose(&process.case(&process.texts()));
    assert!(diagnosis.findings.is_empty(), "{:?}", titles(&diagnosis));
}
