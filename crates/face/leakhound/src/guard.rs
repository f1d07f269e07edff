//! `guard`: runs a command and ends it, with everything it started, as soon as standard input closes.
//!
//! A hunt runs its load command under this one and holds the other end of its standard input. Killed outright,
//! leakhound can end nothing any more; the kernel then closes that end, and the guard does it.

use std::ffi::OsString;
use std::process::Stdio;

use leakhound_workbench::WorkbenchError;
use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit;

/// The hidden command's name.
pub(crate) const NAME: &str = "guard";

/// This program as a guard, to be put before a load command; empty where it cannot be told how to start it.
pub(crate) fn command() -> Vec<OsString> {
    match std::env::current_exe() {
        Ok(program) => vec![program.into(), NAME.into(), "--".into()],
        Err(_) => Vec::new(),
    }
}

/// Runs the command to its end, or to that of standard input. To be started as the leader of a process group
/// of its own, which is killed as a whole.
pub(crate) async fn guard(command: &[OsString]) -> Result<u8, WorkbenchError> {
    // Meant for the command, which is in the same group; the guard goes when the command has gone.
    let _terminate = signal(SignalKind::terminate());
    let _interrupt = signal(SignalKind::interrupt());
    let _hangup = signal(SignalKind::hangup());
    let Some((program, arguments)) = command.split_first() else { return Ok(exit::USAGE) };
    let failed = |source| WorkbenchError::Start {
        role: "the load command",
        command: program.to_string_lossy().into_owned(),
        source,
    };
    // A pipe that stays open as long as the guard: there is load that ends when its standard input does.
    let mut child = Command::new(program).args(arguments).stdin(Stdio::piped()).spawn().map_err(failed)?;
    let _open = child.stdin.take();
    let orphaned =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
    tokio::select! {
        status = child.wait() => {
            use std::os::unix::process::ExitStatusExt;
            let status = status.map_err(failed)?;
            let code = status.code().or(status.signal().map(|signal| 128 + signal));
            Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::BUG))
        }
        _ = orphaned => {
            if getpgrp() == getpid() {
                // Us included.
                let _ = kill_current_process_group(Signal::KILL);
            }
            let _ = child.kill().await;
            Ok(exit::INTERRUPTED)
        }
    }
}
