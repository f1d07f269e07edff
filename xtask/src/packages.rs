//! The npm packages that tests need, from lock files in the tree, in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::{cache, process};

/// The `node_modules` folder of the corpus' programs, installed where missing.
pub(crate) fn install(workspace: &Path) -> anyhow::Result<PathBuf> {
    let source = workspace.join("tests").join("leaks").join("packages");
    let place = place(&source, "packages", &[])?;
    cache::install(&place, |folder| fill(&source, folder))?;
    Ok(place.join("node_modules"))
}

/// The folder in which the programs are installed that leakhound is measured against.
pub(crate) fn peers(workspace: &Path) -> anyhow::Result<PathBuf> {
    let source = workspace.join("bench").join("peers");
    let place = place(&source, "peers", &[])?;
    cache::install(&place, |folder| fill(&source, folder))?;
    Ok(place)
}

/// Chrome DevTools' own heap snapshot worker as one ES module, installed and bundled where missing.
pub(crate) fn devtools_worker(workspace: &Path) -> anyhow::Result<PathBuf> {
    let source = workspace.join("tests").join("golden");
    let place = place(&source, "devtools", &["entry.mjs"])?;
    cache::install(&place, |folder| {
        fill(&source, folder)?;
        fs::copy(source.join("entry.mjs"), folder.join("entry.mjs")).context("copy entry.mjs")?;
        // A file that DevTools' own build generates and its package lacks.
        let locales = "node_modules/chrome-devtools-frontend/front_end/core/i18n/locales.js";
        let text = "export const LOCALES = ['en-US'];\nexport const BUNDLED_LOCALES = ['en-US'];\n\
                    export const DEFAULT_LOCALE = 'en-US';\nexport const REMOTE_FETCH_PATTERN = '';\n\
                    export const LOCAL_FETCH_PATTERN = '';\n";
        fs::write(folder.join(locales), text).with_context(|| format!("write {locales}"))?;
        let mut bundle = Command::new(folder.join("node_modules/esbuild/bin/esbuild"));
        bundle.args(["entry.mjs", "--bundle", "--platform=node", "--format=esm", "--outfile=worker.mjs"]);
        let output = bundle.current_dir(folder).output().context("start esbuild")?;
        if !output.status.success() {
            bail!("bundle DevTools' worker: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    })?;
    Ok(place.join("worker.mjs"))
}

/// The folder is named after the content of the lock file and of `others`, so that a change installs anew.
fn place(source: &Path, kind: &str, others: &[&str]) -> anyhow::Result<PathBuf> {
    let mut content = Vec::new();
    for name in ["package-lock.json"].iter().chain(others) {
        let file = source.join(name);
        content.extend(fs::read(&file).with_context(|| format!("read {}", file.display()))?);
    }
    let place = cache::root()?.join(kind).join(format!("{:016x}", fingerprint(&content)));
    if !place.is_dir() {
        eprintln!("installing npm packages into {}", place.display());
    }
    Ok(place)
}

fn fill(source: &Path, folder: &Path) -> anyhow::Result<()> {
    for name in ["package.json", "package-lock.json"] {
        fs::copy(source.join(name), folder.join(name)).with_context(|| format!("copy {name}"))?;
    }
    process::npm(folder, &["ci", "--ignore-scripts"])
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
