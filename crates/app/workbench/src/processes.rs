//! The Node processes of this machine.

use leakhound_capture::{Headroom, NodeProcess, SignalState, list_node_processes};

use crate::WorkbenchError;
use crate::view::ProcessView;

/// Lists the Node processes; touches none of them.
///
/// # Errors
/// When /proc cannot be read.
pub fn list() -> Result<Vec<ProcessView>, WorkbenchError> {
    let mut processes: Vec<ProcessView> = list_node_processes()?.iter().map(view).collect();
    processes.sort_by_key(|process| process.pid);
    Ok(processes)
}

fn view(process: &NodeProcess) -> ProcessView {
    let headroom = Headroom::of(process.pid, None);
    let attach = match (process.sigusr1, process.listeners.is_some()) {
        (_, false) => "another user's process: run as that user, or with CAP_SYS_PTRACE",
        (SignalState::Caught, true) => "ready",
        (SignalState::Blocked, true) => "SIGUSR1 is blocked (--disable-sigusr1 or permission mode)",
        (SignalState::Ignored, true) => "SIGUSR1 is ignored",
        (SignalState::Deadly, true) => "no handler for SIGUSR1 yet: the signal would kill it",
    };
    ProcessView {
        pid: u32::try_from(process.pid).unwrap_or(0),
        name: process.name.clone(),
        node_version: process.version.clone(),
        user: Some(user(process.uid)),
        rss_bytes: process.rss,
        container_limit_bytes: headroom.limit,
        container_used_bytes: headroom.used,
        inspector: None,
        attach: attach.into(),
        expected_pause_seconds: None,
        expected_extra_memory_bytes: None,
        threads: u32::try_from(process.threads).unwrap_or(u32::MAX),
        uptime_seconds: process.age().as_secs_f64(),
        command: process.command.join(" "),
    }
}

/// The user's name, by the local list of users; else the number.
fn user(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name_or_a_number() {
        assert_eq!(user(0), "root");
        assert_eq!(user(4_000_000_000), "4000000000");
    }
}
