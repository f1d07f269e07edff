//! Files mapped into memory: a snapshot of gigabytes is read without holding it.

#![expect(unsafe_code, reason = "memory maps are the one way to read a dump larger than memory")]

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use leakhound_heap::SnapshotBytes;
use memmap2::{Mmap, MmapOptions, UncheckedAdvice};

/// Maps a regular file for reading.
///
/// # Errors
/// When it cannot be mapped.
pub(crate) fn map(file: &File) -> std::io::Result<SnapshotBytes> {
    // SAFETY: the map is private and read only. Somebody who shortens the file while we read makes the
    // kernel end us with SIGBUS; a dump is complete before it gets its final name, so only a deliberate
    // truncation does that. Changed bytes are harmless: every value is checked when it is parsed, and
    // strings are decoded lossily.
    let map = Arc::new(Mapped(unsafe { Mmap::map(file)? }));
    let released = Arc::clone(&map);
    Ok(SnapshotBytes::releasable(Shared(map), move |range| released.release(range)))
}

/// Maps `length` bytes of a file of our own from `at`, a multiple of the page size.
///
/// # Errors
/// When they cannot be mapped.
pub(crate) fn map_part(file: &File, at: u64, length: usize) -> std::io::Result<SnapshotBytes> {
    // SAFETY: the map is private and read only; the file is an index that only this user may write, and
    // what was once written to it is never written again nor cut off.
    Ok(SnapshotBytes::new(unsafe { MmapOptions::new().offset(at).len(length).map(file)? }))
}

struct Mapped(Mmap);

impl Mapped {
    /// Gives pages back to the system, which has them in the file.
    fn release(&self, range: Range<usize>) {
        // SAFETY: the map is of a file, read only and never written through, so that a page which is used
        // again is read again from the file and holds what it held.
        // Only a wish: a page that stays costs memory, nothing else.
        let _ = unsafe { self.0.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) };
    }
}

struct Shared(Arc<Mapped>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0.0
    }
}
