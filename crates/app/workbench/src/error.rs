//! What can go wrong in a use case, and what to do about it.

use std::path::PathBuf;

use leakhound_capture::{CaptureError, ErrorKind};
use leakhound_heap::SnapshotError;
use leakhound_profile::ProfileError;

/// A use case that could not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkbenchError {
    /// Finding, attaching to or capturing from the target.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A file could not be read or written.
    #[error("{action} {path}")]
    File {
        /// `open`, `write`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not a readable heap snapshot.
    #[error("read {path}")]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: SnapshotError,
    },
    /// A compressed file is damaged, and what could be unpacked of it is no readable heap snapshot.
    #[error("read {path}: {loss}")]
    Container {
        /// The file.
        path: PathBuf,
        /// What the container has lost.
        loss: String,
        /// Why the rest is not enough.
        source: SnapshotError,
    },
    /// A file is not a readable profile.
    #[error("read {path}")]
    Profile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ProfileError,
    },
    /// What was asked for makes no sense.
    #[error("{what}: {why}")]
    Usage {
        /// What could not be done, after "failed to".
        what: String,
        /// Why not.
        why: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// A command could not be started.
    #[error("start {role} {command:?}")]
    Start {
        /// What it is for: `the load command`, `the program`.
        role: &'static str,
        /// The command.
        command: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The user interrupted.
    #[error("finish: interrupted")]
    Interrupted,
    /// A bug of ours.
    #[error("finish: {0}")]
    Internal(String),
}

impl WorkbenchError {
    /// Wraps an I/O error with its path.
    pub fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    /// A request that makes no sense: what could not be done, why, and what to do instead.
    pub fn usage(what: impl Into<String>, why: impl Into<String>, hint: &str) -> Self {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self::Usage { what: what.into(), why: why.into(), hint }
    }

    /// What to do next, for people.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Capture(error) => error.hint(),
            Self::Snapshot { source, .. } => Some(source.hint().unwrap_or_else(|| {
                "is it really a complete .heapsnapshot file? profiles (.heapprofile, .cpuprofile) are other formats".into()
            })),
            Self::Container { .. } => {
                Some("copy or download the file again; `gzip -t` or `zstd -t` checks it".into())
            }
            Self::File { action: "unpack", .. } => {
                Some("set TMPDIR to a folder on a disk with room for the unpacked dump".into())
            }
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Some("free some space, or write elsewhere with --out".into())
            }
            Self::File { action: "open", .. } => Some("check the path and its permissions".into()),
            Self::File { action: "create" | "write", .. } => Some(
                "check that the folder exists and that you may write there, or give another with --out"
                    .into(),
            ),
            Self::Profile { .. } => {
                Some("a .heapprofile comes from `node --heap-prof`, DevTools or a hunt".into())
            }
            Self::Usage { hint, .. } => hint.clone(),
            Self::Start { .. } => {
                Some("everything behind `--` is a command and its arguments; is it on PATH?".into())
            }
            Self::Internal(_) => Some("this is a bug in leakhound: please report it".into()),
            _ => None,
        }
    }

    /// The documented exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Capture(error) => error.kind().exit_code(),
            Self::Usage { .. } | Self::Start { .. } => ErrorKind::Usage.exit_code(),
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                ErrorKind::Partial.exit_code()
            }
            Self::File { action: "create" | "write" | "write to", .. } => ErrorKind::Usage.exit_code(),
            Self::File { .. } | Self::Snapshot { .. } | Self::Container { .. } | Self::Profile { .. } => {
                ErrorKind::NotWhatItSays.exit_code()
            }
            Self::Interrupted => ErrorKind::Interrupted.exit_code(),
            Self::Internal(_) => ErrorKind::Internal.exit_code(),
        }
    }

    /// The same error with a cancelled read told as what it is.
    pub(crate) fn snapshot(path: impl Into<PathBuf>, source: SnapshotError) -> Self {
        match source {
            SnapshotError::Cancelled => Self::Interrupted,
            source => Self::Snapshot { path: path.into(), source },
        }
    }
}
