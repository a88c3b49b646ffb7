//! Sessions that outlive the edge, which dies again and again.

use std::collections::BTreeSet;

use latchwork::mqtt_client::ReasonCode;
use tokio::net::TcpStream;

use crate::clients::{connect, publish};
use crate::raw_mqtt::{Level, RawClient, RawConnect, packet};
use crate::testbed::{Setup, Testbed};
use crate::waiting::until;

const PUBLISH: u8 = 0x30;
const PUBREC: u8 = 0x50;
const PUBREL: u8 = 0x62;
const PUBCOMP: u8 = 0x70;

/// Kills of the edge, and messages that the lock takes before each.
const KILLS: usize = 8;
const EACH: usize = 60;

/// What a lock must know of its `QoS` 2 messages (MQTT 3.1.1, section 4.3.3, method B).
#[derive(Default)]
struct Lock {
    got: Vec<u32>,
    held: BTreeSet<[u8; 2]>,
}

impl Lock {
    /// Connects with the session that waits, as soon as the edge is back.
    async fn connect(&self, bed: &Testbed) -> RawClient {
        until("the edge to be back", async || {
            TcpStream::connect(bed.mqtt()).await.is_ok()
        })
        .await;
        let connect = RawConnect {
            clean: false,
            ..RawConnect::new(Level::V311, "lock")
        };
        let (client, connack) = RawClient::connect(bed.mqtt(), &connect).await;
        assert_eq!(connack.body, [1, 0], "its session must be there");
        client
    }

    /// Takes messages until it has so many, or the edge is gone.
    async fn take(&mut self, client: &mut RawClient, enough: usize) {
        while self.got.len() < enough {
            let Some(received) = client.next("a message").await else {
                return;
            };
            let answer = self.answer(received.first, &received.body);
            if !client.send_if_open(&answer).await {
                return;
            }
        }
    }

    fn answer(&mut self, first: u8, body: &[u8]) -> Vec<u8> {
        if first == PUBREL {
            let id = [body[0], body[1]];
            self.held.remove(&id);
            return packet(PUBCOMP, &id);
        }
        assert_eq!(first & 0xF6, PUBLISH | 4, "a PUBLISH of QoS 2");
        let topic = usize::from(u16::from_be_bytes([body[0], body[1]])) + 2;
        let id = [body[topic], body[topic + 1]];
        if self.held.insert(id) {
            let payload = std::str::from_utf8(&body[topic + 2..]).unwrap();
            self.got.push(payload.parse().unwrap());
        }
        packet(PUBREC, &id)
    }
}

/// `QoS` 2 messages with these numbers, one after the other.
async fn publish_exactly_once(client: &mut RawClient, numbers: std::ops::Range<u32>) {
    for number in numbers {
        client
            .publish("orders/lock", number.to_string().as_bytes(), 2, 1)
            .await;
        client.expect(PUBREC, "PUBREC").await;
        client.send(&packet(PUBREL, &[0, 1])).await;
        client.expect(PUBCOMP, "PUBCOMP").await;
    }
}

/// Scenario: 600 messages of `QoS` 2 wait for a lock that is away. It takes them over nine
/// connections: the edge is killed eight times while messages in every state are under way.
/// Guarantee: its session is there each time, and it gets each message exactly once, in order.
#[tokio::test]
async fn a_session_survives_the_edge_exactly_once() {
    let bed = Setup::new().stages(&["mqtt-edge"]).start().await;
    let connect = RawConnect {
        clean: false,
        ..RawConnect::new(Level::V311, "lock")
    };
    let (mut client, _) = RawClient::connect(bed.mqtt(), &connect).await;
    assert_eq!(client.subscribe(&[("orders/lock", 2)]).await, [2]);
    drop(client);
    let messages = 600;
    let mut app = RawClient::connected(bed.mqtt(), Level::V311, "app").await;
    publish_exactly_once(&mut app, 0..messages).await;

    let mut lock = Lock::default();
    for kill in 1..=KILLS {
        let mut client = lock.connect(&bed).await;
        lock.take(&mut client, kill * EACH).await;
        bed.kill("mqtt-edge").await;
        // What was on its way to the lock arrives, what it answers does not.
        lock.take(&mut client, messages as usize).await;
    }
    let mut client = lock.connect(&bed).await;
    lock.take(&mut client, messages as usize).await;
    assert_eq!(lock.got, (0..messages).collect::<Vec<_>>());
}

/// Scenario: messages of `QoS` 1 are published to a lock that is away, more than may wait for it;
/// then it takes them, and one more is published.
/// Guarantee: what was acknowledged as accepted comes, and nothing else; who published too much is
/// told so, and may publish again when the lock has taken what waited.
#[tokio::test]
async fn a_full_queue_refuses_with_a_word() {
    let bed = Setup::new()
        .pipeline("[sessions]\nqueue = 20\n")
        .stages(&["mqtt-edge"])
        .start()
        .await;
    let connecting = RawConnect {
        clean: false,
        ..RawConnect::new(Level::V311, "lock")
    };
    let (mut client, _) = RawClient::connect(bed.mqtt(), &connecting).await;
    assert_eq!(client.subscribe(&[("orders/lock", 1)]).await, [1]);
    drop(client);
    let (app, _incoming) = connect(&bed.client("app").v5()).await;
    let mut accepted = Vec::new();
    for number in 0..30_u32 {
        match publish(&app, "orders/lock", number.to_string()).await {
            ReasonCode::SUCCESS => accepted.push(number),
            refused => assert_eq!(refused, ReasonCode::QUOTA_EXCEEDED),
        }
    }
    assert_eq!(accepted, (0..20).collect::<Vec<_>>());
    let (mut client, _) = RawClient::connect(bed.mqtt(), &connecting).await;
    let mut got = Vec::new();
    while got.len() < accepted.len() {
        let message = client.expect(PUBLISH, "a message").await;
        let id = &message.body[13..15];
        got.push(
            std::str::from_utf8(&message.body[15..])
                .unwrap()
                .parse::<u32>()
                .unwrap(),
        );
        let puback = packet(0x40, id);
        client.send(&puback).await;
    }
    assert_eq!(got, accepted);
    until("room for one more", async || {
        publish(&app, "orders/lock", "31").await == ReasonCode::SUCCESS
    })
    .await;
    let message = client.expect(PUBLISH, "a message").await;
    assert_eq!(message.body[15..], *b"31");
}
