//! Files mapped into memory: a snapshot of gigabytes is read without holding it.

#![expect(unsafe_code, reason = "memory maps are the one way to read a dump larger than memory")]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

/// Maps a regular file for reading.
///
/// # Errors
/// When it cannot be opened or mapped.
pub(crate) fn map(path: &Path) -> std::io::Result<Mmap> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a regular file"));
    }
    // SAFETY: the map is private and read only. Somebody who shortens the file while we read makes the
    // kernel end us with SIGBUS; a dump is complete before it gets its final name, so only a deliberate
    // truncation does that. Changed bytes are harmless: every value is checked when it is parsed, and
    // strings are decoded lossily.
    unsafe { Mmap::map(&file) }
}
