//! What a verdict and a list of processes look like in a terminal.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::path::Path;

use leakhound::terminal::{ColorChoice, Style, processes, verdict};
use leakhound_workbench::names;
use leakhound_workbench::view::{ProcessView, VerdictView};

const FIXTURES: [&str; 6] =
    ["map_leak", "listener_leak", "off_heap_leak", "bounded", "no_leak", "inconclusive"];

fn fixture(name: &str) -> VerdictView {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../app/workbench/tests/fixtures");
    serde_json::from_str(&std::fs::read_to_string(fixtures.join(format!("{name}.json"))).unwrap()).unwrap()
}

fn assert_fits(text: &str, width: usize) {
    for line in text.lines() {
        assert!(names::width(line) <= width, "{} > {width}: {line}", names::width(line));
        assert_eq!(line.trim_end(), line);
    }
}

#[test]
fn verdicts_look_like_this() {
    for name in FIXTURES {
        for width in [80, 120] {
            let text = verdict(&fixture(name), &Style::PLAIN, width);
            assert_fits(&text, width);
            insta::assert_snapshot!(format!("verdict_{name}_{width}"), text);
        }
    }
}

#[test]
fn every_width_is_kept() {
    for name in FIXTURES {
        for width in 48..140 {
            assert_fits(&verdict(&fixture(name), &Style::PLAIN, width), width);
        }
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    let view = fixture("map_leak");
    let colored = verdict(&view, &Style::COLORED, 100);
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("verdict.ansi"), &colored).unwrap();
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        plain += &rest[..at];
        rest = &rest[at + rest[at..].find('m').unwrap() + 1..];
    }
    assert_eq!(plain + rest, verdict(&view, &Style::PLAIN, 100));
    assert_eq!(ColorChoice::Never.for_stdout(), Style::PLAIN);
}

#[test]
fn hostile_names_cannot_drive_the_terminal() {
    let json = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../app/workbench/tests/fixtures/listener_leak.json"),
    )
    .unwrap();
    // Every occurrence of these words, in any field, turns into an attack.
    let evil = r"\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202e\r\n\b日本語";
    for word in ["config", "change", "live", "index", "shop", "snapshot", "liveConfig"] {
        let json = json
            .replace(&format!("\"{word}"), &format!("\"{evil}{word}"))
            .replace(&format!(" {word}"), &format!(" {}{word}", evil.repeat(40)));
        let Ok(view) = serde_json::from_str::<VerdictView>(&json) else { continue };
        for width in [48, 80, 120] {
            let text = verdict(&view, &Style::PLAIN, width);
            assert_fits(&text, width);
            assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text}");
            assert!(text.lines().count() < 80, "{text}");
        }
    }
}

#[test]
fn processes_look_like_this() {
    let list = vec![
        ProcessView {
            pid: 48213,
            name: "server.js".to_owned(),
            node_version: Some("v20.20.2".to_owned()),
            user: Some("app".to_owned()),
            rss_bytes: 90_912_345,
            container_limit_bytes: Some(536_870_912),
            container_used_bytes: Some(101_000_000),
            attach: "ready".to_owned(),
            expected_pause_seconds: Some(0.26),
            expected_extra_memory_bytes: Some(7_000_000),
            threads: 11,
            uptime_seconds: 70_200.0,
            command: "node src/server.js".to_owned(),
            ..ProcessView::default()
        },
        ProcessView {
            pid: 17,
            name: "worker.js".to_owned(),
            node_version: Some("v22.14.0".to_owned()),
            user: Some("node".to_owned()),
            rss_bytes: 2_090_912_345,
            container_limit_bytes: Some(2_147_483_648),
            container_used_bytes: Some(2_101_000_000),
            inspector: Some("127.0.0.1:9229".to_owned()),
            attach: "ready".to_owned(),
            expected_pause_seconds: Some(12.6),
            expected_extra_memory_bytes: Some(1_400_000_000),
            threads: 15,
            uptime_seconds: 273_600.0,
            command: "node --max-old-space-size=1900 --inspect dist/worker.js --queue mails".to_owned(),
        },
        ProcessView {
            pid: 901,
            name: "n\u{1b}[31mode".to_owned(),
            rss_bytes: 41_000_000,
            attach: "another user's process (root)".to_owned(),
            uptime_seconds: 12.0,
            command: "node -e \u{1b}]0;x\u{7}".to_owned(),
            ..ProcessView::default()
        },
    ];
    for width in [80, 120, 160] {
        let text = processes(&list, &Style::PLAIN, width);
        assert_fits(&text, width);
        assert!(!text.contains('\u{1b}'));
        insta::assert_snapshot!(format!("processes_{width}"), text);
    }
    insta::assert_snapshot!("processes_none", processes(&[], &Style::PLAIN, 80));
}
