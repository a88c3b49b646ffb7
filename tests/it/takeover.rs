//! A client that comes again before the edge has seen that it has left.

use crate::raw_mqtt::{DISCONNECT, LEVELS, PUBLISH, RawClient, RawConnect, packet, text};
use crate::testbed::Setup;

const ROUNDS: usize = 200;

/// Scenario: a client with a will publishes, sends DISCONNECT and connects again at once, 200 times,
/// without waiting for anything; every other time it publishes more than the edge reads at once.
/// Guarantee: nobody ever gets its will.
#[tokio::test]
async fn an_unread_disconnect_drops_the_will() {
    for level in LEVELS {
        let bed = Setup::new().stages(&["mqtt-edge"]).start().await;
        let mut watcher = RawClient::connected(bed.mqtt(), level, "watcher").await;
        assert_eq!(watcher.subscribe(&[("last/#", 0)]).await, [0]);
        let connecting = RawConnect {
            will: Some(("last/words".into(), "gone".into())),
            ..RawConnect::new(level, "lock")
        };
        // Packets of QoS 0: the topic, in 5.0 no properties, and the payload.
        let padding = [&text("other")[..], &[0; 3000]].concat();
        let padding = packet(PUBLISH, &padding);
        let mut held = Vec::new();
        for round in 0..ROUNDS {
            let (mut client, connack) = RawClient::connect(bed.mqtt(), &connecting).await;
            assert_eq!(connack.body[1], 0, "{connack:?}");
            let before = if round % 2 == 0 { 0 } else { 5 };
            let goodbye = [padding.repeat(before), vec![DISCONNECT, 0]].concat();
            client.send(&goodbye).await;
            // Its socket stays open: that it is gone is only in the DISCONNECT.
            held.push(client);
        }
        let mut last = RawClient::connected(bed.mqtt(), level, "lock").await;
        last.publish("last/message", b"bye", 0, 0).await;
        let first = watcher.expect(PUBLISH, "the last message").await;
        let topic = &first.body[2..14];
        assert_eq!(topic, b"last/message", "{level:?}: {first:?}");
    }
}
