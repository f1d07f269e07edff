//! What little or contradictory evidence is worth.

use super::{fill, server, titles};
use crate::testing::Process;
use crate::{Case, Confidence, Limits, ProcessMemory, Verdict, diagnose};

#[test]
fn two_snapshots_are_worth_medium_confidence_at_most() {
    let (mut process, _, cache, _) = server();
    for _ in 0..2 {
        fill(&mut process, cache, 100);
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.findings[0].holder.expression, "cache", "{:?}", titles(&diagnosis));
    assert!(diagnosis.findings[0].confidence <= Confidence::Medium);
    assert!(diagnosis.confidence <= Confidence::Medium);
    let limits: Vec<_> = diagnosis.findings[0].evidence.iter().filter(|row| !row.supports).collect();
    assert!(limits.iter().any(|row| row.text.contains("two snapshots")));
}

#[test]
fn two_snapshots_without_growth_ask_for_a_third() {
    let (mut process, ..) = server();
    process.snapshot(None);
    process.snapshot(Some(true));
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::NoLeak);
    assert!(diagnosis.confidence <= Confidence::Medium);
    assert!(diagnosis.next_steps.iter().any(|step| step.contains("third snapshot")));
}

#[test]
fn snapshots_of_different_processes_decide_nothing_and_say_so() {
    let (mut process, _, cache, _) = server();
    fill(&mut process, cache, 100);
    process.snapshot(None);
    let mut other = Process::with_first_id(900_001);
    let app = other.module(super::APP, super::CACHE);
    other.function(app, "handle", 2, 15);
    let map = other.map();
    other.variable(app, "cache", map);
    fill(&mut other, map, 300);
    other.snapshot(None);
    process.snapshots.append(&mut other.snapshots);
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Inconclusive, "{:?}", titles(&diagnosis));
    assert!(diagnosis.findings.is_empty());
    assert!(diagnosis.warnings.iter().any(|warning| warning.contains("growth by identity cannot be told")));
    assert!(!diagnosis.next_steps.is_empty());
    assert!(!diagnosis.classes.is_empty());
}

#[test]
fn one_snapshot_gives_suspects_and_no_verdict() {
    let (mut process, _, cache, _) = server();
    fill(&mut process, cache, 300);
    process.snapshot(None);
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Inconclusive);
    assert_eq!(diagnosis.confidence, Confidence::Low);
    assert_eq!(diagnosis.findings[0].holder.expression, "cache", "{:?}", titles(&diagnosis));
    assert_eq!(diagnosis.findings[0].holder.line, Some(1));
    assert!(diagnosis.findings.iter().all(|finding| finding.confidence == Confidence::Low));
    assert!(!diagnosis.next_steps.is_empty());
    assert_eq!(diagnosis.snapshots.len(), 1);
}

#[test]
fn without_a_snapshot_there_is_nothing_to_judge() {
    let diagnosis = Process::new().diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Inconclusive);
    assert!(diagnosis.findings.is_empty() && diagnosis.snapshots.is_empty());
    assert!(!diagnosis.headline.is_empty());
    assert!(!diagnosis.next_steps.is_empty(), "the report says what to measure next when inconclusive");
}

#[test]
fn growth_is_by_identity_and_not_by_class() {
    // The class grows by nothing, and yet a Map gains what another lost.
    let (mut process, app, cache, _) = server();
    let other = process.map();
    process.variable(app, "other", other);
    fill(&mut process, other, 300);
    for _ in 0..4 {
        process.snapshot(Some(true));
        fill(&mut process, cache, 75);
        process.map_drop(other, 75);
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.findings[0].holder.expression, "cache", "{:?}", titles(&diagnosis));
}

#[test]
fn the_nearest_limit_is_told_with_the_time_left() {
    let (mut process, _, cache, _) = server();
    for _ in 0..4 {
        fill(&mut process, cache, 50);
        process.snapshot(Some(true));
    }
    let texts = process.texts();
    let limits = Limits {
        heap_limit: Some(100 << 20),
        heap_used: Some(50 << 20),
        container_limit: Some(512 << 20),
        container_used: Some(511 << 20),
    };
    let diagnosis = diagnose(&Case { limits, ..process.case(&texts) });
    let finding = &diagnosis.findings[0];
    let runs_out = finding.runs_out.as_ref().unwrap();
    assert_eq!(runs_out.limit, "container limit");
    let rate = finding.growth.bytes_per_second.unwrap();
    assert!((runs_out.seconds - f64::from(1 << 20) / rate).abs() < 1.0);
}

#[test]
fn a_limit_already_passed_gives_no_time() {
    let (mut process, _, cache, _) = server();
    for _ in 0..4 {
        fill(&mut process, cache, 50);
        process.snapshot(Some(true));
    }
    let texts = process.texts();
    let limits = Limits { heap_limit: Some(1), heap_used: Some(2), ..Limits::default() };
    assert_eq!(diagnose(&Case { limits, ..process.case(&texts) }).findings[0].runs_out, None);
}

#[test]
fn resident_memory_that_nothing_explains_is_an_off_heap_leak_of_low_confidence() {
    let (mut process, ..) = server();
    for _ in 0..3 {
        process.snapshot(Some(true));
    }
    let texts = process.texts();
    let memory = |rss: u64| {
        Some(ProcessMemory {
            rss: (100 << 20, rss),
            heap_used: (20 << 20, 21 << 20),
            external: (1 << 20, 1 << 20),
        })
    };
    let leaking = diagnose(&Case { memory: memory(900 << 20), ..process.case(&texts) });
    assert_eq!((leaking.verdict, leaking.confidence), (Verdict::OffHeapLeak, Confidence::Low));
    assert!(!leaking.next_steps.is_empty());
    let calm = diagnose(&Case { memory: memory(110 << 20), ..process.case(&texts) });
    assert_eq!(calm.verdict, Verdict::NoLeak);
}

#[test]
fn losses_of_a_snapshot_are_warnings_of_the_diagnosis() {
    let (mut process, _, cache, _) = server();
    for _ in 0..4 {
        fill(&mut process, cache, 50);
        process.snapshot(Some(true));
    }
    assert!(process.diagnose().warnings.is_empty());
    process.damage_last();
    let diagnosis = process.diagnose();
    assert!(
        diagnosis.warnings.iter().any(|warning| warning.starts_with("3.heapsnapshot: ")),
        "{:?}",
        titles(&diagnosis)
    );
}

#[test]
fn the_same_evidence_gives_the_same_diagnosis() {
    let (mut process, _, cache, recent) = server();
    for _ in 0..4 {
        fill(&mut process, cache, 50);
        for _ in 0..30 {
            let session = process.record("Visit");
            process.push(recent, session);
        }
        process.snapshot(Some(true));
    }
    assert_eq!(process.diagnose(), process.diagnose());
}
