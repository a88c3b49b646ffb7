//! Fields of events for rules, besides those that every record has a place for. Names are EMQX's
//! (`emqx_rule_events`); properties have those of the MQTT 5.0 specification, with hyphens.

use std::net::SocketAddr;

use access::{By, Decision};
use bytes::Bytes;
use bytestring::ByteString;
use rules::value::{Map, Value};

use crate::codec::{
    AckProperties, Connect, Disconnect, FilterRequest, ReasonCode, RetainHandling, Subscribe,
    UserProperties, Version,
};

/// Bytes of text in the properties of one event. A client may send a megabyte of them with each
/// packet, and the record, in which a text may become many times as long, must fit into a frame.
const MAX_TEXT: usize = 8 * 1024;

/// Asked of the access rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Publish,
    Subscribe,
}

/// What client.connected and client.connack have in common.
pub(super) fn connection(connect: &Connect, local: Option<SocketAddr>) -> Map {
    let mut fields = sockname(local);
    fields.insert("clean_start".into(), connect.clean_start.into());
    fields.insert("conn_props".into(), conn_props(connect));
    fields
}

/// client.connected. `expiry_secs`: how long its session waits for it.
pub(super) fn connected(shared: &Map, connect: &Connect, expiry_secs: u32) -> Bytes {
    let mut fields = shared.clone();
    let receive_max = u32::from(connect.receive_max.get());
    fields.insert("receive_maximum".into(), receive_max.into());
    fields.insert("expiry_interval".into(), expiry_secs.into());
    fields.insert("is_bridge".into(), false.into());
    json(fields)
}

/// client.connack, where the interval is in milliseconds.
pub(super) fn connack(shared: Map, code: ReasonCode, expiry_secs: u32) -> Bytes {
    let mut fields = shared;
    let expiry_ms = u64::from(expiry_secs) * 1000;
    fields.insert("expiry_interval".into(), expiry_ms.into());
    fields.insert("reason_code".into(), Value::text(reason_word(code)));
    json(fields)
}

/// client.disconnected; `farewell` is the client's own DISCONNECT.
pub(super) fn disconnected(local: Option<SocketAddr>, farewell: Option<&Disconnect>) -> Bytes {
    let mut fields = sockname(local);
    let mut props = Properties::default();
    if let Some(farewell) = farewell {
        props.number("Session-Expiry-Interval", farewell.session_expiry_secs);
        props.text("Reason-String", farewell.reason_string.as_ref());
        props.user(&farewell.user_properties);
    }
    fields.insert("disconn_props".into(), props.value());
    json(fields)
}

/// `client.check_authn_complete`.
pub(super) fn login(code: ReasonCode, is_anonymous: bool) -> Bytes {
    json(Map::from_iter([
        ("reason_code".into(), Value::text(reason_word(code))),
        ("is_anonymous".into(), is_anonymous.into()),
    ]))
}

/// `client.check_authz_complete`. A source that EMQX does not have goes by the name of its nearest: a
/// token's rules are `client_info` there.
pub(super) fn access(asked: Asked, decision: Decision) -> Bytes {
    let action = match asked {
        Asked::Publish => "publish",
        Asked::Subscribe => "subscribe",
    };
    let source = match decision.by {
        By::Line(_) => "file",
        By::Token(_) => "client_info",
        By::NoFile | By::NoRule => "default",
    };
    let result = if decision.allowed { "allow" } else { "deny" };
    json(Map::from_iter([
        ("action".into(), Value::text(action)),
        ("result".into(), Value::text(result)),
        ("authz_source".into(), Value::text(source)),
    ]))
}

/// session.subscribed: `sub_props` are those of SUBSCRIBE, and the options of the filter stand
/// beside them.
pub(super) fn subscribed(request: &FilterRequest, subscribe: &Subscribe) -> Bytes {
    let mut props = Properties::default();
    let id = subscribe.subscription_id.map(u32::from);
    props.number("Subscription-Identifier", id);
    props.user(&subscribe.user_properties);
    let handling = match request.retain_handling {
        RetainHandling::AtSubscribe => 0_u32,
        RetainHandling::IfNew => 1,
        RetainHandling::Never => 2,
    };
    json(Map::from_iter([
        ("sub_props".into(), props.value()),
        ("nl".into(), u32::from(request.no_local).into()),
        ("rap".into(), u32::from(request.retain_as_published).into()),
        ("rh".into(), handling.into()),
    ]))
}

/// session.unsubscribed.
pub(super) fn unsubscribed(user: &UserProperties) -> Bytes {
    let mut props = Properties::default();
    props.user(user);
    json(Map::from_iter([("unsub_props".into(), props.value())]))
}

/// message.acked.
pub(super) fn acked(properties: Option<&AckProperties>) -> Bytes {
    let mut props = Properties::default();
    if let Some(properties) = properties {
        props.text("Reason-String", properties.reason_string.as_ref());
        props.user(&properties.user_properties);
    }
    json(Map::from_iter([("puback_props".into(), props.value())]))
}

fn json(fields: Map) -> Bytes {
    Value::map(fields).to_json()
}

fn sockname(local: Option<SocketAddr>) -> Map {
    let name = |local: SocketAddr| ("sockname".into(), Value::text(local.to_string()));
    local.map(name).into_iter().collect()
}

/// The properties of CONNECT that are not at their default. What authenticates is nobody's.
fn conn_props(connect: &Connect) -> Value {
    let mut props = Properties::default();
    if connect.version == Version::V5 {
        let unlike = |value: u32, default: u32| Some(value).filter(|value| *value != default);
        let receive_max = connect.receive_max.get().into();
        props.number(
            "Session-Expiry-Interval",
            unlike(connect.session_expiry_secs, 0),
        );
        props.number("Receive-Maximum", unlike(receive_max, u16::MAX.into()));
        let max_packet = connect.max_packet_size.map(u32::from);
        props.number("Maximum-Packet-Size", max_packet);
        let aliases = connect.topic_alias_max.into();
        props.number("Topic-Alias-Maximum", unlike(aliases, 0));
        let response = connect.request_response_info.into();
        props.number("Request-Response-Information", unlike(response, 0));
        let problem = connect.request_problem_info.into();
        props.number("Request-Problem-Information", unlike(problem, 1));
        props.text("Authentication-Method", connect.auth_method.as_ref());
        props.user(&connect.user_properties);
    }
    props.value()
}

/// Properties of a packet. Texts beyond [`MAX_TEXT`] are left out.
#[derive(Default)]
struct Properties {
    map: Map,
    text: usize,
}

impl Properties {
    fn number(&mut self, name: &'static str, value: Option<u32>) {
        if let Some(value) = value {
            self.map.insert(ByteString::from_static(name), value.into());
        }
    }

    fn text(&mut self, name: &'static str, value: Option<&ByteString>) {
        if let Some(value) = value.filter(|value| self.has_room(value.len())) {
            let name = ByteString::from_static(name);
            self.map.insert(name, Value::text(value.clone()));
        }
    }

    /// By name, of which the last of a name counts, and all of them in order.
    fn user(&mut self, properties: &UserProperties) {
        let mut by_name = Map::new();
        let mut pairs = Vec::new();
        for (name, value) in properties {
            if !self.has_room(name.len() + value.len()) {
                break;
            }
            let value = Value::text(value.clone());
            pairs.push(Value::map(Map::from_iter([
                ("key".into(), Value::text(name.clone())),
                ("value".into(), value.clone()),
            ])));
            by_name.insert(name.clone(), value);
        }
        if !pairs.is_empty() {
            self.map.insert("User-Property".into(), Value::map(by_name));
            self.map
                .insert("User-Property-Pairs".into(), Value::array(pairs));
        }
    }

    /// Each pair counts some bytes besides its text, for what surrounds it in JSON.
    fn has_room(&mut self, bytes: usize) -> bool {
        self.text = self.text.saturating_add(bytes + 32);
        self.text <= MAX_TEXT
    }

    fn value(self) -> Value {
        Value::map(self.map)
    }
}

/// A reason code in one word, as EMQX has it (`emqx_reason_codes`).
fn reason_word(code: ReasonCode) -> String {
    match code {
        ReasonCode::BAD_USER_NAME_OR_PASSWORD => "bad_username_or_password".to_owned(),
        ReasonCode::KEEP_ALIVE_TIMEOUT => "keepalive_timeout".to_owned(),
        code => code.name().replace([' ', '-'], "_"),
    }
}
