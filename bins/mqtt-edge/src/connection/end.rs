//! Why a connection ends.

use std::io;

use crate::bus::BusError;
use crate::codec::{ProtocolError, ReasonCode};

/// The edge stops.
pub(super) const SHUTDOWN: &str = "server_shutdown";

/// The client said goodbye.
pub(super) const NORMAL: &str = "normal";

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The word in the event client.disconnected.
    pub(super) reason: &'static str,
    /// What an MQTT 5 client is told.
    pub(super) code: Option<ReasonCode>,
    /// In words, for an MQTT 5 client and for the log.
    pub(super) text: Option<String>,
}

impl End {
    pub(super) fn new(reason: &'static str, code: Option<ReasonCode>) -> Self {
        Self {
            reason,
            code,
            text: None,
        }
    }

    pub(super) fn with_text(
        reason: &'static str,
        code: ReasonCode,
        text: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            code: Some(code),
            text: Some(text.into()),
        }
    }

    /// The peer closed the socket, or it broke.
    pub(super) fn closed() -> Self {
        Self::new("tcp_closed", None)
    }

    /// The client broke the protocol in a way that needs knowledge of its session.
    pub(super) fn protocol(code: ReasonCode, text: impl Into<String>) -> Self {
        Self::with_text("protocol_error", code, text)
    }

    pub(super) fn taken_over() -> Self {
        Self::new("takenover", Some(ReasonCode::SESSION_TAKEN_OVER))
    }

    pub(super) fn shutdown() -> Self {
        Self::new(SHUTDOWN, Some(ReasonCode::SERVER_SHUTTING_DOWN))
    }

    pub(super) fn router_failed(error: &BusError) -> Self {
        Self::with_text(
            "router_failed",
            ReasonCode::SERVER_UNAVAILABLE,
            error.to_string(),
        )
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self {
            text: Some(error.to_string()),
            ..Self::closed()
        }
    }
}

impl From<&ProtocolError> for End {
    fn from(error: &ProtocolError) -> Self {
        Self::protocol(error.reason(), error.to_string())
    }
}
