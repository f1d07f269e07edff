//! The side-car index: the same answers, faster, and nothing left behind that counts and is not whole.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{files, folder, leakhound, node, run};

/// A snapshot of a plain process, some megabytes.
fn dump(folder: &Path) {
    let script = "require('v8').writeHeapSnapshot('a.heapsnapshot')";
    let status =
        Command::new(node()).args(["-e", script]).current_dir(folder).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
}

fn ask(folder: &Path, arguments: &[&str]) -> String {
    let said = run(&mut leakhound(folder, arguments));
    assert_eq!(said.code, 0, "{said:#?}");
    said.stdout
}

const VIEWS: [&[&str]; 9] = [
    &["summary", "a.heapsnapshot", "--json", "--model", "devtools"],
    &["summary", "a.heapsnapshot", "--json", "--model", "gc"],
    &["summary", "a.heapsnapshot", "--json", "--shallow"],
    &["summary", "a.heapsnapshot", "--json", "--model", "devtools", "--only", "contexts"],
    &["statistics", "a.heapsnapshot", "--json", "--model", "devtools"],
    &["strings", "a.heapsnapshot", "--json"],
    &["dominators", "a.heapsnapshot", "--json"],
    &["search", "a.heapsnapshot", "process", "--json"],
    &["paths", "a.heapsnapshot", "--class", "process", "--json"],
];

#[test]
fn views_say_the_same_without_with_a_new_and_with_an_old_index() {
    let here = folder();
    dump(here.path());
    let without: Vec<String> =
        VIEWS.iter().map(|view| ask(here.path(), &[*view, &["--no-index"]].concat())).collect();
    assert_eq!(files(here.path()), ["a.heapsnapshot"], "--no-index writes nothing");
    for round in ["new or grown", "old"] {
        for (view, without) in VIEWS.iter().zip(&without) {
            assert_eq!(&ask(here.path(), view), without, "{round}: {view:?}");
        }
        assert_eq!(files(here.path()), ["a.heapsnapshot", "a.heapsnapshot.lhx"], "{round}");
    }
    // Every view as the first one.
    for (view, without) in VIEWS.iter().zip(&without) {
        fs::remove_file(here.path().join("a.heapsnapshot.lhx")).unwrap();
        assert_eq!(&ask(here.path(), view), without, "{view:?}");
        assert_eq!(&ask(here.path(), view), without, "{view:?}");
    }
}

#[test]
fn an_index_of_another_dump_is_replaced_and_a_file_of_that_name_is_not() {
    let here = folder();
    dump(here.path());
    let dump = here.path().join("a.heapsnapshot");
    let whole = fs::read(&dump).unwrap();
    let before = ask(here.path(), VIEWS[0]);
    // Cut off in its strings: the old index must not hide it.
    fs::write(&dump, &whole[..whole.len() - 1000]).unwrap();
    let said = run(&mut leakhound(here.path(), VIEWS[0]));
    assert_eq!(said.code, 6, "{said:#?}");
    fs::write(&dump, &whole).unwrap();
    assert_eq!(ask(here.path(), VIEWS[0]), before);
    let index = here.path().join("a.heapsnapshot.lhx");
    fs::write(&index, "notes").unwrap();
    assert_eq!(ask(here.path(), VIEWS[0]), before);
    assert_eq!(fs::read_to_string(&index).unwrap(), "notes");
}

#[test]
fn whoever_is_killed_leaves_no_index_or_a_whole_one() {
    let here = folder();
    dump(here.path());
    let without = ask(here.path(), &[VIEWS[0], &["--no-index"]].concat());
    for milliseconds in (0..60).step_by(6) {
        let mut child = leakhound(here.path(), VIEWS[0]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let left = files(here.path());
        let named = |name: &String| name == "a.heapsnapshot" || name == "a.heapsnapshot.lhx";
        assert!(left.iter().all(named), "{left:?}");
        assert_eq!(ask(here.path(), VIEWS[0]), without);
        let _ = fs::remove_file(here.path().join("a.heapsnapshot.lhx"));
    }
}
