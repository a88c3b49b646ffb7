//! How to connect.

use std::fmt;
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use mqtt_edge::codec::Version;

use super::message::UserProperties;

/// Who sends the PUBACK of an incoming message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckMode {
    /// The client, when the message is handed to [`IncomingMessages`](super::IncomingMessages).
    Automatic,
    /// The caller, by [`MqttClient::acknowledge`](super::MqttClient::acknowledge).
    Explicit,
}

/// How to connect. [`ClientOptions::new`] gives a clean 3.1.1 session without credentials.
#[derive(Clone)]
pub struct ClientOptions {
    /// `HOST:PORT`.
    pub address: String,
    /// Client id; empty asks the server for one.
    pub client_id: ByteString,
    /// Version to speak.
    pub version: Version,
    /// User name.
    pub username: Option<ByteString>,
    /// Password.
    pub password: Option<Bytes>,
    /// Forget an earlier session of this client id ("clean session" in 3.1.1).
    pub clean_start: bool,
    /// How long the server keeps the session after the connection, in seconds; 5.0 only.
    pub session_expiry_secs: u32,
    /// Longest silence before a ping, in seconds; 0 turns pings off.
    pub keep_alive_secs: u16,
    /// Messages that the server may send before their PUBACKs; 5.0 only.
    pub receive_maximum: Option<NonZeroU16>,
    /// User properties of CONNECT; 5.0 only.
    pub user_properties: UserProperties,
    /// Who acknowledges incoming messages.
    pub ack_mode: AckMode,
    /// How long the TCP connection and the CONNACK may take together.
    pub connect_timeout: Duration,
}

impl ClientOptions {
    /// A clean 3.1.1 session without credentials.
    pub fn new(address: impl Into<String>, client_id: impl Into<ByteString>) -> Self {
        Self {
            address: address.into(),
            client_id: client_id.into(),
            version: Version::V311,
            username: None,
            password: None,
            clean_start: true,
            session_expiry_secs: 0,
            keep_alive_secs: 60,
            receive_maximum: None,
            user_properties: Vec::new(),
            ack_mode: AckMode::Automatic,
            connect_timeout: Duration::from_secs(5),
        }
    }

    /// The same in MQTT 5.0.
    #[must_use]
    pub fn v5(mut self) -> Self {
        self.version = Version::V5;
        self
    }
}

impl fmt::Debug for ClientOptions {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("address", &self.address)
            .field("client_id", &self.client_id)
            .field("version", &self.version)
            .field("username", &self.username)
            .field("clean_start", &self.clean_start)
            .finish_non_exhaustive()
    }
}
