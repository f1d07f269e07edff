//! The V8 inspector protocol, as far as finding leaks needs it.
//!
//! **Who calls it.** `leakhound-capture`, and nobody else: it decides *when* a process may be asked
//! something; this crate only knows *how* to ask.
//!
//! - [`Session`] numbers requests and sorts what comes back. It does no I/O, so every odd answer is a unit
//!   test without a socket.
//! - [`protocol`] holds the commands and events, typed.
//! - [`discover`] asks a port over HTTP whether an inspector lives there and which targets it offers.
//! - [`Client`] drives a session over a WebSocket.
//!
//! **Cost.** One TCP connection; memory is the largest single message. Messages are handed out one at a
//! time and the next one is read only when the caller asks, so TCP pushes back on the target and a dump of
//! any size passes through a few hundred kilobytes.
//!
//! **What it never does.** It never retries, never enables a domain on its own (`Debugger` slows the target
//! down), never writes to disk, and never keeps an event that nobody waits for.
//!
//! ```no_run
//! use leakhound_inspector::{Client, Endpoint, discover, protocol::Evaluate};
//! use std::time::Duration;
//!
//! # async fn example() -> Result<(), leakhound_inspector::InspectorError> {
//! let patience = Duration::from_secs(5);
//! let endpoint: Endpoint = "127.0.0.1:9229".parse()?;
//! let url = discover::websocket_url(&endpoint, patience).await?;
//! let mut client = Client::connect(&url, patience).await?;
//! let pid: u32 = client.evaluate(Evaluate::value("process.pid"), patience).await?;
//! # let _ = pid;
//! # Ok(())
//! # }
//! ```

mod client;
pub mod discover;
mod endpoint;
mod error;
pub mod protocol;
mod session;

pub use client::{Activity, Client};
pub use endpoint::Endpoint;
pub use error::{ErrorKind, InspectorError};
pub use session::{Incoming, ProtocolError, RemoteError, RequestId, Session};
