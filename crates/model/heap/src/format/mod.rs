//! The file: header, number arrays, string table.
//!
//! A snapshot is one JSON object whose sections V8 writes in a fixed order. Number arrays make up nine
//! tenths of it; they are parsed in parallel straight into columns. Strings stay where they are.

mod cursor;
mod edges;
mod header;
mod locations;
mod nodes;
mod numbers;
mod read;
mod samples;
mod scopes;
mod strings;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod traces;
#[cfg(test)]
mod traces_tests;
mod watch;

use std::ops::Range;
use std::sync::Arc;

pub use header::{Columns, Header};
pub(crate) use read::{Layout, kinds};
pub use samples::Sample;
pub use scopes::{Scope, ScopeUse, Scopes};
pub use strings::Strings;
pub use traces::{TraceFunction, TraceNode, Traces};
pub(crate) use watch::Watch;

/// The bytes of a snapshot: a mapped file or a buffer. Kept alive by the heap, because strings are
/// decoded from it when they are shown.
#[derive(Clone)]
pub struct SnapshotBytes {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    release: Option<Arc<Release>>,
}

type Release = dyn Fn(Range<usize>) + Send + Sync;

impl SnapshotBytes {
    /// Wraps anything that lends bytes.
    pub fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self { bytes: Arc::new(bytes), release: None }
    }

    /// Wraps bytes that can be had again at any time, such as a mapped file: `release` hears which of them
    /// are not needed for now, so that a file of gigabytes does not stay in memory beside its columns.
    pub fn releasable(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        release: impl Fn(Range<usize>) + Send + Sync + 'static,
    ) -> Self {
        Self { bytes: Arc::new(bytes), release: Some(Arc::new(release)) }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// Says that the bytes of `range` are not needed for now.
    pub(crate) fn release(&self, range: Range<usize>) {
        if let Some(release) = &self.release {
            release(range);
        }
    }
}

impl From<Vec<u8>> for SnapshotBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl std::fmt::Debug for SnapshotBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SnapshotBytes({} bytes)", self.as_slice().len())
    }
}

/// Which part of the work a progress report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Parsing the node columns.
    Nodes,
    /// Parsing the edge columns.
    Edges,
    /// Finding the strings.
    Strings,
}

/// How far reading has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The stage at work.
    pub stage: Stage,
    /// Bytes of the file done.
    pub bytes: u64,
    /// Bytes of the file.
    pub total: u64,
}

/// Watches, and may stop, a long read.
pub trait Observer: Sync {
    /// Called a few times a stage.
    fn progress(&self, _progress: Progress) {}
    /// Polled between pieces of work; `true` makes the read end with [`crate::SnapshotError::Cancelled`].
    fn cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing.
impl Observer for () {}

/// Something the file should hold and does not; the heap is usable without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The section that suffered.
    pub section: &'static str,
    /// Byte offset at which the loss begins.
    pub offset: u64,
    /// What is lost, for people.
    pub what: String,
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\" at byte {}: {}", self.section, self.offset, self.what)
    }
}
