//! The built binary, real Node processes, and what a machine may lack.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for anything at all.
pub const PATIENCE: Duration = Duration::from_secs(400);

/// The program under test.
pub fn binary() -> PathBuf {
    match std::env::var_os("LEAKHOUND_TEST_BIN") {
        Some(release) => release.into(),
        None => env!("CARGO_BIN_EXE_leakhound").into(),
    }
}

/// Whether the program under test has a release build's speed.
pub fn is_fast() -> bool {
    std::env::var_os("LEAKHOUND_TEST_BIN").is_some()
}

/// The Node binaries to test with: `LEAKHOUND_TEST_NODES` (separated by colons), else `node` from the path.
pub fn nodes() -> Vec<PathBuf> {
    match std::env::var_os("LEAKHOUND_TEST_NODES") {
        Some(list) => std::env::split_paths(&list).collect(),
        None => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let found =
                std::env::split_paths(&path).map(|folder| folder.join("node")).find(|node| node.is_file());
            vec![found.expect("these tests need a Node.js on PATH, or LEAKHOUND_TEST_NODES")]
        }
    }
}

/// The Node of the tests that need only one.
pub fn node() -> PathBuf {
    nodes().into_iter().next().expect("LEAKHOUND_TEST_NODES names no Node.js")
}

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Says what could not be tested here, and counts it. Only for what no CI could install (root, cgroups).
pub fn skip(what: &str, why: impl std::fmt::Display) {
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    eprintln!("skipped ({count}): {what}: {why}");
}

/// Only one test at a time may care about Node's own inspector port; `None` when somebody else keeps it.
pub fn port_9229() -> Option<File> {
    let file = File::create(std::env::temp_dir().join("leakhound-test-9229.lock")).unwrap();
    file.lock().unwrap();
    let is_free = || std::net::TcpListener::bind("127.0.0.1:9229").is_ok();
    eventually(Duration::from_secs(60), is_free).then_some(file)
}

/// A folder of a test's own.
pub fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("leakhound-test-").tempdir().unwrap()
}

/// `leakhound` with arguments, in a folder, `node` being the one to test with.
pub fn leakhound(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder).env("PATH", path_with(&node()));
    for variable in ["NODE_OPTIONS", "NO_COLOR", "CLICOLOR_FORCE", "LEAKHOUND_LOG"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// The search path with a Node's folder in front.
pub fn path_with(node: &Path) -> std::ffi::OsString {
    let own = node.parent().map(Path::to_path_buf);
    let rest = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(own.into_iter().chain(std::env::split_paths(&rest))).unwrap()
}

/// What a finished program said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// Its standard output as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self:?}"))
    }

    /// An error as it has to look: one `error:` line, a hint behind it, no answer, no panic.
    pub fn fails(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.stderr.contains("error: failed to "), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} in {self:#?}");
        }
        self
    }

    pub fn hints(&self) -> &Self {
        assert!(self.stderr.contains("\nhint:  "), "{self:#?}");
        self
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Said {
    Running::start(command).wait()
}

/// A program under way; killed at the end of its test.
pub struct Running {
    pub child: Child,
    out: Option<std::thread::JoinHandle<String>>,
    err: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out: ChildStdout = child.stdout.take().unwrap();
        let err: ChildStderr = child.stderr.take().unwrap();
        Self { child, out: Some(reader(out)), err: Some(reader(err)) }
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits until something holds while it runs.
    pub fn until(&mut self, what: &str, mut holds: impl FnMut() -> bool) {
        let mut ended = false;
        let held = eventually(PATIENCE, || {
            ended = self.child.try_wait().unwrap().is_some();
            ended || holds()
        });
        if ended || !held {
            let _ = self.child.kill();
            let text = self.err.take().map(|err| err.join().unwrap());
            panic!("there is not {what}: {}", text.unwrap_or_default());
        }
    }

    pub fn wait(mut self) -> Said {
        let status = ended(&mut self.child);
        let text =
            |handle: &mut Option<std::thread::JoinHandle<String>>| handle.take().unwrap().join().unwrap();
        let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap();
        Said { code, stdout: text(&mut self.out), stderr: text(&mut self.err) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn reader(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for a child, but not for ever.
pub fn ended(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it still runs after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn signal(pid: i32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

/// The same test for several things, two beside each other: most of the time of these tests is waiting,
/// but a small machine that starts everything at once starts nothing in time.
pub fn beside<T: Send>(things: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    let things = std::sync::Mutex::new(things.into_iter().collect::<Vec<T>>().into_iter());
    std::thread::scope(|scope| {
        let (test, things) = (&test, &things);
        let next = move || things.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
        let running: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(move || {
                    while let Some(thing) = next() {
                        test(thing);
                    }
                })
            })
            .collect();
        let failed = running.into_iter().filter_map(|test| test.join().err()).next();
        if let Some(panic) = failed {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Waits until something holds; says whether it did.
pub fn eventually(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    holds()
}

/// A Node process that is killed at the end of its test.
pub struct Node {
    pub child: Child,
    pub pid: i32,
    folder: tempfile::TempDir,
}

impl Node {
    /// Starts a script, under the name `app.js`, and waits until it has said `ready`.
    pub fn start(flags: &[&str], script: &str) -> Self {
        Self::named("app.js", flags, script)
    }

    pub fn named(name: &str, flags: &[&str], script: &str) -> Self {
        let node = node();
        Self::of(name, Command::new(node).args(flags), script)
    }

    /// With a command that has no script yet.
    pub fn of(name: &str, command: &mut Command, script: &str) -> Self {
        let folder = folder();
        let path = folder.path().join(name);
        std::fs::write(&path, format!("{script}\nconsole.log('ready');")).unwrap();
        let mut child = command
            .arg(&path)
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let pid = i32::try_from(child.id()).unwrap();
        Self { child, pid, folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn target(&self) -> String {
        self.pid.to_string()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The TCP ports on which it listens now.
    pub fn ports(&self) -> Vec<u16> {
        listening(self.pid)
    }

    /// It lives, and its inspector is closed, now or soon.
    pub fn is_as_before(&mut self, patience: Duration) {
        assert!(
            eventually(patience, || self.ports().is_empty()),
            "its inspector is open: {:?}",
            self.ports()
        );
        assert!(self.is_running(), "the target has ended");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports on which a process listens, by its descriptors and the kernel's table.
pub fn listening(pid: i32) -> Vec<u16> {
    let mut sockets = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
        if let Ok(link) = std::fs::read_link(entry.path()) {
            let link = link.to_string_lossy().into_owned();
            sockets.extend(
                link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')).map(str::to_owned),
            );
        }
    }
    let mut ports = Vec::new();
    for table in ["tcp", "tcp6"] {
        let text = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let row: Vec<&str> = line.split_whitespace().collect();
            if row[3] == "0A" && sockets.iter().any(|socket| socket == row[9]) {
                let port = row[1].rsplit(':').next().unwrap();
                ports.push(u16::from_str_radix(port, 16).unwrap());
            }
        }
    }
    ports
}

/// Command lines of all processes that mention a text.
pub fn processes_with(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(text) && entry.file_name().to_string_lossy() != std::process::id().to_string() {
            found.push(format!("{} {line}", entry.file_name().to_string_lossy()));
        }
    }
    found
}

/// A value of `/proc/PID/status` in bytes.
pub fn status_bytes(pid: i32, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Files below a folder, by name.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                names.push(entry.path().strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    names.sort();
    names
}

/// Waits until a snapshot is being taken below the folder, and then a little.
pub fn mid_snapshot(running: &mut Running, folder: &Path) {
    running.until("a snapshot under way", || files(folder).iter().any(|name| name.ends_with(".partial")));
    std::thread::sleep(Duration::from_millis(700));
}

/// Waits until the first snapshot of a hunt below the folder is complete, and then a little: it watches.
pub fn mid_hunt(running: &mut Running, folder: &Path) {
    let begun = || files(folder).iter().any(|name| name.ends_with("baseline.heapsnapshot"));
    running.until("a hunt under way", begun);
    std::thread::sleep(Duration::from_millis(1200));
}

pub const IDLE: &str = "setInterval(() => {}, 1000);";
/// A port of its own for each inspector: these tests run beside each other.
pub const ANY_PORT: &str = "--inspect-port=0";
/// A heap of 700,000 small objects, about 32 MB, whose snapshot takes seconds; in short arrays, whose slots
/// cost V8 next to nothing.
pub const BIG: &str = "const keep = []; let part;
  for (let i = 0; i < 7e5; i++) { if (i % 1000 === 0) keep.push(part = []); part.push({ i }); }
  globalThis.keep = keep; setInterval(() => {}, 1000);";
/// Leaks all by itself, in a Map.
pub const LEAKY: &str =
    "class Session { constructor(id) { this.id = id; this.data = { id, text: 'session-' + id }; } }
const sessions = new Map();
let next = 0;
function login() {
  const session = new Session(next++);
  sessions.set(session.id, session);
}
setInterval(() => { for (let i = 0; i < 200; i++) login(); }, 20);";
/// The lines of [`LEAKY`].
pub const LEAKY_HOLDER: u64 = 2;
pub const LEAKY_INSERT: u64 = 6;
