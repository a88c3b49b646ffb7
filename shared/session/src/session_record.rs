//! A session as the bucket `session` keeps it: JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::stored_message::{EntryError, StoredMessage};

/// The version that is written. A newer one is refused: it may mean something else by what looks
/// the same.
const VERSION: u32 = 1;

/// What is kept of a session besides its queue. Fields that are not known are ignored, those that
/// are missing take their defaults, so that edges of two builds can run side by side.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SessionRecord {
    /// MQTT client id.
    pub client_id: String,
    /// MQTT user name; empty when there is none.
    #[serde(default)]
    pub username: String,
    /// Grows with each connection of the same client id.
    pub epoch: u64,
    /// The edge that has, or last had, the session.
    pub node: String,
    /// Whether the client is connected there.
    #[serde(default)]
    pub connected: bool,
    /// Seconds that the session lasts after its connection; [`u32::MAX`] is for ever.
    #[serde(default)]
    pub expiry_secs: u32,
    /// When the last connection ended: milliseconds since 1970.
    #[serde(default)]
    pub ended_at_ms: Option<u64>,
    /// Its subscriptions.
    #[serde(default)]
    pub subscriptions: Vec<Subscription>,
    /// Packet ids of QoS 2 messages from the client that it has not released yet.
    #[serde(default)]
    pub received: Vec<u16>,
    /// QoS 2 messages to the client that it has not completed yet.
    #[serde(default)]
    pub sent: Vec<SentMessage>,
    /// What is published when the client is gone.
    #[serde(default)]
    pub will: Option<Will>,
}

/// One subscription of a session.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Subscription {
    /// Topic filter, with `$share/` where it is a shared one.
    pub filter: String,
    /// Greatest quality of service, 0 to 2.
    pub qos: u8,
    /// Whether the client's own messages are left out.
    #[serde(default)]
    pub no_local: bool,
    /// Whether messages keep the RETAIN flag that they were published with.
    #[serde(default)]
    pub retain_as_published: bool,
    /// When retained messages are sent, 0 to 2 (MQTT 5.0 section 3.8.3.1).
    #[serde(default)]
    pub retain_handling: u8,
    /// Subscription identifier.
    #[serde(default)]
    pub id: Option<u32>,
}

/// A QoS 2 message on its way to the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SentMessage {
    /// Packet id that it was sent with.
    pub packet_id: u16,
    /// Its entry in the client's queue.
    pub seq: u64,
    /// Its place in that entry.
    pub index: u32,
    /// Whether the client has it (PUBREC came, PUBREL goes).
    #[serde(default)]
    pub released: bool,
}

/// What is published when a client is gone without a word.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Will {
    /// The message.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub message: StoredMessage,
    /// Seconds that it waits after the connection's end.
    #[serde(default)]
    pub delay_secs: u32,
}

/// Why bytes are no session.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not this JSON.
    #[error("not a session: {0}; was it written by another program?")]
    Json(#[from] serde_json::Error),
    /// Written by a newer build.
    #[error("the session is of version {0}, this build reads {VERSION}; update this edge")]
    Version(u32),
}

#[derive(Serialize)]
struct Versioned<'r> {
    v: u32,
    #[serde(flatten)]
    record: &'r SessionRecord,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

impl SessionRecord {
    /// The record as JSON, with its version.
    pub fn to_json(&self) -> Result<Vec<u8>, RecordError> {
        let versioned = Versioned {
            v: VERSION,
            record: self,
        };
        Ok(serde_json::to_vec(&versioned)?)
    }

    /// Reads what [`SessionRecord::to_json`] has written.
    pub fn from_json(bytes: &[u8]) -> Result<Self, RecordError> {
        let Version { v } = serde_json::from_slice(bytes)?;
        if v != VERSION {
            return Err(RecordError::Version(v));
        }
        Ok(serde_json::from_slice(bytes)?)
    }
}

fn to_base64<S: Serializer>(message: &StoredMessage, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(message.encode_to_vec()))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StoredMessage, D::Error> {
    use serde::de::Error;
    let text = String::deserialize(deserializer)?;
    let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
    let read = StoredMessage::read(bytes.into());
    read.map_err(|error: EntryError| D::Error::custom(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a record by an older build, with less in it, and by a newer one of the same
    /// version, with more.
    /// Guarantee: what is missing is as if it had never been; what is not known is ignored.
    #[test]
    fn other_builds_are_understood() {
        let older = r#"{"v":1,"client_id":"1","epoch":2,"node":"edge"}"#;
        let read = SessionRecord::from_json(older.as_bytes()).unwrap();
        let expected = SessionRecord {
            client_id: "1".to_owned(),
            epoch: 2,
            node: "edge".to_owned(),
            ..SessionRecord::default()
        };
        assert_eq!(read, expected);
        let newer = r#"{"v":1,"client_id":"1","epoch":2,"node":"edge","mood":{"good":true},
                        "subscriptions":[{"filter":"a","qos":1,"priority":9}]}"#;
        let read = SessionRecord::from_json(newer.as_bytes()).unwrap();
        assert_eq!(read.subscriptions[0].filter, "a");
    }

    /// Scenario: another version, no version, no client id, and a will that is no message.
    /// Guarantee: each is refused with its cause.
    #[test]
    fn what_is_no_session_is_refused() {
        for (text, cause) in [
            (
                r#"{"v":2,"client_id":"1","epoch":2,"node":"e"}"#,
                "version 2",
            ),
            (
                r#"{"client_id":"1","epoch":2,"node":"e"}"#,
                "missing field `v`",
            ),
            (
                r#"{"v":1,"epoch":2,"node":"e"}"#,
                "missing field `client_id`",
            ),
            (
                r#"{"v":1,"client_id":"1","epoch":2,"node":"e","will":{"message":"/w=="}}"#,
                "not a stored message",
            ),
        ] {
            let error = SessionRecord::from_json(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(cause), "{error}");
        }
    }
}
