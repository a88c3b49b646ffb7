//! MQTT on the wire: bytes in, checked packets out, and back. No I/O and no clock in here.
//!
//! [`Decoder`] does the framing and every check that needs no knowledge of sessions; then a PUBLISH
//! without properties is decoded in place, without a copy, and everything rarer by rmqtt-codec,
//! which alone would accept about a tenth of the malformed packets of the public test suites.
//! [`Encoder`] writes what a server sends. One packet model, [`Packet`], serves 3.1.1 and 5.0.
//!
//! ```text
//! bytes -> frame (type, flags, size) -> connect | publish | subscribe | control (checks)
//!       -> decode_plain, or rmqtt-codec and convert -> Packet
//! ```
//!
//! A broken rule is one row of the table in `rule`; [`ProtocolError`] names it and knows the answer.

mod connect;
mod control;
mod convert;
mod decode;
mod encode;
mod error;
mod fields;
mod frame;
mod limits;
mod packet;
mod property;
mod publish;
mod reason;
mod rule;
mod subscribe;
mod text;
mod write;

#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use encode::{Answer, ConnAck, ConnAckProperties, Encoder, OutgoingPublish};
pub use error::{EncodeError, ProtocolError};
pub use limits::Limits;
pub use packet::{
    AckProperties, Auth, Connect, Disconnect, FilterRequest, Packet, Publish, PublishProperties,
    RetainHandling, Subscribe, Unsubscribe, UserProperties, Version, Will,
};
pub use reason::ReasonCode;
pub use text::{ControlCharacters, filter_is_valid, shared_filter, topic_name_is_valid};

/// Smallest Maximum Packet Size of a client that is served, in bytes: below it a CONNACK with its
/// limits and a PUBLISH to a short topic do not fit, so the session could only starve.
pub const MIN_CLIENT_PACKET_SIZE: u32 = 20;
