//! The packets of a client, the same for MQTT 3.1.1 and 5.0.
//!
//! What only 5.0 has is empty or at its default in a packet of 3.1.1.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

use bytes::Bytes;
use bytestring::ByteString;

use super::reason::ReasonCode;

/// The two versions of MQTT served here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// Protocol level 4.
    V311,
    /// Protocol level 5.
    V5,
}

impl Version {
    /// The protocol level byte of CONNECT.
    pub const fn level(self) -> u8 {
        match self {
            Self::V311 => 4,
            Self::V5 => 5,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5.0",
        })
    }
}

/// User properties in the order in which they were sent (MQTT-3.3.2-17, MQTT-3.3.2-18).
pub type UserProperties = Vec<(ByteString, ByteString)>;

/// A packet that a client may send, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// Opens the session.
    Connect(Box<Connect>),
    /// A message.
    Publish(Publish),
    /// The client has a `QoS` 1 message.
    PubAck {
        /// Identifier of the acknowledged PUBLISH.
        packet_id: NonZeroU16,
        /// Success in 3.1.1.
        reason: ReasonCode,
        /// None in 3.1.1 and when 5.0 sends none.
        properties: Option<Box<AckProperties>>,
    },
    /// The client has a `QoS` 2 message.
    PubRec {
        /// Identifier of the acknowledged PUBLISH.
        packet_id: NonZeroU16,
        /// Success in 3.1.1.
        reason: ReasonCode,
        /// None in 3.1.1 and when 5.0 sends none.
        properties: Option<Box<AckProperties>>,
    },
    /// The client releases its `QoS` 2 message.
    PubRel {
        /// Identifier of the PUBLISH.
        packet_id: NonZeroU16,
        /// Success in 3.1.1.
        reason: ReasonCode,
    },
    /// The client is done with a `QoS` 2 message.
    PubComp {
        /// Identifier of the PUBLISH.
        packet_id: NonZeroU16,
        /// Success in 3.1.1.
        reason: ReasonCode,
    },
    /// Asks for topics.
    Subscribe(Box<Subscribe>),
    /// Gives topics back.
    Unsubscribe(Box<Unsubscribe>),
    /// Shows that the client lives.
    PingRequest,
    /// The client leaves.
    Disconnect(Disconnect),
    /// A step of an enhanced authentication (5.0).
    Auth(Box<Auth>),
}

/// CONNECT. Its text does not share the read buffer, so it may be kept as long as the session.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// Version of the whole connection.
    pub version: Version,
    /// Clean Start; Clean Session in 3.1.1.
    pub clean_start: bool,
    /// Keep alive in seconds; 0 is none.
    pub keep_alive_secs: u16,
    /// Empty when the server shall choose one.
    pub client_id: ByteString,
    /// The will message.
    pub will: Option<Will>,
    /// User name.
    pub user_name: Option<ByteString>,
    /// Password: any bytes.
    pub password: Option<Bytes>,
    /// Session expiry in seconds; `u32::MAX` is never. In 3.1.1 a clean session ends with the
    /// connection (0), another never (5.0, section 3.1.2.11.2, says the two are equal).
    pub session_expiry_secs: u32,
    /// Unacknowledged `QoS` 1 and 2 messages that the client takes at a time; 65535 by default.
    pub receive_max: NonZeroU16,
    /// Largest packet the client takes, in bytes, fixed header included; never below
    /// [`MIN_CLIENT_PACKET_SIZE`](super::MIN_CLIENT_PACKET_SIZE).
    pub max_packet_size: Option<NonZeroU32>,
    /// Highest topic alias that the client takes; 0 is none.
    pub topic_alias_max: u16,
    /// The client asks for response information in CONNACK.
    pub request_response_info: bool,
    /// False: no reason strings and user properties but in PUBLISH, CONNACK and DISCONNECT
    /// (MQTT-3.1.2-29).
    pub request_problem_info: bool,
    /// Method of the enhanced authentication.
    pub auth_method: Option<ByteString>,
    /// First data of the enhanced authentication.
    pub auth_data: Option<Bytes>,
    /// User properties.
    pub user_properties: UserProperties,
}

impl fmt::Debug for Connect {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("version", &self.version)
            .field("client_id", &self.client_id)
            .field("clean_start", &self.clean_start)
            .field("keep_alive_secs", &self.keep_alive_secs)
            .field("session_expiry_secs", &self.session_expiry_secs)
            .field("user_name", &self.user_name)
            .field("password", &self.password.as_ref().map(|_| "<redacted>"))
            .field("auth_method", &self.auth_method)
            .finish_non_exhaustive()
    }
}

/// The will message of a CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Topic name, checked like that of a PUBLISH.
    pub topic: ByteString,
    /// Payload.
    pub payload: Bytes,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Retain the message when it is published.
    pub retain: bool,
    /// Seconds between the end of the connection and the will.
    pub delay_secs: u32,
    /// What goes with the message; never a topic alias.
    pub properties: PublishProperties,
}

/// PUBLISH. Topic and payload are views of the read buffer: copy what is kept for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Sent before.
    pub dup: bool,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Retain the message.
    pub retain: bool,
    /// Topic name; empty only together with a topic alias.
    pub topic: ByteString,
    /// Present exactly when `qos` is above 0.
    pub packet_id: Option<NonZeroU16>,
    /// Payload.
    pub payload: Bytes,
    /// None in 3.1.1 and when 5.0 sends none.
    pub properties: Option<Box<PublishProperties>>,
}

impl Publish {
    /// True when the payload is what its Payload Format Indicator says. If not, the answer is
    /// 0x99, "payload format invalid" (MQTT 5.0, section 3.3.2.3.2: a server may check).
    pub fn payload_format_is_valid(&self) -> bool {
        match &self.properties {
            Some(properties) if properties.payload_is_utf8 => {
                std::str::from_utf8(&self.payload).is_ok()
            }
            _ => true,
        }
    }
}

/// Properties of a PUBLISH or of a will.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishProperties {
    /// Payload Format Indicator 1.
    pub payload_is_utf8: bool,
    /// Message expiry in seconds; 0 is legal and means that only present subscribers get it.
    pub message_expiry_secs: Option<u32>,
    /// Content type.
    pub content_type: Option<ByteString>,
    /// Where an answer goes.
    pub response_topic: Option<ByteString>,
    /// What an answer carries.
    pub correlation_data: Option<Bytes>,
    /// Topic alias, within the maximum of [`Limits`](super::Limits).
    pub topic_alias: Option<NonZeroU16>,
    /// User properties.
    pub user_properties: UserProperties,
}

/// Properties of a PUBACK or PUBREC. Their text does not share the read buffer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AckProperties {
    /// Words for a person.
    pub reason_string: Option<ByteString>,
    /// User properties.
    pub user_properties: UserProperties,
}

/// SUBSCRIBE. Its text does not share the read buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Packet identifier.
    pub packet_id: NonZeroU16,
    /// Identifier for all filters of this packet.
    pub subscription_id: Option<NonZeroU32>,
    /// At least one.
    pub filters: Vec<FilterRequest>,
    /// User properties.
    pub user_properties: UserProperties,
}

/// One filter of a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterRequest {
    /// Valid filter; `$share/name/filter` as it was sent.
    pub filter: ByteString,
    /// Highest `QoS` asked for: 0, 1 or 2.
    pub qos: u8,
    /// Not the client's own messages.
    pub no_local: bool,
    /// Keep the retain flag of forwarded messages.
    pub retain_as_published: bool,
    /// Which retained messages to send.
    pub retain_handling: RetainHandling,
}

/// Which retained messages a subscription gets (MQTT 5.0, section 3.8.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetainHandling {
    /// At every SUBSCRIBE, as in 3.1.1.
    AtSubscribe,
    /// Only when the subscription is new.
    IfNew,
    /// Never.
    Never,
}

/// UNSUBSCRIBE. Its text does not share the read buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Packet identifier.
    pub packet_id: NonZeroU16,
    /// At least one, each valid.
    pub filters: Vec<ByteString>,
    /// User properties.
    pub user_properties: UserProperties,
}

/// DISCONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    /// 0x00 drops the will; 0x04 and failures publish it.
    pub reason: ReasonCode,
    /// New session expiry in seconds.
    pub session_expiry_secs: Option<u32>,
    /// Words for a person.
    pub reason_string: Option<ByteString>,
    /// User properties.
    pub user_properties: UserProperties,
}

/// AUTH.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// 0x18 or 0x19.
    pub reason: ReasonCode,
    /// Authentication method.
    pub method: ByteString,
    /// Authentication data.
    pub data: Option<Bytes>,
    /// Words for a person.
    pub reason_string: Option<ByteString>,
    /// User properties.
    pub user_properties: UserProperties,
}

impl fmt::Debug for Auth {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("reason", &self.reason)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
