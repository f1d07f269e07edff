//! The Node.js releases that the tests run on: npm's `node` packages in the cache.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::skips::{Skips, on_ci};
use crate::{cache, process};

/// One release of each supported major. Exact, so that a snapshot's shape changes by a commit.
const RELEASES: [&str; 5] = ["18.20.8", "20.20.2", "22.23.3", "24.21.0", "26.10.0"];

/// Binaries to use instead of installing any, separated like a PATH.
pub(crate) const NODES_VARIABLE: &str = "LEAKHOUND_TEST_NODES";

/// `cargo xtask nodes`
#[derive(Args)]
pub(crate) struct NodesArgs {
    /// Only these majors
    #[arg(value_name = "MAJOR")]
    majors: Vec<u32>,
}

pub(crate) fn run(args: &NodesArgs) -> anyhow::Result<()> {
    let mut skips = Skips::default();
    for binary in find(&args.majors, &mut skips)? {
        println!("{}", binary.display());
    }
    skips.settle(on_ci())
}

/// The binaries of the tests: those of `LEAKHOUND_TEST_NODES`, else one of each release, installed
/// where missing. `majors` narrows them; empty means all.
pub(crate) fn find(majors: &[u32], skips: &mut Skips) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(unknown) =
        majors.iter().find(|major| !RELEASES.iter().any(|release| major_of(release) == Some(**major)))
    {
        bail!("Node.js {unknown} is not one of the tested releases ({})", RELEASES.join(", "));
    }
    let wanted =
        |version: &str| majors.is_empty() || major_of(version).is_some_and(|major| majors.contains(&major));
    let mut binaries = Vec::new();
    if let Some(given) = env::var_os(NODES_VARIABLE).filter(|given| !given.is_empty()) {
        for binary in env::split_paths(&given) {
            let checked = process::version_of(&binary).map(|version| (version, binary.clone()));
            let found = skips.keep(&format!("{NODES_VARIABLE} {}", binary.display()), checked);
            binaries.extend(found.filter(|(version, _)| wanted(version)).map(|(_, binary)| binary));
        }
    } else {
        let root = cache::root()?;
        for release in RELEASES.iter().filter(|release| wanted(release)) {
            binaries.extend(skips.keep(&format!("Node.js {release}"), install(&root, release)));
        }
    }
    Ok(binaries)
}

fn install(root: &Path, release: &str) -> anyhow::Result<PathBuf> {
    let place = root.join("nodes").join(release);
    let binary = |place: &Path| place.join("node_modules").join("node").join("bin").join("node");
    if !place.is_dir() {
        eprintln!("installing Node.js {release} into {}", place.display());
    }
    cache::install(&place, |folder| {
        // A project of its own: npm must not find one above the cache.
        std::fs::write(
            folder.join("package.json"),
            "{ \"private\": true, \"allowScripts\": { \"node\": true } }\n",
        )?;
        process::npm(
            folder,
            &["install", &format!("node@{release}"), "--no-save", "--ignore-scripts=false"],
        )?;
        let version = process::version_of(&binary(folder)).context(
            "npm brought no working binary\n  hint: the package's install script must be allowed to run",
        )?;
        if version != format!("v{release}") {
            bail!("npm brought Node.js {version} instead of v{release}");
        }
        Ok(())
    })?;
    Ok(binary(&place))
}

/// The Node.js of the PATH, for quick runs.
pub(crate) fn on_path() -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join("node")).find(|binary| binary.is_file()).context(
        "node is not on the PATH\n  hint: install Node.js 18 or later, or set LEAKHOUND_TEST_NODES to a binary you have",
    )
}

/// `22` of `v22.1.0`.
pub(crate) fn major_of(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_exact_and_of_different_majors() {
        let majors: Vec<_> = RELEASES.iter().map(|release| major_of(release).unwrap()).collect();
        assert_eq!(majors, [18, 20, 22, 24, 26]);
        assert!(RELEASES.iter().all(|release| release.split('.').count() == 3));
    }

    #[test]
    fn a_major_nobody_tests_is_refused_by_name() {
        let error = find(&[17], &mut Skips::default()).unwrap_err().to_string();
        assert!(error.contains("17") && error.contains("18.20.8"), "{error}");
    }
}
