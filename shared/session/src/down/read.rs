//! Reading queues.
//!
//! nats-server looks for the next entry of a queue from message to message within a block of its
//! file: where the entries of many clients stand between, that is 3,000 to 10,000 entries a second,
//! by their places 50,000, and all queues in one go 100,000 (nats-server 2.15.1 with a plain client, two
//! cores).

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::DirectGetErrorKind;
use futures::{StreamExt, TryStreamExt, stream};
use topology::{DOWN, escape};

use super::{Down, Entry};
use crate::batch::{self, Batch, Wanted};
use crate::error::ReadError;
use crate::stored_message::decode_entry;

/// Reads of one call that are on their way at once.
const READS: usize = 64;

/// A part of all queues.
#[derive(Debug, Default)]
pub struct Part {
    /// Each with the key of its client, see [`Queue::key`](super::Queue::key); in order.
    pub entries: Vec<(String, Entry)>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

impl Down {
    /// The first entry behind a place; 0 is before all. In a cluster any copy of the stream answers,
    /// here and in all that reads: what was stored a moment ago may be missing, never something
    /// between what is there.
    pub async fn next(&self, client_id: &str, after: u64) -> Result<Option<Entry>, ReadError> {
        let subject = DOWN.subject_of(&escape(client_id));
        let request = self.stream.direct_get_builder().next_by_subject(subject);
        let found = request.sequence(after.saturating_add(1)).send().await;
        match found {
            Ok(message) => Ok(Some(entry(message))),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(client_id, &error)),
        }
    }

    /// Up to so many entries behind a place, in order; fewer when there are no more.
    pub async fn read(
        &self,
        client_id: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        let subject = DOWN.subject_of(&escape(client_id));
        let batch = self.batch(&subject, after, limit).await;
        let batch = batch.map_err(|reason| failed(client_id, &reason))?;
        let entries = batch.found.into_iter();
        Ok(entries
            .map(|found| Entry::read(found.sequence, found.payload))
            .collect())
    }

    /// The entries of a client at these places, in their order; those that are gone are left out.
    pub async fn get(&self, client_id: &str, seqs: &[u64]) -> Result<Vec<Entry>, ReadError> {
        let subject = &DOWN.subject_of(&escape(client_id));
        let reads = seqs.iter().copied().map(|seq| self.one(subject, seq));
        let found: Result<Vec<_>, String> = stream::iter(reads).buffered(READS).try_collect().await;
        match found {
            Ok(found) => Ok(found.into_iter().flatten().collect()),
            Err(reason) => Err(failed(client_id, &reason)),
        }
    }

    /// Up to so many entries of all clients behind a place, in the order in which they were stored:
    /// for the start of an edge that wants to know what waits for whom.
    pub async fn read_all(&self, after: u64, limit: usize) -> Result<Part, ReadError> {
        let batch = self.batch(&DOWN.subjects(), after, limit).await;
        let batch = batch.map_err(|reason| failed("*", &reason))?;
        let prefix = DOWN.subject_of("").len();
        let entries = batch.found.into_iter().map(|found| {
            let key = found.subject.get(prefix..).unwrap_or_default().to_owned();
            (key, Entry::read(found.sequence, found.payload))
        });
        Ok(Part {
            entries: entries.collect(),
            more: batch.more,
        })
    }

    async fn one(&self, subject: &str, seq: u64) -> Result<Option<Entry>, String> {
        match self.stream.direct_get(seq).await {
            Ok(message) if message.subject.as_str() == subject => Ok(Some(entry(message))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn batch(&self, filter: &str, after: u64, limit: usize) -> Result<Batch, String> {
        let wanted = Wanted {
            stream: DOWN.name,
            filter,
            from: after.saturating_add(1),
            limit,
        };
        batch::read(&self.client, wanted).await
    }
}

impl Entry {
    fn read(seq: u64, payload: bytes::Bytes) -> Self {
        Self {
            seq,
            messages: decode_entry(payload),
        }
    }
}

fn entry(message: StreamMessage) -> Entry {
    Entry::read(message.sequence, message.payload)
}

fn failed(client_id: &str, reason: &impl ToString) -> ReadError {
    ReadError {
        client_id: client_id.to_owned(),
        reason: reason.to_string(),
    }
}
