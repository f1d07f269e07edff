//! Files mapped into memory: a snapshot of gigabytes is read without holding it.

#![expect(unsafe_code, reason = "memory maps are the one way to read a dump larger than memory")]

use memmap2::Mmap;
use std::fs::File;

/// Maps a regular file for reading, from its beginning.
///
/// # Errors
/// When it cannot be mapped.
pub(crate) fn map(file: &File) -> std::io::Result<Mmap> {
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a regular file"));
    }
    // SAFETY: the map is private and read only. Somebody who shortens the file while we read makes the
    // kernel end us with SIGBUS; a dump is complete before it gets its final name, so only a deliberate
    // truncation does that. Changed bytes are harmless: every value is checked when it is parsed, and
    // strings are decoded lossily.
    unsafe { Mmap::map(file) }
}
