//! MQTT 3.1.1 and 5.0 on one port: what is wrong.

use latchwork::mqtt_client::ReasonCode;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::clients::{connect, publish};
use crate::payloads::{state, state_topic};
use crate::protocol::edge;
use crate::raw_mqtt::{
    LEVELS, Level, PINGREQ, PUBACK, PUBLISH, RawClient, SUBSCRIBE, packet, text,
};
use crate::testbed::Setup;
use crate::waiting::soon;

const LOCK: &str = "10083618796833171";

/// Scenario: a 5.0 client sends five messages at `QoS` 0 and one at `QoS` 1 in one write, to an edge
/// with a Receive Maximum of two.
/// Guarantee: the one is acknowledged: `QoS` 0 does not count (MQTT 5.0, section 3.3.4).
#[tokio::test]
async fn qos_0_does_not_count_towards_the_receive_maximum() {
    let setup = Setup::new().stages(&["mqtt-edge"]);
    let bed = setup.env("LATCHWORK_RECEIVE_MAXIMUM", "2").start().await;
    let mut client = RawClient::connected(bed.mqtt(), Level::V5, LOCK).await;
    let unacknowledged = packet(PUBLISH, &[text("a/b"), vec![0], b"0".to_vec()].concat());
    let acknowledged = [text("a/b"), vec![0, 9, 0], b"1".to_vec()].concat();
    let mut bytes = unacknowledged.repeat(5);
    bytes.extend(packet(PUBLISH | 0b10, &acknowledged));
    client.send(&bytes).await;
    let answer = client.expect(PUBACK, "PUBACK").await;
    assert_eq!(answer.body[..2], [0, 9]);
}

/// Scenario: while a lock publishes, others send malformed packets of many kinds.
/// Guarantee: each of those loses its own connection, in 5.0 with a reason; the lock goes on over
/// the same connection.
#[tokio::test]
async fn a_malformed_packet_closes_its_own_connection_only() {
    let bed = edge().await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    let mut number = 0;
    for level in LEVELS {
        for (what, bytes, reason) in malformed(level) {
            let mut client = RawClient::connected(bed.mqtt(), level, "clumsy").await;
            client.send(&bytes).await;
            eprintln!("{level:?}: {what}");
            client.closed_with(reason).await;
            number += 1;
            let acknowledged = publish(&lock, state_topic(LOCK), state(LOCK, number)).await;
            assert_eq!(acknowledged, ReasonCode::SUCCESS, "after {what}");
        }
    }
}

/// What it is, its bytes, and the reason in 5.0.
fn malformed(level: Level) -> Vec<(&'static str, Vec<u8>, u8)> {
    let rest = |topic: &[u8]| {
        let mut body = topic.to_vec();
        body.extend([0, 9]);
        body.extend(if level == Level::V5 { &[0][..] } else { &[] });
        body.extend(b"payload");
        packet(PUBLISH | 0b10, &body)
    };
    vec![
        ("a type that does not exist", vec![0x00, 0], 0x81),
        ("flags that must be zero", vec![PINGREQ | 1, 0], 0x81),
        ("QoS 3", packet(PUBLISH | 0b110, &text("a/b")), 0x81),
        (
            "a length without end",
            vec![PUBLISH, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            0x81,
        ),
        (
            "a topic that is longer than its packet",
            packet(PUBLISH, &[0xFF, 0xFF, b'a']),
            0x81,
        ),
        ("a topic that is not UTF-8", rest(&[0, 2, 0xC3, 0x28]), 0x81),
        ("a topic with U+0000", rest(&text("a\0b")), 0x81),
        (
            "a topic with a wildcard",
            rest(&text("devices/+/state")),
            0x90,
        ),
        (
            "no filters",
            packet(SUBSCRIBE, &[0, 1, 0][..2 + usize::from(level == Level::V5)]),
            0x82,
        ),
        ("a second CONNECT", second_connect(level), 0x82),
        (
            "a packet that is too large",
            vec![PUBLISH, 0xFF, 0xFF, 0xFF, 0x7F],
            0x95,
        ),
    ]
}

fn second_connect(level: Level) -> Vec<u8> {
    let mut body = text("MQTT");
    body.extend([level as u8, 0b10, 0, 0]);
    body.extend(if level == Level::V5 { &[0][..] } else { &[] });
    body.extend(text("clumsy"));
    packet(0x10, &body)
}

/// Scenario: before any CONNECT, peers send nothing but noise: HTTP, TLS, a PUBLISH, zeros.
/// Guarantee: each connection is closed without an answer in MQTT's name other than CONNACK, and
/// the edge serves the next client.
#[tokio::test]
async fn noise_is_closed() {
    let bed = edge().await;
    let noises: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: lock\r\n\r\n",
        &[
            0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03,
        ],
        &[0x30, 0x05, 0x00, 0x01, b'a', b'1', b'2'],
        &[0; 64],
        &[0x10, 0xFF, 0xFF, 0xFF, 0x7F],
    ];
    for noise in noises {
        let mut stream = TcpStream::connect(bed.mqtt()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, noise)
            .await
            .unwrap();
        let mut answer = Vec::new();
        // A reset is an end as well.
        let read = soon(
            "the end of a noisy connection",
            stream.read_to_end(&mut answer),
        )
        .await;
        assert!(
            answer.first().is_none_or(|first| *first == 0x20),
            "{noise:?}: {read:?} {answer:?}"
        );
    }
    let (lock, _) = connect(&bed.client(LOCK)).await;
    assert_eq!(
        publish(&lock, state_topic(LOCK), state(LOCK, 1)).await,
        ReasonCode::SUCCESS
    );
}
