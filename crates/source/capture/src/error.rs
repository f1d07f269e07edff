//! Why a process was not found, not attached to, or not captured.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use leakhound_inspector::{ErrorKind, InspectorError};

use crate::estimate::{Refusal, size};
use crate::scan::ScanError;

/// A failure to find, attach to, or capture a process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// Not a pid, name, `host:port` or `ws://` URL.
    #[error("read {text:?} as a target: {reason}")]
    BadTarget {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Several processes have that name.
    #[error("choose a target: {} Node processes are called {name:?}: {}", candidates.len(), list(candidates))]
    Ambiguous {
        /// The name.
        name: String,
        /// Pid and command line of each.
        candidates: Vec<(i32, String)>,
    },
    /// No Node process has that name.
    #[error("find a Node process called {name:?}")]
    NoSuchName {
        /// The name.
        name: String,
        /// Names of the Node processes that are here.
        present: Vec<String>,
    },
    /// No process has that pid.
    #[error("find process {pid}")]
    NoSuchProcess {
        /// The pid.
        pid: i32,
    },
    /// The process ended, or its pid now belongs to another one.
    #[error("reach process {pid}: it ended{}", during.as_deref().map(|d| format!(" during {d}")).unwrap_or_default())]
    Gone {
        /// The pid.
        pid: i32,
        /// What was under way.
        during: Option<String>,
    },
    /// The process is something else; it was not signalled.
    #[error("attach to process {pid} ({name}): it is not a Node.js process")]
    NotNode {
        /// The pid.
        pid: i32,
        /// Its name.
        name: String,
    },
    /// The signal would kill it: Node has not installed its handler yet.
    #[error("attach to process {pid}: it has no SIGUSR1 handler, and the signal would kill it")]
    NoHandler {
        /// The pid.
        pid: i32,
    },
    /// The signal would do nothing: `--disable-sigusr1`, permission mode, or ignored.
    #[error("attach to process {pid}: it {how} SIGUSR1{}", cause.as_deref().map(|c| format!(" ({c})")).unwrap_or_default())]
    SignalBlocked {
        /// The pid.
        pid: i32,
        /// `blocks` or `ignores`.
        how: &'static str,
        /// The flag responsible, when its command line shows one.
        cause: Option<String>,
    },
    /// The process is stopped (SIGSTOP, a debugger) or a zombie and cannot answer.
    #[error("attach to process {pid}: it is {state}")]
    NotRunning {
        /// The pid.
        pid: i32,
        /// `stopped`, `traced`, `a zombie`.
        state: &'static str,
    },
    /// Another user's process.
    #[error("attach to process {pid}: it belongs to user {uid}")]
    NotPermitted {
        /// The pid.
        pid: i32,
        /// Its owner.
        uid: u32,
    },
    /// Its loopback is not ours.
    #[error("attach to process {pid}: it lives in another network namespace")]
    OtherNetwork {
        /// The pid.
        pid: i32,
    },
    /// The signal was sent and no inspector came up.
    #[error("attach to process {pid}: it was sent SIGUSR1 and opened no inspector within {after:?}")]
    NoInspector {
        /// The pid.
        pid: i32,
        /// How long was waited.
        after: Duration,
        /// The port it should have opened.
        port: u16,
    },
    /// Its inspector port is held by another process.
    #[error("attach to process {pid}: its inspector port {port} is held by {holder}{}", detail.as_deref().map(|d| format!(" ({d})")).unwrap_or_default())]
    PortTaken {
        /// The pid of the target.
        pid: i32,
        /// The port.
        port: u16,
        /// Who holds it, in words.
        holder: String,
        /// Why it was not moved aside.
        detail: Option<String>,
    },
    /// The inspector's runtime is too old or no Node.
    #[error("work with {address}: {detail}")]
    Unsupported {
        /// The inspector's address.
        address: String,
        /// What it is.
        detail: String,
    },
    /// The inspector that leakhound opened is still open.
    #[error("close the inspector of process {pid} on port {port} again: {detail}")]
    StillOpen {
        /// The pid.
        pid: i32,
        /// The port.
        port: u16,
        /// Why.
        detail: String,
    },
    /// The safety policy said no.
    #[error("take a heap snapshot safely: {0}")]
    Refused(Box<Refusal>),
    /// There is not enough disk space to start.
    #[error("write {}: about {} are needed and {} are free", path.display(), size(*needed), size(*free))]
    NoSpace {
        /// The destination.
        path: PathBuf,
        /// Expected size of the file.
        needed: u64,
        /// Free space for us.
        free: u64,
    },
    /// The disk became full.
    #[error("write {}: the disk is full after {}", path.display(), size(*written))]
    DiskFull {
        /// The partial file, which stays.
        path: PathBuf,
        /// Bytes in it.
        written: u64,
    },
    /// The destination exists already; nothing is overwritten.
    #[error("write {}: it exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Any other trouble with a file.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The target ended in the middle of a capture.
    #[error("finish the snapshot: the target ended after {written} bytes{}", partial(path, *written))]
    TargetDied {
        /// The partial file.
        path: PathBuf,
        /// Bytes in it.
        written: u64,
    },
    /// The connection ended in the middle of a capture although the target lives.
    #[error("finish the snapshot: the target closed its inspector after {written} bytes{}", partial(path, *written))]
    ConnectionLost {
        /// The partial file.
        path: PathBuf,
        /// Bytes in it.
        written: u64,
    },
    /// The target's file is not the complete snapshot it announces.
    #[error("verify the snapshot; the partial file is {}", path.display())]
    Incomplete {
        /// The partial file.
        path: PathBuf,
        /// What is missing or wrong.
        source: ScanError,
    },
    /// The user interrupted.
    #[error("finish {what}: interrupted{}", partial.as_deref().map(|p| format!("; the partial file is {}", p.display())).unwrap_or_default())]
    Cancelled {
        /// What was under way.
        what: &'static str,
        /// The partial file, if there is one.
        partial: Option<PathBuf>,
    },
    /// The kernel's process information could not be read.
    #[error("read the kernel's record of {what}: {detail}")]
    Procfs {
        /// What was read.
        what: String,
        /// Why not.
        detail: String,
    },
    /// A failure of the protocol or its connection.
    #[error(transparent)]
    Inspector(#[from] InspectorError),
}

/// Names a partial file that has something in it; an empty one is removed.
fn partial(path: &Path, written: u64) -> String {
    if written == 0 { String::new() } else { format!("; the partial file is {}", path.display()) }
}

fn list(candidates: &[(i32, String)]) -> String {
    let mut text = String::new();
    for (pid, command) in candidates {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&format!("{pid} ({command})"));
    }
    text
}

impl CaptureError {
    /// The consequence, for an exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadTarget { .. } | Self::Ambiguous { .. } | Self::Exists { .. } => ErrorKind::Usage,
            // A folder that is not there or may not be written to.
            Self::File { action: "create", .. } => ErrorKind::Usage,
            Self::Refused(_) | Self::NoSpace { .. } => ErrorKind::Safety,
            Self::Incomplete { .. } | Self::DiskFull { .. } => ErrorKind::Partial,
            Self::Cancelled { .. } => ErrorKind::Interrupted,
            Self::File { .. } | Self::Procfs { .. } => ErrorKind::Internal,
            Self::Inspector(error) => error.kind(),
            _ => ErrorKind::Target,
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::BadTarget { .. } => {
                "a target is a pid, the name of a Node process, host:port, or ws://host:port/UUID".to_owned()
            }
            Self::Ambiguous { .. } => "give the pid of the one that is meant".to_owned(),
            Self::NoSuchName { present, .. } if present.is_empty() => {
                "no Node process is visible here; inside a container leakhound must share its process namespace"
                    .to_owned()
            }
            Self::NoSuchName { present, .. } => format!("the Node processes here are: {}", present.join(", ")),
            Self::Gone { during: Some(_), .. } => {
                "its exit code and its stderr tell why; 137 means that it was killed, mostly for memory".to_owned()
            }
            Self::NoSuchProcess { .. } | Self::Gone { .. } => {
                "list the Node processes that run now with `leakhound ps`".to_owned()
            }
            Self::NotNode { .. } => "nothing was sent to it; find the right pid with `leakhound ps`".to_owned(),
            Self::NoHandler { .. } => {
                "it may still be starting: try again in a moment; nothing was sent to it".to_owned()
            }
            Self::SignalBlocked { .. } => {
                "start it without --disable-sigusr1 or --permission (or with --allow-inspector), or with --inspect-port=0 --inspect, or under `leakhound run`"
                    .to_owned()
            }
            Self::NotRunning { state: "stopped", pid } => format!("continue it with `kill -CONT {pid}` first"),
            Self::NotRunning { .. } => return None,
            Self::NotPermitted { uid, .. } => format!(
                "run leakhound as user {uid} or root, or with the capabilities CAP_KILL and CAP_SYS_PTRACE"
            ),
            Self::OtherNetwork { pid } => format!(
                "run leakhound inside its container or pod, or enter its network with `nsenter --net --target {pid}`"
            ),
            Self::NoInspector { .. } => {
                "it probably listens to SIGUSR1 itself, which replaces Node's inspector: start it with --inspect=0, or under `leakhound run`; if its main thread was merely blocked the inspector may still open later, and the next attach then finds it open"
                    .to_owned()
            }
            Self::PortTaken { port, .. } => format!(
                "free port {port}, wait for its holder, or start the target with --inspect-port=0"
            ),
            Self::Unsupported { .. } => "leakhound works with Node.js 18 and later".to_owned(),
            Self::StillOpen { pid, .. } => format!(
                "the target closes it by itself once its main thread is free and nobody is connected; `leakhound ps` shows whether {pid} still listens"
            ),
            Self::Refused(refusal) => refusal.alternatives.join("; "),
            Self::NoSpace { .. } | Self::DiskFull { .. } => {
                "choose a directory on a larger disk".to_owned()
            }
            Self::Exists { .. } => "choose another name; leakhound never overwrites evidence".to_owned(),
            Self::TargetDied { .. } => {
                "its exit code tells whether it was killed for memory (137); `hunt --sampling-only` adds none"
                    .to_owned()
            }
            Self::Incomplete { .. } => "the partial file may still be readable as far as it goes".to_owned(),
            Self::Inspector(error) => return error.hint(),
            Self::ConnectionLost { .. } => {
                "somebody else closed its inspector; make sure that nobody debugs it, and try again".to_owned()
            }
            Self::File { .. } => "check that the folder exists and that you may write there".to_owned(),
            Self::Cancelled { .. } | Self::Procfs { .. } => return None,
        })
    }
}
