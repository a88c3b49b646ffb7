//! What needs an edge of its own, or more than the rows can say.

use super::bed::roomy;
use crate::protocol::edge;
use crate::raw_mqtt::{LEVELS, Level, PUBLISH, RawClient, RawConnect};
use crate::waiting::until;

/// Scenario: clients of both versions with sessions that stay are idle; the edge gets SIGTERM, and
/// comes back.
/// Guarantee: each connection ends, in 5.0 with 0x8B as the last word (MQTT-3.14.0-1, section
/// 4.13.2); each session is there again (MQTT-3.2.2-3, 3.1.1: MQTT-3.2.2-2), with what was
/// subscribed.
#[tokio::test]
async fn a_stopping_edge_says_so_and_keeps_its_sessions() {
    let bed = edge().await;
    let kept = |level: Level| {
        let mut connect = RawConnect::new(level, &format!("kept{}", level as u8));
        (connect.clean, connect.session_expiry_secs) = (false, 60);
        connect
    };
    let mut clients = Vec::new();
    for level in LEVELS {
        let (mut client, _) = RawClient::connect(bed.mqtt(), &kept(level)).await;
        assert_eq!(client.subscribe(&[("stays", 1)]).await, [1]);
        clients.push(client);
    }
    let pid = bed.pid("mqtt-edge");
    bed.terminate("mqtt-edge");
    for client in clients {
        client.closed_with(0x8B).await;
    }
    let another = async || bed.pid("mqtt-edge") != pid;
    until("the edge to be started again", another).await;
    bed.ready().await;
    let mut clients = Vec::new();
    for level in LEVELS {
        let (client, connack) = RawClient::connect(bed.mqtt(), &kept(level)).await;
        assert_eq!(connack.body[..2], [1, 0], "{level:?}: {connack:?}");
        clients.push(client);
    }
    let mut app = RawClient::connected(bed.mqtt(), Level::V311, "app").await;
    app.publish("stays", b"still here", 1, 1).await;
    for mut client in clients {
        let delivered = client.expect(PUBLISH, "the message").await;
        assert!(delivered.body.ends_with(b"still here"), "{delivered:?}");
    }
}

/// Scenario: clients of both versions subscribe to `#`; others publish to topics with `$` and
/// without.
/// Guarantee: what begins with `$` does not come (MQTT-4.7.2-1), not even what the edge tells
/// under `$SYS/`; everything else does.
#[tokio::test]
async fn everything_is_without_the_dollar_topics() {
    let bed = roomy().await;
    for level in LEVELS {
        let own = format!("everything{}", level as u8);
        let mut all = RawClient::connected(bed.mqtt(), level, &own).await;
        assert_eq!(all.subscribe(&[("#", 0)]).await, [0]);
        let mut app = RawClient::connected(bed.mqtt(), level, &format!("{own}-app")).await;
        for topic in ["$hidden", "$hidden/x", "$", "$/x"] {
            app.publish(topic, b"hidden", 0, 0).await;
        }
        app.publish(&own, b"the end", 0, 0).await;
        loop {
            // Other tests publish meanwhile, and it all comes here.
            let message = all.expect(PUBLISH, "the end").await;
            assert_ne!(message.body[2], b'$', "{message:?}");
            if message.body[2..].starts_with(own.as_bytes()) {
                break;
            }
        }
    }
}
