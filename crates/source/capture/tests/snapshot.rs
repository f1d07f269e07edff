//! Heap snapshots of real Node processes, and everything that can happen in their middle.

#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use leakhound_capture::{
    Attached, Cancel, CaptureError, SnapshotProgress, attach, capture_heap_snapshot, estimate,
};
use support::{ANY_PORT, BUSY, IDLE, Node, brisk, nodes};

/// About half a million nodes: seconds in the making.
const HEAP: &str =
    "globalThis.kept = Array.from({ length: 150000 }, (_, n) => ({ n, inner: { text: 'x' + n } }));
  setInterval(() => {}, 1000);";

async fn attached(process: &Node) -> Attached {
    attach(&process.resolve(), &brisk(), &Cancel::new()).await.unwrap()
}

fn partial(path: &Path) -> std::path::PathBuf {
    path.with_file_name(format!("{}.partial", path.file_name().unwrap().to_string_lossy()))
}

#[tokio::test]
async fn a_snapshot_is_complete_private_and_never_overwrites() {
    for node in nodes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("é one.heapsnapshot");
        let script = "globalThis.odd = ['\\ud800 lone', 'emoji 😀', 'quote \" back \\\\ line \\n'];";
        let process = Node::start(&node, &[ANY_PORT], &format!("{script}{IDLE}"));
        let mut attached = attached(&process).await;
        let expected = estimate(attached.facts());
        let mut seen = 0;
        let cancel = Cancel::new();
        let outcome = capture_heap_snapshot(&mut attached, &path, Some(&expected), &cancel, |_| seen += 1)
            .await
            .unwrap();
        assert!(seen > 0);
        let again = capture_heap_snapshot(&mut attached, &path, None, &cancel, |_| {}).await.unwrap_err();
        assert!(matches!(again, CaptureError::Exists { .. }), "{again}");
        attached.close().await.unwrap();
        assert!(process.ports().is_empty());

        let metadata = path.metadata().unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o600, outcome.bytes));
        assert!(!partial(&path).exists());
        let json: serde_json::Value = serde_json::from_slice(&lossy(&path)).unwrap();
        let length = |key: &str| json[key].as_array().unwrap().len() as u64;
        let fields = |key: &str| json["snapshot"]["meta"][key].as_array().unwrap().len() as u64;
        assert_eq!(length("nodes"), outcome.nodes * fields("node_fields"));
        assert_eq!(length("edges"), outcome.edges * fields("edge_fields"));
        assert!(outcome.nodes > 20_000 && outcome.extra_memory.is_some());
        assert!(outcome.nodes < expected.nodes.high * 3 / 2, "{} {:?}", outcome.nodes, expected.nodes);
    }
}

/// serde refuses escaped lone surrogates, which V8 writes and which are right.
fn lossy(path: &Path) -> Vec<u8> {
    let text = std::fs::read_to_string(path).unwrap();
    text.replace("\\ud800", "\\u0041").replace("\\uD800", "\\u0041").into_bytes()
}

#[tokio::test]
async fn a_target_killed_in_the_middle_leaves_a_partial_file_and_a_clear_error() {
    for node in nodes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.heapsnapshot");
        let process = Node::start(&node, &[ANY_PORT], HEAP);
        let pid = process.pid;
        let mut attached = attached(&process).await;
        let mut killed = false;
        let cancel = Cancel::new();
        let outcome = capture_heap_snapshot(&mut attached, &path, None, &cancel, |progress| {
            // Once something has arrived: an empty partial file would not be kept.
            if !killed && matches!(progress, SnapshotProgress::Writing { bytes } if bytes > 0) {
                killed = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success();
            }
        });
        let error = outcome.await.unwrap_err();
        assert!(matches!(error, CaptureError::TargetDied { .. }), "{error}");
        assert_eq!(error.kind().exit_code(), 4);
        assert!(partial(&path).exists() && !path.exists());
        assert!(partial(&path).metadata().unwrap().len() > 0);
        attached.close().await.unwrap();
    }
}

#[tokio::test]
async fn cancelling_in_the_middle_still_closes_the_inspector() {
    for node in nodes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.heapsnapshot");
        let mut process = Node::start(&node, &[ANY_PORT], HEAP);
        let mut attached = attached(&process).await;
        let cancel = Cancel::new();
        let error = capture_heap_snapshot(&mut attached, &path, None, &cancel, |_| cancel.cancel())
            .await
            .unwrap_err();
        assert_eq!(error.kind().exit_code(), 130, "{error}");
        assert!(!path.exists(), "half a file must not look whole");
        assert!(!partial(&path).exists() || partial(&path).metadata().unwrap().len() > 0);
        match attached.close().await {
            Ok(()) => assert!(process.ports().is_empty()),
            // The target is still building; it closes when it is done.
            Err(CaptureError::StillOpen { .. }) => {
                assert!(process.closes_within(Duration::from_secs(240)), "{}", node.display());
            }
            Err(error) => panic!("{error}"),
        }
        assert!(process.is_running());
    }
}

#[tokio::test]
async fn a_pause_longer_than_the_lease_does_not_end_the_session() {
    for node in nodes() {
        let dir = tempfile::tempdir().unwrap();
        let process = Node::start(&node, &[ANY_PORT], HEAP);
        let mut options = brisk();
        options.lease = Duration::from_millis(50);
        let mut attached = attach(&process.resolve(), &options, &Cancel::new()).await.unwrap();
        let cancel = Cancel::new();
        let mut writing = 0;
        let path = dir.path().join("x.heapsnapshot");
        let outcome = capture_heap_snapshot(&mut attached, &path, None, &cancel, |progress| {
            writing += u32::from(matches!(progress, SnapshotProgress::Writing { .. }));
        });
        let outcome = outcome.await.unwrap();
        assert!(outcome.pause > Duration::from_millis(200) && writing > 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        attached.memory().await.unwrap();
        attached.close().await.unwrap();
        assert!(process.ports().is_empty());
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_inspector_closed() {
    let node = &nodes()[0];
    let dir = tempfile::tempdir().unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "none"]).arg(dir.path()).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "mounting a small file system needs root");
        return;
    }
    let path = dir.path().join("x.heapsnapshot");
    let process = Node::start(node, &[ANY_PORT], HEAP);
    let mut attached = attached(&process).await;
    let cancel = Cancel::new();
    let expected = estimate(attached.facts());
    let refused = capture_heap_snapshot(&mut attached, &path, Some(&expected), &cancel, |_| {}).await;
    let full = capture_heap_snapshot(&mut attached, &path, None, &cancel, |_| {}).await;
    let closed = attached.close().await;
    let (kept, named) = (partial(&path).metadata().map(|metadata| metadata.len()), path.exists());
    let unmounted = Command::new("umount").arg(dir.path()).status().unwrap().success();
    assert!(matches!(refused, Err(CaptureError::NoSpace { .. })), "{refused:?}");
    match full.unwrap_err() {
        CaptureError::DiskFull { written, .. } => assert_eq!(written, kept.unwrap()),
        error => panic!("{error}"),
    }
    assert!(!named && unmounted);
    match closed {
        Ok(()) => {}
        Err(CaptureError::StillOpen { .. }) => assert!(process.closes_within(Duration::from_secs(120))),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_snapshot_of_a_busy_loop_is_taken_or_can_be_cancelled() {
    for node in nodes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.heapsnapshot");
        let mut process = Node::start(&node, &[ANY_PORT], BUSY);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut attached = attached(&process).await;
        let cancel = Cancel::new();
        // Node 18 and 20 serve it by interrupting the loop; later ones wait until the loop ends, for ever.
        let outcome = capture_heap_snapshot(&mut attached, &path, None, &cancel, |progress| {
            if let SnapshotProgress::Waiting { silent } = progress
                && silent > Duration::from_secs(3)
            {
                cancel.cancel();
            }
        })
        .await;
        let closed = attached.close().await;
        let major = process.major();
        match outcome {
            Ok(_) => {}
            Err(CaptureError::Cancelled { .. }) => assert!(major >= 22, "{major}"),
            Err(error) => panic!("{error}"),
        }
        assert!(process.is_running());
        println!("{major}: closed {closed:?}, ports {:?}", process.ports());
        closed.unwrap();
    }
}
