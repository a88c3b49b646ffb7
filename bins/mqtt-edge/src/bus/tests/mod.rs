//! The bus over a real router.

mod endings;
mod flow;
mod index;
mod routing;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Bus, BusLink, Forwarded, Message, RouterBus, RouterLink, SubscriptionOptions};

/// Longer than anything here takes: a message that does not come fails its test.
const PATIENCE: Duration = Duration::from_mins(1);

fn bus() -> RouterBus {
    let (bus, _watch) = RouterBus::start().expect("a router");
    bus
}

fn message(topic: &str, payload: impl Into<Bytes>, qos: u8) -> Arc<Message> {
    Arc::new(Message {
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        payload: payload.into(),
        qos,
        ..Message::default()
    })
}

/// Options with nothing but a `QoS`.
fn at(qos: u8) -> SubscriptionOptions {
    SubscriptionOptions {
        qos,
        ..SubscriptionOptions::default()
    }
}

/// A link that has subscribed to filters with a `QoS`.
async fn subscriber(bus: &RouterBus, filters: &[&str], qos: u8) -> RouterLink {
    let mut link = bus
        .connect(&Bytes::from_static(b"subscriber"))
        .await
        .expect("a link");
    for filter in filters {
        link.subscribe(filter, at(qos))
            .await
            .expect("a subscription");
    }
    link
}

async fn publish(bus: &RouterBus, topic: &str, payload: &str) {
    bus.publish(message(topic, payload.to_owned(), 1))
        .await
        .expect("a living router");
}

/// The next message, done at once.
async fn next(link: &mut RouterLink) -> (Arc<Message>, u8) {
    let forwarded = next_undone(link).await;
    link.done(forwarded.token).await.expect("a token");
    (forwarded.delivery.message, forwarded.delivery.qos)
}

async fn next_undone(link: &mut RouterLink) -> Forwarded {
    tokio::time::timeout(PATIENCE, link.next())
        .await
        .expect("a message")
        .expect("a living router")
}

/// The payloads of the next messages.
async fn payloads(link: &mut RouterLink, count: usize) -> Vec<Bytes> {
    let mut payloads = Vec::with_capacity(count);
    for _ in 0..count {
        payloads.push(next(link).await.0.payload.clone());
    }
    payloads
}

/// Publishes a last message to a topic, and returns what the link gets before it.
async fn payloads_until_mark(bus: &RouterBus, link: &mut RouterLink, topic: &str) -> Vec<Bytes> {
    publish(bus, topic, "mark").await;
    let mut payloads = Vec::new();
    loop {
        let payload = next(link).await.0.payload.clone();
        if payload == "mark" {
            return payloads;
        }
        payloads.push(payload);
    }
}
