//! What the edge tells about itself under `$SYS/`, for whoever may subscribe to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stage::now_ms;
use tokio::time::{MissedTickBehavior, interval};

use crate::bus::{Bus, Message};
use crate::edge::Edge;

/// How often; other brokers do it as often.
const EVERY: Duration = Duration::from_secs(10);

/// Tells for as long as the edge runs. Nothing of it is stored: it says how this edge is now.
pub(crate) async fn tell<B: Bus>(edge: Arc<Edge<B>>) {
    let started = Instant::now();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (name, value) in figures(&edge, started) {
            publish(&edge, name, value).await;
        }
    }
}

fn figures<B: Bus>(edge: &Edge<B>, started: Instant) -> [(&'static str, String); 6] {
    let version = concat!("latchwork ", env!("CARGO_PKG_VERSION"));
    [
        ("version", version.to_owned()),
        ("uptime", format!("{} seconds", started.elapsed().as_secs())),
        (
            "clients/connected",
            edge.meters.connections.value().to_string(),
        ),
        ("clients/total", edge.registry.len().to_string()),
        ("messages/received", edge.meters.received().to_string()),
        (
            "retained messages/count",
            edge.stores.retained.len().to_string(),
        ),
    ]
}

async fn publish<B: Bus>(edge: &Edge<B>, name: &str, value: String) {
    let message = Message {
        topic: Bytes::from(format!("$SYS/broker/{name}")),
        payload: Bytes::from(value),
        retain: true,
        received_at_ms: now_ms(),
        ..Message::default()
    };
    edge.stores.retained.show(&message);
    let message = Arc::new(message);
    for addressed in edge.durable.addressed(&message) {
        addressed.session.mailbox.passing(addressed.delivery);
    }
    if edge.bus.wants(message.topic()) {
        // A router that is dead is noticed elsewhere.
        edge.bus.publish(message).await.ok();
    }
}
