//! Which fields an event has, by EMQX's names (`emqx_rule_events`).

use record::Kind;

use crate::routes::rule_event;
use crate::sql::RuleEvent;

/// Fields of every event.
pub(super) const ALWAYS: &[&str] = &["event", "clientid", "username", "timestamp", "node"];

/// Further fields of a published message.
const PUBLISHED: &[&str] = &[
    "id",
    "payload",
    "peerhost",
    "peername",
    "topic",
    "qos",
    "flags",
    "pub_props",
    "publish_received_at",
    "client_attrs",
    "republished_by",
    // Where its payload broke its contract.
    "reason",
];

/// Of a published message that nobody gets.
const UNROUTED: &[&str] = &[
    "id",
    "payload",
    "peerhost",
    "peername",
    "topic",
    "qos",
    "flags",
    "pub_props",
    "publish_received_at",
    "reason",
];

/// Of a message that a client gets, or does not get.
const DELIVERED: &[&str] = &[
    "id",
    "from_clientid",
    "from_username",
    "payload",
    "peerhost",
    "peername",
    "topic",
    "qos",
    "flags",
    "pub_props",
    "reason",
];

/// Of a connection.
const CONNECTION: &[&str] = &[
    "reason",
    "peername",
    "peerhost",
    "proto_name",
    "proto_ver",
    "keepalive",
    "connected_at",
    "disconnected_at",
    "client_attrs",
];

/// Of the answer to a CONNECT.
const CONNACK: &[&str] = &[
    "peername",
    "peerhost",
    "proto_name",
    "proto_ver",
    "keepalive",
    "connected_at",
];

/// Of a login.
const LOGIN: &[&str] = &[
    "reason",
    "peername",
    "peerhost",
    "proto_name",
    "proto_ver",
    // There are none.
    "is_superuser",
    "client_attrs",
];

/// Of a question to the access rules.
const ACCESS: &[&str] = &["peerhost", "peername", "topic", "client_attrs"];

/// Of a subscription.
const SUBSCRIPTION: &[&str] = &["peerhost", "peername", "topic", "qos", "client_attrs"];

/// The fields of an event that its record has a place for, besides those of all events.
pub(super) fn fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Publish | Kind::Rejected => PUBLISHED,
        Kind::Unrouted => UNROUTED,
        Kind::Delivered | Kind::Acked | Kind::Dropped => DELIVERED,
        Kind::Connected | Kind::Disconnected => CONNECTION,
        Kind::Connack => CONNACK,
        Kind::LoginFailed | Kind::LoggedIn => LOGIN,
        Kind::AccessChecked => ACCESS,
        Kind::Subscribed | Kind::Unsubscribed => SUBSCRIPTION,
        Kind::Unspecified | Kind::Operator => &[],
    }
}

/// The name of the event, as hooks have it.
pub(super) fn event(kind: Kind) -> &'static str {
    match kind {
        Kind::Operator => "operator",
        kind => rule_event(kind).map_or("unspecified", RuleEvent::name),
    }
}
