//! What a server says, the same for both versions.

use std::num::NonZeroU16;

use bytestring::ByteString;
use mqtt_edge::codec::ReasonCode;
use rmqtt_codec::types::QoS;
use rmqtt_codec::{v3, v5};

use super::error::ClientError;
use super::message::{IncomingPublish, PubAck, Qos};

/// What CONNACK says.
#[derive(Clone, Debug)]
pub(crate) struct ConnAck {
    pub(crate) reason: ReasonCode,
    pub(crate) text: Option<ByteString>,
    pub(crate) session_present: bool,
    /// Publishes that the server takes before their PUBACKs.
    pub(crate) receive_maximum: u16,
    /// Keep-alive that the server wants instead of ours, in seconds.
    pub(crate) keep_alive_secs: Option<u16>,
}

/// A packet from the server.
#[derive(Debug)]
pub(crate) enum Received {
    ConnAck(ConnAck),
    Publish(IncomingPublish),
    PubAck(NonZeroU16, PubAck),
    SubAck(NonZeroU16, Vec<ReasonCode>),
    UnsubAck(NonZeroU16, Vec<ReasonCode>),
    PingResp,
    Disconnect(ReasonCode, Option<ByteString>),
}

pub(super) fn from_v311(packet: v3::Packet) -> Result<Received, ClientError> {
    Ok(match packet {
        v3::Packet::ConnectAck(ack) => Received::ConnAck(ConnAck {
            reason: connack_reason(ack.return_code.into()),
            text: None,
            session_present: ack.session_present,
            receive_maximum: u16::MAX,
            keep_alive_secs: None,
        }),
        v3::Packet::Publish(publish) => Received::Publish(incoming(*publish)?),
        v3::Packet::PublishAck { packet_id } => Received::PubAck(packet_id, PubAck::default()),
        v3::Packet::SubscribeAck { packet_id, status } => {
            let reason = |status: v3::SubscribeReturnCode| match status {
                v3::SubscribeReturnCode::Success(qos) => ReasonCode(qos.value()),
                v3::SubscribeReturnCode::Failure => ReasonCode::UNSPECIFIED_ERROR,
            };
            Received::SubAck(packet_id, status.into_iter().map(reason).collect())
        }
        v3::Packet::UnsubscribeAck { packet_id } => Received::UnsubAck(packet_id, Vec::new()),
        v3::Packet::PingResponse => Received::PingResp,
        other => return Err(unexpected(other.packet_type())),
    })
}

pub(super) fn from_v5(packet: v5::Packet) -> Result<Received, ClientError> {
    Ok(match packet {
        v5::Packet::ConnectAck(ack) => Received::ConnAck(ConnAck {
            reason: ReasonCode(ack.reason_code.into()),
            text: ack.reason_string,
            session_present: ack.session_present,
            receive_maximum: ack.receive_max.get(),
            keep_alive_secs: ack.server_keepalive_sec,
        }),
        v5::Packet::Publish(publish) => Received::Publish(incoming(*publish)?),
        v5::Packet::PublishAck(ack) => Received::PubAck(
            ack.packet_id,
            PubAck {
                reason: ReasonCode(ack.reason_code.into()),
                text: ack.reason_string,
            },
        ),
        v5::Packet::SubscribeAck(ack) => {
            let codes = ack
                .status
                .into_iter()
                .map(|status| ReasonCode(status.into()));
            Received::SubAck(ack.packet_id, codes.collect())
        }
        v5::Packet::UnsubscribeAck(ack) => {
            let codes = ack
                .status
                .into_iter()
                .map(|status| ReasonCode(status.into()));
            Received::UnsubAck(ack.packet_id, codes.collect())
        }
        v5::Packet::PingResponse => Received::PingResp,
        v5::Packet::Disconnect(end) => {
            Received::Disconnect(ReasonCode(end.reason_code.into()), end.reason_string)
        }
        other => return Err(unexpected(other.packet_type())),
    })
}

fn incoming(publish: rmqtt_codec::types::Publish) -> Result<IncomingPublish, ClientError> {
    let qos = match publish.qos {
        QoS::AtMostOnce => Qos::AtMostOnce,
        QoS::AtLeastOnce => Qos::AtLeastOnce,
        QoS::ExactlyOnce => {
            return Err(ClientError::Protocol(
                "a QoS 2 message, though QoS 1 was asked for".into(),
            ));
        }
    };
    Ok(IncomingPublish {
        topic: publish.topic,
        payload: publish.payload,
        qos,
        retain: publish.retain,
        dup: publish.dup,
        packet_id: publish.packet_id,
        user_properties: publish
            .properties
            .map(|all| all.user_properties)
            .unwrap_or_default(),
    })
}

/// The 5.0 equal of a 3.1.1 return code (MQTT 3.1.1, table 3.1).
fn connack_reason(code: u8) -> ReasonCode {
    match code {
        0 => ReasonCode::SUCCESS,
        1 => ReasonCode::UNSUPPORTED_PROTOCOL_VERSION,
        2 => ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
        3 => ReasonCode::SERVER_UNAVAILABLE,
        4 => ReasonCode::BAD_USER_NAME_OR_PASSWORD,
        5 => ReasonCode::NOT_AUTHORIZED,
        _ => ReasonCode::UNSPECIFIED_ERROR,
    }
}

fn unexpected(packet_type: u8) -> ClientError {
    ClientError::Protocol(format!(
        "a packet of type {} came unasked",
        packet_type >> 4
    ))
}
