//! Why something could not be done.

use std::time::Duration;

use mqtt_edge::codec::ReasonCode;

/// Why a connection can't be made, has ended, or can't carry a packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No TCP connection.
    #[error(
        "cannot reach MQTT at {address}: {reason}; start the edge there, or name another with --mqtt"
    )]
    Unreachable {
        /// Where.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// No CONNACK in time.
    #[error(
        "{address} took the connection but did not answer CONNECT within {within:?}; is it an MQTT port?"
    )]
    NoAnswer {
        /// Where.
        address: String,
        /// How long was waited.
        within: Duration,
    },
    /// CONNACK says no.
    #[error("{address} refuses client {client_id:?}: {reason}{text}")]
    Refused {
        /// Where.
        address: String,
        /// Who was refused.
        client_id: String,
        /// The reason; that of 3.1.1 as its 5.0 equal.
        reason: ReasonCode,
        /// `": "` and the server's reason string, if it gave one.
        text: String,
    },
    /// This side closed the connection, or dropped the client.
    #[error("the connection is closed")]
    Closed,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The server ended the connection with a DISCONNECT.
    #[error("the server ended the connection: {reason}{text}")]
    Disconnected {
        /// Its reason.
        reason: ReasonCode,
        /// `": "` and the server's reason string, if it gave one.
        text: String,
    },
    /// No PINGRESP within the keep-alive time.
    #[error("the server did not answer a ping within {0:?}")]
    KeepAlive(Duration),
    /// The server sent what it must not.
    #[error("the server broke the protocol: {0}")]
    Protocol(String),
    /// The packet can't be written.
    #[error("cannot send that: {0}")]
    Unsendable(String),
}
