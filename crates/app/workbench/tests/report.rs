//! The report from realistic verdicts, and from a hostile one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where it stands")]

use std::path::Path;

use base64::Engine as _;
use leakhound_diagnose::*;
use leakhound_workbench::report;
use leakhound_workbench::view::{MemoryPoint, TargetView, VERDICT_SCHEMA, VerdictView};
use sha2::{Digest as _, Sha256};

const FIXTURES: [&str; 6] =
    ["map_leak", "listener_leak", "off_heap_leak", "bounded", "no_leak", "inconclusive"];

fn fixture(name: &str) -> VerdictView {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The page, also left in the target folder for a person to look at.
fn page(name: &str, view: &VerdictView) -> String {
    let page = report::html(view);
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{name}.html")), &page)
        .unwrap();
    page
}

/// Fails where tags do not close in order, attributes lack quotes, or a `<` stands in text.
fn assert_well_formed(page: &str) {
    const VOID: [&str; 3] = ["meta", "br", "hr"];
    let mut open: Vec<&str> = Vec::new();
    let mut ids = std::collections::HashSet::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(closing) = rest.strip_prefix('/') {
            let end = closing.find('>').expect("an end of the closing tag");
            assert_eq!(open.pop(), Some(&closing[..end]), "closed out of order");
            rest = &closing[end + 1..];
            continue;
        }
        let name_end = rest.find(|c: char| !c.is_ascii_alphanumeric()).expect("an end of the name");
        let name = &rest[..name_end];
        assert!(!name.is_empty(), "a bare < before {:?}", rest.chars().take(20).collect::<String>());
        rest = &rest[name_end..];
        while let Some(attribute) = rest.strip_prefix(' ') {
            let key_end = attribute.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').expect("an end");
            rest = &attribute[key_end..];
            if let Some(value) = rest.strip_prefix("=\"") {
                let value_end = value.find('"').expect("a closing quote");
                let text = &value[..value_end];
                assert!(!text.contains('<'), "{name} {text}");
                assert!(!attribute[..key_end].starts_with("on"), "an event handler on {name}");
                if &attribute[..key_end] == "id" {
                    assert!(ids.insert(text), "id {text} twice");
                }
                rest = &value[value_end + 1..];
            }
        }
        rest = rest.strip_prefix('>').unwrap_or_else(|| panic!("{name} does not end: {:.40}", rest));
        if matches!(name, "style" | "script") {
            let end = rest.find(&format!("</{name}>")).expect("an end of raw text");
            rest = &rest[end + name.len() + 3..];
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn assert_self_contained(page: &str) {
    for loads in
        [" src=", " href=", "@import", "url(", "<link", "<iframe", "<img", "<object", "fetch(", "XMLHttp"]
    {
        assert!(!page.contains(loads), "the page holds {loads:?}");
    }
}

#[test]
fn every_page_is_well_formed_and_loads_nothing() {
    for name in FIXTURES {
        let page = page(name, &fixture(name));
        assert_well_formed(&page);
        assert_self_contained(&page);
        assert!(!page.contains("http://") && !page.contains("https://"), "{name}");
        assert!(page.len() < 120_000, "{name}: {}", page.len());
    }
}

#[test]
fn verdicts_without_findings_have_complete_pages() {
    for (verdict, name) in [
        (Verdict::OffHeapLeak, "off-heap-without-holder"),
        (Verdict::Backlog, "backlog"),
        (Verdict::NoLeak, "empty"),
    ] {
        let mut view = fixture("off_heap_leak");
        view.diagnosis.verdict = verdict;
        view.diagnosis.findings.clear();
        view.diagnosis.headline =
            "native memory grows by 4.00 MiB/s; no JavaScript object holds it".to_owned();
        if name == "empty" {
            view = VerdictView { memory: vec![], captures: vec![], target: TargetView::default(), ..view };
            view.diagnosis =
                Diagnosis { snapshots: vec![], classes: vec![], warnings: vec![], ..view.diagnosis };
        }
        let page = page(name, &view);
        assert_well_formed(&page);
        assert!(page.contains(verdict.as_str()));
    }
}

#[test]
fn the_page_allows_only_its_own_script() {
    let page = report::html(&fixture("map_leak"));
    let (_, script) = page.split_once("<script>").expect("a script");
    let (script, _) = script.split_once("</script>").expect("its end");
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script));
    let policy = format!("script-src 'sha256-{hash}'");
    assert!(
        page.contains(&policy.replace('\'', "&#39;")) || page.contains(&policy),
        "set SCRIPT_HASH to sha256-{hash}"
    );
}

#[test]
fn json_round_trips() {
    let view = fixture("map_leak");
    assert_eq!(serde_json::from_str::<VerdictView>(&report::json(&view)).unwrap(), view);
}

#[test]
fn markdown_reads_like_this() {
    for name in FIXTURES {
        insta::assert_snapshot!(format!("markdown_{name}"), report::markdown(&fixture(name)));
    }
}

/// Every text that a target can choose, at its worst.
fn hostile() -> VerdictView {
    let evil = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}\u{1b}[31m`|\n# x";
    let text = || format!("{evil}{}", "long".repeat(300_000));
    let series = |n: u64| -> Vec<PopulationPoint> {
        (0..n)
            .map(|i| PopulationPoint { seconds: Some(i as f64), members: i, retained_bytes: u64::MAX - i })
            .collect()
    };
    let holder = Holder {
        variable: Some(text()),
        expression: text(),
        class: text(),
        collection: Some(text()),
        scope: Scope::Unknown,
        object_id: u64::MAX,
        file: Some(text()),
        line: Some(u32::MAX),
        column: None,
        source: Some(text()),
        package: Some(text()),
    };
    let class = |i: u64| ClassGrowth {
        class: format!("{evil}{i}"),
        count_before: i,
        count_after: u64::MAX,
        bytes_before: u64::MAX,
        bytes_after: i,
    };
    let frame = || StackFrame { function: text(), file: text(), line: 0, column: 0 };
    let finding = Finding {
        id: text(),
        kind: FindingKind::Other,
        confidence: Confidence::Low,
        title: text(),
        holder: holder.clone(),
        grows_at: Some(GrowsAt {
            file: text(),
            line: 0,
            column: None,
            function: Some(text()),
            source: Some(text()),
            share_of_sampled_growth: Some(f64::NAN),
            package: Some(text()),
        }),
        growth: Growth {
            member_class: text(),
            members: u64::MAX,
            objects: u64::MAX,
            bytes: u64::MAX,
            external_bytes: u64::MAX,
            seconds: Some(f64::INFINITY),
            bytes_per_second: Some(f64::NAN),
            series: series(5000),
        },
        runs_out: Some(RunsOut { limit: text(), limit_bytes: u64::MAX, seconds: f64::INFINITY }),
        path: (0..200)
            .map(|i| PathStep {
                edge: format!("{evil}{i}"),
                class: format!("{i}{evil}"),
                object_id: i,
                is_holder: i == 100,
            })
            .collect(),
        classes: (0..10_000).map(class).collect(),
        allocations: vec![AllocationSite {
            bytes: u64::MAX,
            share: 7.0,
            frames: vec![frame(), frame(), frame()],
        }],
        evidence: vec![Evidence { supports: true, text: text() }, Evidence { supports: false, text: text() }],
        advice: vec![text()],
    };
    VerdictView {
        schema: VERDICT_SCHEMA.to_owned(),
        leakhound: text(),
        created: text(),
        target: TargetView {
            name: text(),
            node_version: Some(text()),
            v8_version: Some(text()),
            command: Some(text()),
            ..TargetView::default()
        },
        diagnosis: Diagnosis {
            verdict: Verdict::Leak,
            confidence: Confidence::Low,
            headline: text(),
            model: text(),
            findings: vec![finding],
            bounded: vec![BoundedHolder { holder, reason: text(), series: series(2) }],
            classes: (0..10_000).map(class).collect(),
            snapshots: (0..300)
                .map(|_| SnapshotTotals {
                    file: evil.to_owned(),
                    phase: evil.to_owned(),
                    seconds: Some(-1.0),
                    nodes: 0,
                    edges: 0,
                    total_bytes: 0,
                    native_bytes: u64::MAX,
                })
                .collect(),
            warnings: vec![text()],
            next_steps: vec![text()],
        },
        memory: (0..50_000)
            .map(|i| MemoryPoint {
                seconds: f64::from(i),
                rss_bytes: u64::MAX,
                heap_used_bytes: None,
                external_bytes: Some(0),
            })
            .collect(),
        captures: vec![],
        partial: false,
        evidence_dir: Some(text()),
    }
}

#[test]
fn hostile_names_stay_text_on_the_page() {
    let page = page("hostile", &hostile());
    assert_well_formed(&page);
    assert_eq!(page.matches("<script").count(), 1, "only our own");
    assert!(!page.contains("<img"));
    for invisible in ['\u{202e}', '\u{1b}'] {
        assert!(!page.contains(invisible));
    }
    assert!(page.contains("&lt;/script&gt;"));
}

#[test]
fn a_page_stays_small_whatever_the_heap_holds() {
    let view = hostile();
    let page = report::html(&view);
    assert!(page.len() < 300_000, "{}", page.len());
    assert!(page.contains("… and 9,970 more classes"));
    assert!(page.contains("… and 9,988 more classes"));
    assert!(page.contains("… 88 more steps") && page.contains("<span class=\"tag\">holder</span>"));
    let markdown = report::markdown(&view);
    assert!(markdown.len() < 60_000, "{}", markdown.len());
    assert!(markdown.contains("… and 9,990 more classes"));
}

#[test]
fn hostile_names_stay_text_in_markdown() {
    let markdown = report::markdown(&hostile());
    assert!(markdown.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'));
    for line in markdown.lines() {
        // Outside code spans nothing opens a tag but the line break of the table.
        let mut outside = String::new();
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            if rest[..at].ends_with('\\') {
                outside += &rest[..=at];
                rest = &rest[at + 1..];
                continue;
            }
            outside += &rest[..at];
            // A span ends at the next run of exactly as many backticks.
            let ticks = |text: &str| text.chars().take_while(|c| *c == '`').count();
            let fence = ticks(&rest[at..]);
            rest = &rest[at + fence..];
            loop {
                let next = rest.find('`').unwrap_or_else(|| panic!("open code span in {line:.200}"));
                let run = ticks(&rest[next..]);
                rest = &rest[next + run..];
                if run == fence {
                    break;
                }
            }
        }
        outside += rest;
        assert!(!outside.replace("<br>", "").contains('<'), "{outside:.300}");
    }
}
