//! Where an inspector listens.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::error::InspectorError;

/// Host and port of an inspector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// An IP address (IPv6 without brackets) or a name.
    pub host: String,
    /// The TCP port, never 0.
    pub port: u16,
}

impl Endpoint {
    /// An endpoint from its parts.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// Whether the host is this machine's loopback.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Opens a TCP connection and says what to put into the `Host` header.
    ///
    /// Node answers 400 to any other host than an IP address or `localhost` (its guard against DNS
    /// rebinding), so that a name is replaced by the address it resolved to.
    pub(crate) async fn open(&self, patience: Duration) -> Result<(TcpStream, Endpoint), InspectorError> {
        let attempt = TcpStream::connect((self.host.as_str(), self.port));
        let stream = match tokio::time::timeout(patience, attempt).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(source)) => return Err(InspectorError::Unreachable { address: self.to_string(), source }),
            Err(_) => {
                return Err(InspectorError::TimedOut {
                    what: format!("a connection to {self}"),
                    after: patience,
                });
            }
        };
        let host = match (self.host.as_str(), self.host.parse::<IpAddr>(), stream.peer_addr()) {
            ("localhost", ..) | (_, Ok(_), _) | (.., Err(_)) => self.host.clone(),
            (_, Err(_), Ok(peer)) => peer.ip().to_string(),
        };
        Ok((stream, Endpoint { host, port: self.port }))
    }

    /// Splits `ws://host:port/path` into the endpoint and `/path`.
    ///
    /// # Errors
    /// [`InspectorError::BadAddress`], also for `wss://`: an inspector has no encryption of its own.
    pub fn from_websocket_url(url: &str) -> Result<(Endpoint, String), InspectorError> {
        let bad = |reason| InspectorError::BadAddress { text: url.to_owned(), reason };
        if url.starts_with("wss://") {
            return Err(bad("encrypted inspectors are not supported"));
        }
        let rest = url.strip_prefix("ws://").ok_or_else(|| bad("it does not start with ws://"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.is_empty() {
            return Err(bad("it has no target after the port"));
        }
        Ok((authority.parse()?, format!("/{path}")))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Endpoint {
    type Err = InspectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |reason| InspectorError::BadAddress { text: text.to_owned(), reason };
        let (host, port) = text.rsplit_once(':').ok_or_else(|| bad("it has no port"))?;
        let port: u16 = port.parse().map_err(|_| bad("the port is no number between 1 and 65535"))?;
        if port == 0 {
            return Err(bad("the port is no number between 1 and 65535"));
        }
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or_else(|| bad("a bracket is missing"))?,
            None if host.contains(':') => return Err(bad("an IPv6 address needs brackets")),
            None => host,
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '/' || c == '@') {
            return Err(bad("the host is empty or no host name"));
        }
        Ok(Endpoint::new(host, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_read_and_printed_the_same() {
        for text in ["127.0.0.1:9229", "localhost:1", "[::1]:65535", "db.internal:9229"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_as_usage() {
        for text in ["", "9229", "host:", "host:0", "host:70000", "::1:9229", "[::1:9229", ":9229", "a b:1"] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage, "{text}");
        }
    }

    #[test]
    fn a_websocket_url_gives_endpoint_and_path() {
        let (endpoint, path) = Endpoint::from_websocket_url("ws://127.0.0.1:9229/abc-def").unwrap();
        assert_eq!((endpoint.to_string().as_str(), path.as_str()), ("127.0.0.1:9229", "/abc-def"));
        for bad in ["wss://127.0.0.1:9229/a", "http://127.0.0.1:9229/a", "ws://127.0.0.1:9229", "ws:///a"] {
            assert!(Endpoint::from_websocket_url(bad).is_err(), "{bad}");
        }
    }
}
