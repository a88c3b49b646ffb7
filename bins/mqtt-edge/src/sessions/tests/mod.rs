//! Seats, queues and windows, without a network.

mod index;
mod mailbox;
mod registry;
mod window;

use std::sync::Arc;

use bytes::Bytes;

use crate::bus::{Delivery, Message, SubscriptionOptions};

/// A message of `QoS` 2 whose payload is its number.
fn message(topic: &str, number: u32) -> Arc<Message> {
    Arc::new(Message {
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        payload: Bytes::from(number.to_string()),
        qos: 2,
        ..Message::default()
    })
}

fn delivery(number: u32, qos: u8) -> Delivery {
    let options = SubscriptionOptions {
        qos,
        ..SubscriptionOptions::default()
    };
    Delivery::new(&message("a", number), &options)
}

fn payload(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.message.payload).into_owned()
}
