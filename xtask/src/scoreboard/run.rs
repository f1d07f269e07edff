//! One program under leakhound: its snapshots analysed, or its process hunted.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use procfs::net::TcpState;
use procfs::process::{FDTarget, Process};

use super::answer::Answer;
use super::program::Program;
use super::truth::Truth;
use crate::cache;
use crate::packages::fingerprint;

/// How long a hunt watches: long enough for a leak to show, short enough for a whole corpus.
const HUNT_FOR: &str = "8s";
/// What a program or leakhound may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// How leakhound gets to see a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Mode {
    /// `leakhound analyze` over the three snapshots that the program takes of itself.
    Offline,
    /// `leakhound hunt` of the running process.
    Live,
}

impl Mode {
    /// In the order of the columns.
    pub(crate) const ALL: [Self; 2] = [Self::Offline, Self::Live];

    /// The mode on the command line and in the recorded file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Live => "live",
        }
    }
}

/// What every run needs.
pub(crate) struct Setting {
    /// The binary under test.
    pub(crate) leakhound: PathBuf,
    /// `tests/leaks`.
    pub(crate) corpus: PathBuf,
    /// `NODE_PATH` of the programs that need packages.
    pub(crate) packages: Option<PathBuf>,
    /// Whether snapshots and answers stay in the cache for the next run.
    pub(crate) keep: bool,
}

/// What one run brought.
pub(crate) struct Ran {
    pub(crate) truth: Truth,
    pub(crate) answer: Answer,
    /// What leakhound did wrong beside its answer.
    pub(crate) faults: Vec<String>,
}

/// Runs `program` on `node`, a binary of the release `version`.
///
/// # Errors
/// The program cannot be run, or leakhound gives no answer.
pub(crate) fn run(
    program: &Program,
    node: &Path,
    version: &str,
    mode: Mode,
    setting: &Setting,
) -> anyhow::Result<Ran> {
    let place = format!("{}-{version}-{}", program.name.replace('/', "-"), content_of(program, setting)?);
    let place = cache::root()?.join("scoreboard").join(mode.name()).join(place);
    let ran = match mode {
        Mode::Offline => offline(program, node, &place, setting),
        Mode::Live => live(program, node, &place, setting),
    };
    if !setting.keep && place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("remove {}", place.display()))?;
    }
    ran
}

/// A name for the content of all files that decide what the program does.
fn content_of(program: &Program, setting: &Setting) -> anyhow::Result<String> {
    let mut files = vec![program.file.clone(), setting.corpus.join("harness.js")];
    files.extend(
        ["http-client.js", "package-lock.json"].map(|name| setting.corpus.join("packages").join(name)),
    );
    let parts = setting.corpus.join("leaking").join("parts");
    for part in fs::read_dir(&parts).with_context(|| format!("read {}", parts.display()))? {
        files.push(part?.path());
    }
    files.sort();
    let mut content = Vec::new();
    for file in files {
        content.extend(fs::read(&file).with_context(|| format!("read {}", file.display()))?);
    }
    Ok(format!("{:016x}", fingerprint(&content)))
}

fn offline(program: &Program, node: &Path, place: &Path, setting: &Setting) -> anyhow::Result<Ran> {
    cache::install(place, |folder| {
        let mut command = node_with(node, setting);
        command.arg(&program.file).arg("--out").arg(folder).stdin(Stdio::null());
        let mut child = spawn(&mut command, folder, "program")?;
        match ended_within(&mut child, PATIENCE)? {
            Some(0) => Ok(()),
            ended => bail!("the program ended with {ended:?}: {}", said(folder, "program")),
        }
    })?;
    let truth = read_truth(&place.join("truth.json"))?;
    let prefix = truth.isolate.as_ref().map(|isolate| format!("{isolate}-")).unwrap_or_default();
    let snapshots =
        ["baseline", "target", "final"].map(|phase| place.join(format!("{prefix}{phase}.heapsnapshot")));

    let elsewhere = place.join("leakhound");
    fs::create_dir_all(&elsewhere).with_context(|| format!("create {}", elsewhere.display()))?;
    let mut command = Command::new(&setting.leakhound);
    command.arg("analyze").args(snapshots).arg("--json");
    let (answer, faults) = ask(&mut command, &elsewhere)?;
    Ok(Ran { truth, answer, faults })
}

fn live(program: &Program, node: &Path, place: &Path, setting: &Setting) -> anyhow::Result<Ran> {
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("remove {}", place.display()))?;
    }
    fs::create_dir_all(place).with_context(|| format!("create {}", place.display()))?;
    let truth_file = place.join("truth.json");

    let mut command = node_with(node, setting);
    // Hunts at the same time must not meet at one inspector port.
    command.arg("--inspect-port=0");
    if program.name.starts_with("given/") {
        command.arg(setting.corpus.join("live.js")).arg(&program.file);
    } else {
        command.arg(&program.file).arg("--serve");
    }
    command.args(program.live_options()).arg("--truth").arg(&truth_file).stdin(Stdio::piped());
    let mut target = Target(spawn(&mut command, place, "program")?);
    let pid = target.ready(place)?;
    let before = listeners(pid)?;

    let mut command = Command::new(&setting.leakhound);
    command.arg("hunt").arg(pid.to_string()).args(["--for", HUNT_FOR, "--json", "--out"]);
    command.arg(place.join("evidence"));
    let asked = ask(&mut command, place);
    if target.0.try_wait()?.is_some() {
        bail!("the target did not survive: {}", said(place, "program"));
    }
    let (answer, mut faults) = asked?;
    if let Some(open) = listeners(pid)?.difference(&before).next() {
        faults.push(format!("the target still listens on {open}"));
    }
    drop(target.0.stdin.take());
    if ended_within(&mut target.0, Duration::from_secs(20))?.is_none() {
        faults.push("the target did not end with its standard input".into());
    }
    Ok(Ran { truth: read_truth(&truth_file)?, answer, faults })
}

/// Runs leakhound in `folder`; an unsuccessful end is a fault as long as there is an answer.
fn ask(command: &mut Command, folder: &Path) -> anyhow::Result<(Answer, Vec<String>)> {
    let mut child = spawn(command.stdin(Stdio::null()), folder, "answer")?;
    let ended = ended_within(&mut child, PATIENCE)?;
    let file = folder.join("answer.out");
    let json = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    let answer = serde_json::from_slice(&json)
        .with_context(|| format!("leakhound ended with {ended:?}: {}", said(folder, "answer")))?;
    let faults = match ended {
        Some(0) => Vec::new(),
        ended => vec![format!("leakhound ended with {ended:?}: {}", said(folder, "answer"))],
    };
    Ok((answer, faults))
}

fn node_with(node: &Path, setting: &Setting) -> Command {
    let mut command = Command::new(node);
    if let Some(packages) = &setting.packages {
        command.env("NODE_PATH", packages);
    }
    command
}

/// Starts a command in `folder`, its output in `NAME.out` and `NAME.err` there.
fn spawn(command: &mut Command, folder: &Path, name: &str) -> anyhow::Result<Child> {
    let file = |kind: &str| {
        let path = folder.join(format!("{name}.{kind}"));
        File::create(&path).with_context(|| format!("create {}", path.display()))
    };
    command.current_dir(folder).stdout(file("out")?).stderr(file("err")?);
    command.spawn().with_context(|| format!("start {}", command.get_program().to_string_lossy()))
}

/// The last line that a command of [`spawn`] wrote to its standard error.
fn said(folder: &Path, name: &str) -> String {
    let text = fs::read_to_string(folder.join(format!("{name}.err"))).unwrap_or_default();
    text.trim().lines().next_back().unwrap_or("nothing was said").to_owned()
}

fn read_truth(file: &Path) -> anyhow::Result<Truth> {
    let json = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let truth: Truth = serde_json::from_slice(&json).with_context(|| format!("read {}", file.display()))?;
    if truth.leaks() != truth.culprit.is_some() {
        bail!("{} expects {} but does not say what leaks", file.display(), truth.expect);
    }
    Ok(truth)
}

/// The exit code, `None` after a signal or when the process had to be killed.
fn ended_within(child: &mut Child, time: Duration) -> anyhow::Result<Option<i32>> {
    let began = Instant::now();
    while began.elapsed() < time {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// A program in its live mode; it does not outlive this value.
struct Target(Child);

impl Target {
    /// Waits until the program says that it is warm; returns its process id.
    fn ready(&mut self, folder: &Path) -> anyhow::Result<i32> {
        let pid = i32::try_from(self.0.id()).context("a process id out of range")?;
        let line = format!("ready {pid}");
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if fs::read_to_string(folder.join("program.out"))?.lines().any(|said| said == line) {
                return Ok(pid);
            }
            if let Some(status) = self.0.try_wait()? {
                bail!("the program ended with {status}: {}", said(folder, "program"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the program never got ready")
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.0.kill(); // has usually ended
        let _ = self.0.wait();
    }
}

/// The addresses on which a process listens.
fn listeners(pid: i32) -> anyhow::Result<BTreeSet<SocketAddr>> {
    let process = Process::new(pid).with_context(|| format!("read process {pid}"))?;
    let mut sockets = BTreeSet::new();
    for fd in process.fd().with_context(|| format!("read the open files of {pid}"))? {
        // A file that was closed meanwhile is none of ours.
        if let Ok(FDTarget::Socket(inode)) = fd.map(|fd| fd.target) {
            sockets.insert(inode);
        }
    }
    let open = process.tcp()?.into_iter().chain(process.tcp6().unwrap_or_default());
    Ok(open
        .filter(|entry| entry.state == TcpState::Listen && sockets.contains(&entry.inode))
        .map(|entry| entry.local_address)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_listener_is_seen_until_it_is_closed() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(listeners(pid).unwrap().contains(&address));
        drop(listener);
        assert!(!listeners(pid).unwrap().contains(&address));
    }
}
