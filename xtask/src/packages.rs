//! The npm packages that the corpus' programs need, from its lock file, in the cache.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::{cache, process};

/// The `node_modules` folder, installed where missing.
///
/// The folder is named after the lock file's content, so that a change of it installs anew.
pub(crate) fn install(workspace: &Path) -> anyhow::Result<PathBuf> {
    let source = workspace.join("tests").join("leaks").join("packages");
    let lock_file = source.join("package-lock.json");
    let lock = fs::read(&lock_file).with_context(|| format!("read {}", lock_file.display()))?;
    let place = cache::root()?.join("packages").join(format!("{:016x}", fingerprint(&lock)));
    if !place.is_dir() {
        eprintln!("installing the corpus' npm packages into {}", place.display());
    }
    cache::install(&place, |folder| {
        for name in ["package.json", "package-lock.json"] {
            fs::copy(source.join(name), folder.join(name)).with_context(|| format!("copy {name}"))?;
        }
        process::npm(folder, &["ci", "--ignore-scripts"])
    })?;
    Ok(place.join("node_modules"))
}

/// FNV-1a: a name for a file's content that no release of Rust changes.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn fingerprints_follow_the_published_fnv_1a_values() {
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fingerprint(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
