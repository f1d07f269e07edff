//! Progress, cancellation, and letting go of what has been read.

use std::sync::atomic::{AtomicU64, Ordering};

use super::numbers::Piece;
use super::{Observer, Progress, SnapshotBytes, Stage};
use crate::SnapshotError;

/// A read under way.
pub(crate) struct Watch<'a> {
    observer: &'a dyn Observer,
    bytes: &'a SnapshotBytes,
    stage: Stage,
    /// Bytes of the file that are done.
    done: AtomicU64,
}

impl<'a> Watch<'a> {
    pub(super) fn new(observer: &'a dyn Observer, bytes: &'a SnapshotBytes) -> Self {
        Self { observer, bytes, stage: Stage::Nodes, done: AtomicU64::new(0) }
    }

    /// A stage begins at byte `at`.
    pub(super) fn enter(&mut self, stage: Stage, at: usize) -> Result<(), SnapshotError> {
        self.stage = stage;
        *self.done.get_mut() = at as u64;
        self.report(at as u64)
    }

    /// The numbers of a piece are in their columns; its text is not needed again.
    pub(super) fn parsed(&self, piece: &Piece<'_>) -> Result<(), SnapshotError> {
        let text = piece.text();
        let start = (text.as_ptr() as usize).saturating_sub(self.bytes.as_slice().as_ptr() as usize);
        self.bytes.release(start..start + text.len());
        let done = self.done.fetch_add(text.len() as u64, Ordering::Relaxed) + text.len() as u64;
        self.report(done)
    }

    fn report(&self, bytes: u64) -> Result<(), SnapshotError> {
        let total = self.bytes.as_slice().len() as u64;
        self.observer.progress(Progress { stage: self.stage, bytes, total });
        if self.observer.cancelled() { Err(SnapshotError::Cancelled) } else { Ok(()) }
    }
}
