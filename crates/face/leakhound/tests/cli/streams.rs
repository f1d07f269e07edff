//! The two streams, JSON, colours, and readers that go away.

use std::process::Stdio;

use serde_json::Value;

use crate::support::{ANY_PORT, LEAKY, Node, ended, folder, leakhound, run};

const BOUND: usize = 1000;

/// Every list of the JSON is bounded, every text of it too.
fn assert_bounded(value: &Value, at: &str) {
    match value {
        Value::Array(items) => {
            assert!(items.len() <= BOUND, "{at} has {} entries", items.len());
            items.iter().for_each(|item| assert_bounded(item, at));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| assert_bounded(field, &format!("{at}.{key}")))
        }
        Value::String(text) => assert!(text.len() <= 5000, "{at} has {} bytes", text.len()),
        _ => {}
    }
}

#[test]
fn the_answer_is_on_stdout_and_everything_else_on_stderr() {
    let here = folder();
    let target = Node::start(&[ANY_PORT], LEAKY);
    let said = run(&mut leakhound(here.path(), &["hunt", &target.target(), "--for", "3s", "--json"]));
    assert_eq!(said.code, 0, "{said:#?}");

    let verdict = said.json();
    assert_eq!(verdict["schema"], "leakhound.verdict/1");
    assert_eq!(verdict["verdict"], "leak");
    assert!(["medium", "high", "certain"].contains(&verdict["confidence"].as_str().unwrap()));
    assert_eq!(verdict["target"]["pid"], target.pid);
    assert_eq!(verdict["target"]["name"], "app.js");
    let finding = &verdict["findings"][0];
    for (field, is) in [
        ("id", Value::is_string as fn(&Value) -> bool),
        ("kind", Value::is_string),
        ("holder", Value::is_object),
        ("grows_at", Value::is_object),
        ("growth", Value::is_object),
        ("path", Value::is_array),
        ("evidence", Value::is_array),
    ] {
        assert!(is(&finding[field]), "{field}: {finding}");
    }
    let holder = &finding["holder"];
    assert_eq!((&holder["variable"], &holder["class"]), (&"sessions".into(), &"Map".into()));
    let script = target.folder().join("app.js").display().to_string();
    assert_eq!(holder["file"], script);
    assert_eq!(finding["grows_at"]["file"], script);
    assert_eq!(finding["grows_at"]["function"], "login");
    assert!(finding["growth"]["bytes"].as_u64().unwrap() > 0);
    for field in ["bounded", "warnings", "next_steps", "memory", "captures", "snapshots", "classes"] {
        assert!(verdict[field].is_array(), "{field}");
    }
    assert_bounded(&verdict, "verdict");

    // No progress where nobody looks, no escape sequences, a line for each thing that happened.
    assert!(!said.stderr.contains(['\r', '\x1b']), "{:?}", said.stderr);
    for word in ["attached ", "plan ", "headroom ", "baseline ", "target ", "final ", "released "] {
        assert!(said.stderr.lines().any(|line| line.starts_with(word)), "{word}: {said:#?}");
    }

    let folder = here.path().join(verdict["evidence_dir"].as_str().unwrap());
    let analyze = |more: &[&str]| {
        let mut command = leakhound(here.path(), &["analyze"]);
        command.arg(&folder).args(more);
        command
    };
    let plain = run(&mut analyze(&[]));
    assert!(plain.stdout.starts_with("LEAK ") && plain.stdout.contains("sessions (Map)"), "{plain:#?}");
    assert!(plain.stdout.lines().all(|line| line.chars().count() <= 100), "{plain:#?}");
    assert!(!plain.stdout.contains("→  →"), "{plain:#?}");
    assert!(!plain.stdout.contains('\x1b') && !plain.stderr.contains('\x1b'));
    assert_eq!(run(&mut analyze(&["-q"])).stderr, "");
    assert_eq!(run(&mut analyze(&["-q"])).stdout, plain.stdout);
    assert!(run(&mut analyze(&["--color", "always"])).stdout.contains('\x1b'));
    assert_eq!(run(&mut analyze(&["--color", "never"])).stdout, plain.stdout);
    // An explicit wish is stronger than the environment's.
    assert!(run(analyze(&["--color", "always"]).env("NO_COLOR", "1")).stdout.contains('\x1b'));

    // A reader that goes away is no failure, on either stream.
    for arguments in [&["--json"][..], &[]] {
        let mut child = analyze(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        assert_eq!(ended(&mut child).code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn errors_without_a_reader_do_not_panic() {
    let here = folder();
    let mut child = leakhound(here.path(), &["analyze", "nowhere"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    drop(child.stdout.take());
    assert_eq!(ended(&mut child).code(), Some(3));
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let here = folder();
    let mut command = leakhound(here.path(), &["ps", "--json"]);
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"));
}

#[test]
fn the_processes_are_listed() {
    let here = folder();
    let name = format!("listed-{}.js", std::process::id());
    let target = Node::named(&name, &[ANY_PORT], LEAKY);
    let listed = run(&mut leakhound(here.path(), &["ps", "--json"]));
    let value = listed.json();
    assert_eq!(value["schema"], "leakhound.processes/1");
    let row = value["processes"].as_array().unwrap().iter().find(|row| row["pid"] == target.pid).unwrap();
    assert_eq!(row["name"], name.as_str());
    assert_eq!(row["attach"], "ready");
    assert!(row["node_version"].as_str().unwrap().starts_with('v'));
    assert!(row["rss_bytes"].as_u64().unwrap() > 1 << 20);
    let table = run(&mut leakhound(here.path(), &["ps"]));
    assert!(table.stdout.contains(&name), "{table:#?}");
    assert!(table.stdout.lines().all(|line| line.chars().count() <= 100), "{table:#?}");
    assert_eq!(table.stderr, "");
    assert!(target.ports().is_empty());
}
