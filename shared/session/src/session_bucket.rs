//! The bucket `session`: who has which session.

use std::collections::HashMap;

use async_nats::jetstream::context::Context;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use bytes::Bytes;
use topology::{SESSION_BUCKET, escape};

use crate::batch::{self, Wanted};
use crate::error::{GetError, LoadError, OpenError, PutError, Refusal};
use crate::keyed::{Removed, Revision, look_at, publish, remove};
use crate::session_record::{RecordError, SessionRecord};

const WHAT: &str = "the KV bucket `session`";

/// The stream behind the bucket.
const STREAM: &str = "KV_session";

const ALL: &str = "$KV.session.>";

/// Records of one answer: some megabytes, and a few dozen answers for 100,000 sessions.
const BATCH: usize = 4096;

/// The sessions of all edges. Clones share the connection.
///
/// Each change names the revision that it changes, and is refused with [`PutError::Conflict`] when
/// another one is stored: of two edges that take one session over, one has it.
#[derive(Clone, Debug)]
pub struct SessionBucket {
    context: Context,
    stream: Stream<()>,
}

/// Every session.
#[derive(Debug, Default)]
pub struct LoadedSessions {
    /// Those that can be read, in no order.
    pub sessions: Vec<(SessionRecord, Revision)>,
    /// Those that can't.
    pub unreadable: Vec<Unreadable>,
}

/// What is stored under a key and can't be read. The others are not affected.
#[derive(Debug, thiserror::Error)]
#[error("what is stored as `{key}` in {bucket} can't be read: {reason}")]
pub struct Unreadable {
    /// The bucket.
    pub bucket: &'static str,
    /// The key: a client id or topic, escaped.
    pub key: String,
    /// Its revision.
    pub revision: Revision,
    /// What is wrong.
    pub reason: String,
}

impl SessionBucket {
    /// Opens the bucket. The context's timeout bounds each request, its number of acknowledgements
    /// in flight the puts at once.
    pub async fn open(context: Context) -> Result<Self, OpenError> {
        let config = look_at(&context, STREAM, WHAT).await?;
        if config.deny_delete {
            let why = "its keys can't be deleted (deny_delete)";
            return Err(OpenError::Foreign { what: WHAT, why });
        }
        let stream = context.get_stream_no_info(STREAM).await;
        let stream = stream.map_err(|error| OpenError::Unavailable {
            what: WHAT,
            reason: error.to_string(),
        })?;
        Ok(Self { context, stream })
    }

    /// Every session. Those that change meanwhile may be there with what they were before: their
    /// revision tells, as soon as they are put.
    pub async fn load_all(&self) -> Result<LoadedSessions, LoadError> {
        let client = self.context.client();
        let mut latest: HashMap<String, (u64, Bytes)> = HashMap::new();
        let mut from = 1;
        loop {
            let wanted = Wanted {
                stream: STREAM,
                filter: ALL,
                from,
                limit: BATCH,
            };
            let batch = batch::read(&client, wanted).await;
            let batch = batch.map_err(|reason| LoadError {
                bucket: SESSION_BUCKET,
                reason,
            })?;
            for found in batch.found {
                from = found.sequence + 1;
                latest.insert(found.subject.into_string(), (found.sequence, found.payload));
            }
            if !batch.more {
                break;
            }
        }
        Ok(read_all(latest))
    }

    /// One session, as its leader has it now; `None` when there is none.
    pub async fn get(
        &self,
        client_id: &str,
    ) -> Result<Option<(SessionRecord, Revision)>, GetError> {
        let stored = self.stored(client_id).await;
        let stored = stored.map_err(|reason| GetError::Unavailable {
            client_id: client_id.to_owned(),
            reason,
        })?;
        let Some((bytes, revision)) = stored else {
            return Ok(None);
        };
        match SessionRecord::from_json(&bytes) {
            Ok(record) => Ok(Some((record, revision))),
            Err(fault) => Err(GetError::Unreadable {
                client_id: client_id.to_owned(),
                fault,
            }),
        }
    }

    /// Stores a session over the expected revision; `None` where there must be none. After
    /// [`PutError::Unavailable`] the same call can be repeated: it knows its own record again.
    pub async fn put(
        &self,
        record: &SessionRecord,
        expected: Option<Revision>,
    ) -> Result<Revision, PutError> {
        let client_id = &record.client_id;
        let bytes = Bytes::from(record.to_json()?);
        let message = PublishMessage::build()
            .payload(bytes.clone())
            .expected_stream(STREAM)
            .expected_last_subject_sequence(expected.map_or(0, |revision| revision.0));
        match publish(&self.context, subject(client_id), message).await {
            Ok(stored) => Ok(Revision(stored.sequence)),
            Err(Refusal::WrongRevision) => self.is_ours(client_id, &bytes).await,
            Err(Refusal::TooLarge) => Err(PutError::TooLarge(client_id.clone())),
            Err(Refusal::SubjectFull | Refusal::StreamFull) => {
                Err(unavailable(client_id, "the bucket is full"))
            }
            Err(Refusal::Unknown(reason)) => Err(unavailable(client_id, reason)),
        }
    }

    /// Removes a session, if it has this revision or is gone already.
    pub async fn delete(&self, client_id: &str, revision: Revision) -> Result<(), PutError> {
        // A revision is the sequence of one message, which is gone when the key was written again.
        match remove(&self.context, STREAM, revision.0).await {
            Ok(Removed::Now) => Ok(()),
            Ok(Removed::Before) => match self.stored(client_id).await {
                Ok(None) => Ok(()),
                Ok(Some(_)) => Err(PutError::Conflict(client_id.to_owned())),
                Err(reason) => Err(unavailable(client_id, reason)),
            },
            Err(reason) => Err(unavailable(client_id, reason)),
        }
    }

    /// An earlier put may have been stored and its answer lost: then what is stored is this record.
    /// Another edge's differs in its node or epoch.
    async fn is_ours(&self, client_id: &str, bytes: &Bytes) -> Result<Revision, PutError> {
        match self.stored(client_id).await {
            Ok(Some((stored, revision))) if stored == *bytes => Ok(revision),
            Ok(_) => Err(PutError::Conflict(client_id.to_owned())),
            Err(reason) => Err(unavailable(client_id, reason)),
        }
    }

    /// What is stored now. Asks the stream's leader: a copy may lag.
    async fn stored(&self, client_id: &str) -> Result<Option<(Bytes, Revision)>, String> {
        let subject = subject(client_id);
        let stored = self.stream.get_last_raw_message_by_subject(&subject).await;
        match stored {
            Ok(message) => Ok(Some((message.payload, Revision(message.sequence)))),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn subject(client_id: &str) -> String {
    format!("$KV.{SESSION_BUCKET}.{}", escape(client_id))
}

fn unavailable(client_id: &str, reason: impl Into<String>) -> PutError {
    PutError::Unavailable {
        key: client_id.to_owned(),
        reason: reason.into(),
    }
}

fn read_all(latest: HashMap<String, (u64, Bytes)>) -> LoadedSessions {
    let mut loaded = LoadedSessions::default();
    for (subject, (sequence, bytes)) in latest {
        let revision = Revision(sequence);
        let fault: RecordError = match SessionRecord::from_json(&bytes) {
            Ok(record) => {
                loaded.sessions.push((record, revision));
                continue;
            }
            Err(fault) => fault,
        };
        loaded.unreadable.push(Unreadable {
            bucket: SESSION_BUCKET,
            key: key(&subject).to_owned(),
            revision,
            reason: fault.to_string(),
        });
    }
    loaded
}

/// The last token: keys of this bucket have one.
fn key(subject: &str) -> &str {
    subject.rsplit('.').next().unwrap_or_default()
}
