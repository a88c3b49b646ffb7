//! MQTT 3.1.1 and 5.0 on one port: what is right.

use latchwork::mqtt_client::{ClientError, ClientOptions, MqttClient, Publish, Qos, ReasonCode};

use crate::clients::{connect, publish};
use crate::payloads::{broken_state, command, command_topic, state, state_topic};
use crate::raw_mqtt::{LEVELS, Level, PUBACK, PUBLISH, RawClient, RawConnect, packet};
use crate::testbed::{Setup, Testbed};
use crate::waiting::soon;

const LOCK: &str = "10083618796833171";

/// Only the edge and its store: MQTT alone is looked at.
pub(crate) async fn edge() -> Testbed {
    Setup::new().stages(&["mqtt-edge"]).start().await
}

pub(crate) fn both(bed: &Testbed, client_id: &str) -> [ClientOptions; 2] {
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
