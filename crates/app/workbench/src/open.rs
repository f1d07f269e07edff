//! From a path to a heap or a profile.

use std::path::Path;

use leakhound_heap::{Heap, Observer, Progress};
use leakhound_profile::AllocationProfile;
use tokio::sync::mpsc;

use crate::{Cancel, Event, WorkbenchError, unpacked};

/// Reads one snapshot: a file, plain or compressed (gzip, Zstandard), or `-` for standard input.
pub(crate) fn heap(
    path: &Path,
    cancel: &Cancel,
    events: &mpsc::Sender<Event>,
) -> Result<Heap, WorkbenchError> {
    let (bytes, lost) = unpacked::bytes(path, cancel, events)?;
    let observer = Watch { path, cancel, events };
    let mut heap = Heap::read(bytes, &observer).map_err(|source| WorkbenchError::snapshot(path, source))?;
    if let Some(loss) = lost {
        heap.note_loss(loss);
    }
    Ok(heap)
}

struct Watch<'a> {
    path: &'a Path,
    cancel: &'a Cancel,
    events: &'a mpsc::Sender<Event>,
}

impl Observer for Watch<'_> {
    fn progress(&self, progress: Progress) {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Progress that nobody has time to hear is dropped, never waited for.
        let _ = self.events.try_send(Event::Reading { file, bytes: progress.bytes, total: progress.total });
    }
    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// Largest `.heapprofile` read: V8's are a few hundred kilobytes.
const MAX_PROFILE: u64 = 1 << 30;

/// Reads a sampled allocation profile.
pub(crate) fn profile(path: &Path) -> Result<AllocationProfile, WorkbenchError> {
    let length = std::fs::metadata(path).map_err(WorkbenchError::file("open", path))?.len();
    if length > MAX_PROFILE {
        return Err(WorkbenchError::usage(
            format!("read {}", path.display()),
            "it is too large for a sampled profile",
            "",
        ));
    }
    let bytes = std::fs::read(path).map_err(WorkbenchError::file("open", path))?;
    AllocationProfile::parse(&bytes)
        .map_err(|source| WorkbenchError::Profile { path: path.to_owned(), source })
}
