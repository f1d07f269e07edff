//! Attaching to real Node processes and letting go of them.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use leakhound_capture::{
    Cancel, CaptureError, Endpoint, ErrorKind, Resolved, Target, attach, list_node_processes, sampling,
};
use leakhound_inspector::protocol::Evaluate;
use support::{ANY_PORT, BUSY, IDLE, Node, brisk, free_port, nodes};

const SECOND: Duration = Duration::from_secs(1);
/// Longer than anything takes on a machine that runs all tests at once.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_idle_process_is_attached_to_and_left_as_it_was() {
    for node in nodes() {
        let process = Node::start(&node, &[ANY_PORT], IDLE);
        let mut globals = Vec::new();
        for _ in 0..2 {
            let mut attached = attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap();
            assert!(attached.opened_by_us());
            assert_eq!(attached.facts().pid, i64::from(process.pid));
            assert_eq!(Some(&attached.facts().version), process.read().version.as_ref());
            assert!(!attached.facts().spaces.is_empty());
            let memory = attached.memory().await.unwrap();
            assert!(memory.heap_used > 0 && memory.heap_limit > memory.heap_used && memory.rss > 0);
            attached.collect_garbage(&Cancel::new()).await.unwrap();
            let expression = "Object.getOwnPropertyNames(globalThis).join()";
            let names: String = attached.client().evaluate(Evaluate::value(expression), LONG).await.unwrap();
            globals.push(names);
            assert_eq!(process.ports().len(), 1);
            attached.close().await.unwrap();
            assert!(process.ports().is_empty());
        }
        assert_eq!(globals[0], globals[1]);
    }
}

#[tokio::test]
async fn a_busy_loop_is_attached_to_and_sampled() {
    for node in nodes() {
        let process = Node::start(&node, &[ANY_PORT], BUSY);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let cancel = Cancel::new();
        let mut attached = attach(&process.resolve(), &brisk(), &cancel).await.unwrap();
        sampling::start(&mut attached, sampling::SHORT_SESSION, &cancel).await.unwrap();
        let profile = sampling::take(&mut attached, &cancel).await.unwrap();
        assert!(profile.starts_with(b"{\"head\":"), "{}", String::from_utf8_lossy(&profile));
        sampling::stop(&mut attached, &cancel).await.unwrap();
        attached.close().await.unwrap();
        assert!(process.ports().is_empty());
    }
}

#[tokio::test]
async fn an_inspector_that_was_open_is_used_and_stays_open() {
    for node in nodes() {
        let process = Node::start(&node, &["--inspect=127.0.0.1:0"], IDLE);
        let ports = process.ports();
        let attached = attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap();
        assert!(!attached.opened_by_us());
        attached.close().await.unwrap();
        assert_eq!(process.ports(), ports);

        let endpoint = Resolved::Endpoint(Endpoint::new("localhost", ports[0]));
        let attached = attach(&endpoint, &brisk(), &Cancel::new()).await.unwrap();
        assert_eq!(attached.process().map(|process| process.pid), Some(process.pid));
        attached.close().await.unwrap();
        assert_eq!(process.ports(), ports);
    }
}

#[tokio::test]
async fn an_inspector_that_the_program_opened_on_its_own_port_is_found() {
    for node in nodes() {
        let script = "require('inspector').open(0, '127.0.0.1'); setInterval(() => {}, 1000);";
        let process = Node::start(&node, &[], script);
        let ports = process.ports();
        let mut options = brisk();
        options.patience = SECOND;
        // Whoever holds 9229 on this machine is none of our business.
        options.may_move_holder = false;
        match attach(&process.resolve(), &options, &Cancel::new()).await {
            Ok(attached) => {
                assert!(!attached.opened_by_us());
                attached.close().await.unwrap();
                assert_eq!(process.ports(), ports);
            }
            Err(CaptureError::PortTaken { port: 9229, .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_program_with_its_own_signal_listener_is_told_so_and_lives() {
    for node in nodes() {
        let script = "process.on('SIGUSR1', () => {}); setInterval(() => {}, 1000);";
        let mut process = Node::start(&node, &[ANY_PORT], script);
        let mut options = brisk();
        options.patience = SECOND;
        let error = attach(&process.resolve(), &options, &Cancel::new()).await.unwrap_err();
        assert!(matches!(error, CaptureError::NoInspector { .. }), "{error}");
        assert_eq!(error.kind().exit_code(), 4);
        assert!(error.hint().unwrap().contains("--inspect"));
        assert!(process.is_running() && process.ports().is_empty());
    }
}

#[tokio::test]
async fn a_process_that_blocks_the_signal_is_not_sent_it() {
    let mut tried = 0;
    for node in nodes() {
        let mut process = Node::start(&node, &[], IDLE);
        if process.major() < 22 {
            continue;
        }
        tried += 1;
        let permission = if process.major() < 24 { "--experimental-permission" } else { "--permission" };
        for flag in ["--disable-sigusr1", permission] {
            process = Node::start(&node, &[flag], IDLE);
            let error = attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap_err();
            assert!(error.to_string().contains(flag), "{error}");
            assert_eq!(error.kind(), ErrorKind::Target);
            assert!(process.is_running());
        }
    }
    let _ =
        writeln!(std::io::stderr(), "--disable-sigusr1 tried on {tried} of {} Node versions", nodes().len());
}

#[tokio::test]
async fn what_is_not_node_is_never_signalled() {
    let mut sleep = Command::new("sleep").arg("60").spawn().unwrap();
    let error = Target::Pid(i32::try_from(sleep.id()).unwrap()).resolve().unwrap_err();
    let running = sleep.try_wait().unwrap().is_none();
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    assert!(matches!(error, CaptureError::NotNode { .. }), "{error}");
    assert_eq!(error.kind().exit_code(), 4);
    assert!(running);
}

#[tokio::test]
async fn a_process_that_has_just_started_is_never_killed() {
    for node in nodes() {
        let mut refused = 0;
        for delay in [0, 2, 5, 10, 15, 20, 30, 40] {
            let mut process = Node::start_unready(&node, &[ANY_PORT], IDLE);
            tokio::time::sleep(Duration::from_millis(delay)).await;
            match Target::Pid(process.pid).resolve() {
                // Between fork and exec it is still this test.
                Err(CaptureError::NotNode { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
                Ok(target) => match attach(&target, &brisk(), &Cancel::new()).await {
                    Ok(attached) => attached.close().await.unwrap(),
                    Err(CaptureError::NoHandler { .. }) => refused += 1,
                    Err(error) => panic!("after {delay} ms: {error}"),
                },
            }
            assert!(process.is_running(), "killed after {delay} ms");
        }
        let _ = writeln!(std::io::stderr(), "{}: refused {refused} of 8", node.display());
    }
}

#[tokio::test]
async fn a_stopped_process_is_refused() {
    let node = &nodes()[0];
    let process = Node::start(node, &[ANY_PORT], IDLE);
    process.signal("-STOP");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap_err();
    process.signal("-CONT");
    assert!(matches!(error, CaptureError::NotRunning { state: "stopped", .. }), "{error}");
}

#[tokio::test]
async fn of_two_processes_on_one_port_the_right_one_is_attached_to() {
    for node in nodes() {
        let port = free_port();
        let holder = Node::start(&node, &[&format!("--inspect={port}")], IDLE);
        let flag = format!("--inspect-port={port}");
        for script in [IDLE, BUSY] {
            let process = Node::start(&node, &[&flag], script);
            tokio::time::sleep(Duration::from_millis(200)).await;
            let attached = attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap();
            assert_eq!(attached.facts().pid, i64::from(process.pid));
            assert!(attached.warnings().iter().any(|text| text.contains("listens again")));
            // The holder has its port back while the target is still worked with.
            assert_eq!(holder.ports(), [port]);
            assert_eq!(process.ports().len(), 1);
            attached.close().await.unwrap();
            assert!(process.ports().is_empty());
            assert_eq!(holder.ports(), [port]);
        }
    }
}

#[tokio::test]
async fn after_stepping_aside_both_open_their_usual_port_again() {
    for node in nodes() {
        let port = free_port();
        let holder = Node::start(&node, &[&format!("--inspect={port}")], IDLE);
        let process = Node::start(&node, &[&format!("--inspect-port={port}")], IDLE);
        let attached = attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap();
        attached.close().await.unwrap();
        drop(holder);
        process.signal("-USR1");
        for _ in 0..3000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !process.ports().is_empty() {
                break;
            }
        }
        assert_eq!(process.ports(), [port]);
    }
}

#[tokio::test]
async fn a_holder_that_somebody_debugs_is_left_alone() {
    let node = &nodes()[0];
    let port = free_port();
    let holder = Node::start(node, &[&format!("--inspect={port}")], IDLE);
    let debugger = attach(&holder.resolve(), &brisk(), &Cancel::new()).await.unwrap();
    let process = Node::start(node, &[&format!("--inspect-port={port}")], IDLE);
    let error = attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap_err();
    assert!(error.to_string().contains("a debugger is connected"), "{error}");
    assert_eq!(error.kind().exit_code(), 4);
    assert_eq!(holder.ports(), [port]);
    debugger.close().await.unwrap();
}

#[tokio::test]
async fn a_port_held_by_something_else_is_explained() {
    let node = &nodes()[0];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut process = Node::start(node, &[&format!("--inspect-port={port}")], IDLE);
    let error = attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&port.to_string()) && text.contains(&std::process::id().to_string()), "{text}");
    assert!(text.contains("not Node.js"), "{text}");
    assert!(error.hint().unwrap().contains("--inspect-port=0"));
    assert_eq!(error.kind().exit_code(), 4);
    assert!(process.is_running());
}

#[tokio::test]
async fn a_port_that_is_no_inspector_is_said_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"+OK ready\r\n");
        }
    });
    let target = Target::parse(&format!("127.0.0.1:{port}")).unwrap().resolve().unwrap();
    let error = attach(&target, &brisk(), &Cancel::new()).await.unwrap_err();
    assert!(error.to_string().contains("does not speak the inspector protocol"), "{error}");
    assert_eq!(error.kind().exit_code(), 3);

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Resolved::Endpoint(Endpoint::new("127.0.0.1", silent.local_addr().unwrap().port()));
    let mut options = brisk();
    options.patience = Duration::from_millis(300);
    let error = attach(&target, &options, &Cancel::new()).await.unwrap_err();
    assert!(error.to_string().contains("does not speak the inspector protocol"), "{error}");
}

#[tokio::test]
async fn cancelling_leaves_nothing_open() {
    let node = &nodes()[0];
    for delay in [0, 5, 20, 40, 80] {
        let mut process = Node::start(node, &[ANY_PORT], IDLE);
        let cancel = Cancel::new();
        let later = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            later.cancel();
        });
        match attach(&process.resolve(), &brisk(), &cancel).await {
            Err(error) => assert_eq!(error.kind().exit_code(), 130, "{error}"),
            Ok(attached) => attached.close().await.unwrap(),
        }
        assert!(process.is_running() && process.ports().is_empty(), "after {delay} ms");
    }
}

#[tokio::test]
async fn an_inspector_that_somebody_else_uses_too_is_left_to_the_lease() {
    let node = &nodes()[0];
    let process = Node::start(node, &[ANY_PORT], IDLE);
    let mut options = brisk();
    options.lease = Duration::from_millis(300);
    let attached = attach(&process.resolve(), &options, &Cancel::new()).await.unwrap();
    let other = Resolved::Endpoint(attached.endpoint().clone());
    let other = attach(&other, &options, &Cancel::new()).await.unwrap();
    let error = attached.close().await.unwrap_err();
    assert!(matches!(error, CaptureError::StillOpen { .. }), "{error}");
    tokio::time::sleep(SECOND).await;
    assert_eq!(process.ports().len(), 1, "closed under a client");
    other.close().await.unwrap();
    assert!(process.closes_within(LONG));
}

#[tokio::test]
async fn processes_are_listed_and_found_by_name() {
    let node = &nodes()[0];
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("leakhound-name-test.js");
    std::fs::write(&script, "setInterval(() => {}, 1000)").unwrap();
    let start = || Command::new(node).arg("--no-warnings").arg(&script).stdin(Stdio::null()).spawn().unwrap();
    let mut first = start();
    // Until exec it is still called like us.
    is_executing(first.id(), "leakhound-name-test").await;
    let listed = list_node_processes().unwrap();
    let found = Target::parse("leakhound-name-test").unwrap().resolve();
    let mut second = start();
    is_executing(second.id(), "leakhound-name-test").await;
    let ambiguous = Target::parse("leakhound-name-test.js").unwrap().resolve();
    let nobody = Target::parse("leakhound-no-such-name").unwrap().resolve();
    for child in [&mut first, &mut second] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(listed.iter().any(|process| process.pid.unsigned_abs() == first.id()));
    match found.unwrap() {
        Resolved::Process(process) => assert_eq!(process.name, "leakhound-name-test.js"),
        other => panic!("{other:?}"),
    }
    let ambiguous = ambiguous.unwrap_err();
    assert_eq!(ambiguous.kind().exit_code(), 2);
    assert!(ambiguous.to_string().contains(&second.id().to_string()), "{ambiguous}");
    let nobody = nobody.unwrap_err();
    assert_eq!(nobody.kind().exit_code(), 4);
}

/// Waits until a child has become what it was started as.
async fn is_executing(pid: u32, script: &str) {
    let deadline = Instant::now() + LONG;
    let command = || std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    while !command().contains(script) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // And until V8 is up: the mapped binary says so earlier than the process behaves so.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// Not a test: the process that the next one kills. It is this very test binary, run once more.
#[tokio::test]
#[ignore = "a helper process of another test"]
async fn controller() {
    let Ok(pid) = std::env::var("LEAKHOUND_TEST_PID") else { return };
    let mut options = brisk();
    options.lease = Duration::from_millis(500);
    let target = Target::parse(&pid).unwrap().resolve().unwrap();
    let _attached = attach(&target, &options, &Cancel::new()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn when_leakhound_is_killed_the_inspector_closes_by_itself() {
    for node in nodes() {
        let ticking = "let n = 0; setInterval(() => { process.title = 'tick' + n++ }, 50);";
        let process = Node::start(&node, &[ANY_PORT], ticking);
        let mut controller = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "controller"])
            .env("LEAKHOUND_TEST_PID", process.pid.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..2400 {
            tokio::time::sleep(Duration::from_millis(25)).await;
            if !process.ports().is_empty() {
                break;
            }
        }
        assert_eq!(process.ports().len(), 1);
        // Several leases long: a living client keeps it open.
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(process.ports().len(), 1, "closed under a living client");
        // Stopped is not dead: closing now would hang the target until the client goes on.
        let stop = Command::new("kill").args(["-STOP", &controller.id().to_string()]).status().unwrap();
        assert!(stop.success());
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(process.ports().len(), 1, "closed under a stopped client");
        let title = || std::fs::read_to_string(format!("/proc/{}/cmdline", process.pid)).unwrap();
        let before = title();
        assert!(changes(&before, &title).await, "the target hangs");
        controller.kill().unwrap();
        controller.wait().unwrap();
        assert!(process.closes_within(LONG), "{}: still open", node.display());
        let before = title();
        assert!(changes(&before, &title).await, "the target hangs after closing");
    }
}

/// Waits until something is no longer what it was.
async fn changes(before: &str, now: impl Fn() -> String) -> bool {
    let deadline = Instant::now() + LONG;
    while now() == before && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    now() != before
}

#[tokio::test]
async fn the_lease_does_not_keep_a_process_alive() {
    for node in nodes() {
        let mut process = Node::start(&node, &[ANY_PORT], "setTimeout(() => {}, 8000);");
        let attached = attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap();
        // A connected debugger makes Node wait at its end, on every version; let go without closing.
        drop(attached);
        let deadline = Instant::now() + LONG;
        while process.is_running() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(!process.is_running());
    }
}

#[test]
fn futures_can_move_between_threads() {
    fn send<T: Send>(future: T) {
        drop(future);
    }
    let (options, cancel) = (brisk(), Cancel::new());
    let target = Resolved::Endpoint(Endpoint::new("127.0.0.1", 1));
    send(attach(&target, &options, &cancel));
    send(async {
        let mut attached = attach(&target, &options, &cancel).await?;
        sampling::start(&mut attached, sampling::ALWAYS_ON, &cancel).await?;
        let path = std::path::Path::new("x");
        leakhound_capture::capture_heap_snapshot(&mut attached, path, None, &cancel, |_| {}).await?;
        attached.close().await
    });
}
