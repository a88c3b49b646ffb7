//! The stream DOWN: a queue for each client.

mod forget;
mod read;

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{Context, PublishAckFuture, PublishError};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use futures::StreamExt;
use topology::{DOWN, escape, unescape};

use crate::error::{OpenError, ReadError, Refusal, StoreError};
use crate::keyed::look_at;
use crate::stored_message::{EntryError, StoredMessage, encode_entry, now_ms};

const WHAT: &str = "the stream DOWN";

/// NATS counts the life of a message in whole seconds, from one on (ADR-43).
const LEAST_TTL_S: u64 = 1;

pub use read::Part;

/// The queues of all clients. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Down {
    context: Context,
    client: Client,
    stream: Stream<()>,
}

/// One entry of a queue: the messages that were stored together.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Its place: greater than that of what was stored before.
    pub seq: u64,
    /// What it holds, in order. One that can't be read stays in the queue until it is forgotten.
    pub messages: Result<Vec<StoredMessage>, EntryError>,
}

/// How much waits for one client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queue {
    /// The client, [escaped](topology::escape): of a very long id there is only a hash.
    pub key: String,
    /// Entries.
    pub entries: u64,
}

impl Queue {
    /// The client id, unless it is too long to be kept in a subject.
    pub fn client_id(&self) -> Option<String> {
        unescape(&self.key)
    }
}

/// An entry on its way. Dropped, it may be stored or not.
#[derive(Debug)]
#[must_use = "whether the entry is stored is not known yet"]
pub struct Sent {
    client_id: String,
    answer: PublishAckFuture,
}

impl Sent {
    /// The entry's place, when it is on disk.
    pub async fn stored(self) -> Result<u64, StoreError> {
        let Self { client_id, answer } = self;
        match answer.await {
            Ok(stored) => Ok(stored.sequence),
            Err(error) => Err(not_stored(client_id, error)),
        }
    }
}

impl Down {
    /// Opens the stream. The context's timeout bounds each request, its number of acknowledgements
    /// in flight the stores at once.
    pub async fn open(context: Context) -> Result<Self, OpenError> {
        let config = look_at(&context, DOWN.name, WHAT).await?;
        let why = if !config.allow_message_ttl {
            "its messages can't expire one by one (allow_msg_ttl)"
        } else if !config.discard_new_per_subject {
            "a full queue forgets its oldest (discard_new_per_subject)"
        } else if config.deny_delete || config.deny_purge {
            "its messages can't be removed (deny_delete, deny_purge)"
        } else {
            let stream = context.get_stream_no_info(DOWN.name).await;
            let stream = stream.map_err(|error| OpenError::Unavailable {
                what: WHAT,
                reason: error.to_string(),
            })?;
            let client = context.client();
            return Ok(Self {
                context,
                client,
                stream,
            });
        };
        Err(OpenError::Foreign { what: WHAT, why })
    }

    /// Stores messages for a client as one entry, durably; returns its place. The id is the
    /// caller's, one for each entry of a client: a repeat within the duplicate window (5 minutes)
    /// changes nothing and returns the first one's place. An entry whose messages all expire is
    /// forgotten with the last of them.
    ///
    /// Many stores can be on their way at once, but in no certain order: see [`Down::send`].
    pub async fn store(
        &self,
        client_id: &str,
        message_id: &str,
        messages: &[StoredMessage],
    ) -> Result<u64, StoreError> {
        let sent = self.send(client_id, message_id, messages).await?;
        sent.stored().await
    }

    /// The first half of [`Down::store`]: returns when the entry is on its way. Entries are stored in
    /// the order in which they were sent one after the other, so that a queue keeps its order while
    /// many are on their way. Waits while too many acknowledgements are outstanding, if the context
    /// says so.
    pub async fn send(
        &self,
        client_id: &str,
        message_id: &str,
        messages: &[StoredMessage],
    ) -> Result<Sent, StoreError> {
        let key = escape(client_id);
        let mut message = PublishMessage::build()
            .payload(encode_entry(messages))
            .expected_stream(DOWN.name)
            // Ids are the stream's, not the queue's: one message goes to many clients.
            .message_id(format!("{key}:{message_id}"));
        if let Some(ttl) = life(messages, now_ms()) {
            message = message.ttl(ttl);
        }
        let sent = self
            .context
            .send_publish(DOWN.subject_of(&key), message)
            .await;
        let client_id = client_id.to_owned();
        match sent {
            Ok(answer) => Ok(Sent { client_id, answer }),
            Err(error) => Err(not_stored(client_id, error)),
        }
    }

    /// Every queue that is not empty. Asks for all of them, in pages: for a start, not for every
    /// message.
    pub async fn queues(&self) -> Result<Vec<Queue>, ReadError> {
        let failed = |error: &dyn std::error::Error| ReadError {
            client_id: "*".to_owned(),
            reason: error.to_string(),
        };
        let info = self.stream.info_builder().subjects(DOWN.subjects()).fetch();
        let mut subjects = info.await.map_err(|error| failed(&error))?;
        let prefix = DOWN.subject_of("");
        let mut queues = Vec::new();
        while let Some(subject) = subjects.next().await {
            let (subject, entries) = subject.map_err(|error| failed(&error))?;
            queues.push(Queue {
                key: subject.trim_start_matches(&prefix).to_owned(),
                entries: entries as u64,
            });
        }
        Ok(queues)
    }
}

/// How long an entry is wanted; `None` is for ever.
pub(crate) fn life(messages: &[StoredMessage], now_ms: u64) -> Option<Duration> {
    let ends = messages.iter().map(|message| message.expires_at_ms);
    let last = ends.clone().max().unwrap_or_default();
    if ends.clone().any(|end| end == 0) || last == 0 {
        return None;
    }
    let seconds = last.saturating_sub(now_ms).div_ceil(1000);
    // MQTT counts an expiry in 32 bits.
    let seconds = seconds.clamp(LEAST_TTL_S, u64::from(u32::MAX));
    Some(Duration::from_secs(seconds))
}

fn not_stored(client_id: String, error: PublishError) -> StoreError {
    match Refusal::from(error) {
        Refusal::SubjectFull => StoreError::Full(client_id),
        Refusal::StreamFull => StoreError::StreamFull,
        Refusal::TooLarge => StoreError::TooLarge(client_id),
        Refusal::WrongRevision => StoreError::Unavailable {
            client_id,
            reason: "wrong last sequence".to_owned(),
        },
        Refusal::Unknown(reason) => StoreError::Unavailable { client_id, reason },
    }
}
