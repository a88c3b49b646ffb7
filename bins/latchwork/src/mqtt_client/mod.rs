//! A small MQTT client, 3.1.1 and 5.0, for simulated locks, the demo and the tests.
//!
//! * [`MqttClient`]: one connection. Publishes are pipelined: each gives an [`Acknowledgement`],
//!   a future that resolves at its PUBACK. When the connection ends, everything that waits is told
//!   why, and connecting again is the caller's business.
//! * [`ResumableClient`]: connects again by itself, and re-sends in order what was not acknowledged.
//!
//! `QoS` 0 and 1 only, as locks speak them; it never asks for more, so servers never send more.

mod client;
mod connection;
mod error;
mod message;
mod options;
mod received;
mod resend;
mod resumable;
mod waiting;
mod wire;

#[cfg(test)]
pub(crate) mod stub;
#[cfg(test)]
mod tests;

pub use client::{Acknowledgement, IncomingMessages, MqttClient};
pub use error::ClientError;
pub use message::{IncomingPublish, PubAck, Publish, Qos, UserProperties};
pub use mqtt_edge::codec::{ReasonCode, Version};
pub use options::{AckMode, ClientOptions};
pub use resumable::{ResumableClient, ResumableEvent, ResumableOptions, Stopped};

pub(crate) use received::Received;
pub(crate) use wire::Wire;
