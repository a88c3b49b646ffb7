//! The rules that a packet can break: one table, each row with its normative statement.
//!
//! A statement is `MQTT-a.b.c-d` where the specification numbers it, else the section that says it.
//! The reason code is what an MQTT 5.0 client hears; 3.1.1 clients are closed without a word,
//! save for the two CONNACK return codes of 3.1.1 (sections 3.1.2.2 and 3.1.3.1).

use super::reason::ReasonCode;

/// A rule of the protocol and what breaking it is called.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// What an MQTT 5.0 client is told.
    pub(super) reason: ReasonCode,
    /// Statement or section of MQTT 3.1.1.
    pub(super) v311: &'static str,
    /// Statement or section of MQTT 5.0.
    pub(super) v5: &'static str,
    /// What is wrong, and the way out where it is not plain.
    pub(super) text: &'static str,
}

const MALFORMED: ReasonCode = ReasonCode::MALFORMED_PACKET;
const PROTOCOL: ReasonCode = ReasonCode::PROTOCOL_ERROR;
const FILTER: ReasonCode = ReasonCode::TOPIC_FILTER_INVALID;
const ALIAS: ReasonCode = ReasonCode::TOPIC_ALIAS_INVALID;

macro_rules! rules {
    ($($name:ident: $reason:expr, $v311:literal, $v5:literal, $text:literal;)+) => {
        $(pub(super) static $name: Rule =
            Rule { reason: $reason, v311: $v311, v5: $v5, text: $text };)+
    };
}

// Framing, order and direction.
rules! {
    TYPE_RESERVED: MALFORMED, "2.2.1", "2.1.2", "the packet type is reserved";
    SERVER_ONLY: PROTOCOL, "2.2.1", "2.1.2", "only a server sends this packet";
    FLAGS: MALFORMED, "MQTT-2.2.2-2", "MQTT-2.1.3-1", "the flags of the fixed header are not those of this packet type";
    LENGTH_TOO_LONG: MALFORMED, "2.2.3", "1.5.5", "the remaining length takes more than four bytes";
    LENGTH_NOT_MINIMAL: MALFORMED, "2.2.3", "MQTT-1.5.5-1", "a variable byte integer takes more bytes than it needs";
    TOO_LARGE: ReasonCode::PACKET_TOO_LARGE, "2.2.3", "MQTT-3.2.2-15", "the packet is larger than this connection may send";
    TRUNCATED: MALFORMED, "MQTT-4.8.0-1", "MQTT-4.13.1-1", "a field runs past the end of the packet";
    TRAILING: MALFORMED, "MQTT-4.8.0-1", "MQTT-4.13.1-1", "bytes follow the last field of the packet";
    UNREADABLE: MALFORMED, "MQTT-4.8.0-1", "MQTT-4.13.1-1", "the packet cannot be read";
    FIRST_NOT_CONNECT: PROTOCOL, "MQTT-3.1.0-1", "MQTT-3.1.0-1", "the first packet of a connection must be CONNECT";
    SECOND_CONNECT: PROTOCOL, "MQTT-3.1.0-2", "MQTT-3.1.0-2", "a connection carries one CONNECT only";
    PACKET_ID_ZERO: PROTOCOL, "MQTT-2.3.1-1", "MQTT-2.2.1-3", "the packet identifier is 0";
    REASON_CODE: PROTOCOL, "2.2.2", "2.4", "a client may not send this reason code in this packet";
}

// Text.
rules! {
    NOT_UTF8: MALFORMED, "MQTT-1.5.3-1", "MQTT-1.5.4-1", "a text field is not valid UTF-8";
    NUL: MALFORMED, "MQTT-1.5.3-2", "MQTT-1.5.4-2", "a text field contains U+0000";
    CONTROL_CHARACTER: MALFORMED, "1.5.3", "1.5.4", "a text field contains a control character or a code point that is no character";
}

// CONNECT.
rules! {
    PROTOCOL_NAME: ReasonCode::UNSUPPORTED_PROTOCOL_VERSION, "MQTT-3.1.2-1", "MQTT-3.1.2-1", "the protocol name is not MQTT";
    PROTOCOL_LEVEL: ReasonCode::UNSUPPORTED_PROTOCOL_VERSION, "MQTT-3.1.2-2", "MQTT-3.1.2-2", "the protocol level is not served here; use MQTT 3.1.1 or 5.0";
    CONNECT_RESERVED_FLAG: MALFORMED, "MQTT-3.1.2-3", "MQTT-3.1.2-3", "the reserved connect flag is set";
    WILL_QOS_WITHOUT_WILL: MALFORMED, "MQTT-3.1.2-13", "MQTT-3.1.2-11", "a will QoS is given without the will flag";
    WILL_RETAIN_WITHOUT_WILL: MALFORMED, "MQTT-3.1.2-15", "MQTT-3.1.2-13", "will retain is set without the will flag";
    WILL_QOS_3: MALFORMED, "MQTT-3.1.2-14", "MQTT-3.1.2-12", "the will QoS is 3";
    PASSWORD_WITHOUT_USER_NAME: MALFORMED, "MQTT-3.1.2-22", "3.1.2.9", "a password is given without a user name";
    CLIENT_ID_EMPTY: ReasonCode::CLIENT_IDENTIFIER_NOT_VALID, "MQTT-3.1.3-8", "MQTT-3.1.3-6", "an empty client identifier needs clean session 1";
    AUTH_DATA_WITHOUT_METHOD: PROTOCOL, "3.1", "3.1.2.11.10", "authentication data is given without an authentication method";
    CLIENT_PACKET_SIZE: ReasonCode::PACKET_TOO_LARGE, "3.1", "3.1.2.11.4", "the client's maximum packet size leaves no room for an answer";
}

// Topics and PUBLISH.
rules! {
    TOPIC_EMPTY: PROTOCOL, "MQTT-4.7.3-1", "MQTT-4.7.3-1", "the topic name is empty";
    TOPIC_WILDCARD: ReasonCode::TOPIC_NAME_INVALID, "MQTT-3.3.2-2", "MQTT-3.3.2-2", "the topic name contains + or #; these are for filters";
    RESPONSE_TOPIC: PROTOCOL, "3.3", "MQTT-3.3.2-14", "the response topic is empty or contains + or #";
    PUBLISH_QOS_3: MALFORMED, "MQTT-3.3.1-4", "MQTT-3.3.1-4", "both QoS bits are set";
    DUP_WITH_QOS_0: MALFORMED, "MQTT-3.3.1-2", "MQTT-3.3.1-2", "DUP is set on a QoS 0 message";
    ALIAS_ZERO: ALIAS, "3.3", "MQTT-3.3.2-8", "the topic alias is 0";
    ALIAS_TOO_HIGH: ALIAS, "3.3", "MQTT-3.3.2-9", "the topic alias is above the maximum given in CONNACK";
    SUBSCRIPTION_ID_FROM_CLIENT: PROTOCOL, "3.3", "MQTT-3.3.4-6", "a client's PUBLISH may not carry a subscription identifier";
}

// Properties (5.0 only).
rules! {
    PROPERTY_NOT_ALLOWED: MALFORMED, "2.2", "2.2.2.2", "a property is unknown or does not belong in this packet";
    PROPERTY_TWICE: PROTOCOL, "2.2", "2.2.2.2", "a property that may appear once appears twice";
    PROPERTY_VALUE: PROTOCOL, "2.2", "2.2.2.2", "the value of a property is outside its range";
}

// SUBSCRIBE and UNSUBSCRIBE.
rules! {
    SUBSCRIBE_EMPTY: PROTOCOL, "MQTT-3.8.3-3", "MQTT-3.8.3-2", "no topic filter is given";
    UNSUBSCRIBE_EMPTY: PROTOCOL, "MQTT-3.10.3-2", "MQTT-3.10.3-2", "no topic filter is given";
    SUBSCRIBE_RESERVED_BITS: MALFORMED, "MQTT-3.8.3-4", "MQTT-3.8.3-5", "reserved bits of the subscription options are set";
    SUBSCRIBE_QOS_3: PROTOCOL, "MQTT-3.8.3-4", "3.8.3.1", "the requested QoS is 3";
    RETAIN_HANDLING_3: PROTOCOL, "3.8", "3.8.3.1", "retain handling is 3";
    SHARED_NO_LOCAL: PROTOCOL, "3.8", "MQTT-3.8.3-4", "no local is set on a shared subscription";
    FILTER_EMPTY: FILTER, "MQTT-4.7.3-1", "MQTT-4.7.3-1", "a topic filter is empty";
    FILTER_MULTI_LEVEL: FILTER, "MQTT-4.7.1-2", "MQTT-4.7.1-1", "# must be the whole last level of a filter";
    FILTER_SINGLE_LEVEL: FILTER, "MQTT-4.7.1-3", "MQTT-4.7.1-2", "+ must be a whole level of a filter";
    SHARE_NAME: FILTER, "4.7", "MQTT-4.8.2-1", "a shared subscription needs a share name: $share/name/filter";
    SHARE_FORM: FILTER, "4.7", "MQTT-4.8.2-2", "a shared subscription is $share/name/filter, its name without + and #";
}

// PINGREQ, DISCONNECT, AUTH.
rules! {
    BODY_NOT_ALLOWED: MALFORMED, "3.12", "3.12", "this packet has no body";
    SESSION_EXPIRY_RAISED: PROTOCOL, "3.14", "3.14.2.2.2", "DISCONNECT may not set a session expiry when CONNECT set none";
    AUTH_UNEXPECTED: PROTOCOL, "2.2.1", "MQTT-4.12.0-7", "AUTH is sent though CONNECT named no authentication method";
    AUTH_METHOD_MISSING: PROTOCOL, "2.2.1", "3.15.2.2.2", "AUTH does not name its authentication method";
}
