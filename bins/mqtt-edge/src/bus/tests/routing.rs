//! Who gets what.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::{at, bus, message, next, payloads, payloads_until_mark, publish, subscriber};
use crate::bus::{Bus, BusError, BusLink, Message};
use crate::codec::PublishProperties;

/// Scenario: one subscriber for each form of filter; messages to topics inside and outside.
/// Guarantee: each gets what its filter matches and nothing else; `#` gets no `$` topic.
#[tokio::test]
async fn delivers_what_the_filter_matches() {
    let bus = bus();
    for (filter, expected) in [
        ("devices/1/state", "1"),
        ("devices/+/state", "1 2"),
        ("devices/#", "1 2 3 4"),
        ("#", "1 2 3 4 6"),
        ("+/status", "6"),
        ("$SYS/status", "5"),
        ("$SYS/#", "5"),
        ("nothing/here", ""),
    ] {
        let mut link = subscriber(&bus, &[filter, "mark"], 1).await;
        let topics = [
            "devices/1/state",
            "devices/2/state",
            "devices/2/state/x",
            "devices",
            "$SYS/status",
            "other/status",
        ];
        for (topic, payload) in topics.iter().zip(["1", "2", "3", "4", "5", "6"]) {
            publish(&bus, topic, payload).await;
        }
        let got = payloads_until_mark(&bus, &mut link, "mark").await;
        assert_eq!(got.join(&b" "[..]), expected.as_bytes(), "{filter}");
        link.close().await;
    }
}

/// Scenario: a session subscribes to two filters that both match, and to one of them twice.
/// Guarantee: one copy, whatever the filters are.
#[tokio::test]
async fn overlapping_filters_deliver_once_each() {
    let bus = bus();
    let mut link = subscriber(&bus, &["a/+", "a/#", "a/+", "mark"], 1).await;
    publish(&bus, "a/b", "1").await;
    assert_eq!(payloads_until_mark(&bus, &mut link, "mark").await, ["1"]);
    link.unsubscribe("a/#").await.unwrap();
    publish(&bus, "a/b", "2").await;
    assert_eq!(payloads_until_mark(&bus, &mut link, "mark").await, ["2"]);
    link.unsubscribe("a/+").await.unwrap();
    assert!(!bus.wants("a/b"));
}

/// Scenario: 200 sessions subscribe to the same filter, one of them leaves.
/// Guarantee: each of the others gets each message once.
#[tokio::test]
async fn same_filter_by_many_sessions() {
    let bus = bus();
    let mut links = Vec::new();
    for _ in 0..200 {
        links.push(subscriber(&bus, &["news/+"], 1).await);
    }
    links.swap_remove(7).close().await;
    for payload in ["1", "2", "3"] {
        publish(&bus, "news/x", payload).await;
    }
    for link in &mut links {
        assert_eq!(
            payloads_until_mark(&bus, link, "news/mark").await[..3],
            ["1", "2", "3"]
        );
    }
}

/// Scenario: publisher and subscriber with every pair of `QoS`; then the subscriber changes its own.
/// Guarantee: the lower one counts (MQTT 5.0, section 3.8.4), and the new one after a change.
#[tokio::test]
async fn qos_is_the_lower_one() {
    let bus = bus();
    for (published, subscribed) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (1, 2), (2, 2)] {
        let mut link = subscriber(&bus, &["a"], subscribed).await;
        bus.publish(message("a", "x", published)).await.unwrap();
        assert_eq!(next(&mut link).await.1, published.min(subscribed));
        link.close().await;
    }
    let mut link = subscriber(&bus, &["a"], 1).await;
    link.subscribe("a", at(0)).await.unwrap();
    bus.publish(message("a", "x", 1)).await.unwrap();
    assert_eq!(next(&mut link).await.1, 0);
}

/// Scenario: messages with everything that a message can carry, and with nothing.
/// Guarantee: they arrive as they were, an empty payload too.
#[tokio::test]
async fn everything_in_a_message_arrives() {
    let bus = bus();
    let mut link = subscriber(&bus, &["#"], 2).await;
    let full = Message {
        topic: Bytes::from_static(b"a/b"),
        payload: Bytes::from_static(&[0, 255, 0]),
        qos: 2,
        retain: true,
        from_client_id: Bytes::from_static("lock 1/\u{9501}".as_bytes()),
        from_username: Bytes::from_static(b"carol"),
        trace: Bytes::from_static(&[7; 25]),
        properties: Some(Box::new(PublishProperties {
            payload_is_utf8: true,
            message_expiry_secs: Some(60),
            content_type: Some(ByteString::from_static("application/json")),
            response_topic: Some(ByteString::from_static("answers/1")),
            correlation_data: Some(Bytes::from_static(&[1, 2])),
            topic_alias: None,
            user_properties: vec![
                (ByteString::from_static("k"), ByteString::from_static("1")),
                (ByteString::from_static("k"), ByteString::from_static("2")),
            ],
        })),
        received_at_ms: 1,
        expires_at_ms: Some(2),
    };
    for sent in [
        Arc::new(full),
        message("a", "", 0),
        message("a", "", 1),
        message("a", vec![9; 1 << 20], 1),
    ] {
        bus.publish(Arc::clone(&sent)).await.unwrap();
        assert_eq!(next(&mut link).await.0, sent);
    }
}

/// Scenario: topics and client ids that rumqttd's own listeners cannot bear: a first character of
/// several bytes, `/` and `+` in a client id, empty levels, 1,000 levels.
/// Guarantee: all are served, before and after each other.
#[tokio::test]
async fn strange_names_are_served() {
    let bus = bus();
    for client_id in ["a/b", "+$#/", "", "\u{9501}", "a/b"] {
        let mut link = bus
            .connect(&Bytes::copy_from_slice(client_id.as_bytes()))
            .await
            .unwrap();
        let deep = "x/".repeat(1000);
        for topic in [
            "\u{95e8}\u{9501}/\u{72b6}\u{6001}",
            "/",
            "//",
            "a b",
            "a.b*>",
            "\u{1f510}",
            &deep,
        ] {
            link.subscribe(topic, at(1)).await.unwrap();
            publish(&bus, topic, topic).await;
            assert_eq!(next(&mut link).await.0.topic, topic.as_bytes());
        }
        link.close().await;
    }
}

/// Scenario: messages to topics that are none, filters that are none, a filter with 200 wildcards.
/// Guarantee: each is refused with its reason, and the bus goes on.
#[tokio::test]
async fn bad_names_are_refused() {
    let bus = bus();
    let mut link = subscriber(&bus, &["#"], 1).await;
    for topic in ["", "a/+", "#", "a\0b"] {
        let refused = bus.publish(message(topic, "x", 1)).await;
        assert!(matches!(refused, Err(BusError::Topic)), "{topic:?}");
    }
    let not_text = Message {
        topic: Bytes::from_static(&[0xFF]),
        ..Message::default()
    };
    assert!(matches!(
        bus.publish(Arc::new(not_text)).await,
        Err(BusError::Topic)
    ));
    for filter in ["", "a#", "#/a", "a+", "$share/g/a#"] {
        let refused = link.subscribe(filter, at(1)).await;
        assert!(matches!(refused, Err(BusError::Filter(_))), "{filter:?}");
    }
    let deep = "+/".repeat(200);
    let refused = link.subscribe(&deep, at(1)).await;
    assert!(matches!(
        refused,
        Err(BusError::TooManyLevels {
            levels: 201,
            max: 128
        })
    ));
    publish(&bus, "a", "1").await;
    assert_eq!(payloads(&mut link, 1).await, ["1"]);
}

/// Scenario: two sessions share a filter, a third shares another filter under the same name, a
/// fourth has the filter for itself; then one of the two leaves.
/// Guarantee: each message goes to one of the two, in turn, and to the others as ever; the one
/// that stays gets all.
#[tokio::test]
async fn shared_subscriptions_take_turns() {
    let bus = bus();
    let mut first = subscriber(&bus, &["$share/g/a/+", "mark"], 1).await;
    let mut second = subscriber(&bus, &["$share/g/a/+", "mark"], 1).await;
    let mut other = subscriber(&bus, &["$share/g/b", "mark"], 1).await;
    let mut alone = subscriber(&bus, &["a/+", "mark"], 1).await;
    for payload in ["1", "2", "3", "4"] {
        publish(&bus, "a/x", payload).await;
    }
    publish(&bus, "b", "b").await;
    publish(&bus, "mark", "mark").await;
    for (link, expected) in [
        (&mut first, vec!["1", "3", "mark"]),
        (&mut second, vec!["2", "4", "mark"]),
        (&mut other, vec!["b", "mark"]),
        (&mut alone, vec!["1", "2", "3", "4", "mark"]),
    ] {
        assert_eq!(payloads(link, expected.len()).await, expected);
    }
    first.unsubscribe("$share/g/a/+").await.unwrap();
    publish(&bus, "a/x", "5").await;
    publish(&bus, "a/x", "6").await;
    assert_eq!(
        payloads_until_mark(&bus, &mut second, "mark").await,
        ["5", "6"]
    );
    assert_eq!(
        payloads_until_mark(&bus, &mut first, "mark").await,
        Vec::<Bytes>::new()
    );
}

/// Scenario: one after the other 40,050 filters with a wildcard are subscribed, more than all
/// routers bear together; messages for the first, some around the borders, the last and all of
/// them; then all are given back, and one is asked for again.
/// Guarantee: each gets its own, and what is for all, once and in order, whoever knows its filter:
/// nobody can use the filters of others up.
#[tokio::test]
async fn more_filters_than_the_routers_bear() {
    let bus = bus();
    let mut link = subscriber(&bus, &["to/#", "mark"], 1).await;
    for number in 0..40_050 {
        let filter = format!("to/{number}/+");
        link.subscribe(&filter, at(1))
            .await
            .expect("a subscription");
    }
    let sent = [
        "to/0/a",
        "to/40049/a",
        "to/9999/b",
        "to/10000/b",
        "to/all",
        "to/40020/c",
    ];
    for topic in sent {
        publish(&bus, topic, topic).await;
    }
    let got = payloads_until_mark(&bus, &mut link, "mark").await;
    assert_eq!(got, sent);
    link.close().await;
    assert!(!bus.wants("to/40049/a"));
    let mut link = subscriber(&bus, &["to/40049/+", "to/1/+", "mark"], 1).await;
    publish(&bus, "to/40049/a", "again").await;
    publish(&bus, "to/1/a", "too").await;
    let got = payloads_until_mark(&bus, &mut link, "mark").await;
    assert_eq!(got, ["again", "too"]);
}
