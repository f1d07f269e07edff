//! Verdicts from sampled allocations alone.

use leakhound_profile::AllocationProfile;

use super::{APP, CACHE};
use crate::testing::Process;
use crate::{Confidence, Verdict, sampled_growth};

/// A profile of functions of the application: name, 0-based line and column, live bytes.
fn profile(functions: &[(&str, &str, u32, u32, u64)]) -> AllocationProfile {
    let frame = |name: &str, url: &str, line: i64, column: i64| {
        serde_json::json!({
            "functionName": name, "scriptId": "9", "url": url, "lineNumber": line, "columnNumber": column,
        })
    };
    let children: Vec<_> = functions
        .iter()
        .enumerate()
        .map(|(at, &(name, url, line, column, size))| {
            serde_json::json!({
                "callFrame": frame(name, url, i64::from(line), i64::from(column)),
                "selfSize": size, "id": at + 2, "children": [],
            })
        })
        .collect();
    let json = serde_json::json!({
        "head": { "callFrame": frame("(root)", "", -1, -1), "selfSize": 0, "id": 1, "children": children },
        "samples": [],
    });
    AllocationProfile::parse(json.to_string().as_bytes()).unwrap()
}

fn handle(bytes: u64) -> AllocationProfile {
    profile(&[("handle", APP, 2, 15, bytes)])
}

#[test]
fn survivors_of_both_halves_are_a_leak_of_medium_confidence() {
    let mut process = Process::new();
    process.module(APP, CACHE);
    let diagnosis = sampled_growth(&handle(2 << 20), &handle(4 << 20), &process.texts(), Some(20.0));
    assert_eq!((diagnosis.verdict, diagnosis.confidence), (Verdict::Leak, Confidence::Medium));
    let finding = &diagnosis.findings[0];
    let site = finding.grows_at.as_ref().unwrap();
    assert_eq!((site.file.as_str(), site.function.as_deref()), (APP, Some("handle")));
    // No sample knows the line: the function's first allocation stands for it.
    assert_eq!((site.line, site.source.as_deref()), (4, Some("const session = new Session(id);")));
    assert_eq!(finding.growth.bytes, 4 << 20);
    assert_eq!(finding.growth.bytes_per_second, Some(f64::from(4 << 20) / 20.0));
    assert!(finding.evidence.iter().any(|row| !row.supports && row.text.contains("not who holds")));
}

#[test]
fn survivors_of_the_first_half_alone_are_no_verdict() {
    let diagnosis = sampled_growth(&handle(4 << 20), &handle(4 << 20), &(), Some(20.0));
    assert_eq!((diagnosis.verdict, diagnosis.confidence), (Verdict::Inconclusive, Confidence::Low));
    assert_eq!(diagnosis.findings[0].confidence, Confidence::Low);
    assert!(!diagnosis.next_steps.is_empty());
}

#[test]
fn too_little_that_survives_is_no_leak() {
    let diagnosis = sampled_growth(&handle(50 << 10), &handle(100 << 10), &(), Some(20.0));
    assert_eq!(diagnosis.verdict, Verdict::NoLeak);
    assert!(diagnosis.findings.is_empty());
}

#[test]
fn an_empty_profile_is_no_leak() {
    let diagnosis = sampled_growth(&profile(&[]), &profile(&[]), &(), None);
    assert_eq!(diagnosis.verdict, Verdict::NoLeak);
}

#[test]
fn what_node_alone_allocates_is_nobodys_finding() {
    let node = |bytes| profile(&[("readStream", "node:internal/streams", 9, 3, bytes)]);
    let diagnosis = sampled_growth(&node(2 << 20), &node(4 << 20), &(), None);
    assert_eq!(diagnosis.verdict, Verdict::Inconclusive);
    assert!(diagnosis.findings.is_empty());
    assert!(!diagnosis.next_steps.is_empty());
}

#[test]
fn the_function_with_most_survivors_comes_first() {
    let middle = profile(&[("a", APP, 2, 15, 1 << 20), ("b", APP, 8, 1, 2 << 20)]);
    let last = profile(&[("a", APP, 2, 15, 2 << 20), ("b", APP, 8, 1, 4 << 20)]);
    let diagnosis = sampled_growth(&middle, &last, &(), None);
    let names: Vec<_> = diagnosis
        .findings
        .iter()
        .map(|finding| finding.grows_at.as_ref().unwrap().function.as_deref().unwrap_or_default())
        .collect();
    assert_eq!(names, ["b", "a"]);
}
