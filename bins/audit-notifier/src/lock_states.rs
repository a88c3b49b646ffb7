//! The locks' last known states in the KV bucket `lock`.

use std::borrow::Cow;
use std::collections::HashMap;

use async_nats::jetstream::context::{Context, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use record::fingerprint;
use serde::Deserialize;
use serde_json::value::RawValue;
use stage::Unavailable;
use tokio_util::sync::CancellationToken;
use topology::{LOCK_BUCKET, escape};
use tracing::warn;

use crate::bucket;

/// The states of one partition's locks.
///
/// Each is stored only behind the last one that is known here. If another instance has stored one
/// meanwhile, this one is fenced: its lane has passed on while it hung.
#[derive(Debug)]
pub(crate) struct LockStates {
    context: Context,
    partition: u16,
    /// Sequence of each key's last message, by the fingerprint of its subject: 16 bytes a lock.
    last: HashMap<u64, u64>,
    fenced: CancellationToken,
}

impl LockStates {
    pub(crate) fn new(context: Context, partition: u16, fenced: CancellationToken) -> Self {
        Self {
            context,
            partition,
            last: HashMap::new(),
            fenced,
        }
    }

    /// Every lock's state there is, given to `take` with the lock's client id.
    pub(crate) async fn read(&mut self, mut take: impl FnMut(&str, &[u8])) -> anyhow::Result<()> {
        let keys = format!("state.{}.>", self.partition);
        let last = &mut self.last;
        bucket::read(&self.context, LOCK_BUCKET, &keys, |message| {
            if let Ok(info) = message.info() {
                last.insert(
                    fingerprint(message.subject.as_bytes()),
                    info.stream_sequence,
                );
            }
            if let Ok(Stored { lock, state }) = serde_json::from_slice(&message.payload) {
                take(&lock, state.get().as_bytes());
            }
        })
        .await
    }

    /// Stores states, each under its lock; of several of one lock only the last counts, and an empty
    /// one deletes. A repeat is harmless.
    pub(crate) async fn store<'a>(
        &mut self,
        states: impl Iterator<Item = (&'a str, &'a Bytes)>,
    ) -> Result<(), Unavailable> {
        let last: HashMap<&str, &Bytes> = states.collect();
        let mut answers = FuturesUnordered::new();
        for (lock, state) in last {
            let subject = self.subject(lock);
            let value = stored(lock, state);
            let expected = self.last.get(&fingerprint(subject.as_bytes()));
            let message = PublishMessage::build()
                .payload(value.clone())
                .expected_last_subject_sequence(expected.copied().unwrap_or_default());
            let sent = self.context.send_publish(subject.clone(), message).await;
            let answer = sent.map_err(unavailable)?.into_future();
            answers.push(async move { (subject, value, answer.await) });
        }
        while let Some((subject, value, answer)) = answers.next().await {
            let sequence = match answer {
                Ok(stored) => stored.sequence,
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                    self.ours_or_fenced(&subject, &value).await?
                }
                Err(error) => return Err(unavailable(error)),
            };
            self.last.insert(fingerprint(subject.as_bytes()), sequence);
        }
        Ok(())
    }

    /// The key has moved on: by our own message whose answer was lost, or by somebody else's.
    async fn ours_or_fenced(&self, subject: &str, value: &Bytes) -> Result<u64, Unavailable> {
        let stream = self.context.get_stream(format!("KV_{LOCK_BUCKET}")).await;
        let found = stream.map_err(unavailable)?;
        let found = found.get_last_raw_message_by_subject(subject).await;
        let found = found.map_err(unavailable)?;
        if found.payload == *value {
            return Ok(found.sequence);
        }
        warn!(
            subject,
            "another audit-notifier keeps this lock: the lane is opened anew"
        );
        self.fenced.cancel();
        Err(unavailable("another instance keeps these locks"))
    }

    fn subject(&self, lock: &str) -> String {
        let (partition, lock) = (self.partition, escape(lock));
        format!("$KV.{LOCK_BUCKET}.state.{partition}.{lock}")
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
