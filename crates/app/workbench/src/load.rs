//! The command that makes load during a hunt: started, watched, and ended with everything it started.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::WorkbenchError;
use crate::event::{Event, Listener};

/// Where the command's output goes, in the evidence folder.
const LOG: &str = "load.log";
/// How long the command may take to end when asked.
const GRACE: Duration = Duration::from_secs(3);
/// Of the command's output, how much is looked at for its last line.
const TAIL: u64 = 4096;

/// The load command under way.
pub(crate) struct Load {
    child: Child,
    group: Option<Pid>,
    log: PathBuf,
    began: Instant,
    ended: bool,
}

impl Load {
    /// Whether the command can be found, asked before anything is done to the target.
    pub(crate) fn check(command: &[OsString]) -> Result<(), WorkbenchError> {
        match command.first() {
            Some(program) if !is_program(program) => {
                Err(failed(program)(std::io::Error::from(std::io::ErrorKind::NotFound)))
            }
            _ => Ok(()),
        }
    }

    /// Starts the command in a process group of its own, its output in the folder. With a `guard` (a command
    /// that runs another one and ends it when its own standard input closes), it also ends when we are
    /// killed.
    pub(crate) fn start(
        command: &[OsString],
        guard: &[OsString],
        folder: &Path,
    ) -> Result<Option<Self>, WorkbenchError> {
        let Some(program) = command.first() else { return Ok(None) };
        let mut words = guard.iter().chain(command);
        let Some(first) = words.next() else { return Ok(None) };
        let path = folder.join(LOG);
        let log = std::fs::File::create(&path).map_err(WorkbenchError::file("create", &path))?;
        let child = Command::new(first)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(failed(program))?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed(program))?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Some(Self { child, group, log: path, began: Instant::now(), ended: false }))
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        !self.ended && matches!(self.child.try_wait(), Ok(None))
    }

    /// Whether it has ended since the last question; what the user has to know about it, if it failed.
    pub(crate) fn has_just_ended(&mut self, events: Listener<'_>) -> Option<Option<String>> {
        if self.ended {
            return None;
        }
        let Ok(Some(status)) = self.child.try_wait() else { return None };
        self.ended = true;
        events(Event::LoadEnded { code: status.code() });
        let warning = (!status.success()).then(|| self.failure(status));
        warning.iter().for_each(|warning| events(Event::Warning(warning.clone())));
        Some(warning)
    }

    fn failure(&self, status: ExitStatus) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        let said = last_line(&self.log).map(|line| format!(": {line}")).unwrap_or_default();
        format!("the load command failed after {seconds:.1} s ({status}){said}")
    }

    /// Asks the command's process group to end, then makes it.
    pub(crate) async fn stop(mut self) {
        let signal = |signal| {
            if let Some(group) = self.group {
                let _ = kill_process_group(group, signal);
            }
        };
        signal(Signal::TERM);
        let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
        // Whatever it started may outlive it; a group without members is no error.
        signal(Signal::KILL);
        let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
    }
}

fn failed(program: &OsStr) -> impl FnOnce(std::io::Error) -> WorkbenchError {
    let command = program.to_string_lossy().into_owned();
    move |source| WorkbenchError::Start { role: "the load command", command, source }
}

/// Whether a word names something that can be executed, as a shell would look for it.
fn is_program(program: &OsStr) -> bool {
    let executable = |path: &Path| {
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    if program.as_encoded_bytes().contains(&b'/') {
        return executable(Path::new(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| executable(&folder.join(program)))
}

/// The last line of a log that says something.
fn last_line(path: &Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_looked_for_before_anything_is_done() {
        assert!(Load::check(&[]).is_ok());
        assert!(Load::check(&["sh".into()]).is_ok());
        assert!(Load::check(&["/bin/sh".into()]).is_ok());
        assert!(Load::check(&["no-such-command".into()]).is_err());
        assert!(Load::check(&["/etc/passwd".into()]).is_err());
    }
}
