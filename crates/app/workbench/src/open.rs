//! From a path to a heap or a profile.

use std::path::Path;

use leakhound_heap::{Heap, Observer, Progress, SnapshotError};
use leakhound_profile::AllocationProfile;
use tokio::sync::mpsc;

use crate::index::Index;
use crate::unpacked::{Contents, UnpackError};
use crate::{Cancel, Event, WorkbenchError, mapped, unpacked};

/// Reads one snapshot: a file, plain or compressed, a pipe, or standard input (`-`).
pub(crate) fn heap(
    path: &Path,
    cancel: &Cancel,
    events: &mpsc::Sender<Event>,
) -> Result<Heap, WorkbenchError> {
    let contents = contents(path, cancel, events)?;
    read(path, contents, cancel, events)
}

/// The same, from the index of the file where it has one; with the index, new or old, for what is computed
/// from now on. Only plain files have one: of others, the text would have to be unpacked again.
pub(crate) fn indexed_heap(
    path: &Path,
    cancel: &Cancel,
    events: &mpsc::Sender<Event>,
) -> Result<(Heap, Option<Index>), WorkbenchError> {
    let contents = contents(path, cancel, events)?;
    let index = (contents.plain).then(|| Index::open(path, &contents.file)).flatten();
    let Some(index) = index else { return Ok((read(path, contents, cancel, events)?, None)) };
    let bytes = mapped::map(&contents.file).map_err(WorkbenchError::file("open", path))?;
    if let Some(heap) = Heap::kept(bytes, &index) {
        return Ok((heap, Some(index)));
    }
    let heap = read(path, contents, cancel, events)?;
    // Of a damaged dump nothing is kept: it says anew what is wrong with it.
    let whole = heap.losses().is_empty();
    let heap = heap.keep(&index);
    Ok((heap, whole.then_some(index)))
}

fn contents(path: &Path, cancel: &Cancel, events: &mpsc::Sender<Event>) -> Result<Contents, WorkbenchError> {
    let observer = Watch { path, cancel, events };
    unpacked::open(path, cancel, |bytes, total| observer.tell(bytes, total)).map_err(|error| match error {
        UnpackError::Read(source) => WorkbenchError::File { action: "open", path: path.into(), source },
        UnpackError::Write(source) => WorkbenchError::File { action: "unpack", path: path.into(), source },
        UnpackError::Cancelled => WorkbenchError::Interrupted,
    })
}

fn read(
    path: &Path,
    contents: Contents,
    cancel: &Cancel,
    events: &mpsc::Sender<Event>,
) -> Result<Heap, WorkbenchError> {
    let observer = Watch { path, cancel, events };
    let bytes = mapped::map(&contents.file).map_err(WorkbenchError::file("open", path))?;
    match (Heap::read(bytes, &observer), contents.loss) {
        (Ok(heap), None) => Ok(heap),
        (Ok(mut heap), Some(loss)) => {
            heap.note_loss(loss);
            Ok(heap)
        }
        (Err(SnapshotError::Cancelled), _) => Err(WorkbenchError::Interrupted),
        (Err(source), None) => Err(WorkbenchError::snapshot(path, source)),
        (Err(source), Some(loss)) => {
            Err(WorkbenchError::Container { path: path.into(), loss: loss.what, source })
        }
    }
}

struct Watch<'a> {
    path: &'a Path,
    cancel: &'a Cancel,
    events: &'a mpsc::Sender<Event>,
}

impl Watch<'_> {
    fn tell(&self, bytes: u64, total: u64) {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Progress that nobody has time to hear is dropped, never waited for.
        let _ = self.events.try_send(Event::Reading { file, bytes, total });
    }
}

impl Observer for Watch<'_> {
    fn progress(&self, progress: Progress) {
        self.tell(progress.bytes, progress.total);
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
