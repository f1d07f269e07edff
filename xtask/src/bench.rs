//! `cargo xtask bench`: generated snapshots, the peers, and the comparison.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::skips::Skips;
use crate::{cache, nodes, packages, process, workspace_root};

/// `cargo xtask bench`
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Sizes of the snapshots, in megabytes
    #[arg(default_values_t = [50, 300])]
    megabytes: Vec<u64>,
    /// Runs of everybody on every file
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A folder with a newer C library for @heap-snapshot/tool; fetched where the system's is too old
    #[arg(long)]
    libc: Option<PathBuf>,
}

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let workspace = workspace_root()?;
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--locked", "-p", "leakhound", "-p", "leakhound-bench"]);
    process::step("build", build.current_dir(&workspace))?;
    let built = workspace.join("target").join("release");
    let bench = built.join("leakhound-bench");

    let folder = cache::root()?.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let mut files = Vec::new();
    for &megabytes in &args.megabytes {
        let file = folder.join(format!("{megabytes}.heapsnapshot"));
        generate(&bench, &file, megabytes)?;
        if megabytes <= 50 {
            // The same process, a little earlier.
            generate(&bench, &file.with_extension("older.heapsnapshot"), megabytes * 9 / 10)?;
        }
        files.push(file);
    }

    let mut skips = Skips::default();
    let Some(node) = nodes::find(&[24], &mut skips)?.pop() else { bail!("no Node.js 24 to run the peers") };
    let mut compare = Command::new(&bench);
    compare.arg("compare").args(&files).args(["--rounds", &args.rounds.to_string()]);
    compare.arg("--leakhound").arg(built.join("leakhound"));
    compare.arg("--peers").arg(packages::peers(&workspace)?);
    compare.arg("--worker").arg(packages::devtools_worker(&workspace)?).arg("--node").arg(node);
    if let Some(libc) = args.libc.clone().map(Ok).or_else(|| newer_libc(&folder).transpose()).transpose()? {
        compare.arg("--libc").arg(libc);
    }
    process::step("compare", &mut compare)
}

fn generate(bench: &Path, file: &Path, megabytes: u64) -> anyhow::Result<()> {
    if file.exists() {
        return Ok(());
    }
    let unfinished = file.with_extension("partial");
    let mut command = Command::new(bench);
    command.arg("generate").arg(&unfinished).args([
        "--megabytes",
        &megabytes.to_string(),
        "--layout",
        "node24",
    ]);
    process::step("generate", &mut command)?;
    fs::rename(&unfinished, file).with_context(|| format!("rename {}", unfinished.display()))
}

/// @heap-snapshot/tool needs glibc 2.39. On an older Debian, the next release's is unpacked (not installed)
/// and the program started through its loader.
fn newer_libc(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let said = Command::new("ldd").arg("--version").output().context("start ldd")?.stdout;
    let first = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned();
    let minor = first.rsplit("2.").next().and_then(|minor| minor.trim().parse::<u32>().ok());
    if minor.is_none_or(|minor| minor >= 39) {
        return Ok(None);
    }
    let place = folder.join("libc");
    let script = r#"
        set -e
        mkdir -p lists/partial
        for file in /etc/apt/sources.list.d/debian.sources; do
            awk 'BEGIN { RS = ""; ORS = "\n\n" } NR == 1' "$file" | sed -E 's/^Suites:.*/Suites: trixie/' > next.sources
        done
        options="-o Dir::Etc::sourcelist=$PWD/next.sources -o Dir::Etc::sourceparts=- -o Dir::State::lists=$PWD/lists"
        apt-get $options update > /dev/null
        apt-get $options download libc6 libgcc-s1 2> /dev/null
        for package in *.deb; do dpkg-deb -x "$package" .; done
        rm -rf lists *.deb
    "#;
    cache::install(&place, |folder| {
        let mut fetch = Command::new("sh");
        process::step(
            "fetch a newer C library for @heap-snapshot/tool",
            fetch.args(["-c", script]).current_dir(folder),
        )
    })?;
    Ok(Some(place))
}
