//! Packets to bytes and back: rmqtt-codec, with the differences between the versions left behind.

use std::num::NonZeroU16;

use bytes::BytesMut;
use bytestring::ByteString;
use mqtt_edge::codec::Version;
use rmqtt_codec::types::{Protocol, QoS};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::{Decoder, Encoder};

use super::error::ClientError;
use super::message::{Publish, Qos, UserProperties};
use super::options::ClientOptions;
use super::received::{Received, from_v5, from_v311};

/// Largest packet that is taken, in bytes: a server that announces more is broken, or none.
const MAX_PACKET: u32 = 16 * 1024 * 1024;

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
