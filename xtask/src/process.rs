//! Running other programs.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};

/// Runs a step of the tests with its output visible; an unsuccessful end is an error.
pub(crate) fn step(title: &str, command: &mut Command) -> anyhow::Result<()> {
    eprintln!("── {title}");
    let status = command.status().with_context(|| format!("start {}", spelled(command)))?;
    if !status.success() {
        bail!("{title}: {} ended with {status}", spelled(command));
    }
    Ok(())
}

/// Runs npm quietly in `folder`; its own messages are part of the error.
pub(crate) fn npm(folder: &Path, args: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("npm");
    command.args(args).args(["--no-audit", "--no-fund", "--loglevel=error"]);
    command.current_dir(folder).stdin(Stdio::null());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("npm is not on the PATH\n  hint: install Node.js 18 or later together with npm")
        }
        Err(error) => return Err(error).context("start npm"),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let offline = ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED"];
    let hint = if offline.iter().any(|code| said.contains(code)) {
        "the package registry cannot be reached: go online once, or set LEAKHOUND_TEST_NODES to binaries you have"
    } else {
        "run the same command by hand to see more"
    };
    // The first lines name the cause, the rest is npm's own stack.
    let cause = said.trim().lines().take(4).collect::<Vec<_>>().join("\n  ");
    Err(anyhow!("{cause}\n  hint: {hint}").context(format!("{} failed", spelled(&command))))
}

/// What `binary --version` prints, trimmed.
pub(crate) fn version_of(binary: &Path) -> anyhow::Result<String> {
    let output = Command::new(binary)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {}", binary.display()))?;
    if !output.status.success() {
        bail!("{} --version ended with {}", binary.display(), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn spelled(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy()));
    words.join(" ")
}
