//! Nonces that were used, in the KV bucket `nonce`: one list for all edges.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::context::{Context, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, LastRawMessageErrorKind, StorageType, Stream,
};
use bytes::Bytes;
use data_encoding::HEXLOWER;

use crate::nonce_key::subject;

/// The stream behind the bucket `nonce`.
const STREAM: &str = "KV_nonce";

/// NATS counts the life of a message in whole seconds, from one on (ADR-43).
const LEAST_TTL: Duration = Duration::from_secs(1);

/// The list of used nonces. Clones share it.
///
/// A claim is one message on `$KV.nonce.<client id>.<nonce>` that is only stored where none is, and
/// forgotten after its life: one round trip, whether it is the first or a replay.
#[derive(Clone, Debug)]
pub struct Nonces(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    context: Context,
    stream: Stream<()>,
    ttl: Duration,
    /// Differs from that of any other handle, so that claims of two edges are never taken for one.
    claimant: String,
    claims: AtomicU64,
}

/// What a claim found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// The nonce is ours: nobody has used it.
    Claimed,
    /// It was used before.
    Replayed,
}

/// Why there is no list of nonces.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// NATS does not answer or refuses.
    #[error("cannot open the KV bucket `nonce`: {0}")]
    Refused(String),
    /// A bucket of that name is there, but can't hold nonces.
    #[error(
        "the KV bucket `nonce` can't hold nonces: {0}; was it made by another program? Remove the \
         stream KV_nonce, and it is made anew"
    )]
    Foreign(&'static str),
    /// Less than NATS can count.
    #[error("nonces must be kept for at least one second")]
    Ttl,
}

/// Whether the nonce is claimed is not known: NATS is away, or its answer was lost. Wait, then
/// [`retry`](Unavailable::retry): a new [`Nonces::claim`] could take this one for a replay. When the
/// wait was long, check the command's age again ([`Limits::check_age`](crate::Limits::check_age)).
#[derive(Debug, thiserror::Error)]
#[error("cannot tell whether the nonce was used, NATS has not answered: {reason}")]
pub struct Unavailable {
    attempt: Box<Attempt>,
    reason: String,
}

impl Unavailable {
    /// Tries the same claim again.
    pub async fn retry(self) -> Result<Claim, Unavailable> {
        self.attempt.settle(Before::Unknown).await
    }
}

/// One claim, with an id that tells it from any other.
#[derive(Debug)]
struct Attempt {
    nonces: Nonces,
    subject: String,
    claim_id: Bytes,
}

/// What is known of an attempt's earlier tries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// There were none.
    Nothing,
    /// One may have been stored.
    Unknown,
}

impl Nonces {
    /// Opens the bucket; makes it when it is missing: file storage, one message a key, with a life
    /// of its own for each. `ttl` is how long a nonce is kept, in whole seconds (rounded up); take
    /// [`Limits::nonce_ttl`](crate::Limits::nonce_ttl). The context's timeout bounds each claim.
    pub async fn open(context: Context, ttl: Duration) -> Result<Self, OpenError> {
        if ttl < LEAST_TTL {
            return Err(OpenError::Ttl);
        }
        let ttl = Duration::from_secs(ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0));
        let found = context.get_or_create_stream(config()).await;
        let found = found.map_err(|error| OpenError::Refused(error.to_string()))?;
        check(&found.cached_info().config, ttl)?;
        let stream = context.get_stream_no_info(STREAM).await;
        let stream = stream.map_err(|error| OpenError::Refused(error.to_string()))?;
        let mut claimant = [0; 16];
        getrandom::fill(&mut claimant).map_err(|error| OpenError::Refused(error.to_string()))?;
        Ok(Self(Arc::new(Shared {
            context,
            stream,
            ttl,
            claimant: HEXLOWER.encode(&claimant),
            claims: AtomicU64::new(0),
        })))
    }

    /// Claims a nonce for a command to a lock: of any number of claims, on any edge, one gets
    /// [`Claim::Claimed`]. Dropped before its end, it may have claimed or not.
    pub async fn claim(&self, client_id: &str, nonce: &str) -> Result<Claim, Unavailable> {
        let number = self.0.claims.fetch_add(1, Ordering::Relaxed);
        let attempt = Attempt {
            nonces: self.clone(),
            subject: subject(client_id, nonce),
            claim_id: format!("{}-{number}", self.0.claimant).into(),
        };
        Box::new(attempt).settle(Before::Nothing).await
    }
}

impl Attempt {
    async fn settle(self: Box<Self>, before: Before) -> Result<Claim, Unavailable> {
        match (self.publish().await, before) {
            (Ok(Claim::Replayed), Before::Unknown) => {
                let ours = self.is_ours().await;
                ours.map_err(|reason| self.unavailable(reason))
            }
            (Ok(claim), _) => Ok(claim),
            (Err(reason), _) => Err(self.unavailable(reason)),
        }
    }

    /// Stores the claim id where nothing is.
    async fn publish(&self) -> Result<Claim, String> {
        let shared = &self.nonces.0;
        let message = PublishMessage::build()
            .payload(self.claim_id.clone())
            .expected_stream(STREAM)
            .expected_last_subject_sequence(0)
            .ttl(shared.ttl);
        let sent = shared
            .context
            .send_publish(self.subject.clone(), message)
            .await;
        let stored = match sent {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(_) => Ok(Claim::Claimed),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                Ok(Claim::Replayed)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether the stored claim is this one. Asks the stream's leader, so the answer is current.
    async fn is_ours(&self) -> Result<Claim, String> {
        let shared = &self.nonces.0;
        let stored = shared.stream.get_last_raw_message_by_subject(&self.subject);
        match stored.await {
            Ok(message) if message.payload == self.claim_id => Ok(Claim::Claimed),
            Ok(_) => Ok(Claim::Replayed),
            // It expired since, and so did the command.
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                Ok(Claim::Replayed)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    fn unavailable(self: Box<Self>, reason: String) -> Unavailable {
        Unavailable {
            attempt: self,
            reason,
        }
    }
}

/// A KV bucket whose messages nobody can purge or delete, and that writes no markers for expired
/// ones: a marker would be a last message of its key, and the key never free again.
fn config() -> Config {
    Config {
        name: STREAM.to_owned(),
        description: Some("Latchwork: nonces of commands".to_owned()),
        subjects: vec!["$KV.nonce.>".to_owned()],
        storage: StorageType::File,
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_message_ttl: true,
        allow_direct: true,
        deny_delete: true,
        deny_purge: true,
        num_replicas: 1,
        ..Config::default()
    }
}

fn check(found: &Config, ttl: Duration) -> Result<(), OpenError> {
    if !found.allow_message_ttl {
        return Err(OpenError::Foreign("its messages can't expire one by one"));
    }
    if found.storage != StorageType::File {
        return Err(OpenError::Foreign("it forgets all when NATS restarts"));
    }
    if found.discard != DiscardPolicy::New {
        return Err(OpenError::Foreign("it forgets the oldest when it is full"));
    }
    if !found.max_age.is_zero() && found.max_age < ttl {
        return Err(OpenError::Foreign("it forgets before a nonce's time is up"));
    }
    Ok(())
}
