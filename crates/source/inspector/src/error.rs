//! What can go wrong between us and an inspector.

use std::time::Duration;

use crate::session::{ProtocolError, RemoteError};

/// The consequence of an error, from which a face derives its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request itself was wrong or ambiguous (exit 2).
    Usage,
    /// Something is not what it says it is (exit 3).
    NotWhatItSays,
    /// The target refused, is missing, or went away (exit 4).
    Target,
    /// Refused because it could harm the target (exit 5).
    Safety,
    /// Only part of the result was obtained (exit 6).
    Partial,
    /// The user interrupted (exit 130).
    Interrupted,
    /// Our own environment or a bug of ours (exit 70).
    Internal,
}

impl ErrorKind {
    /// The documented exit code of this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::NotWhatItSays => 3,
            Self::Target => 4,
            Self::Safety => 5,
            Self::Partial => 6,
            Self::Interrupted => 130,
            Self::Internal => 70,
        }
    }
}

/// A failure of discovery, connection, or a call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectorError {
    /// A text is neither `host:port` nor a `ws://` URL.
    #[error("read {text:?} as an inspector address: {reason}")]
    BadAddress {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nothing accepts connections there.
    #[error("connect to the inspector at {address}")]
    Unreachable {
        /// Host and port that were tried.
        address: String,
        /// Why the connection failed.
        source: std::io::Error,
    },
    /// Something answers, but it is no inspector.
    #[error("use {address}: it does not speak the inspector protocol ({detail})")]
    NotInspector {
        /// Host and port that were tried.
        address: String,
        /// What came instead.
        detail: String,
    },
    /// An inspector that hides its targets (`--inspect-publish-uid=stderr`) or has none.
    #[error("find a target at {address}: the inspector lists none")]
    NoTarget {
        /// Host and port that were asked.
        address: String,
    },
    /// No answer in time, although the connection stands.
    #[error("get an answer to {what} within {after:?}")]
    TimedOut {
        /// The method or step that waited.
        what: String,
        /// How long.
        after: Duration,
    },
    /// The target closed the connection: it ended, or its inspector was closed.
    #[error("keep the connection to the target during {during}")]
    Closed {
        /// The method or step that was under way.
        during: String,
    },
    /// The target answered with an error.
    #[error("run {method}: {error}")]
    Remote {
        /// The method.
        method: String,
        /// What the target said.
        error: RemoteError,
    },
    /// An evaluated expression threw.
    #[error("evaluate in the target: {exception}")]
    Thrown {
        /// The exception's text, as the target describes it.
        exception: String,
    },
    /// A message that is not the protocol.
    #[error("understand the target during {during}")]
    Protocol {
        /// The method or step that was under way.
        during: String,
        /// What was wrong with the message.
        source: ProtocolError,
    },
}

impl InspectorError {
    /// The consequence, for an exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadAddress { .. } => ErrorKind::Usage,
            Self::NotInspector { .. } | Self::Protocol { .. } => ErrorKind::NotWhatItSays,
            _ => ErrorKind::Target,
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BadAddress { .. } => Some(
                "an inspector's address looks like 127.0.0.1:9229 or ws://127.0.0.1:9229/UUID".to_owned(),
            ),
            Self::Unreachable { .. } => Some(
                "check that the process runs with --inspect, or give its pid and leakhound opens the inspector"
                    .to_owned(),
            ),
            Self::NotInspector { .. } => Some(
                "give the port that the target prints as \"Debugger listening on ws://…\", or its pid".to_owned(),
            ),
            Self::NoTarget { .. } => Some(
                "with --inspect-publish-uid=stderr the address is only on the target's stderr: give that ws:// URL"
                    .to_owned(),
            ),
            Self::TimedOut { .. } => {
                Some("the target's main thread may be busy; try again or give it more time".to_owned())
            }
            Self::Closed { .. } => {
                Some("check whether the process still runs, and its exit code and stderr if not".to_owned())
            }
            Self::Remote { .. } | Self::Thrown { .. } | Self::Protocol { .. } => None,
        }
    }
}
