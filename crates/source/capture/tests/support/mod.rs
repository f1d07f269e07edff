//! Real Node processes for the tests of this crate.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use leakhound_capture::{AttachOptions, NodeProcess, Resolved, Target};

/// The Node binaries to test with: `LEAKHOUND_TEST_NODES` (separated by colons), else `node` from the path.
pub fn nodes() -> Vec<PathBuf> {
    let nodes: Vec<PathBuf> = match std::env::var_os("LEAKHOUND_TEST_NODES") {
        Some(list) => std::env::split_paths(&list).collect(),
        None => vec![PathBuf::from("node")],
    };
    for node in &nodes {
        let found = Command::new(node).arg("--version").output().is_ok_and(|output| output.status.success());
        assert!(found, "these tests need a Node.js: {} cannot be run", node.display());
    }
    nodes
}

/// A Node process that is killed at the end of its test.
pub struct Node {
    pub child: Child,
    pub pid: i32,
}

impl Node {
    /// Starts a script and waits until it has printed a line.
    pub fn start(node: &PathBuf, flags: &[&str], script: &str) -> Self {
        let script = format!("{script}\nconsole.log('ready');");
        let mut started = Self::start_unready(node, flags, &script);
        let mut line = String::new();
        BufReader::new(started.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{} {flags:?}", node.display());
        started
    }

    /// Starts a script and waits for nothing.
    pub fn start_unready(node: &PathBuf, flags: &[&str], script: &str) -> Self {
        let child = Command::new(node)
            .args(flags)
            .args(["-e", script])
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        Self { child, pid }
    }

    pub fn resolve(&self) -> Resolved {
        Target::Pid(self.pid).resolve().unwrap()
    }

    pub fn major(&self) -> u32 {
        self.read().major().unwrap()
    }

    pub fn read(&self) -> NodeProcess {
        NodeProcess::read(self.pid).unwrap()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The ports on which this process listens now.
    pub fn ports(&self) -> Vec<u16> {
        self.read().listeners.unwrap().into_iter().map(|listener| listener.address.port()).collect()
    }

    /// Waits until the process listens on nothing.
    pub fn closes_within(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if self.ports().is_empty() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.pid.to_string()]).status().unwrap().success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago. Not 9229: other programs on the machine may want that one.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Options with more patience than a small machine needs that runs all tests at once.
pub fn brisk() -> AttachOptions {
    let mut options = AttachOptions::default();
    options.patience = Duration::from_secs(60);
    options
}

pub const IDLE: &str = "setInterval(() => {}, 1000);";
pub const BUSY: &str = "setTimeout(() => { for (;;); }, 50);";
/// A port of its own for each: these tests run beside each other.
pub const ANY_PORT: &str = "--inspect-port=0";
