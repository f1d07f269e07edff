//! One run of a program: what it took.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use rustix::process::{WaitId, WaitIdOptions, waitid};

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// User and system time, its own children's included, in seconds.
    pub(crate) cpu: f64,
    /// From the start to the end, in seconds.
    pub(crate) wall: f64,
    /// Largest resident memory, mapped files included, in bytes.
    pub(crate) resident: f64,
    /// Largest anonymous memory seen (looked at every 5 ms), in bytes.
    pub(crate) anonymous: f64,
}

/// Runs a program to its end, without its output.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Cost> {
    let name = format!("{command:?}");
    let before = children()?;
    let began = Instant::now();
    let mut child = (command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn())
        .with_context(|| format!("start {name}"))?;
    let pid = rustix::process::Pid::from_child(&child);
    let path = format!("/proc/{}/status", child.id());
    let mut cost = Cost::default();
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), options)?.is_none() {
        if let Ok(status) = fs::read_to_string(&path) {
            cost.anonymous = cost.anonymous.max(bytes(&status, "RssAnon:"));
            cost.resident = cost.resident.max(bytes(&status, "VmHWM:"));
        }
        sleep(Duration::from_millis(5));
    }
    cost.wall = began.elapsed().as_secs_f64();
    let status = child.wait()?;
    cost.cpu = children()? - before;
    anyhow::ensure!(status.success(), "{name} ended with {status}");
    Ok(cost)
}

fn bytes(status: &str, key: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() * 1024.0
}

/// Processor seconds of all children that have ended.
fn children() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok((usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6)
}
