//! The bucket `retained`: the retained message of each topic.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::header::{HeaderMap, NATS_MARKER_REASON};
use async_nats::jetstream::context::Context;
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use prost::Message;
use topology::{RETAINED_BUCKET, escape};

use crate::batch::{self, Found, Wanted};
use crate::changes::Changes;
use crate::down::life;
use crate::error::{LoadError, OpenError, PutError, Refusal};
use crate::keyed::{Revision, look_at, publish};
use crate::session_bucket::Unreadable;
use crate::stored_message::{EntryError, StoredMessage, now_ms};

const WHAT: &str = "the KV bucket `retained`";

/// The stream behind the bucket.
const STREAM: &str = "KV_retained";

const ALL: &str = "$KV.retained.>";

/// Messages of one answer.
const BATCH: usize = 4096;

/// Header of a key's end, as KV clients know it.
const KV_OPERATION: &str = "KV-Operation";

/// The retained messages of all topics. Clones share the connection.
#[derive(Clone, Debug)]
pub struct RetainedBucket {
    context: Context,
    store: Store,
    /// How long the word of a removal stays.
    markers: Duration,
}

/// Every retained message, and what changes from then on.
#[derive(Debug)]
pub struct Retained {
    /// Those that can be read, in no order. Some may have expired.
    pub messages: Vec<(Arc<StoredMessage>, Revision)>,
    /// Those that can't.
    pub unreadable: Vec<Unreadable>,
    /// What changes from then on, on any edge.
    pub changes: Changes,
}

impl RetainedBucket {
    /// Opens the bucket. The context's timeout bounds each request, its number of acknowledgements
    /// in flight the puts at once.
    pub async fn open(context: Context) -> Result<Self, OpenError> {
        let config = look_at(&context, STREAM, WHAT).await?;
        let Some(markers) = config.subject_delete_marker_ttl else {
            let why = "its messages can't expire one by one (limit markers)";
            return Err(OpenError::Foreign { what: WHAT, why });
        };
        let store = context.get_key_value(RETAINED_BUCKET).await;
        let store = store.map_err(|error| OpenError::Unavailable {
            what: WHAT,
            reason: error.to_string(),
        })?;
        Ok(Self {
            context,
            store,
            markers,
        })
    }

    /// Stores a topic's message in place of the one before; returns when it is on disk. One that
    /// expires is forgotten then.
    pub async fn put(&self, message: &StoredMessage) -> Result<Revision, PutError> {
        let mut publish = PublishMessage::build().payload(message.encode_to_vec().into());
        if let Some(ttl) = life(std::slice::from_ref(message), now_ms()) {
            publish = publish.ttl(ttl);
        }
        self.write(message.topic(), publish).await
    }

    /// Removes a topic's message; its revision is the removal's own.
    pub async fn delete(&self, topic: &str) -> Result<Revision, PutError> {
        let marker = PublishMessage::build()
            .header(KV_OPERATION, "DEL")
            // The key of a long topic is a hash.
            .payload(Bytes::copy_from_slice(topic.as_bytes()))
            .ttl(self.markers);
        self.write(topic, marker).await
    }

    /// Everything that is retained, then what changes.
    pub async fn load_and_watch(&self) -> Result<Retained, LoadError> {
        let failed = |reason| LoadError {
            bucket: RETAINED_BUCKET,
            reason,
        };
        let client = self.context.client();
        let mut latest: HashMap<String, Found> = HashMap::new();
        let mut from = 1;
        loop {
            let wanted = Wanted {
                stream: STREAM,
                filter: ALL,
                from,
                limit: BATCH,
            };
            let batch = batch::read(&client, wanted).await.map_err(failed)?;
            for found in batch.found {
                from = found.sequence + 1;
                latest.insert(key(&found.subject).to_owned(), found);
            }
            if !batch.more {
                break;
            }
        }
        // From the last that was seen: a copy that lags has not told all.
        let changes = Changes::open(self.store.clone(), from, self.markers).await;
        let changes = changes.map_err(|error| failed(error.to_string()))?;
        Ok(read_all(latest, changes))
    }

    async fn write(&self, topic: &str, message: PublishMessage) -> Result<Revision, PutError> {
        let subject = format!("$KV.{RETAINED_BUCKET}.{}", escape(topic));
        let unavailable = |reason| PutError::Unavailable {
            key: topic.to_owned(),
            reason,
        };
        match publish(&self.context, subject, message.expected_stream(STREAM)).await {
            Ok(stored) => Ok(Revision(stored.sequence)),
            Err(Refusal::TooLarge) => Err(PutError::TooLarge(topic.to_owned())),
            Err(Refusal::Unknown(reason)) => Err(unavailable(reason)),
            Err(Refusal::WrongRevision | Refusal::SubjectFull | Refusal::StreamFull) => {
                Err(unavailable("the bucket is full".to_owned()))
            }
        }
    }
}

/// A message in memory of its own: what comes from the connection is a part of a larger buffer,
/// which would stay as long as the message.
pub(crate) fn read(bytes: &[u8]) -> Result<Arc<StoredMessage>, EntryError> {
    StoredMessage::read(Bytes::copy_from_slice(bytes)).map(Arc::new)
}

fn read_all(latest: HashMap<String, Found>, changes: Changes) -> Retained {
    let mut retained = Retained {
        messages: Vec::with_capacity(latest.len()),
        unreadable: Vec::new(),
        changes,
    };
    for (key, found) in latest {
        if is_removal(&found.headers) {
            continue;
        }
        let revision = Revision(found.sequence);
        match read(&found.payload) {
            Ok(message) => retained.messages.push((message, revision)),
            Err(fault) => retained.unreadable.push(unreadable(key, revision, &fault)),
        }
    }
    retained
}

fn is_removal(headers: &HeaderMap) -> bool {
    headers.get(KV_OPERATION).is_some() || headers.get(NATS_MARKER_REASON).is_some()
}

pub(crate) fn unreadable(key: String, revision: Revision, fault: &EntryError) -> Unreadable {
    Unreadable {
        bucket: RETAINED_BUCKET,
        key,
        revision,
        reason: fault.to_string(),
    }
}

fn key(subject: &str) -> &str {
    subject.rsplit('.').next().unwrap_or_default()
}
