//! `hunt … -- LOAD COMMAND`: load that fails, ends, ignores its end, and never outlives us.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{
    ANY_PORT, LEAKY, Node, Running, beside, eventually, files, folder, leakhound, mid_hunt, processes_with,
    run,
};

fn hunt(here: &Path, target: &Node, seconds: &str, load: &[&str]) -> std::process::Command {
    let mut command = leakhound(here, &["hunt", &target.target(), "--for", seconds, "--json", "--"]);
    command.args(load);
    command
}

/// A number of seconds for `sleep` that no other process has.
fn lasting(mark: u32) -> String {
    format!("{}.{mark}", 100_000 + std::process::id())
}

fn is_gone(mark: &str) {
    assert!(
        eventually(Duration::from_secs(60), || processes_with(mark).is_empty()),
        "{:?}",
        processes_with(mark)
    );
}

#[test]
fn load_that_cannot_be_started_is_said_before_the_target_is_touched() {
    let here = folder();
    let mut target = Node::start(&[ANY_PORT], LEAKY);
    for program in ["no-such-load-command", "./nowhere/load.sh", "/etc/passwd"] {
        let said = run(&mut hunt(here.path(), &target, "2s", &[program]));
        said.fails(2, &["the load command", program, "PATH"]).hints();
        assert!(!said.stderr.contains("attached"), "{said:#?}");
    }
    assert!(files(here.path()).is_empty());
    target.is_as_before(Duration::ZERO);
}

#[test]
fn load_that_fails_at_once_is_told_with_its_last_words() {
    let here = folder();
    let target = Node::start(&[ANY_PORT], LEAKY);
    let said = run(&mut hunt(here.path(), &target, "20s", &["sh", "-c", "echo cannot connect >&2; exit 3"]));
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.stderr.contains("load       ended with 3"), "{said:#?}");
    let verdict = said.json();
    let warnings = verdict["warnings"].to_string();
    assert!(warnings.contains("load command failed") && warnings.contains("cannot connect"), "{warnings}");
}

#[test]
fn load_that_ends_early_ends_the_watching() {
    let here = folder();
    let mut target = Node::start(&[ANY_PORT], LEAKY);
    let began = Instant::now();
    let said = run(&mut hunt(here.path(), &target, "300s", &["sleep", "2"]));
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.stderr.contains("load       ended with 0"), "{said:#?}");
    assert!(began.elapsed() < Duration::from_secs(250));
    assert_eq!(said.json()["snapshots"].as_array().unwrap().len(), 3);
    target.is_as_before(Duration::ZERO);
}

#[test]
fn load_that_ignores_its_end_is_ended_with_all_it_started() {
    let here = folder();
    let target = Node::start(&[ANY_PORT], LEAKY);
    let mark = lasting(1);
    // The shell and its child both ignore SIGTERM.
    let script = format!("trap '' TERM; sleep {mark} & while :; do wait; done");
    let said = run(&mut hunt(here.path(), &target, "2s", &["sh", "-c", &script]));
    assert_eq!(said.code, 0, "{said:#?}");
    is_gone(&mark);
}

#[test]
fn load_whose_starter_ends_first_is_ended_with_all_it_started() {
    let here = folder();
    let target = Node::start(&[ANY_PORT], LEAKY);
    let mark = lasting(2);
    let script = format!("(trap '' TERM; sleep {mark}) & sleep 1");
    let said = run(&mut hunt(here.path(), &target, "2s", &["sh", "-c", &script]));
    assert_eq!(said.code, 0, "{said:#?}");
    is_gone(&mark);
}

#[test]
fn load_does_not_outlive_an_interrupted_or_killed_hunt() {
    beside([("-INT", 130, lasting(3)), ("-KILL", 137, lasting(4))], |(signal, code, mark)| {
        let here = folder();
        let target = Node::start(&[ANY_PORT], LEAKY);
        let script = format!("trap '' TERM; sleep {mark} & while :; do wait; done");
        let mut running = Running::start(&mut hunt(here.path(), &target, "60s", &["sh", "-c", &script]));
        mid_hunt(&mut running, here.path());
        assert!(!processes_with(&mark).is_empty());
        running.signal(signal);
        assert_eq!(running.wait().code, code);
        is_gone(&mark);
    });
}
