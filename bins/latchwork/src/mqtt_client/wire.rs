//! Packets as bytes: rmqtt-codec, with the differences between the versions left behind.

use std::num::NonZeroU16;

use bytes::BytesMut;
use bytestring::ByteString;
use mqtt_edge::codec::{ReasonCode, Version};
use rmqtt_codec::types::{Protocol, QoS};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::{Decoder, Encoder};

use super::error::ClientError;
use super::message::{IncomingPublish, PubAck, Publish, Qos, UserProperties};
use super::options::ClientOptions;

/// Largest packet that is taken, in bytes: a server that announces more is broken, or none.
const MAX_PACKET: u32 = 16 * 1024 * 1024;

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

/// The codec of one connection.
#[derive(Debug)]
pub(crate) enum Wire {
    V311(v3::Codec),
    V5(v5::Codec),
}

impl Wire {
    pub(crate) fn new(version: Version) -> Self {
        match version {
            Version::V311 => Self::V311(v3::Codec::new(MAX_PACKET)),
            Version::V5 => Self::V5(v5::Codec::new(MAX_PACKET, 0)),
        }
    }

    pub(crate) fn connect(&mut self, options: &ClientOptions, out: &mut BytesMut) -> Sent {
        match self {
            Self::V311(_) => self.v311(connect_v311(options), out),
            Self::V5(_) => self.v5(connect_v5(options), out),
        }
    }

    pub(crate) fn publish(
        &mut self,
        publish: Publish,
        packet_id: Option<NonZeroU16>,
        out: &mut BytesMut,
    ) -> Sent {
        // rmqtt-codec writes a length it can't say truncated.
        if publish.topic.len() > usize::from(u16::MAX) {
            return Err(ClientError::Unsendable(
                "a topic has at most 65535 bytes".into(),
            ));
        }
        let packet = Box::new(rmqtt_codec::types::Publish {
            dup: publish.dup,
            retain: publish.retain,
            qos: match publish.qos {
                Qos::AtMostOnce => QoS::AtMostOnce,
                Qos::AtLeastOnce => QoS::AtLeastOnce,
            },
            topic: publish.topic,
            packet_id,
            payload: publish.payload,
            properties: match self {
                Self::V311(_) => None,
                Self::V5(_) => Some(publish.user_properties.into()),
            },
        });
        match self {
            Self::V311(_) => self.v311(v3::Packet::Publish(packet), out),
            Self::V5(_) => self.v5(v5::Packet::Publish(packet), out),
        }
    }

    pub(crate) fn puback(&mut self, packet_id: NonZeroU16, out: &mut BytesMut) -> Sent {
        match self {
            Self::V311(_) => self.v311(v3::Packet::PublishAck { packet_id }, out),
            Self::V5(_) => {
                let ack = v5::PublishAck {
                    packet_id,
                    ..v5::PublishAck::default()
                };
                self.v5(v5::Packet::PublishAck(ack), out)
            }
        }
    }

    pub(crate) fn subscribe(
        &mut self,
        packet_id: NonZeroU16,
        filters: Vec<ByteString>,
        out: &mut BytesMut,
    ) -> Sent {
        match self {
            Self::V311(_) => {
                let topic_filters = filters.into_iter().map(|f| (f, QoS::AtLeastOnce)).collect();
                self.v311(
                    v3::Packet::Subscribe {
                        packet_id,
                        topic_filters,
                    },
                    out,
                )
            }
            Self::V5(_) => {
                let options = v5::SubscriptionOptions {
                    qos: QoS::AtLeastOnce,
                    ..v5::SubscriptionOptions::default()
                };
                let topic_filters = filters.into_iter().map(|f| (f, options)).collect();
                let user_properties = UserProperties::new();
                let packet = v5::Subscribe {
                    packet_id,
                    id: None,
                    user_properties,
                    topic_filters,
                };
                self.v5(v5::Packet::Subscribe(packet), out)
            }
        }
    }

    pub(crate) fn unsubscribe(
        &mut self,
        packet_id: NonZeroU16,
        topic_filters: Vec<ByteString>,
        out: &mut BytesMut,
    ) -> Sent {
        match self {
            Self::V311(_) => self.v311(
                v3::Packet::Unsubscribe {
                    packet_id,
                    topic_filters,
                },
                out,
            ),
            Self::V5(_) => {
                let user_properties = UserProperties::new();
                let packet = v5::Unsubscribe {
                    packet_id,
                    user_properties,
                    topic_filters,
                };
                self.v5(v5::Packet::Unsubscribe(packet), out)
            }
        }
    }

    pub(crate) fn ping(&mut self, out: &mut BytesMut) -> Sent {
        match self {
            Self::V311(_) => self.v311(v3::Packet::PingRequest, out),
            Self::V5(_) => self.v5(v5::Packet::PingRequest, out),
        }
    }

    pub(crate) fn disconnect(&mut self, out: &mut BytesMut) -> Sent {
        match self {
            Self::V311(_) => self.v311(v3::Packet::Disconnect, out),
            Self::V5(_) => {
                let normal = v5::Disconnect::new(v5::DisconnectReasonCode::NormalDisconnection);
                self.v5(v5::Packet::Disconnect(normal), out)
            }
        }
    }

    /// The next packet, if a whole one is there.
    pub(crate) fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Received>, ClientError> {
        let broken =
            |error: rmqtt_codec::error::DecodeError| ClientError::Protocol(error.to_string());
        let received = match self {
            Self::V311(codec) => codec
                .decode(bytes)
                .map_err(broken)?
                .map(|(p, _)| from_v311(p)),
            Self::V5(codec) => codec
                .decode(bytes)
                .map_err(broken)?
                .map(|(p, _)| from_v5(p)),
        };
        received.transpose()
    }

    fn v311(&mut self, packet: v3::Packet, out: &mut BytesMut) -> Sent {
        let Self::V311(codec) = self else {
            return Err(ClientError::Unsendable(
                "a packet of the other version".into(),
            ));
        };
        codec
            .encode(packet, out)
            .map_err(|error| ClientError::Unsendable(error.to_string()))
    }

    fn v5(&mut self, packet: v5::Packet, out: &mut BytesMut) -> Sent {
        let Self::V5(codec) = self else {
            return Err(ClientError::Unsendable(
                "a packet of the other version".into(),
            ));
        };
        codec
            .encode(packet, out)
            .map_err(|error| ClientError::Unsendable(error.to_string()))
    }
}

type Sent = Result<(), ClientError>;

fn connect_v311(options: &ClientOptions) -> v3::Packet {
    v3::Packet::Connect(Box::new(v3::Connect {
        protocol: Protocol(Version::V311.level()),
        clean_session: options.clean_start,
        keep_alive: options.keep_alive_secs,
        last_will: None,
        client_id: options.client_id.clone(),
        username: options.username.clone(),
        password: options.password.clone(),
        cert: None,
    }))
}

fn connect_v5(options: &ClientOptions) -> v5::Packet {
    v5::Packet::Connect(Box::new(v5::Connect {
        clean_start: options.clean_start,
        keep_alive: options.keep_alive_secs,
        session_expiry_interval_secs: options.session_expiry_secs,
        receive_max: options.receive_maximum,
        user_properties: options.user_properties.clone(),
        client_id: options.client_id.clone(),
        username: options.username.clone(),
        password: options.password.clone(),
        ..v5::Connect::default()
    }))
}

fn from_v311(packet: v3::Packet) -> Result<Received, ClientError> {
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

fn from_v5(packet: v5::Packet) -> Result<Received, ClientError> {
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
