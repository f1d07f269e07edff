//! `run`: the program is itself, only armed.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{
    LEAKY, LEAKY_HOLDER, LEAKY_INSERT, Running, eventually, files, folder, leakhound, processes_with, run,
};

#[test]
fn streams_arguments_and_the_exit_code_are_the_programs() {
    let here = folder();
    let script = "process.stdin.on('data', d => { process.stdout.write('got ' + d); }).on('end', () => {
        console.error('bye', process.argv[1]); process.exitCode = 7; })";
    let mut command = leakhound(here.path(), &["run", "--", "node", "-e", script, "--", "-q"]);
    let mut running = Running::start(command.stdin(Stdio::piped()));
    running.child.stdin.take().unwrap().write_all(b"hello\n").unwrap();
    let said = running.wait();
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (7, "got hello\n", "bye -q\n"));
    // Nothing was left behind, so nothing is kept.
    assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0);
    let said = run(&mut leakhound(
        here.path(),
        &["run", "--", "node", "-e", "process.kill(process.pid, 'SIGKILL')"],
    ));
    assert_eq!(said.code, 137, "{said:#?}");
}

#[test]
fn signals_are_passed_on_and_the_program_decides() {
    let here = folder();
    let script = "for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(s, () => { console.log(s); });
        process.on('SIGTERM', () => setTimeout(() => process.exit(3), 300));
        require('fs').writeFileSync('up', ''); setInterval(() => {}, 1000)";
    let running = Running::start(&mut leakhound(here.path(), &["run", "--", "node", "-e", script]));
    assert!(eventually(Duration::from_secs(120), || here.path().join("up").exists()));
    for signal in ["-HUP", "-INT", "-USR2", "-TERM"] {
        running.signal(signal);
        std::thread::sleep(Duration::from_millis(200));
    }
    let said = running.wait();
    assert_eq!((said.code, said.stdout.as_str()), (3, "SIGHUP\nSIGINT\nSIGUSR2\nSIGTERM\n"), "{said:#?}");
}

#[test]
fn a_program_that_runs_out_of_heap_leaves_a_snapshot_that_can_be_analyzed() {
    let here = folder();
    let script = "class Row { constructor(i) { this.i = i; this.text = 'row ' + i; } }
const rows = [];
setInterval(() => { for (let i = 0; i < 5000; i++) rows.push(new Row(i)); }, 1);";
    std::fs::write(here.path().join("oom.js"), script).unwrap();
    let said = run(&mut leakhound(here.path(), &["run", "--", "node", "--max-old-space-size=40", "oom.js"]));
    assert_eq!(said.code, 134, "{said:#?}");
    let left: Vec<&str> = said.stderr.lines().filter_map(|line| line.strip_prefix("left       ")).collect();
    let snapshot =
        left.iter().find(|file| file.ends_with(".heapsnapshot")).unwrap_or_else(|| panic!("{said:#?}"));
    assert!(left.iter().any(|file| file.ends_with(".json")), "{said:#?}");
    assert!(said.stderr.contains("leakhound analyze"), "{said:#?}");
    let said = run(&mut leakhound(here.path(), &["analyze", snapshot]));
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.stdout.contains("rows"), "{said:#?}");
}

#[test]
fn a_program_that_is_not_found_is_said_so() {
    let here = folder();
    for arguments in [&["run", "--", "no-such-program"][..], &["run", "--hunt", "--", "no-such-program"]] {
        run(&mut leakhound(here.path(), arguments))
            .fails(2, &["the program", "no-such-program", "PATH"])
            .hints();
    }
    assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0);
}

#[test]
fn a_program_is_hunted_from_its_start_and_then_ended() {
    let here = folder();
    std::fs::write(here.path().join("leaky.js"), LEAKY).unwrap();
    let path = here.path().join("leaky.js").display().to_string();
    let said =
        run(&mut leakhound(here.path(), &["run", "--hunt", "--for", "5s", "--json", "--", "node", &path]));
    assert_eq!(said.code, 0, "{said:#?}");
    let verdict = said.json();
    assert_eq!(verdict["findings"][0]["holder"]["line"], LEAKY_HOLDER);
    assert_eq!(verdict["findings"][0]["grows_at"]["line"], LEAKY_INSERT);
    assert!(processes_with(&path).is_empty());
    assert!(files(here.path()).iter().any(|file| file.ends_with("report.html")));
}

#[test]
fn a_program_that_cannot_be_hunted_is_ended_and_said_so() {
    let here = folder();
    let said = run(&mut leakhound(here.path(), &["run", "--hunt", "--", "node", "-e", "0"]));
    said.fails(2, &["ended before", "longer than a second"]).hints();
}
