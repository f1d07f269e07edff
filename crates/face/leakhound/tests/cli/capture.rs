//! `capture heap`: the file, its name, and what the capturing costs us.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::{ANY_PORT, IDLE, Node, Running, files, folder, is_fast, leakhound, run, status_bytes};

#[test]
fn a_file_that_exists_is_never_overwritten_and_the_target_not_even_signalled() {
    let here = folder();
    let target = Node::start(&["--inspect-port=0", "--expose-gc"], IDLE);
    fs::write(here.path().join("a.heapsnapshot"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", here.path().join("link.heapsnapshot")).unwrap();
    let pid = target.target();
    for name in ["a.heapsnapshot", "link.heapsnapshot", "."] {
        let said = run(&mut leakhound(here.path(), &["capture", "heap", &pid, "--out", name]));
        said.fails(2, &["exists already", "never overwrites"]).hints();
        assert!(!said.stderr.contains("attached"), "{said:#?}");
    }
    assert_eq!(fs::read(here.path().join("a.heapsnapshot")).unwrap(), b"mine");
    let said =
        run(&mut leakhound(here.path(), &["capture", "heap", &pid, "--out", "no/folder/a.heapsnapshot"]));
    said.fails(2, &["no/folder/a.heapsnapshot", "folder exists"]).hints();
    assert!(!said.stderr.contains("attached"), "{said:#?}");
}

#[test]
fn a_capture_names_its_file_after_the_target_and_keeps_it_private() {
    let here = folder();
    let mut target = Node::start(&[ANY_PORT], IDLE);
    let said = run(&mut leakhound(here.path(), &["capture", "heap", &target.target(), "--json"]));
    assert_eq!(said.code, 0, "{said:#?}");
    let view = said.json();
    assert_eq!(view["schema"], "leakhound.capture/1");
    let name = view["path"].as_str().unwrap();
    assert!(
        name.starts_with(&format!("app.js-{}-", target.pid)) && name.ends_with("Z.heapsnapshot"),
        "{name}"
    );
    assert_eq!(files(here.path()), [name]);
    let details = fs::metadata(here.path().join(name)).unwrap();
    assert_eq!(details.permissions().mode() & 0o777, 0o600);
    assert_eq!(view["cost"]["bytes"], details.len());
    let whole: serde_json::Value =
        serde_json::from_slice(&fs::read(here.path().join(name)).unwrap()).unwrap();
    assert_eq!(view["nodes"], whole["snapshot"]["node_count"]);
    assert_eq!(view["edges"], whole["snapshot"]["edge_count"]);
    target.is_as_before(Duration::ZERO);

    let said =
        run(&mut leakhound(here.path(), &["capture", "heap", &target.target(), "--out", "b.heapsnapshot"]));
    assert!(said.stdout.starts_with("b.heapsnapshot\n"), "{said:#?}");
}

#[test]
fn capturing_needs_the_same_few_megabytes_whatever_the_size() {
    let here = folder();
    let (count, least) = if is_fast() { (3_800_000, 290 << 20) } else { (1_200_000, 90 << 20) };
    let script = format!(
        "const keep = []; let part;
         for (let i = 0; i < {count}; i++) {{ if (i % 1000 === 0) keep.push(part = []); part.push({{ i }}); }}
         globalThis.keep = keep; setInterval(() => {{}}, 1000);"
    );
    let mut target = Node::start(&[ANY_PORT], &script);
    let arguments = ["capture", "heap", &target.target(), "--out", "a.heapsnapshot", "--force"];
    let mut running = Running::start(&mut leakhound(here.path(), &arguments));
    let mut peak = 0;
    while running.child.try_wait().unwrap().is_none() {
        peak = peak.max(status_bytes(running.pid(), "VmHWM").unwrap_or(0));
        std::thread::sleep(Duration::from_millis(10));
    }
    let said = running.wait();
    assert_eq!(said.code, 0, "{said:#?}");
    let bytes = fs::metadata(here.path().join("a.heapsnapshot")).unwrap().len();
    eprintln!("measured: {} MiB captured with {:.1} MiB at the peak", bytes >> 20, peak as f64 / 1048576.0);
    assert!(bytes >= least, "{bytes}");
    assert!(peak > 0 && peak < 64 << 20, "{peak}");
    target.is_as_before(Duration::ZERO);
}
