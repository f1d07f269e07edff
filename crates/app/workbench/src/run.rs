//! Starting a program with capture armed, or hunting it from its start.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use leakhound_capture::{Cancel, NodeProcess, SignalState};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::event::{Event, Listener};
use crate::hunt::{HuntOptions, hunt};
use crate::view::VerdictView;
use crate::{WorkbenchError, evidence};

/// How long a program may take until Node can be attached to.
const START: Duration = Duration::from_secs(30);
/// How long a program may take to end when asked.
const STOP: Duration = Duration::from_secs(10);

/// How to start a program.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Folder for dumps and evidence; the working directory by default.
    pub out: Option<PathBuf>,
}

/// What a program that ran armed left behind.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// Heap snapshots and reports that Node wrote near its end.
    pub files: Vec<PathBuf>,
}

/// Runs a program to its end, armed: near V8's heap limit Node writes a heap snapshot, on a fatal error a
/// diagnostic report, both into a folder of the run's own. Signals are passed on to the program, which
/// decides itself what they mean.
///
/// # Errors
/// The program cannot be started, or the folder not be made.
pub async fn run(options: &RunOptions, cancel: &Cancel, events: Listener<'_>) -> Result<Ran, WorkbenchError> {
    let parent = options.out.clone().unwrap_or_default();
    let folder = evidence::folder(&parent, &name(&options.command), None)?;
    // Listened for before the program starts, so that none is missed.
    let mut signals = Signals::new();
    let folder = std::fs::canonicalize(&folder).map_err(WorkbenchError::file("open", &folder))?;
    let mut child = match start(options, Some(&folder)) {
        Ok(child) => child,
        Err(error) => {
            let _ = std::fs::remove_dir(&folder);
            return Err(error);
        }
    };
    events(Event::Evidence(folder.clone()));
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            Some(signal) = signals.receiver.recv() => pass_on(&child, signal),
            () = cancel.cancelled() => break stop(&mut child).await,
        }
    };
    let status =
        status.map_err(|error| WorkbenchError::Internal(format!("wait for the program: {error}")))?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.sort();
    if files.is_empty() {
        let _ = std::fs::remove_dir(&folder);
    }
    Ok(Ran { status, files })
}

/// Starts a program, hunts it, and ends it when the verdict is in.
///
/// # Errors
/// As [`hunt`]; the program is ended on every path.
pub async fn run_and_hunt(
    options: &RunOptions,
    mut hunting: HuntOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<VerdictView, WorkbenchError> {
    let mut child = start(options, None)?;
    let hunted = match attachable(&mut child, cancel).await {
        Ok(pid) => {
            hunting.target = pid.to_string();
            hunting.out = hunting.out.or_else(|| options.out.clone());
            hunt(&hunting, cancel, events).await
        }
        Err(error) => Err(error),
    };
    let _ = stop(&mut child).await;
    hunted
}

fn name(command: &[OsString]) -> String {
    let script = command.iter().skip(1).find(|argument| !argument.to_string_lossy().starts_with('-'));
    let path = script.or(command.first()).map(PathBuf::from).unwrap_or_default();
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn start(options: &RunOptions, folder: Option<&Path>) -> Result<Child, WorkbenchError> {
    let Some((program, arguments)) = options.command.split_first() else {
        return Err(WorkbenchError::usage(
            "run",
            "there is no program",
            "give it and its arguments behind `--`",
        ));
    };
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    let own = std::env::var("NODE_OPTIONS").unwrap_or_default();
    match folder {
        Some(folder) => command.env("NODE_OPTIONS", armed(own, folder)),
        None => command.env("NODE_OPTIONS", with_any_port(own)),
    };
    command.spawn().map_err(|source| WorkbenchError::Start {
        role: "the program",
        command: program.to_string_lossy().into_owned(),
        source,
    })
}

/// The user's own NODE_OPTIONS with what arms a dump; all of these are accepted there since Node 18.
fn armed(own: String, folder: &Path) -> String {
    let folder = folder.display().to_string().replace('"', "\\\"");
    let mut options = own;
    for (flag, value) in [
        ("--heapsnapshot-near-heap-limit", "1".to_owned()),
        ("--diagnostic-dir", format!("\"{folder}\"")),
        ("--report-directory", format!("\"{folder}\"")),
    ] {
        if !options.contains(flag) {
            options.push_str(&format!(" {flag}={value}"));
        }
    }
    if !options.contains("--report-on-fatalerror") {
        options.push_str(" --report-on-fatalerror");
    }
    options.trim().to_owned()
}

/// The user's own NODE_OPTIONS with an inspector port that nobody else holds; the command line still wins.
fn with_any_port(own: String) -> String {
    if own.contains("--inspect") { own } else { format!("{own} --inspect-port=0").trim().to_owned() }
}

/// Waits until the program is a Node process that can be attached to.
async fn attachable(child: &mut Child, cancel: &Cancel) -> Result<i32, WorkbenchError> {
    let began = Instant::now();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(WorkbenchError::usage(
                "hunt the program",
                format!("it ended before it could be attached to ({status})"),
                "a program has to run for longer than a second to be hunted",
            ));
        }
        let pid = child.id().map_or(0, u32::cast_signed);
        if let Ok(process) = NodeProcess::read(pid)
            && process.is_node()
            && process.sigusr1 == SignalState::Caught
            && process.age() > Duration::from_secs(1)
        {
            return Ok(pid);
        }
        if began.elapsed() > START {
            return Err(WorkbenchError::usage(
                "hunt the program",
                "it is no Node process that can be attached to",
                "give `node` itself behind `--`, not a wrapper such as npm",
            ));
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
            () = cancel.cancelled() => return Err(WorkbenchError::Interrupted),
        }
    }
}

/// The signals that a supervisor, a terminal or a user may mean for the program.
struct Signals {
    receiver: mpsc::Receiver<Signal>,
}

impl Signals {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel(16);
        for which in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2] {
            if let Ok(mut signals) = signal(SignalKind::from_raw(which.as_raw())) {
                let sender = sender.clone();
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        if sender.send(which).await.is_err() {
                            return;
                        }
                    }
                });
            }
        }
        Self { receiver }
    }
}

/// Passes a signal on to the program.
fn pass_on(child: &Child, signal: Signal) {
    // A terminal has sent these to the program as well, which shares its foreground group.
    let from_terminal = matches!(signal, Signal::INT | Signal::QUIT) && std::io::stdin().is_terminal();
    if let (false, Some(pid)) = (from_terminal, child.id().and_then(|id| Pid::from_raw(id.cast_signed()))) {
        let _ = kill_process(pid, signal);
    }
}

/// Asks the program to end, then makes it.
async fn stop(child: &mut Child) -> std::io::Result<ExitStatus> {
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _ = kill_process(pid, Signal::TERM);
        if let Ok(status) = tokio::time::timeout(STOP, child.wait()).await {
            return status;
        }
        child.start_kill()?;
    }
    child.wait().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inspector_port_of_the_users_own_is_kept() {
        assert_eq!(with_any_port(String::new()), "--inspect-port=0");
        assert_eq!(with_any_port("--inspect=1".into()), "--inspect=1");
    }

    #[test]
    fn own_options_are_kept_and_not_doubled() {
        let options = armed("--require ./a.js --diagnostic-dir=/own".into(), Path::new("/dumps"));
        assert!(options.starts_with("--require ./a.js --diagnostic-dir=/own "));
        assert_eq!(options.matches("--diagnostic-dir").count(), 1);
        assert!(options.contains("--heapsnapshot-near-heap-limit=1"));
        assert!(options.contains("--report-directory=\"/dumps\""));
    }
}
