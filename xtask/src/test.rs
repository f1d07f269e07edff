//! `cargo xtask test`: everything that must hold before a change goes in.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use clap::Args;

use crate::skips::{Skips, on_ci};
use crate::{architecture, cache, nodes, packages, process, scoreboard, workspace_root};

/// `cargo xtask test`
#[derive(Args)]
pub(crate) struct TestArgs {
    /// Only the Node.js of the PATH, nothing installed, no release build
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(args: &TestArgs) -> anyhow::Result<()> {
    let root = workspace_root()?;
    process::step("formatting", cargo(&root).args(["fmt", "--all", "--check"]))?;
    architecture::run()?;
    process::step(
        "clippy",
        locked(cargo(&root).args(["clippy", "--workspace", "--all-targets"])).args(["--", "-D", "warnings"]),
    )?;

    let mut skips = Skips::default();
    let environment = prepare(&root, args.quick, &mut skips)?;
    let mut tests = cargo(&root);
    locked(tests.args(["test", "--workspace"])).envs(environment);
    process::step("tests", &mut tests)?;
    if !args.quick {
        scoreboard::part_of_the_tests(&root, release_binary(&root)?, &mut skips)?;
    }
    skips.settle(on_ci())
}

/// The variables that tell the tests what there is.
fn prepare(root: &Path, quick: bool, skips: &mut Skips) -> anyhow::Result<Vec<(&'static str, OsString)>> {
    let mut environment = vec![("LEAKHOUND_TEST_CACHE", cache::root()?.into_os_string())];
    let binaries = if !quick {
        nodes::find(&[], skips)?
    } else if env::var_os(nodes::NODES_VARIABLE).is_some() {
        Vec::new() // inherited as it is
    } else {
        skips.keep("Node.js", nodes::on_path()).into_iter().collect()
    };
    for node in &binaries {
        // The first start reads a hundred megabytes from a cold disk: not at the expense of a test.
        process::step("start Node.js", Command::new(node).arg("--version"))?;
    }
    if !binaries.is_empty() {
        environment.push((nodes::NODES_VARIABLE, env::join_paths(&binaries)?));
    }
    if quick {
        environment.push(("LEAKHOUND_TEST_QUICK", "1".into()));
        return Ok(environment);
    }
    if let Some(packages) = skips.keep("the corpus' npm packages", packages::install(root)) {
        environment.push(("LEAKHOUND_TEST_PACKAGES", packages.clone().into_os_string()));
        environment.push(("NODE_PATH", packages.into_os_string()));
    }
    if let Some(worker) = skips.keep("Chrome DevTools' worker", packages::devtools_worker(root)) {
        environment.push(("LEAKHOUND_TEST_DEVTOOLS", worker.into_os_string()));
    }
    process::step(
        "release build",
        locked(cargo(root).args(["build", "--release", "--package", "leakhound"])),
    )?;
    environment.push(("LEAKHOUND_TEST_BIN", release_binary(root)?.into_os_string()));
    Ok(environment)
}

/// Where `cargo build --release` puts leakhound.
pub(crate) fn release_binary(root: &Path) -> anyhow::Result<PathBuf> {
    let metadata = architecture::metadata(root).context("find the target folder")?;
    let folder = metadata.target_directory.into_std_path_buf().join("release");
    Ok(folder.join(format!("leakhound{}", env::consts::EXE_SUFFIX)))
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// On CI the lock file is the truth; at home it may follow an edited manifest.
fn locked(command: &mut Command) -> &mut Command {
    if on_ci() { command.arg("--locked") } else { command }
}
