//! From the two packet models of the decoder to the one of this crate.

use std::num::NonZeroU16;

use rmqtt_codec::types::Publish as DecodedPublish;
use rmqtt_codec::{v3, v5};

use super::packet::{
    Auth, Connect, Disconnect, FilterRequest, Packet, Publish, PublishProperties, RetainHandling,
    Subscribe, Unsubscribe, Version, Will,
};
use super::reason::ReasonCode;

/// What was changed in the bytes because the decoder refuses what the specification allows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rewritten {
    /// A message expiry of 0 became 1.
    pub(super) zero_expiry: bool,
    /// Clean start was set beside an empty client identifier.
    pub(super) clean_start: bool,
}

/// `None` for what only a server sends, or what is decoded by hand.
pub(super) fn from_v311(packet: v3::Packet) -> Option<Packet> {
    Some(match packet {
        v3::Packet::Connect(connect) => Packet::Connect(Box::new(connect_v311(*connect))),
        v3::Packet::Subscribe {
            packet_id,
            topic_filters,
        } => {
            let filters = topic_filters
                .into_iter()
                .map(|(filter, qos)| FilterRequest {
                    filter,
                    qos: qos.value(),
                    no_local: false,
                    retain_as_published: false,
                    retain_handling: RetainHandling::AtSubscribe,
                })
                .collect();
            Packet::Subscribe(Box::new(Subscribe {
                packet_id,
                subscription_id: None,
                filters,
                user_properties: Vec::new(),
            }))
        }
        v3::Packet::Unsubscribe {
            packet_id,
            topic_filters,
        } => Packet::Unsubscribe(Box::new(Unsubscribe {
            packet_id,
            filters: topic_filters,
            user_properties: Vec::new(),
        })),
        _ => return None,
    })
}

/// The same for 5.0.
pub(super) fn from_v5(packet: v5::Packet, rewritten: Rewritten) -> Option<Packet> {
    Some(match packet {
        v5::Packet::Connect(connect) => Packet::Connect(Box::new(connect_v5(*connect, rewritten))),
        v5::Packet::Publish(publish) => Packet::Publish(publish_v5(*publish, rewritten)),
        v5::Packet::Subscribe(subscribe) => Packet::Subscribe(Box::new(Subscribe {
            packet_id: subscribe.packet_id,
            subscription_id: subscribe.id,
            filters: subscribe.topic_filters.into_iter().map(filter_v5).collect(),
            user_properties: subscribe.user_properties,
        })),
        v5::Packet::Unsubscribe(unsubscribe) => Packet::Unsubscribe(Box::new(Unsubscribe {
            packet_id: unsubscribe.packet_id,
            filters: unsubscribe.topic_filters,
            user_properties: unsubscribe.user_properties,
        })),
        v5::Packet::Disconnect(disconnect) => Packet::Disconnect(Disconnect {
            reason: ReasonCode(disconnect.reason_code.into()),
            session_expiry_secs: disconnect.session_expiry_interval_secs,
            reason_string: disconnect.reason_string,
            user_properties: disconnect.user_properties,
        }),
        v5::Packet::Auth(auth) => Packet::Auth(Box::new(Auth {
            reason: ReasonCode(auth.reason_code.into()),
            method: auth.auth_method?,
            data: auth.auth_data,
            reason_string: auth.reason_string,
            user_properties: auth.user_properties,
        })),
        _ => return None,
    })
}

fn connect_v311(connect: v3::Connect) -> Connect {
    Connect {
        version: Version::V311,
        clean_start: connect.clean_session,
        keep_alive_secs: connect.keep_alive,
        client_id: connect.client_id,
        will: connect.last_will.map(|will| Will {
            topic: will.topic,
            payload: will.message,
            qos: will.qos.value(),
            retain: will.retain,
            delay_secs: 0,
            properties: PublishProperties::default(),
        }),
        user_name: connect.username,
        password: connect.password,
        session_expiry_secs: if connect.clean_session { 0 } else { u32::MAX },
        receive_max: NonZeroU16::MAX,
        max_packet_size: None,
        topic_alias_max: 0,
        request_response_info: false,
        request_problem_info: true,
        auth_method: None,
        auth_data: None,
        user_properties: Vec::new(),
    }
}

fn connect_v5(connect: v5::Connect, rewritten: Rewritten) -> Connect {
    Connect {
        version: Version::V5,
        clean_start: connect.clean_start && !rewritten.clean_start,
        keep_alive_secs: connect.keep_alive,
        client_id: connect.client_id,
        will: connect.last_will.map(|will| will_v5(will, rewritten)),
        user_name: connect.username,
        password: connect.password,
        session_expiry_secs: connect.session_expiry_interval_secs,
        receive_max: connect.receive_max.unwrap_or(NonZeroU16::MAX),
        max_packet_size: connect.max_packet_size,
        topic_alias_max: connect.topic_alias_max,
        request_response_info: connect.request_response_info,
        request_problem_info: connect.request_problem_info,
        auth_method: connect.auth_method,
        auth_data: connect.auth_data,
        user_properties: connect.user_properties,
    }
}

fn will_v5(will: v5::LastWill, rewritten: Rewritten) -> Will {
    Will {
        topic: will.topic,
        payload: will.message,
        qos: will.qos.value(),
        retain: will.retain,
        delay_secs: will.will_delay_interval_sec.unwrap_or(0),
        properties: PublishProperties {
            payload_is_utf8: will.is_utf8_payload.unwrap_or(false),
            message_expiry_secs: will
                .message_expiry_interval
                .map(|secs| if rewritten.zero_expiry { 0 } else { secs.get() }),
            content_type: will.content_type,
            response_topic: will.response_topic,
            correlation_data: will.correlation_data,
            topic_alias: None,
            user_properties: will.user_properties,
        },
    }
}

fn publish_v5(publish: DecodedPublish, rewritten: Rewritten) -> Publish {
    let properties = publish.properties.map(|properties| {
        Box::new(PublishProperties {
            payload_is_utf8: properties.is_utf8_payload,
            message_expiry_secs: properties
                .message_expiry_interval
                .map(|secs| if rewritten.zero_expiry { 0 } else { secs.get() }),
            content_type: properties.content_type,
            response_topic: properties.response_topic,
            correlation_data: properties.correlation_data,
            topic_alias: properties.topic_alias,
            user_properties: properties.user_properties,
        })
    });
    Publish {
        dup: publish.dup,
        qos: publish.qos.value(),
        retain: publish.retain,
        topic: publish.topic,
        packet_id: publish.packet_id,
        payload: publish.payload,
        properties,
    }
}

fn filter_v5(
    (filter, options): (bytestring::ByteString, v5::SubscriptionOptions),
) -> FilterRequest {
    FilterRequest {
        filter,
        qos: options.qos.value(),
        no_local: options.no_local,
        retain_as_published: options.retain_as_published,
        retain_handling: match options.retain_handling {
            v5::RetainHandling::AtSubscribe => RetainHandling::AtSubscribe,
            v5::RetainHandling::AtSubscribeNew => RetainHandling::IfNew,
            v5::RetainHandling::NoAtSubscribe => RetainHandling::Never,
        },
    }
}
