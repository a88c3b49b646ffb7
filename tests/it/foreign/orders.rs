//! What a client is told to do, and what it tells.
//!
//! A program in another language gets each [`Order`] as a JSON object on a line of its standard
//! input, with an `id` and, in `on`, the name of the connection meant. It writes lines of its own:
//! `{"answers": id, "done": Done}` or `{"answers": id, "failed": "why"}`, and
//! `{"on": name, "message": Message}` for each message that a connection gets.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::oneshot;

/// Why something did not work, for the one who reads the failed test.
pub(super) type Fault = String;

/// One thing to do for one connection.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Order {
    /// Answered at CONNACK, also when that refuses.
    Connect(Box<Connect>),
    /// Answered at SUBACK.
    Subscribe { filter: String, qos: u8 },
    /// Answered at UNSUBACK.
    Unsubscribe { filter: String },
    /// One message per payload (base64); answered when all are acknowledged.
    Publish {
        topic: String,
        qos: u8,
        retain: bool,
        payloads: Vec<String>,
    },
    /// DISCONNECT, and the end of the connection.
    Disconnect,
    /// The end of the connection without DISCONNECT.
    Cut,
}

/// How to connect.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Connect {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) transport: Transport,
    /// The level in CONNECT: 4 or 5.
    pub(super) version: u8,
    pub(super) client_id: String,
    /// Clean Session, or Clean Start.
    pub(super) clean: bool,
    /// Session Expiry Interval in seconds, for MQTT 5.
    pub(super) expiry: u32,
    /// Whether the library connects again by itself, and goes on.
    pub(super) reconnect: bool,
    pub(super) will: Option<Will>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// Files in PEM.
    pub(super) ca: Option<String>,
    pub(super) certificate: Option<String>,
    pub(super) key: Option<String>,
}

/// What MQTT goes over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Transport {
    Tcp,
    Tls,
    Ws,
    Wss,
}

/// A will.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Will {
    pub(super) topic: String,
    /// In base64.
    pub(super) payload: String,
    pub(super) qos: u8,
    pub(super) retain: bool,
    /// Will Delay Interval in seconds, for MQTT 5.
    pub(super) delay: u32,
}

/// What came of an order.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Done {
    /// The return or reason code of CONNACK or SUBACK; the worst one of the PUBACKs.
    #[serde(default)]
    pub(super) code: u8,
    #[serde(default)]
    pub(super) session_present: bool,
}

/// A message that a connection got.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(super) struct Message {
    pub(super) topic: String,
    #[serde(deserialize_with = "from_base64")]
    pub(super) payload: Vec<u8>,
    pub(super) qos: u8,
    pub(super) retain: bool,
    pub(super) dup: bool,
}

/// An order on its way to whoever has the connection.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) on: String,
    pub(super) order: Order,
    pub(super) answer: oneshot::Sender<Result<Done, Fault>>,
}

/// A line of a program.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Told {
    Message { on: String, message: Message },
    Done { answers: u64, done: Done },
    Failed { answers: u64, failed: Fault },
}

pub(super) fn base64(payload: &[u8]) -> String {
    BASE64_STANDARD.encode(payload)
}

pub(super) fn unbase64(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap()
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64_STANDARD
        .decode(text)
        .map_err(serde::de::Error::custom)
}
