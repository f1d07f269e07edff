//! A session over a WebSocket.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};

use crate::endpoint::Endpoint;
use crate::error::InspectorError;
use crate::protocol::{Command, Evaluate, Evaluated};
use crate::session::{Incoming, ProtocolError, RequestId, Session};

/// What happens while a long call is under way.
#[derive(Debug)]
#[non_exhaustive]
pub enum Activity<'t> {
    /// The target reports something.
    Event {
        /// `Domain.event`.
        method: &'t str,
        /// Its parameters, to be read with [`protocol::event`](crate::protocol::event).
        params: &'t RawValue,
    },
    /// Nothing came for one more tick; the time is since the last message.
    Silent(Duration),
}

/// A connection to one target's inspector.
///
/// Every method may be dropped half-way (a cancelled `select!`): an answer that comes later is recognised
/// and skipped. Dropping the client closes the connection at once, which matters: a target that closes its
/// inspector waits, with its main thread, until every client is gone.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<TcpStream>,
    session: Session,
    endpoint: Endpoint,
    current: Utf8Bytes,
}

impl Client {
    /// Connects to `ws://host:port/target`.
    ///
    /// # Errors
    /// [`InspectorError::Unreachable`], [`InspectorError::NotInspector`] when the upgrade is refused,
    /// [`InspectorError::TimedOut`] after `patience`.
    pub async fn connect(url: &str, patience: Duration) -> Result<Self, InspectorError> {
        let (endpoint, path) = Endpoint::from_websocket_url(url)?;
        let (stream, host) = endpoint.open(patience).await?;
        let not_inspector =
            |detail: String| InspectorError::NotInspector { address: endpoint.to_string(), detail };
        // Requests are small and answered one by one: waiting for more to send only adds latency.
        let _ = stream.set_nodelay(true);
        let request = format!("ws://{host}{path}")
            .into_client_request()
            .map_err(|error| not_inspector(error.to_string()))?;
        // One message may be a whole sampling profile; the target is trusted with its own size, and
        // snapshots come in small chunks.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let upgrade = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
        match tokio::time::timeout(patience, upgrade).await {
            Ok(Ok((socket, _))) => {
                Ok(Self { socket, session: Session::new(), endpoint, current: Utf8Bytes::default() })
            }
            Ok(Err(WsError::Http(response))) => {
                Err(not_inspector(format!("it answered {} to the WebSocket upgrade", response.status())))
            }
            Ok(Err(error)) => Err(not_inspector(error.to_string())),
            Err(_) => {
                Err(InspectorError::TimedOut { what: "the WebSocket upgrade".to_owned(), after: patience })
            }
        }
    }

    /// Where this client is connected to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The local port of the connection, by which it can be told from other clients of the inspector.
    pub fn local_port(&self) -> Option<u16> {
        self.socket.get_ref().local_addr().ok().map(|address| address.port())
    }

    /// Sends a command without waiting for its answer.
    ///
    /// # Errors
    /// [`InspectorError::Closed`] when the connection is gone.
    pub async fn send<C: Command>(&mut self, command: &C) -> Result<RequestId, InspectorError> {
        let (id, text) = self
            .session
            .request(C::METHOD, command)
            .map_err(|source| InspectorError::Protocol { during: C::METHOD.to_owned(), source })?;
        match self.socket.send(Message::text(text)).await {
            Ok(()) => Ok(id),
            Err(_) => Err(InspectorError::Closed { during: C::METHOD.to_owned() }),
        }
    }

    /// The next message, or `None` when nothing comes within `wait`.
    ///
    /// Nothing is read from the socket between two calls of this function: whoever handles messages slowly
    /// slows the sender down instead of filling memory.
    ///
    /// # Errors
    /// [`InspectorError::Closed`] or [`InspectorError::Protocol`]; `during` names the caller's step.
    pub async fn next(
        &mut self,
        during: &str,
        wait: Duration,
    ) -> Result<Option<Incoming<'_>>, InspectorError> {
        let deadline = Instant::now() + wait;
        loop {
            let message = match tokio::time::timeout_at(deadline, self.socket.next()).await {
                Err(_) => return Ok(None),
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(WsError::Protocol(_) | WsError::Utf8(_) | WsError::Capacity(_)))) | Ok(None) => {
                    return Err(InspectorError::Closed { during: during.to_owned() });
                }
                Ok(Some(Err(_))) => return Err(InspectorError::Closed { during: during.to_owned() }),
            };
            match message {
                Message::Text(text) => {
                    self.current = text;
                    break;
                }
                Message::Binary(_) => {
                    return Err(InspectorError::Protocol {
                        during: during.to_owned(),
                        source: ProtocolError::Binary,
                    });
                }
                Message::Close(_) => return Err(InspectorError::Closed { during: during.to_owned() }),
                // Pings are answered by the library.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        match self.session.receive(self.current.as_str()) {
            Ok(incoming) => Ok(Some(incoming)),
            Err(source) => Err(InspectorError::Protocol { during: during.to_owned(), source }),
        }
    }

    /// Asks and waits for the answer; events that come meanwhile are dropped.
    ///
    /// # Errors
    /// Any [`InspectorError`]; after [`InspectorError::TimedOut`] the client stays usable.
    pub async fn call<C: Command>(
        &mut self,
        command: &C,
        patience: Duration,
    ) -> Result<C::Reply, InspectorError> {
        let deadline = Instant::now() + patience;
        let id = match tokio::time::timeout_at(deadline, self.send(command)).await {
            Ok(sent) => sent?,
            Err(_) => {
                return Err(InspectorError::TimedOut { what: C::METHOD.to_owned(), after: patience });
            }
        };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.next(C::METHOD, left).await? {
                None => {
                    return Err(InspectorError::TimedOut { what: C::METHOD.to_owned(), after: patience });
                }
                Some(Incoming::Response { id: got, result, .. }) if got == id => {
                    return reply::<C>(result);
                }
                Some(Incoming::Event { method, .. }) => {
                    tracing::trace!(method, "event dropped");
                }
                Some(Incoming::Response { method, .. }) => {
                    tracing::debug!(method, "late answer dropped");
                }
            }
        }
    }

    /// Asks and hands everything that happens until the answer to `on`, one message at a time.
    ///
    /// There is no overall time-out: a snapshot may keep the target silent for minutes. Instead `on` is
    /// called with [`Activity::Silent`] after each `tick` without a message and decides whether to go on (the
    /// process is alive, nobody pressed Ctrl-C) by returning an error or not.
    ///
    /// # Errors
    /// What `on` returned, or any [`InspectorError`].
    pub async fn call_streaming<C, E>(
        &mut self,
        command: &C,
        tick: Duration,
        mut on: impl FnMut(Activity<'_>) -> Result<(), E>,
    ) -> Result<C::Reply, E>
    where
        C: Command,
        E: From<InspectorError>,
    {
        let id = self.send(command).await?;
        let mut last = Instant::now();
        loop {
            match self.next(C::METHOD, tick).await? {
                None => on(Activity::Silent(last.elapsed()))?,
                Some(Incoming::Response { id: got, result, .. }) if got == id => {
                    return reply::<C>(result).map_err(E::from);
                }
                Some(Incoming::Response { method, .. }) => {
                    tracing::debug!(method, "late answer dropped");
                }
                Some(Incoming::Event { method, params }) => {
                    on(Activity::Event { method: &method, params })?;
                    last = Instant::now();
                }
            }
        }
    }

    /// Evaluates an expression for its JSON value.
    ///
    /// # Errors
    /// [`InspectorError::Thrown`] when it throws, or any error of [`Client::call`].
    pub async fn evaluate<T: DeserializeOwned>(
        &mut self,
        command: Evaluate<'_>,
        patience: Duration,
    ) -> Result<T, InspectorError> {
        let evaluated = self.call(&command, patience).await?;
        value(evaluated)
    }
}

/// The JSON value of an evaluation; `undefined` reads as null.
fn value<T: DeserializeOwned>(evaluated: Evaluated) -> Result<T, InspectorError> {
    if let Some(details) = evaluated.exception_details {
        return Err(InspectorError::Thrown { exception: details.summary() });
    }
    let text = evaluated.result.value.as_deref().map_or("null", RawValue::get);
    serde_json::from_str(text).map_err(|source| shape(Evaluate::METHOD, source))
}

fn reply<C: Command>(
    result: Result<&RawValue, crate::session::RemoteError>,
) -> Result<C::Reply, InspectorError> {
    match result {
        Ok(raw) => serde_json::from_str(raw.get()).map_err(|source| shape(C::METHOD, source)),
        Err(error) => Err(InspectorError::Remote { method: C::METHOD.to_owned(), error }),
    }
}

fn shape(method: &str, source: serde_json::Error) -> InspectorError {
    InspectorError::Protocol {
        during: method.to_owned(),
        source: ProtocolError::Shape { method: method.to_owned(), source },
    }
}
