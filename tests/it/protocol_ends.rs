//! MQTT 3.1.1 and 5.0 on one port: how connections end.

use std::time::{Duration, Instant};

use latchwork::mqtt_client::{Qos, ReasonCode};
use tokio::net::TcpStream;

use crate::clients::{connect, publish};
use crate::payloads::{state, state_topic};
use crate::protocol::{both, edge};
use crate::raw_mqtt::{DISCONNECT, LEVELS, Level, PUBACK, RawClient, RawConnect, packet};
use crate::waiting::{soon, until};

const LOCK: &str = "10083618796833171";

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
