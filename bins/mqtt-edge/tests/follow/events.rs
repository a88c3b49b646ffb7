//! What rules hear of clients, and its fields.

use record::{Kind, Record};

use crate::bed::{Bed, field, kinds, only, rule};
use crate::client::{Client, property, user};

fn is_gone(record: &Record) -> bool {
    record.kind() == Kind::Disconnected
}

/// Fields of an event, each with its JSON.
fn assert_fields(records: &[Record], kind: Kind, expected: &[(&str, &str)]) {
    let record = only(records, kind);
    for (name, json) in expected {
        assert_eq!(field(record, name), *json, "{kind:?} {name}");
    }
}

const SITE: &str =
    r#""User-Property":{"site":"a"},"User-Property-Pairs":[{"key":"site","value":"a"}]"#;

/// Scenario: an MQTT 5 client with properties in each packet connects, subscribes, gets its own
/// message, acknowledges it, unsubscribes and leaves; a rule is about all events.
/// Guarantee: each event is stored once, in order, with the fields and names that EMQX has for them;
/// the interval of a session is in seconds once and in milliseconds once.
#[tokio::test]
async fn events_have_their_fields() {
    let bed = Bed::start(&rule("$events/#"), "", &["--allow-anonymous"]).await;
    let site = user(&[("site", "a")]);
    // Session Expiry Interval 30, Receive Maximum 8.
    let connect = [&[0x11, 0, 0, 0, 30, 0x21, 0, 8], &site[..]].concat();
    let mut client = Client::connect(bed.mqtt, "lock-1", &connect).await;
    let subscription = [&[0x0B, 7], &site[..]].concat();
    // QoS 1, retain as published, retained messages never.
    assert_eq!(client.subscribe("a/+", 0b10_1001, &subscription).await, 1);
    let message = user(&[("unit", "c")]);
    assert_eq!(client.publish("a/b", "1", &message).await, 0);
    client.take(&property(0x1F, "thanks")).await;
    assert_eq!(client.unsubscribe("a/+", &site).await, 0);
    client.disconnect(&property(0x1F, "bye")).await;
    let stored = bed.stored_of("lock-1", is_gone).await;
    let sequence = [
        Kind::LoggedIn,
        Kind::Connack,
        Kind::Connected,
        Kind::AccessChecked,
        Kind::Subscribed,
        Kind::AccessChecked,
        Kind::Publish,
        Kind::Delivered,
        Kind::Acked,
        Kind::Unsubscribed,
        Kind::Disconnected,
    ];
    assert_eq!(kinds(&stored), sequence);
    let local = format!("\"{}\"", bed.mqtt);
    let conn_props = format!(r#"{{"Session-Expiry-Interval":30,"Receive-Maximum":8,{SITE}}}"#);
    let login = [
        ("reason_code", r#""success""#),
        ("is_anonymous", "true"),
        ("is_superuser", "false"),
    ];
    assert_fields(&stored, Kind::LoggedIn, &login);
    let connack = [
        ("reason_code", r#""success""#),
        ("expiry_interval", "30000"),
        ("clean_start", "true"),
        ("keepalive", "60"),
        ("proto_ver", "5"),
        ("sockname", &local),
        ("conn_props", &conn_props),
    ];
    assert_fields(&stored, Kind::Connack, &connack);
    let connected = [
        ("expiry_interval", "30"),
        ("receive_maximum", "8"),
        ("clean_start", "true"),
        ("is_bridge", "false"),
        ("sockname", &local),
        ("conn_props", &conn_props),
    ];
    assert_fields(&stored, Kind::Connected, &connected);
    let sub_props = format!(r#"{{"Subscription-Identifier":7,{SITE}}}"#);
    let subscribed = [
        ("sub_props", &*sub_props),
        ("topic", r#""a/+""#),
        ("nl", "0"),
        ("rap", "1"),
        ("rh", "2"),
    ];
    assert_fields(&stored, Kind::Subscribed, &subscribed);
    let unsub_props = format!("{{{SITE}}}");
    assert_fields(
        &stored,
        Kind::Unsubscribed,
        &[("unsub_props", &unsub_props)],
    );
    let pub_props =
        r#"{"User-Property":{"unit":"c"},"User-Property-Pairs":[{"key":"unit","value":"c"}]}"#;
    assert_fields(&stored, Kind::Delivered, &[("pub_props", pub_props)]);
    let acked = [
        ("puback_props", r#"{"Reason-String":"thanks"}"#),
        ("pub_props", pub_props),
    ];
    assert_fields(&stored, Kind::Acked, &acked);
    let disconnected = [
        ("reason", r#""normal""#),
        ("disconn_props", r#"{"Reason-String":"bye"}"#),
        ("sockname", &local),
    ];
    assert_fields(&stored, Kind::Disconnected, &disconnected);
}

/// Scenario: a client asks for what the access rules deny and allow, and publishes to a topic
/// without a subscriber; a user guesses.
/// Guarantee: each question to the access rules is told with its answer before what came of it; the
/// message is told to have had no subscribers, after it, and the denied one is not; the refused login
/// and its CONNACK say why in EMQX's words.
#[tokio::test]
async fn answers_of_the_access_rules() {
    let acl = "all deny publish secret\nall deny subscribe secret\nall allow all #\n";
    let options = ["--allow-anonymous", "--acl-file", "acl"];
    let bed = Bed::start(&rule("$events/#"), acl, &options).await;
    let mut client = Client::connect(bed.mqtt, "a", &[]).await;
    assert_eq!(client.subscribe("secret", 1, &[]).await, 0x87);
    assert_eq!(client.publish("secret", "1", &[]).await, 0x87);
    assert_eq!(client.publish("public", "2", &[]).await, 0);
    client.disconnect(&[]).await;
    let stored = bed.stored_of("a", is_gone).await;
    let sequence = [
        Kind::LoggedIn,
        Kind::Connack,
        Kind::Connected,
        Kind::AccessChecked,
        Kind::AccessChecked,
        Kind::AccessChecked,
        Kind::Publish,
        Kind::Unrouted,
        Kind::Disconnected,
    ];
    assert_eq!(kinds(&stored), sequence);
    let checks = stored
        .iter()
        .filter(|record| record.kind() == Kind::AccessChecked)
        .map(|check| {
            let told = ["action", "topic", "result", "authz_source"];
            told.map(|name| field(check, name).trim_matches('"').to_owned())
        });
    let expected = [
        ["subscribe", "secret", "deny", "file"],
        ["publish", "secret", "deny", "file"],
        ["publish", "public", "allow", "file"],
    ];
    assert_eq!(checks.collect::<Vec<_>>(), expected);
    let unrouted = [
        ("reason", r#""no_subscribers""#),
        ("topic", r#""public""#),
        ("payload", r#""2""#),
        ("qos", "1"),
    ];
    assert_fields(&stored, Kind::Unrouted, &unrouted);
}

/// Scenario: nobody may come in without a password, and a client guesses one, with more in its user
/// properties than a record should have.
/// Guarantee: the refused login and its CONNACK are stored with the reason in EMQX's words; what is
/// too long is left out.
#[tokio::test]
async fn refused_logins() {
    let bed = Bed::start(&rule("$events/#"), "", &[]).await;
    let long = "x".repeat(9_000);
    let properties = user(&[("site", "a"), ("long", &long)]);
    let password = Some(("eve", "guess"));
    let (_client, code) = Client::open(bed.mqtt, "thief", &properties, password).await;
    assert_eq!(code, 0x86);
    let stored = bed
        .stored_of("thief", |record| record.kind() == Kind::Connack)
        .await;
    assert_eq!(kinds(&stored), [Kind::LoginFailed, Kind::Connack]);
    let failed = [
        ("event", r#""client.check_authn_complete""#),
        ("reason_code", r#""bad_username_or_password""#),
        ("username", r#""eve""#),
        ("is_anonymous", "false"),
    ];
    assert_fields(&stored, Kind::LoginFailed, &failed);
    let conn_props = format!("{{{SITE}}}");
    let connack = [
        ("reason_code", r#""bad_username_or_password""#),
        ("conn_props", &conn_props),
        ("expiry_interval", "0"),
    ];
    assert_fields(&stored, Kind::Connack, &connack);
}
