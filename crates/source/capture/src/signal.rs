//! Sending SIGUSR1 to exactly the process that was looked at.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, test_kill_process};

use crate::error::CaptureError;
use crate::process::is_alive;

/// Whether we may signal a process; sends nothing.
pub(crate) fn permitted(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::PERM))
}

/// Sends SIGUSR1 through a descriptor of the process, whose identity is checked after it was opened: a pid
/// that was reused in between is never signalled.
pub(crate) fn send_sigusr1(pid: i32, start_ticks: u64) -> Result<(), CaptureError> {
    let gone = || CaptureError::Gone { pid, during: None };
    let raw = Pid::from_raw(pid).ok_or(CaptureError::NoSuchProcess { pid })?;
    let descriptor = match pidfd_open(raw, PidfdFlags::empty()) {
        Ok(descriptor) => Some(descriptor),
        // Kernels before 5.3.
        Err(rustix::io::Errno::NOSYS) => None,
        Err(_) => return Err(gone()),
    };
    if !is_alive(pid, start_ticks) {
        return Err(gone());
    }
    let sent = match descriptor {
        Some(descriptor) => pidfd_send_signal(descriptor, Signal::USR1),
        None => rustix::process::kill_process(raw, Signal::USR1),
    };
    match sent {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::PERM) => {
            let uid = crate::process::NodeProcess::read(pid).map_or(0, |process| process.uid);
            Err(CaptureError::NotPermitted { pid, uid })
        }
        Err(_) => Err(gone()),
    }
}
