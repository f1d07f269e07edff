//! Is an executable Node, and which version? Answered from its bytes; nothing is run.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use memchr::memmem;

/// Node compiles `"node.js/" NODE_VERSION` into its inspector: renamed executables, single-executable
/// applications and shared `libnode` builds all carry it.
const MARKER: &[u8] = b"node.js/v";
/// A Node binary has tens of megabytes; the shared-library build has less but is found by its library.
const SMALLEST: u64 = 4 << 20;
const BLOCK: usize = 1 << 20;
const LONGEST_VERSION: usize = 48;

type Identity = (u64, u64, u64, i64);

static KNOWN: LazyLock<Mutex<HashMap<Identity, Option<String>>>> = LazyLock::new(Mutex::default);

/// The version (`v20.20.2`) that an executable or library is, or `None` when it is not Node.
///
/// Reads the file once (about 30 ms for 100 MB in the page cache) and remembers the answer by device, inode,
/// size and modification time for the life of our process.
pub(crate) fn node_version(path: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() < SMALLEST {
        return Ok(None);
    }
    let identity = (metadata.dev(), metadata.ino(), metadata.len(), metadata.mtime());
    if let Ok(known) = KNOWN.lock()
        && let Some(version) = known.get(&identity)
    {
        return Ok(version.clone());
    }
    let version = scan(&mut file)?;
    if let Ok(mut known) = KNOWN.lock() {
        known.insert(identity, version.clone());
    }
    Ok(version)
}

fn scan(reader: &mut impl Read) -> io::Result<Option<String>> {
    let finder = memmem::Finder::new(MARKER);
    let overlap = MARKER.len() + LONGEST_VERSION;
    let mut buffer = vec![0; BLOCK + overlap];
    let mut kept = 0;
    loop {
        let read = reader.read(buffer.get_mut(kept..).unwrap_or_default())?;
        let filled = kept + read;
        let window = buffer.get(..filled).unwrap_or_default();
        for at in finder.find_iter(window) {
            let rest = window.get(at + MARKER.len()..).unwrap_or_default();
            // A marker whose version may be cut off is found again in the next, overlapping window.
            if read > 0 && rest.len() < LONGEST_VERSION {
                break;
            }
            if let Some(version) = version(rest) {
                return Ok(Some(version));
            }
        }
        if read == 0 {
            return Ok(None);
        }
        let keep = filled.min(overlap);
        buffer.copy_within(filled - keep..filled, 0);
        kept = keep;
    }
}

fn version(rest: &[u8]) -> Option<String> {
    let end = rest
        .iter()
        .take(LONGEST_VERSION)
        .position(|&byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+')))?;
    // A C string ends with a zero byte; a mere mention (in our own binary, say) does not.
    if rest.get(end) != Some(&0) {
        return None;
    }
    let text = std::str::from_utf8(rest.get(..end)?).ok()?;
    let major = text.split('.').next()?;
    let numeric = !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit());
    (numeric && text.matches('.').count() >= 2).then(|| format!("v{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The string as a Node binary has it, put together at run time: this test binary must not look like one.
    fn compiled(version: &str) -> Vec<u8> {
        [MARKER, version.as_bytes(), &[0]].concat()
    }

    #[test]
    fn the_version_is_found_wherever_it_lies() {
        for offset in [0, 1, BLOCK - 5, BLOCK, BLOCK + 50, 3 * BLOCK + 17] {
            let mut bytes = vec![b'x'; offset];
            bytes.extend_from_slice(&compiled("20.20.2"));
            bytes.extend_from_slice(b"tail");
            assert_eq!(scan(&mut bytes.as_slice()).unwrap().as_deref(), Some("v20.20.2"), "{offset}");
        }
    }

    #[test]
    fn a_mention_without_a_version_is_no_node() {
        let mentions = [compiled("ersion"), compiled("20"), [MARKER, b"20.20.2 is old"].concat(), Vec::new()];
        for bytes in mentions {
            assert_eq!(scan(&mut bytes.as_slice()).unwrap(), None);
        }
    }

    #[test]
    fn a_nightly_keeps_its_suffix() {
        let bytes = compiled("27.0.0-nightly20260901abc");
        assert_eq!(scan(&mut bytes.as_slice()).unwrap().as_deref(), Some("v27.0.0-nightly20260901abc"));
    }
}
