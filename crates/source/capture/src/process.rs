//! Which Node processes are here, and what can be told about one without touching it.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use procfs::ProcError;
use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, Process};
use serde::Serialize;

use crate::binary;
use crate::error::CaptureError;

/// Bit of SIGUSR1 (signal 10) in the kernel's masks.
const SIGUSR1: u64 = 1 << 9;

/// What SIGUSR1 would do to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalState {
    /// A handler is installed: Node's inspector, or the program's own.
    Caught,
    /// Blocked (`--disable-sigusr1`, permission mode): nothing would happen.
    Blocked,
    /// Ignored: nothing would happen.
    Ignored,
    /// The signal would kill it.
    Deadly,
}

/// A listening TCP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    /// The kernel's identity of the socket.
    pub inode: u64,
}

/// A process as the kernel describes it at one moment.
///
/// The pid alone may be reused; pid and `start_ticks` together name one process for as long as the machine
/// is up.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct NodeProcess {
    /// The process id, as seen from here.
    pub pid: i32,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
    /// The script's file name; without a script, and of anything but Node, the command's.
    pub name: String,
    /// The executable, if it may be read.
    pub exe: Option<PathBuf>,
    /// `v20.20.2`, from the executable's bytes; `None` when it is not Node or may not be read.
    pub version: Option<String>,
    /// The command line.
    pub command: Vec<String>,
    /// Effective user id.
    pub uid: u32,
    /// Resident bytes.
    pub rss: u64,
    /// Highest resident bytes so far.
    pub rss_peak: u64,
    /// Number of threads.
    pub threads: u64,
    /// What SIGUSR1 would do.
    pub sigusr1: SignalState,
    /// Its listening TCP sockets; `None` when they may not be read (another user's process).
    pub listeners: Option<Vec<Listener>>,
}

impl NodeProcess {
    /// Reads one process, Node or not.
    ///
    /// # Errors
    /// [`CaptureError::NoSuchProcess`], or [`CaptureError::Procfs`] for anything unexpected.
    pub fn read(pid: i32) -> Result<Self, CaptureError> {
        let process = open(pid)?;
        let fail = |error| gone_or(pid, error);
        let stat = process.stat().map_err(fail)?;
        let status = process.status().map_err(fail)?;
        let command = process.cmdline().unwrap_or_default();
        let version = version(pid, &process);
        Ok(Self {
            pid,
            start_ticks: stat.starttime,
            name: if version.is_some() { name(&command, &stat.comm) } else { stat.comm.clone() },
            exe: process.exe().ok(),
            version,
            command,
            uid: status.euid,
            rss: status.vmrss.unwrap_or(0) * 1024,
            rss_peak: status.vmhwm.unwrap_or(0) * 1024,
            threads: status.threads,
            sigusr1: signal_state(status.sigblk, status.sigign, status.sigcgt),
            listeners: listeners(pid).ok(),
        })
    }

    /// Whether this is a Node.
    pub fn is_node(&self) -> bool {
        self.version.is_some()
    }

    /// The major version.
    pub fn major(&self) -> Option<u32> {
        self.version.as_deref().and_then(major)
    }

    /// How long it runs already.
    pub fn age(&self) -> Duration {
        use procfs::Current;
        let ticks = procfs::ticks_per_second().max(1);
        let started = Duration::from_millis(self.start_ticks.saturating_mul(1000) / ticks);
        let now = procfs::Uptime::current().map(|uptime| uptime.uptime_duration()).unwrap_or(started);
        now.saturating_sub(started)
    }

    /// CPU time used so far, user and kernel; `None` once the process is gone.
    pub fn cpu_time(&self) -> Option<Duration> {
        let stat = procfs::process::Process::new(self.pid).ok()?.stat().ok()?;
        let ticks = procfs::ticks_per_second().max(1);
        (stat.starttime == self.start_ticks)
            .then(|| Duration::from_millis((stat.utime + stat.stime).saturating_mul(1000) / ticks))
    }

    /// Whether the very same process still runs.
    pub fn is_alive(&self) -> bool {
        is_alive(self.pid, self.start_ticks)
    }
}

/// The Node processes that are visible from here, by pid, our own excluded.
///
/// Costs a few file reads per process, and one read of each distinct executable above 4 MB.
///
/// # Errors
/// [`CaptureError::Procfs`] when the process table itself cannot be read.
pub fn list_node_processes() -> Result<Vec<NodeProcess>, CaptureError> {
    let all = procfs::process::all_processes()
        .map_err(|error| CaptureError::Procfs { what: "processes".to_owned(), detail: error.to_string() })?;
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let mut found: Vec<NodeProcess> = all
        .flatten()
        .filter(|process| process.pid != own && version(process.pid, process).is_some())
        // A process that ends while it is read is simply no longer there.
        .filter_map(|process| NodeProcess::read(process.pid).ok())
        .filter(NodeProcess::is_node)
        .collect();
    found.sort_by_key(|process| process.pid);
    Ok(found)
}

/// `v20.20.2` → 20.
pub(crate) fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

pub(crate) fn open(pid: i32) -> Result<Process, CaptureError> {
    Process::new(pid).map_err(|error| gone_or(pid, error))
}

/// Whether the process with that pid is the one that started at that time, and no zombie.
pub(crate) fn is_alive(pid: i32, start_ticks: u64) -> bool {
    Process::new(pid)
        .and_then(|process| process.stat())
        .is_ok_and(|stat| stat.starttime == start_ticks && !matches!(stat.state, 'Z' | 'X'))
}

/// Resident bytes and their highest value so far.
pub(crate) fn resident(pid: i32) -> Option<(u64, u64)> {
    let status = Process::new(pid).ok()?.status().ok()?;
    Some((status.vmrss? * 1024, status.vmhwm? * 1024))
}

pub(crate) fn signal_state(blocked: u64, ignored: u64, caught: u64) -> SignalState {
    // Blocked first: Node leaves its handler installed when it blocks the signal.
    if blocked & SIGUSR1 != 0 {
        SignalState::Blocked
    } else if caught & SIGUSR1 != 0 {
        SignalState::Caught
    } else if ignored & SIGUSR1 != 0 {
        SignalState::Ignored
    } else {
        SignalState::Deadly
    }
}

/// The listening sockets of that very process: rows of its network namespace whose inode is among its
/// descriptors.
pub(crate) fn listeners(pid: i32) -> Result<Vec<Listener>, CaptureError> {
    let owned = socket_inodes(pid)?;
    Ok(rows(pid)?
        .into_iter()
        .filter(|row| row.state == TcpState::Listen && owned.contains(&row.inode))
        .map(|row| Listener { address: row.local_address, inode: row.inode })
        .collect())
}

/// Local addresses of all listening sockets in the process's network namespace, whoever owns them.
pub(crate) fn namespace_listeners(pid: i32) -> Result<Vec<Listener>, CaptureError> {
    Ok(rows(pid)?
        .into_iter()
        .filter(|row| row.state == TcpState::Listen)
        .map(|row| Listener { address: row.local_address, inode: row.inode })
        .collect())
}

/// Remote ports of the connections that the process has accepted on a local port.
pub(crate) fn clients(pid: i32, port: u16) -> Result<Vec<SocketAddr>, CaptureError> {
    let owned = socket_inodes(pid)?;
    Ok(rows(pid)?
        .into_iter()
        .filter(|row| {
            matches!(row.state, TcpState::Established | TcpState::CloseWait)
                && row.local_address.port() == port
                && owned.contains(&row.inode)
        })
        .map(|row| row.remote_address)
        .collect())
}

/// The process that owns a socket, if it is visible.
pub(crate) fn owner(inode: u64) -> Option<i32> {
    procfs::process::all_processes()
        .ok()?
        .flatten()
        .find(|process| socket_inodes(process.pid).is_ok_and(|owned| owned.contains(&inode)))
        .map(|process| process.pid)
}

fn rows(pid: i32) -> Result<Vec<TcpNetEntry>, CaptureError> {
    let process = open(pid)?;
    let mut rows = process.tcp().map_err(|error| gone_or(pid, error))?;
    // Absent when IPv6 is switched off.
    rows.extend(process.tcp6().unwrap_or_default());
    Ok(rows)
}

fn socket_inodes(pid: i32) -> Result<HashSet<u64>, CaptureError> {
    let descriptors = open(pid)?.fd().map_err(|error| gone_or(pid, error))?;
    Ok(descriptors
        .flatten()
        .filter_map(|descriptor| match descriptor.target {
            FDTarget::Socket(inode) => Some(inode),
            _ => None,
        })
        .collect())
}

fn gone_or(pid: i32, error: ProcError) -> CaptureError {
    match error {
        ProcError::NotFound(_) => CaptureError::NoSuchProcess { pid },
        ProcError::Io(error, _) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
            CaptureError::NoSuchProcess { pid }
        }
        other => CaptureError::Procfs { what: format!("process {pid}"), detail: other.to_string() },
    }
}

/// The version of a Node process: from its executable, or from a `libnode` that it maps.
fn version(pid: i32, process: &Process) -> Option<String> {
    // Through procfs rather than the link's text: right also in a container and after an upgrade in place.
    let exe = PathBuf::from(format!("/proc/{pid}/exe"));
    if let Ok(Some(version)) = binary::node_version(&exe) {
        return Some(version);
    }
    let name = process.exe().ok()?.file_name()?.to_string_lossy().into_owned();
    if !name.contains("node") {
        return None;
    }
    let maps = process.maps().ok()?;
    maps.into_iter().find_map(|map| {
        let procfs::process::MMapPath::Path(path) = map.pathname else { return None };
        let file = path.file_name()?.to_string_lossy().into_owned();
        if !file.starts_with("libnode") {
            return None;
        }
        let inside = format!("/proc/{pid}/root{}", path.display());
        binary::node_version(inside.as_ref()).ok().flatten()
    })
}

/// `node --flag path/server.js arg` → `server.js`; without a script the command's own name.
pub(crate) fn name(command: &[String], comm: &str) -> String {
    let mut arguments = command.iter().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // These take the next word with them.
            "-r"
            | "--require"
            | "--import"
            | "--loader"
            | "--experimental-loader"
            | "-C"
            | "--conditions"
            | "--env-file"
            | "--title" => {
                arguments.next();
            }
            // Code on the command line: there is no script.
            "-e" | "--eval" | "-p" | "--print" | "-pe" | "-i" | "--interactive" => break,
            word if word.starts_with('-') => {}
            script => {
                let file = script.rsplit('/').next().unwrap_or(script);
                if !file.is_empty() {
                    return file.to_owned();
                }
            }
        }
    }
    comm.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_process_is_called_after_its_script() {
        for (command, want) in [
            ("node server.js", "server.js"),
            ("/usr/bin/node --max-old-space-size=512 -r ./trace.js /app/dist/main.js --port 80", "main.js"),
            ("node -e setInterval", "node"),
            ("node --import tsx src/app.ts", "app.ts"),
            ("node", "node"),
        ] {
            assert_eq!(name(&words(command), "node"), want, "{command}");
        }
    }

    #[test]
    fn the_masks_say_what_the_signal_would_do() {
        let bit = 0x200;
        assert_eq!(signal_state(0, 0, bit), SignalState::Caught);
        assert_eq!(signal_state(bit, 0, bit), SignalState::Blocked);
        assert_eq!(signal_state(0, bit, 0), SignalState::Ignored);
        assert_eq!(signal_state(0, 0x1000, 0x4002), SignalState::Deadly);
    }

    #[test]
    fn our_own_process_is_read_and_is_no_node() {
        let own = NodeProcess::read(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(!own.is_node() && own.is_alive() && own.rss > 0);
    }

    #[test]
    fn our_own_listener_is_found_by_its_inode() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let pid = i32::try_from(std::process::id()).unwrap();
        let address = listener.local_addr().unwrap();
        let found = listeners(pid).unwrap();
        let ours = found.iter().find(|l| l.address == address).unwrap();
        assert_eq!(owner(ours.inode), Some(pid));
        let client = std::net::TcpStream::connect(address).unwrap();
        let (_accepted, _) = listener.accept().unwrap();
        assert_eq!(clients(pid, address.port()).unwrap(), [client.local_addr().unwrap()]);
    }

    #[test]
    fn a_pid_that_nobody_has_is_said_so() {
        assert!(matches!(NodeProcess::read(i32::MAX), Err(CaptureError::NoSuchProcess { .. })));
    }
}
