//! What the user points at.

use std::fmt;
use std::str::FromStr;

use leakhound_inspector::Endpoint;

use crate::error::CaptureError;
use crate::process::{NodeProcess, list_node_processes};

/// A target as written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A process id.
    Pid(i32),
    /// The name of a Node process: script file name, with or without extension, or command.
    Name(String),
    /// An inspector's `host:port`.
    Endpoint(Endpoint),
    /// An inspector target's full WebSocket URL.
    Url(String),
}

/// A target that exists, as far as can be told without touching it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Resolved {
    /// A process here.
    Process(Box<NodeProcess>),
    /// An inspector somewhere.
    Endpoint(Endpoint),
    /// One target of an inspector somewhere.
    Url(String),
}

impl Target {
    /// Reads a target: digits are a pid, `ws://…` a URL, anything with a colon and a number an endpoint, the
    /// rest a name.
    ///
    /// # Errors
    /// [`CaptureError::BadTarget`].
    pub fn parse(text: &str) -> Result<Self, CaptureError> {
        let bad = |reason: &str| CaptureError::BadTarget { text: text.to_owned(), reason: reason.to_owned() };
        let text = text.trim();
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.parse() {
                Ok(pid) if pid > 0 => Ok(Self::Pid(pid)),
                _ => Err(bad("no process can have that id")),
            };
        }
        if text.starts_with("ws://") || text.starts_with("wss://") {
            Endpoint::from_websocket_url(text)?;
            return Ok(Self::Url(text.to_owned()));
        }
        if text.contains("://") {
            return Err(bad("only ws:// URLs are known"));
        }
        match text.rsplit_once(':') {
            Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self::Endpoint(text.parse()?))
            }
            _ => Ok(Self::Name(text.to_owned())),
        }
    }

    /// Finds the target. Sends nothing anywhere.
    ///
    /// # Errors
    /// [`CaptureError::NoSuchProcess`], [`CaptureError::NotNode`], [`CaptureError::NoSuchName`],
    /// [`CaptureError::Ambiguous`].
    pub fn resolve(&self) -> Result<Resolved, CaptureError> {
        match self {
            Self::Pid(pid) => {
                let process = NodeProcess::read(*pid)?;
                if process.is_node() {
                    Ok(Resolved::Process(Box::new(process)))
                } else if process.exe.is_none() && process.uid != rustix::process::geteuid().as_raw() {
                    // Its executable may not be read, so nothing is known but whose it is.
                    Err(CaptureError::NotPermitted { pid: *pid, uid: process.uid })
                } else {
                    Err(CaptureError::NotNode { pid: *pid, name: process.name })
                }
            }
            Self::Name(name) => by_name(name, list_node_processes()?),
            Self::Endpoint(endpoint) => Ok(Resolved::Endpoint(endpoint.clone())),
            Self::Url(url) => Ok(Resolved::Url(url.clone())),
        }
    }
}

fn by_name(name: &str, processes: Vec<NodeProcess>) -> Result<Resolved, CaptureError> {
    let matches = |process: &NodeProcess| {
        let stem = process.name.rsplit_once('.').map(|(stem, _)| stem);
        let exe = process.exe.as_ref().and_then(|exe| exe.file_name()).map(|file| file.to_string_lossy());
        process.name == name || stem == Some(name) || exe.as_deref() == Some(name)
    };
    let present = processes.iter().map(|process| process.name.clone()).collect();
    let mut found: Vec<NodeProcess> = processes.into_iter().filter(matches).collect();
    match (found.pop(), found.is_empty()) {
        (None, _) => Err(CaptureError::NoSuchName { name: name.to_owned(), present }),
        (Some(process), true) => Ok(Resolved::Process(Box::new(process))),
        (Some(last), false) => {
            found.push(last);
            let candidates = found.into_iter().map(|process| (process.pid, process.command.join(" ")));
            Err(CaptureError::Ambiguous { name: name.to_owned(), candidates: candidates.collect() })
        }
    }
}

impl FromStr for Target {
    type Err = CaptureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => write!(f, "{pid}"),
            Self::Name(name) => f.write_str(name),
            Self::Endpoint(endpoint) => write!(f, "{endpoint}"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leakhound_inspector::ErrorKind;

    #[test]
    fn every_spelling_is_told_apart() {
        let endpoint = |host: &str| Target::Endpoint(Endpoint::new(host, 9229));
        for (text, want) in [
            ("4711", Target::Pid(4711)),
            ("server.js", Target::Name("server.js".to_owned())),
            ("my:app", Target::Name("my:app".to_owned())),
            ("localhost:9229", endpoint("localhost")),
            ("[::1]:9229", endpoint("::1")),
            ("ws://127.0.0.1:9229/a-b", Target::Url("ws://127.0.0.1:9229/a-b".to_owned())),
        ] {
            assert_eq!(Target::parse(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_target_is_a_usage_error() {
        for text in ["", "0", "99999999999", "http://localhost:9229/", "wss://a:1/b", "host:0", ":9229"] {
            assert_eq!(Target::parse(text).unwrap_err().kind(), ErrorKind::Usage, "{text:?}");
        }
    }
}
