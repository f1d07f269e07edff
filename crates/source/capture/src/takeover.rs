//! Two Node processes, one inspector port: making the holder step aside for a moment.
//!
//! Node opens its inspector on one port (9229 unless told otherwise) and does not try another. When a second
//! Node process holds that port with an inspector that nobody uses, its inspector is closed, the target's is
//! opened and moved to a free port, and the holder's is opened again: it was gone for well under a second.

use std::time::{Duration, Instant};

use leakhound_inspector::protocol::Evaluate;
use leakhound_inspector::{Client, Endpoint, InspectorError, discover};

use crate::error::CaptureError;
use crate::lease;
use crate::process::{self, Listener, NodeProcess, SignalState};
use crate::signal;

/// How often a holder that we could not bring back looks whether its port is free.
const GUARD: Duration = Duration::from_secs(5);

/// A process whose inspector stepped aside and has to come back.
#[derive(Debug)]
pub(crate) struct Holder {
    process: NodeProcess,
    port: u16,
}

/// Makes the process that listens on the target's inspector port step aside.
pub(crate) async fn make_room(
    target: &NodeProcess,
    port: u16,
    listener: Listener,
    patience: Duration,
) -> Result<Holder, CaptureError> {
    let taken = |holder: String, detail: Option<String>| CaptureError::PortTaken {
        pid: target.pid,
        port,
        holder,
        detail,
    };
    let Some(pid) = process::owner(listener.inode) else {
        return Err(taken("a process that is not visible from here".to_owned(), None));
    };
    let holder = NodeProcess::read(pid)?;
    let who = format!("process {pid} ({})", holder.name);
    if !holder.is_node() {
        return Err(taken(who, Some("which is not Node.js".to_owned())));
    }
    if !process::clients(pid, port)?.is_empty() {
        return Err(taken(who, Some("a debugger is connected to it".to_owned())));
    }
    let endpoint = endpoint_of(&listener);
    let url = match discover::websocket_url(&endpoint, patience).await {
        Ok(url) => url,
        Err(InspectorError::NotInspector { .. }) => {
            return Err(taken(who, Some("its port is not an inspector".to_owned())));
        }
        Err(error) => return Err(taken(who, Some(error.to_string()))),
    };
    let mut client = Client::connect(&url, patience).await?;
    let script = lease::step_aside(GUARD);
    let answer = client.evaluate::<Option<()>>(Evaluate::value(&script), patience).await;
    drop(client);
    match answer {
        // The connection usually ends before the answer leaves.
        Ok(_) | Err(InspectorError::Closed { .. }) => {}
        Err(error) => return Err(taken(who, Some(error.to_string()))),
    }
    let deadline = Instant::now() + patience;
    while process::listeners(pid)?.iter().any(|open| open.inode == listener.inode) {
        if Instant::now() > deadline {
            return Err(taken(who, Some("it did not step aside".to_owned())));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tracing::info!(pid, port, "inspector stepped aside");
    Ok(Holder { process: holder, port })
}

impl Holder {
    /// What to tell the user.
    pub(crate) fn warning(&self, restored: bool) -> String {
        let (pid, name, port) = (self.process.pid, &self.process.name, self.port);
        let ending = if restored {
            "it listens again"
        } else {
            "it opens again by itself within seconds once the port is free"
        };
        format!("the inspector of process {pid} ({name}) on port {port} was closed for a moment; {ending}")
    }

    /// Opens the holder's inspector again. False when that is left to the guard inside the holder.
    pub(crate) async fn restore(&self) -> bool {
        let Ok(now) = NodeProcess::read(self.process.pid) else { return false };
        if !self.process.is_alive() || now.sigusr1 != SignalState::Caught {
            return false;
        }
        if signal::send_sigusr1(self.process.pid, self.process.start_ticks).is_err() {
            return false;
        }
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline {
            let open = process::listeners(self.process.pid).unwrap_or_default();
            if open.iter().any(|listener| listener.address.port() == self.port) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

/// The address under which a listener is reached from here.
pub(crate) fn endpoint_of(listener: &Listener) -> Endpoint {
    let ip = listener.address.ip();
    let host = match (ip.is_unspecified(), ip.is_ipv4()) {
        (true, true) => "127.0.0.1".to_owned(),
        (true, false) => "::1".to_owned(),
        (false, _) => ip.to_string(),
    };
    Endpoint::new(host, listener.address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// As if leakhound had been killed between closing the holder's inspector and opening it again.
    #[tokio::test]
    async fn a_holder_that_nobody_brings_back_comes_back_by_itself() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut node = Command::new("node")
            .args([&format!("--inspect={port}"), "-e", "setInterval(() => {}, 1000)"])
            .env_remove("NODE_OPTIONS")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = i32::try_from(node.id()).unwrap();
        let listens =
            || process::listeners(pid).unwrap().into_iter().find(|open| open.address.port() == port);
        let wait = async |open: bool| {
            for _ in 0..200 {
                if listens().is_some() == open {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(listens().is_some(), open);
        };
        wait(true).await;
        let target = NodeProcess::read(pid).unwrap();
        make_room(&target, port, listens().unwrap(), Duration::from_secs(5)).await.unwrap();
        assert!(listens().is_none());
        // While the port is taken by somebody else it waits.
        let other = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        tokio::time::sleep(GUARD + Duration::from_secs(1)).await;
        assert!(listens().is_none());
        drop(other);
        wait(true).await;
        let endpoint = Endpoint::new("127.0.0.1", port);
        assert!(discover::version(&endpoint, Duration::from_secs(2)).await.is_ok());
        node.kill().unwrap();
        node.wait().unwrap();
    }
}
