//! `demo`: the whole product in one minute.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::{
    Running, beside, eventually, files, folder, leakhound, mid_hunt, nodes, path_with, processes_with, run,
};

const SERVER: &str = include_str!("../../demo/server.js");

/// The line of a mark in the demo's server.
fn marked(mark: &str) -> u64 {
    let at = SERVER.lines().position(|line| line.ends_with(&format!("// @mark {mark}"))).unwrap();
    at as u64 + 1
}

#[test]
fn the_demo_names_its_own_leak_on_every_node_and_leaves_nothing_running() {
    beside(nodes(), |node| {
        let here = folder();
        let mut command = leakhound(here.path(), &["demo", "--for", "8s", "--json"]);
        let said = run(command.env("PATH", path_with(&node)));
        let name = node.display();
        assert_eq!(said.code, 0, "{name}: {said:#?}");
        let verdict = said.json();
        assert_eq!(verdict["verdict"], "leak", "{name}");
        let finding = &verdict["findings"][0];
        assert_eq!(finding["holder"]["variable"], "responseCache", "{name}");
        assert_eq!(finding["holder"]["line"], marked("holder"), "{name}");
        assert_eq!(finding["grows_at"]["line"], marked("insert"), "{name}");
        let evidence = here.path().join(verdict["evidence_dir"].as_str().unwrap());
        for report in ["report.html", "report.md", "verdict.json"] {
            assert!(fs::metadata(evidence.join(report)).unwrap().len() > 500, "{name}: {report}");
        }
        let kept: serde_json::Value =
            serde_json::from_slice(&fs::read(evidence.join("verdict.json")).unwrap()).unwrap();
        assert_eq!(kept, verdict, "{name}");
        assert!(files(here.path()).iter().all(|file| !file.ends_with(".partial")), "{name}");
        let left = processes_with(&here.path().display().to_string());
        assert!(left.is_empty(), "{name}: {left:?}");
        assert!(!said.stderr.contains("Debugger"), "{name}: {said:#?}");
    });
}

#[test]
fn without_a_node_on_the_path_the_demo_says_so() {
    let here = folder();
    let said = run(leakhound(here.path(), &["demo"]).env("PATH", "/nonexistent"));
    said.fails(2, &["no `node` on PATH", "install Node.js 18"]).hints();
}

#[test]
fn an_interrupted_demo_leaves_nothing_running() {
    let here = folder();
    let mut demo = Running::start(&mut leakhound(here.path(), &["demo", "--for", "30s"]));
    mid_hunt(&mut demo, here.path());
    demo.signal("-INT");
    assert_eq!(demo.wait().code, 130);
    nothing_left(here.path());
}

#[test]
fn a_killed_demo_leaves_nothing_running() {
    let here = folder();
    let mut demo = Running::start(&mut leakhound(here.path(), &["demo", "--for", "30s"]));
    mid_hunt(&mut demo, here.path());
    demo.signal("-KILL");
    assert_eq!(demo.wait().code, 137);
    nothing_left(here.path());
}

fn nothing_left(folder: &Path) {
    let name = folder.display().to_string();
    let ended = eventually(Duration::from_secs(60), || processes_with(&name).is_empty());
    assert!(ended, "{:?}", processes_with(&name));
}
