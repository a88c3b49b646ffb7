//! `[sessions]`: what outlives the connection of an MQTT client.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::size::Size;

/// Most entries of one client's queue that can be asked for: a client that comes back gets all of
/// them, and nats-server keeps an index of each.
const MAX_QUEUE: i64 = 1_000_000;

/// Longest time in the queue, in seconds: a year.
const MAX_AGE_S: u64 = 366 * 24 * 3600;

/// Most retained messages: each edge has all of them in memory.
const MAX_RETAINED: i64 = 10_000_000;

/// `[sessions]`: what outlives the connection of an MQTT client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// Entries that wait for one client in DOWN; `None` is the table's number, or what is stored.
    #[serde(deserialize_with = "queue")]
    pub queue: Option<i64>,
    /// How long an entry waits; `None` is the table's age, or what is stored.
    #[serde(rename = "queue_max_age_s", deserialize_with = "age")]
    pub queue_max_age: Option<Duration>,
    /// Topics with a retained message.
    #[serde(deserialize_with = "retained")]
    pub retained: usize,
    /// Bytes of all retained messages in the memory of each edge.
    #[serde(deserialize_with = "bytes")]
    pub retained_max_bytes: usize,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            queue: None,
            queue_max_age: None,
            retained: 100_000,
            retained_max_bytes: 256 << 20,
        }
    }
}

fn queue<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let entries = i64::deserialize(deserializer)?;
    if (1..=MAX_QUEUE).contains(&entries) {
        return Ok(Some(entries));
    }
    let fault = format!("{entries} is out of range; use 1 to {MAX_QUEUE} entries");
    Err(D::Error::custom(fault))
}

fn age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    let in_range = u64::try_from(seconds)
        .ok()
        .filter(|seconds| (1..=MAX_AGE_S).contains(seconds));
    let fault = || {
        D::Error::custom(format!(
            "{seconds} is out of range; use 1 to {MAX_AGE_S} seconds"
        ))
    };
    in_range
        .map(|age| Some(Duration::from_secs(age)))
        .ok_or_else(fault)
}

fn retained<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let topics = i64::deserialize(deserializer)?;
    let in_range = Some(topics).filter(|topics| (0..=MAX_RETAINED).contains(topics));
    let fault = || {
        D::Error::custom(format!(
            "{topics} is out of range; use 0 to {MAX_RETAINED} topics"
        ))
    };
    in_range
        .and_then(|topics| usize::try_from(topics).ok())
        .ok_or_else(fault)
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let size = Size::deserialize(deserializer)?;
    Ok(usize::try_from(size.0).unwrap_or(usize::MAX))
}
