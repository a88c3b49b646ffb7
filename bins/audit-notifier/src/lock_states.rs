//! The locks' last known states in the KV bucket `lock`.

use std::borrow::Cow;
use std::collections::HashMap;

use async_nats::jetstream::context::Context;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde::Deserialize;
use serde_json::value::RawValue;
use stage::Unavailable;
use topology::{LOCK_BUCKET, escape};

use crate::bucket;

/// The states of one partition's locks.
#[derive(Debug)]
pub(crate) struct LockStates {
    context: Context,
    partition: u16,
}

impl LockStates {
    pub(crate) fn new(context: Context, partition: u16) -> Self {
        Self { context, partition }
    }

    /// Every lock's state there is, given to `take` with the lock's client id.
    pub(crate) async fn read(&self, mut take: impl FnMut(&str, &[u8])) -> anyhow::Result<()> {
        let keys = format!("state.{}.>", self.partition);
        bucket::read(&self.context, LOCK_BUCKET, &keys, |message| {
            if let Ok(Stored { lock, state }) = serde_json::from_slice(&message.payload) {
                take(&lock, state.get().as_bytes());
            }
        })
        .await
    }

    /// Stores states, each under its lock; of several of one lock only the last counts, and an empty
    /// one deletes. A repeat is harmless.
    pub(crate) async fn store<'a>(
        &self,
        states: impl Iterator<Item = (&'a str, &'a Bytes)>,
    ) -> Result<(), Unavailable> {
        let last: HashMap<&str, &Bytes> = states.collect();
        let mut answers = FuturesUnordered::new();
        for (lock, state) in last {
            let subject = format!(
                "$KV.{LOCK_BUCKET}.state.{}.{}",
                self.partition,
                escape(lock)
            );
            let sent = self.context.publish(subject, stored(lock, state)).await;
            answers.push(sent.map_err(unavailable)?.into_future());
        }
        while let Some(stored) = answers.next().await {
            stored.map_err(unavailable)?;
        }
        Ok(())
    }
}

/// A value of the bucket. The key can't always be read back: see [`escape`].
#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    lock: Cow<'a, str>,
    #[serde(borrow)]
    state: &'a RawValue,
}

/// The state is JSON already; none leaves an empty value, which [`LockStates::read`] passes over.
fn stored(lock: &str, state: &[u8]) -> Bytes {
    if state.is_empty() {
        return Bytes::new();
    }
    let mut value = br#"{"lock":"#.to_vec();
    // Text can always be said in JSON.
    value.extend(serde_json::to_vec(lock).unwrap_or_default());
    value.extend_from_slice(br#","state":"#);
    value.extend_from_slice(state);
    value.push(b'}');
    value.into()
}

fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Unavailable {
    Unavailable::new(format!("bucket {LOCK_BUCKET}"), cause)
}
