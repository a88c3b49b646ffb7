//! MQTT 3.1.1 and 5.0 on one port: what is right.

use std::time::{Duration, Instant};

use latchwork::mqtt_client::{ClientError, ClientOptions, MqttClient, Publish, Qos, ReasonCode};

use tokio::net::TcpStream;

use crate::payloads::{broken_state, command, command_topic, state, state_topic};
use crate::raw_mqtt::{DISCONNECT, LEVELS, Level, PUBACK, PUBLISH, RawClient, RawConnect, packet};
use crate::testbed::{Setup, Testbed, connect, publish};
use crate::waiting::{soon, until};

const LOCK: &str = "10083618796833171";

/// Only the edge and its store: MQTT alone is looked at.
pub(crate) async fn edge() -> Testbed {
    Setup::new().stages(&["mqtt-edge"]).start().await
}

fn both(bed: &Testbed, client_id: &str) -> [ClientOptions; 2] {
    [bed.client(client_id), bed.client(client_id).v5()]
}

/// Scenario: a client of each version connects, subscribes, gets messages of both `QoS` from a
/// client of the other version, pings, unsubscribes, and disconnects.
/// Guarantee: each message comes once, as it was published, at the lower `QoS` of both sides;
/// after the unsubscribe none comes.
#[tokio::test]
async fn whole_conversations_in_both_versions() {
    let bed = edge().await;
    for (index, options) in both(&bed, LOCK).into_iter().enumerate() {
        let other = both(&bed, "app")[1 - index].clone();
        let (lock, mut incoming) = connect(&options).await;
        let (app, _) = connect(&other).await;
        let topic = command_topic(LOCK);
        let codes = soon("SUBACK", lock.subscribe([topic.as_str()]))
            .await
            .unwrap();
        assert_eq!(codes, [ReasonCode::GRANTED_QOS_1]);

        for (number, qos) in [
            (1, Qos::AtLeastOnce),
            (2, Qos::AtMostOnce),
            (3, Qos::AtLeastOnce),
        ] {
            let message = Publish {
                qos,
                ..Publish::new(topic.as_str(), command(number))
            };
            let acknowledged = app.publish(message).await.unwrap();
            assert_eq!(
                soon("PUBACK", acknowledged).await.unwrap().reason,
                ReasonCode::SUCCESS
            );
            let delivered = soon("the message", incoming.next()).await.unwrap();
            assert_eq!((&*delivered.topic, delivered.qos), (topic.as_str(), qos));
            assert_eq!(delivered.payload, command(number));
            assert!(!delivered.dup && !delivered.retain);
        }
        soon("PINGRESP", lock.ping()).await.unwrap();

        soon("UNSUBACK", lock.unsubscribe([topic.as_str()]))
            .await
            .unwrap();
        assert_eq!(publish(&app, topic, command(4)).await, ReasonCode::SUCCESS);
        soon("DISCONNECT", lock.disconnect()).await.unwrap();
        assert_eq!(soon("the end", lock.closed()).await, ClientError::Closed);
        assert_eq!(
            incoming.next().await,
            None,
            "delivered after the unsubscribe"
        );
    }
}

/// Scenario: a client subscribes to two filters that both match, one by wildcard, and to one of
/// them again.
/// Guarantee: every message comes, at least once and not more often than filters match, in order,
/// at `QoS` 1.
#[tokio::test]
async fn overlapping_subscriptions() {
    let bed = edge().await;
    let (app, mut incoming) = connect(&bed.client("app")).await;
    for filters in [&["devices/+/state", "devices/#"][..], &["devices/#"]] {
        soon("SUBACK", app.subscribe(filters.iter().copied()))
            .await
            .unwrap();
    }
    let (lock, _) = connect(&bed.client(LOCK)).await;
    for number in 0..5 {
        assert_eq!(
            publish(&lock, state_topic(LOCK), state(LOCK, number)).await,
            ReasonCode::SUCCESS
        );
    }
    assert_eq!(
        publish(&lock, "devices/end", "end").await,
        ReasonCode::SUCCESS
    );
    let mut payloads = Vec::new();
    loop {
        let delivered = soon("a delivery", incoming.next()).await.unwrap();
        assert_eq!(delivered.qos, Qos::AtLeastOnce);
        if &*delivered.topic == "devices/end" {
            break;
        }
        payloads.push(String::from_utf8(delivered.payload.to_vec()).unwrap());
    }
    let copies = payloads.len();
    payloads.dedup();
    let expected: Vec<String> = (0..5).map(|number| state(LOCK, number)).collect();
    assert_eq!(payloads, expected);
    assert!(
        (5..=10).contains(&copies),
        "{copies} deliveries of 5 messages"
    );
}

/// Scenario: a message that is not acknowledged by its subscriber, and another behind it.
/// Guarantee: the packet identifiers differ, DUP is not set, and the PUBACKs may come in any order.
#[tokio::test]
async fn deliveries_wait_for_their_acknowledgement() {
    let bed = edge().await;
    for level in LEVELS {
        let mut lock = RawClient::connected(bed.mqtt(), level, LOCK).await;
        assert_eq!(lock.subscribe(&[(&command_topic(LOCK), 1)]).await, [1]);
        let (app, _) = connect(&bed.client("app")).await;
        let mut ids = Vec::new();
        for number in 0..2 {
            assert_eq!(
                publish(&app, command_topic(LOCK), command(number)).await,
                ReasonCode::SUCCESS
            );
            let delivered = lock.expect(PUBLISH, "a command").await;
            assert_eq!(delivered.first, PUBLISH | 0b10, "QoS 1, no DUP, no RETAIN");
            let at = 2 + command_topic(LOCK).len();
            ids.push(delivered.body[at..at + 2].to_vec());
        }
        assert_ne!(ids[0], ids[1]);
        for id in ids.iter().rev() {
            lock.send(&packet(PUBACK, id)).await;
        }
        lock.ping().await;
    }
}

/// Scenario: a client connects under a client id that is connected already, in both versions.
/// Guarantee: the older connection ends, in 5.0 with 0x8E; the newer one works.
#[tokio::test]
async fn the_newer_connection_takes_over() {
    let bed = edge().await;
    for (options, level) in both(&bed, LOCK).into_iter().zip(LEVELS) {
        let older = RawClient::connected(bed.mqtt(), level, LOCK).await;
        let (newer, _) = connect(&options).await;
        older.closed_with(0x8E).await;
        assert_eq!(
            publish(&newer, state_topic(LOCK), state(LOCK, 1)).await,
            ReasonCode::SUCCESS
        );
    }
}

/// Scenario: a client with a keep-alive of one second falls silent; another one pings in time.
/// Guarantee: the silent one is closed after one and a half times that, in 5.0 with 0x8D; the
/// other one stays.
#[tokio::test]
async fn silence_ends_a_connection() {
    let bed = edge().await;
    for level in LEVELS {
        let mut pinging = RawConnect::new(level, "pinging");
        pinging.keep_alive_secs = 1;
        let mut silent = RawConnect::new(level, "silent");
        silent.keep_alive_secs = 1;
        let (mut pinging, _) = RawClient::connect(bed.mqtt(), &pinging).await;
        let (silent, _) = RawClient::connect(bed.mqtt(), &silent).await;
        let begun = Instant::now();
        let closed = silent.closed_with(0x8D);
        tokio::pin!(closed);
        let mut tick = tokio::time::interval(Duration::from_millis(300));
        loop {
            tokio::select! {
                () = &mut closed => break,
                _ = tick.tick() => pinging.ping().await,
            }
        }
        assert!(
            begun.elapsed() >= Duration::from_millis(1400),
            "{:?}",
            begun.elapsed()
        );
        pinging.ping().await;
    }
}

/// Scenario: a client leaves its client id to the server: in 5.0, in 3.1.1 with a clean session,
/// and in 3.1.1 without one.
/// Guarantee: it gets an id of its own and can publish; 5.0 is told which; 3.1.1 without a clean
/// session is refused with 2 (MQTT-3.1.3-8).
#[tokio::test]
async fn an_empty_client_id() {
    let bed = edge().await;
    for level in LEVELS {
        let connect = RawConnect::new(level, "");
        let (mut first, connack) = RawClient::connect(bed.mqtt(), &connect).await;
        assert_eq!(connack.body[..2], [0, 0], "{level:?}: {connack:?}");
        // Property 0x12, Assigned Client Identifier (MQTT 5.0, section 3.2.2.3.7).
        let assigned = connack
            .body
            .windows(3)
            .any(|window| window[..2] == [0x12, 0x00]);
        assert_eq!(assigned, level == Level::V5, "{connack:?}");
        let (mut second, _) = RawClient::connect(bed.mqtt(), &connect).await;
        for client in [&mut first, &mut second] {
            client.publish("some/topic", b"1", 1, 5).await;
            let puback = client.expect(PUBACK, "PUBACK").await;
            assert_eq!(puback.body[..2], [0, 5]);
        }
    }
    let mut kept = RawConnect::new(Level::V311, "");
    kept.clean = false;
    let (client, connack) = RawClient::connect(bed.mqtt(), &kept).await;
    assert_eq!(connack.body, [0, 2]);
    assert!(client.closed().await.is_empty());
}

/// Scenario: anonymous clients come to an edge that was not told to let them in.
/// Guarantee: each is refused, with 5 in 3.1.1 and 0x87 in 5.0, and the connection is closed.
#[tokio::test]
async fn strangers_are_refused() {
    let bed = Setup::new()
        .stages(&["mqtt-edge"])
        .refuse_anonymous()
        .start()
        .await;
    for (level, code) in [(Level::V311, 5), (Level::V5, 0x87)] {
        let connect = RawConnect::new(level, LOCK);
        let (client, connack) = RawClient::connect(bed.mqtt(), &connect).await;
        assert_eq!(connack.body[..2], [0, code], "{level:?}");
        assert!(client.closed().await.is_empty());
    }
    for options in both(&bed, LOCK) {
        let error = MqttClient::connect(&options).await.unwrap_err();
        let not_authorized = |reason| reason == ReasonCode::NOT_AUTHORIZED;
        assert!(
            matches!(error, ClientError::Refused { reason, .. } if not_authorized(reason)),
            "{error}"
        );
    }
}

/// Scenario: locks of both versions publish a state that breaks its contract, and then a good one.
/// Guarantee: 5.0 is told 0x99; 3.1.1, which has no word for it, gets its PUBACK; both go on.
#[tokio::test]
async fn a_broken_payload_is_told_where_it_can_be() {
    let bed = edge().await;
    let verdicts = [ReasonCode::SUCCESS, ReasonCode::PAYLOAD_FORMAT_INVALID];
    for (options, verdict) in both(&bed, LOCK).into_iter().zip(verdicts) {
        let (lock, _) = connect(&options).await;
        let topic = state_topic(LOCK);
        assert_eq!(
            publish(&lock, topic.as_str(), broken_state(LOCK, 1)).await,
            verdict
        );
        assert_eq!(
            publish(&lock, topic, state(LOCK, 2)).await,
            ReasonCode::SUCCESS
        );
    }
}

/// Scenario: clients with a will: one breaks off, one falls silent, one is taken over, one says
/// goodbye.
/// Guarantee: the will of each but the last is published, once.
#[tokio::test]
async fn wills_speak_for_those_who_broke_off() {
    let bed = edge().await;
    let (app, mut incoming) = connect(&bed.client("app")).await;
    soon("SUBACK", app.subscribe(["wills/#"])).await.unwrap();
    for level in LEVELS {
        let with_will = |name: &str, keep_alive_secs| {
            let will = Some((format!("wills/{name}"), format!("{name} is gone")));
            RawConnect {
                keep_alive_secs,
                will,
                ..RawConnect::new(level, name)
            }
        };
        let (mut polite, _) = RawClient::connect(bed.mqtt(), &with_will("polite", 0)).await;
        polite.send(&packet(DISCONNECT, &[])).await;
        polite.closed().await;
        let (broken, _) = RawClient::connect(bed.mqtt(), &with_will("broken", 0)).await;
        drop(broken);
        let delivered = soon("the will of the broken one", incoming.next())
            .await
            .unwrap();
        assert_eq!(
            (&*delivered.topic, &*delivered.payload),
            ("wills/broken", &b"broken is gone"[..])
        );
        assert_eq!(delivered.qos, Qos::AtLeastOnce);
        let (silent, _) = RawClient::connect(bed.mqtt(), &with_will("silent", 1)).await;
        let delivered = soon("the will of the silent one", incoming.next())
            .await
            .unwrap();
        assert_eq!(&*delivered.topic, "wills/silent");
        silent.closed().await;
        let (older, _) = RawClient::connect(bed.mqtt(), &with_will("twice", 0)).await;
        let (mut newer, _) = RawClient::connect(bed.mqtt(), &with_will("twice", 0)).await;
        let delivered = soon("the will of the older one", incoming.next())
            .await
            .unwrap();
        assert_eq!(&*delivered.topic, "wills/twice");
        older.closed().await;
        newer.send(&packet(DISCONNECT, &[])).await;
        newer.closed().await;
    }
    // What comes behind shows that nothing else came.
    let (lock, _) = connect(&bed.client(LOCK)).await;
    assert_eq!(
        publish(&lock, "wills/end", "end").await,
        ReasonCode::SUCCESS
    );
    assert_eq!(
        &*soon("the end", incoming.next()).await.unwrap().topic,
        "wills/end"
    );
}

/// Scenario: while the store hangs, a client publishes; then the edge gets SIGTERM, and the store
/// goes on.
/// Guarantee: what was stored is acknowledged before the connection ends: the client does not
/// publish it again. In 5.0, 0x8B is the last word (MQTT-3.14.4-1).
#[tokio::test]
async fn a_stopping_edge_acknowledges_what_it_stored() {
    for level in LEVELS {
        let bed = edge().await;
        let mut client = RawClient::connected(bed.mqtt(), level, LOCK).await;
        bed.pause("nats-server");
        client
            .publish(&state_topic(LOCK), state(LOCK, 1).as_bytes(), 1, 5)
            .await;
        client.ping().await;
        bed.terminate("mqtt-edge");
        let mqtt = bed.mqtt().to_owned();
        let stops = async || TcpStream::connect(&mqtt).await.is_err();
        until("the edge to take no more connections", stops).await;
        bed.resume("nats-server");
        let packets = client.closed().await;
        let types: Vec<u8> = packets.iter().map(|packet| packet.first).collect();
        match level {
            Level::V311 => assert_eq!(types, [PUBACK]),
            Level::V5 => {
                assert_eq!(types, [PUBACK, DISCONNECT], "{packets:?}");
                assert_eq!(packets[1].body[0], 0x8B);
            }
        }
        assert_eq!(packets[0].body[..2], [0, 5]);
    }
}
