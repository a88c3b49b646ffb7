//! Somebody who must notice nothing of what others do wrong.

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::bed::Bed;
use crate::raw_mqtt::{Level, PUBACK, PUBLISH, RawClient, RawPacket, packet};

/// A client that publishes to itself, one message behind the other, until it is asked.
pub(super) struct Bystander {
    stop: oneshot::Sender<()>,
    exchanges: JoinHandle<u32>,
}

impl Bystander {
    pub(super) fn of(bed: &Bed) -> Self {
        let (stop, stopped) = oneshot::channel();
        let exchanges = tokio::spawn(exchange(bed.mqtt().to_owned(), stopped));
        Self { stop, exchanges }
    }

    /// Fails the test when anything went wrong; gives the number of its messages.
    pub(super) async fn unhurt(self) -> u32 {
        self.stop.send(()).expect("the bystander was disturbed");
        self.exchanges.await.expect("the bystander was disturbed")
    }
}

/// Publishes to itself at `QoS` 1 until it is stopped; gives the number of messages.
async fn exchange(mqtt: String, mut stopped: oneshot::Receiver<()>) -> u32 {
    let id = format!("bystander{}", fastrand::u64(..));
    let mut client = RawClient::connected(&mqtt, Level::V311, &id).await;
    assert_eq!(client.subscribe(&[(&id, 1)]).await, [1]);
    let mut number = 0_u32;
    while stopped.try_recv().is_err() {
        number += 1;
        let payload = number.to_string();
        client.publish(&id, payload.as_bytes(), 1, 5).await;
        let (mut stored, mut delivered) = (false, false);
        while !(stored && delivered) {
            let next = client.next("the bystander's messages").await;
            let RawPacket { first, body } = next.expect("the bystander was closed");
            match first & 0xF0 {
                PUBACK => stored = true,
                PUBLISH => {
                    assert!(body.ends_with(payload.as_bytes()) && first & 0x08 == 0);
                    let at = 2 + id.len();
                    client.send(&packet(PUBACK, &body[at..at + 2])).await;
                    delivered = true;
                }
                other => panic!("the bystander got {other:#04x}"),
            }
        }
    }
    number
}
