//! The protocol without I/O: number requests, sort what comes back.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The number of a request within its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An error that the target itself reported.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{message} (code {code})")]
#[non_exhaustive]
pub struct RemoteError {
    /// JSON-RPC code, for instance -32601 for a method that this version lacks.
    #[serde(default)]
    pub code: i64,
    /// The target's words.
    #[serde(default)]
    pub message: String,
}

impl RemoteError {
    /// Whether the target does not know the method.
    pub fn is_unknown_method(&self) -> bool {
        self.code == -32601
    }
}

/// A text that is not a message of the protocol.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Not JSON, or not an object of the expected shape.
    #[error("a message is not valid JSON of the protocol")]
    Malformed(#[source] serde_json::Error),
    /// An answer to a request that this session never made, or that was answered before.
    #[error("an answer came for request {0}, which is not open")]
    UnknownRequest(u64),
    /// Neither an answer nor an event.
    #[error("a message is neither an answer nor an event")]
    Neither,
    /// The answer or event does not have the documented shape.
    #[error("{method} carries something else than documented")]
    Shape {
        /// The method.
        method: String,
        /// What serde says.
        source: serde_json::Error,
    },
    /// The request could not be written as JSON.
    #[error("{method} could not be written as JSON")]
    Request {
        /// The method.
        method: String,
        /// What serde says.
        source: serde_json::Error,
    },
    /// A binary frame; the protocol has only text.
    #[error("a binary message came")]
    Binary,
}

/// One message from the target, borrowing from its text.
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming<'t> {
    /// The answer to a request.
    Response {
        /// Which request.
        id: RequestId,
        /// The method that was asked.
        method: String,
        /// The result object, or the target's error.
        result: Result<&'t RawValue, RemoteError>,
    },
    /// Something the target reports on its own.
    Event {
        /// `Domain.event`.
        method: String,
        /// Its parameters, an object.
        params: &'t RawValue,
    },
}

/// The state of one protocol session: the next number, and which requests are open.
#[derive(Debug, Default)]
pub struct Session {
    last: u64,
    open: HashMap<u64, String>,
}

#[derive(Serialize)]
struct Request<'a, P: ?Sized> {
    id: u64,
    method: &'a str,
    params: &'a P,
}

#[derive(Deserialize)]
struct Wire<'t> {
    id: Option<u64>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'t RawValue>,
    #[serde(borrow)]
    result: Option<&'t RawValue>,
    error: Option<RemoteError>,
}

impl Session {
    /// A session without open requests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Numbers a request and writes its text.
    ///
    /// # Errors
    /// [`ProtocolError::Request`] when the parameters cannot be written as JSON.
    pub fn request<P: Serialize + ?Sized>(
        &mut self,
        method: &str,
        params: &P,
    ) -> Result<(RequestId, String), ProtocolError> {
        let id = self.last + 1;
        let text = serde_json::to_string(&Request { id, method, params })
            .map_err(|source| ProtocolError::Request { method: method.to_owned(), source })?;
        self.last = id;
        self.open.insert(id, method.to_owned());
        Ok((RequestId(id), text))
    }

    /// Sorts one message.
    ///
    /// # Errors
    /// [`ProtocolError`] for anything that is neither an event nor the answer to an open request. An error
    /// *answer* is a value, not an error of this function.
    pub fn receive<'t>(&mut self, text: &'t str) -> Result<Incoming<'t>, ProtocolError> {
        let wire: Wire<'t> = serde_json::from_str(text).map_err(ProtocolError::Malformed)?;
        match (wire.id, wire.method) {
            (Some(id), _) => {
                let method = self.open.remove(&id).ok_or(ProtocolError::UnknownRequest(id))?;
                let result = match (wire.error, wire.result) {
                    (Some(error), _) => Err(error),
                    (None, Some(result)) => Ok(result),
                    (None, None) => return Err(ProtocolError::Neither),
                };
                Ok(Incoming::Response { id: RequestId(id), method, result })
            }
            (None, Some(method)) => {
                Ok(Incoming::Event { method, params: wire.params.unwrap_or(RawValue::NULL) })
            }
            (None, None) => Err(ProtocolError::Neither),
        }
    }

    /// How many requests wait for an answer.
    pub fn open_requests(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_are_numbered_and_written_as_one_object() {
        let mut session = Session::new();
        let (first, text) = session.request("Runtime.enable", &json!({})).unwrap();
        assert_eq!(text, r#"{"id":1,"method":"Runtime.enable","params":{}}"#);
        let (second, _) = session.request("HeapProfiler.enable", &json!({})).unwrap();
        assert!(second > first);
        assert_eq!(session.open_requests(), 2);
    }

    #[test]
    fn an_answer_finds_its_request_whatever_the_order() {
        let mut session = Session::new();
        let (a, _) = session.request("A.a", &json!({})).unwrap();
        let (b, _) = session.request("B.b", &json!({})).unwrap();
        for (text, want, method) in
            [(r#"{"id":2,"result":{"x":1}}"#, b, "B.b"), (r#"{"result":{},"id":1}"#, a, "A.a")]
        {
            match session.receive(text).unwrap() {
                Incoming::Response { id, method: got, result } => {
                    assert_eq!((id, got.as_str()), (want, method));
                    assert!(result.is_ok());
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(session.open_requests(), 0);
    }

    #[test]
    fn an_error_answer_is_a_value() {
        let mut session = Session::new();
        session.request("No.such", &json!({})).unwrap();
        let text = r#"{"id":1,"error":{"code":-32601,"message":"'No.such' wasn't found"}}"#;
        match session.receive(text).unwrap() {
            Incoming::Response { result: Err(error), .. } => assert!(error.is_unknown_method()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_keeps_its_parameters_untouched() {
        let mut session = Session::new();
        let text = r#"{"method":"HeapProfiler.addHeapSnapshotChunk","params":{"chunk":"a\"\\ud800"}}"#;
        match session.receive(text).unwrap() {
            Incoming::Event { method, params } => {
                assert_eq!(method, "HeapProfiler.addHeapSnapshotChunk");
                assert_eq!(params.get(), r#"{"chunk":"a\"\\ud800"}"#);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_refused() {
        let mut session = Session::new();
        session.request("A.a", &json!({})).unwrap();
        assert!(matches!(session.receive("not json"), Err(ProtocolError::Malformed(_))));
        assert!(matches!(session.receive("[]"), Err(ProtocolError::Malformed(_) | ProtocolError::Neither)));
        assert!(matches!(session.receive("{}"), Err(ProtocolError::Neither)));
        assert!(matches!(session.receive(r#"{"id":7,"result":{}}"#), Err(ProtocolError::UnknownRequest(7))));
        assert!(matches!(session.receive(r#"{"id":-1,"result":{}}"#), Err(ProtocolError::Malformed(_))));
        assert!(matches!(session.receive(r#"{"id":1}"#), Err(ProtocolError::Neither)));
    }

    #[test]
    fn a_second_answer_to_one_request_is_refused() {
        let mut session = Session::new();
        session.request("A.a", &json!({})).unwrap();
        assert!(session.receive(r#"{"id":1,"result":{}}"#).is_ok());
        assert!(matches!(session.receive(r#"{"id":1,"result":{}}"#), Err(ProtocolError::UnknownRequest(1))));
    }
}
