//! What a long use case tells its face while it runs.

use std::path::PathBuf;
use std::time::Duration;

use leakhound_capture::{Headroom, SnapshotEstimate, SnapshotProgress};

use crate::view::{MemoryPoint, TargetView};

/// What a hunt is about to do to its target; told before anything is done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Snapshots that will be taken; 0 with sampling only.
    pub snapshots: usize,
    /// Time between the first and the last, without pauses.
    pub duration: Duration,
    /// Expected cost of each snapshot; absent with sampling only.
    pub estimate: Option<SnapshotEstimate>,
    /// The room the target has.
    pub headroom: Headroom,
    /// What the policy wants said.
    pub warnings: Vec<String>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Attached to the target.
    Attached(TargetView),
    /// Something the user should know; the work goes on.
    Warning(String),
    /// What will be done.
    Plan(Plan),
    /// The folder that receives the evidence.
    Evidence(PathBuf),
    /// A snapshot begins.
    SnapshotStarted {
        /// `baseline`, `target`, `final`, …
        phase: String,
        /// Bytes the estimate expects.
        expected_bytes: u64,
    },
    /// A snapshot comes along.
    Snapshot(SnapshotProgress),
    /// A snapshot is complete, verified and in place.
    SnapshotDone {
        /// Its phase.
        phase: String,
        /// Bytes of the file.
        bytes: u64,
        /// How long the target stood still.
        pause: Duration,
        /// Growth of the target's peak resident set.
        extra_memory: Option<u64>,
    },
    /// Waiting for growth.
    Watching {
        /// Since watching began.
        elapsed: Duration,
        /// Until the next snapshot.
        until: Duration,
        /// The reading of the moment.
        memory: MemoryPoint,
    },
    /// The load command ended.
    LoadEnded {
        /// Its exit code; absent when a signal ended it.
        code: Option<i32>,
    },
    /// The inspector that leakhound opened is about to be closed; a busy target takes its time.
    Releasing,
    /// The inspector that leakhound opened is closed again; the target is as before.
    Released,
    /// A file is being read.
    Reading {
        /// Its name.
        file: String,
        /// Bytes done.
        bytes: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The evidence is being judged.
    Judging,
    /// The reports are written.
    Written(PathBuf),
}

/// Receives events. Called from the task that works; must not block for long.
pub type Listener<'a> = &'a mut (dyn FnMut(Event) + Send);
