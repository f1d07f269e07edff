//! Everything that can end in the middle, ended in the middle.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{
    ANY_PORT, BIG, IDLE, LEAKY, Node, Running, beside, files, folder, leakhound, mid_hunt, mid_snapshot,
    port_9229, run, skip,
};

/// Until a snapshot under way is over and the inspector behind it is closed.
const SOON: Duration = Duration::from_secs(120);
/// The same when leakhound was killed and the lease has to do it.
const LEASE: Duration = Duration::from_secs(240);

#[test]
fn a_target_that_is_killed_in_the_middle_of_a_snapshot_is_said_to_have_ended() {
    beside([&["capture", "heap"][..], &["hunt"]], |command| {
        let here = folder();
        let target = Node::start(&[ANY_PORT], BIG);
        let pid = target.target();
        let mut running = Running::start(leakhound(here.path(), command).arg(&pid));
        mid_snapshot(&mut running, here.path());
        crate::support::signal(target.pid, "-KILL");
        let said = running.wait();
        said.fails(4, &["the target ended", "137"]).hints();
        assert!(!said.stderr.contains("released"), "{said:#?}");
        assert_no_whole_snapshot(here.path());
    });
}

#[test]
fn a_target_that_is_killed_while_it_is_watched_leaves_readable_evidence() {
    let here = folder();
    let target = Node::start(&[ANY_PORT], LEAKY);
    let mut running =
        Running::start(&mut leakhound(here.path(), &["hunt", &target.target(), "--for", "60s"]));
    mid_hunt(&mut running, here.path());
    crate::support::signal(target.pid, "-KILL");
    let said = running.wait();
    said.fails(4, &["it ended during the hunt", "evidence so far is kept"]).hints();
    let folder = fs::read_dir(here.path()).unwrap().next().unwrap().unwrap().path();
    let said = run(leakhound(here.path(), &["analyze"]).arg(&folder));
    assert_eq!(said.code, 0, "{said:#?}");
}

#[test]
fn an_interrupt_in_the_middle_of_a_snapshot_lets_the_target_go() {
    let here = folder();
    let mut target = Node::start(&[ANY_PORT], BIG);
    let arguments = ["capture", "heap", &target.target(), "--out", "a.heapsnapshot"];
    let mut running = Running::start(&mut leakhound(here.path(), &arguments));
    mid_snapshot(&mut running, here.path());
    running.signal("-INT");
    running.wait().fails(130, &["interrupted"]);
    assert_no_whole_snapshot(here.path());
    target.is_as_before(SOON);
}

#[test]
fn an_interrupt_while_watching_lets_the_target_go_and_keeps_what_there_is() {
    beside(["-INT", "-TERM", "-HUP"], |signal| {
        let here = folder();
        let mut target = Node::start(&[ANY_PORT], LEAKY);
        let mut running = Running::start(&mut leakhound(here.path(), &["hunt", &target.target()]));
        mid_hunt(&mut running, here.path());
        running.signal(signal);
        running.wait().fails(130, &["interrupted", "evidence so far is kept", "released"]);
        target.is_as_before(Duration::ZERO);
        let files = files(here.path());
        assert!(files.iter().any(|file| file.ends_with("hunt.json")), "{files:?}");
    });
}

#[test]
fn an_interrupt_at_any_moment_of_the_attach_lets_the_target_go() {
    let here = folder();
    let mut target = Node::start(&[ANY_PORT], IDLE);
    for wait in [0, 5, 15, 30, 60, 120, 250] {
        let running = Running::start(&mut leakhound(here.path(), &["hunt", &target.target()]));
        std::thread::sleep(Duration::from_millis(wait));
        running.signal("-INT");
        // Before the handler is installed the default action ends it.
        let said = running.wait();
        assert_eq!(said.code, 130, "{said:#?}");
        target.is_as_before(Duration::from_secs(60));
    }
    // A fast machine has taken a whole snapshot by then; what is called whole must be.
    for file in files(here.path()).iter().filter(|file| file.ends_with(".heapsnapshot")) {
        let text = fs::read(here.path().join(file)).unwrap();
        assert!(text.trim_ascii_end().ends_with(b"}"), "{file}");
    }
}

#[test]
fn a_killed_leakhound_leaves_an_inspector_that_closes_itself() {
    let here = folder();
    // One is killed in the middle of a snapshot, one while watching; the leases run out beside each other.
    let mut big = Node::start(&[ANY_PORT], BIG);
    let mut leaky = Node::start(&[ANY_PORT], LEAKY);
    let mut capture = Running::start(&mut leakhound(here.path(), &["capture", "heap", &big.target()]));
    mid_snapshot(&mut capture, here.path());
    capture.signal("-KILL");
    assert_eq!(capture.wait().code, 137);
    let mut hunt = Running::start(&mut leakhound(here.path(), &["hunt", &leaky.target()]));
    mid_hunt(&mut hunt, here.path());
    hunt.signal("-KILL");
    assert_eq!(hunt.wait().code, 137);
    assert!(big.is_running() && leaky.is_running());
    big.is_as_before(LEASE);
    leaky.is_as_before(LEASE);
    let files = files(here.path());
    assert!(
        !files.iter().any(|file| file.starts_with("app.js") && file.ends_with(".heapsnapshot")),
        "{files:?}"
    );
}

/// A small file system of its own, unmounted at the end.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(size: &str) -> Result<Self, String> {
        let folder = folder();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder.path());
        match mount.output() {
            Ok(output) if output.status.success() => Ok(Self { folder }),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills it but for some bytes.
    fn fill(&self, but: u64) {
        let stat = rustix::fs::statvfs(self.path()).unwrap();
        let mut rest = (stat.f_bavail * stat.f_frsize).saturating_sub(but);
        let mut file = fs::File::create(self.path().join("fill")).unwrap();
        let block = vec![0_u8; 1 << 20];
        while rest > 0 {
            let count = rest.min(block.len() as u64) as usize;
            file.write_all(&block[..count]).unwrap();
            rest -= count as u64;
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[test]
fn a_disk_that_is_too_small_is_refused_and_one_that_fills_up_is_told() {
    let disk = match SmallDisk::mount("400m") {
        Ok(disk) => disk,
        Err(why) => return skip("a full disk", format!("no tmpfs can be mounted here: {why}")),
    };
    let mut target = Node::start(&[ANY_PORT], BIG);
    let out = disk.path().display().to_string();
    for but in [5 << 20, 0] {
        let mut running =
            Running::start(&mut leakhound(disk.path(), &["hunt", &target.target(), "--out", &out]));
        mid_snapshot(&mut running, disk.path());
        disk.fill(but);
        running.wait().fails(6, &["the disk is full", "larger disk"]).hints();
        assert_no_whole_snapshot(disk.path());
        target.is_as_before(SOON);
        if but > 0 {
            fs::remove_file(disk.path().join("fill")).unwrap();
            for entry in fs::read_dir(disk.path()).unwrap().flatten() {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }
    let snapshot = disk.path().join("a.heapsnapshot").display().to_string();
    let arguments = ["capture", "heap", &target.target(), "--out", &snapshot];
    run(&mut leakhound(disk.path(), &arguments)).fails(5, &["0 B are free", "larger disk"]).hints();
    run(leakhound(disk.path(), &arguments).arg("--force")).fails(5, &["0 B are free", "larger disk"]).hints();
    target.is_as_before(Duration::ZERO);
}

/// Nothing that looks whole and is not.
fn assert_no_whole_snapshot(folder: &Path) {
    let files = files(folder);
    assert!(!files.iter().any(|file| file.ends_with(".heapsnapshot")), "{files:?}");
    let empty = files.iter().filter(|file| file.ends_with(".partial"));
    for file in empty {
        assert!(fs::metadata(folder.join(file)).unwrap().len() > 0, "{file} is empty");
    }
}

#[test]
fn two_leakhounds_at_one_target_do_not_harm_it() {
    let Some(_port) = port_9229() else { return skip("two hunts of one process", "9229 stays in use here") };
    let here = folder();
    let mut target = Node::start(&[], LEAKY);
    let mut first = Running::start(&mut leakhound(here.path(), &["hunt", &target.target(), "--for", "6s"]));
    mid_hunt(&mut first, here.path());
    let second = run(&mut leakhound(here.path(), &["hunt", &target.target(), "--for", "2s"]));
    let first = first.wait();
    for said in [&first, &second] {
        assert_eq!(said.code, 0, "{said:#?}");
    }
    target.is_as_before(LEASE);
}
