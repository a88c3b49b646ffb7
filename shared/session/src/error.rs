//! What can go wrong between an edge and what it keeps.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};

use crate::session_record::RecordError;

/// Why a stream or bucket can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not there.
    #[error("{0} is not there; run `latchwork provision`, or start a stage that does")]
    Missing(&'static str),
    /// It is there and can't hold what it must.
    #[error(
        "{what} can't be used: {why}; was it made by another program? Remove it, and `latchwork \
         provision` makes it anew"
    )]
    Foreign {
        /// Which.
        what: &'static str,
        /// What it lacks.
        why: &'static str,
    },
    /// NATS does not answer or refuses.
    #[error("cannot open {what}: {reason}; try again when NATS answers")]
    Unavailable {
        /// Which.
        what: &'static str,
        /// What it says.
        reason: String,
    },
}

/// Why a key was not written or removed.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The stored revision is another one: another edge has it. Nothing was changed.
    #[error("`{0}` was changed by another edge; read it again")]
    Conflict(String),
    /// More than nats-server takes in one message. It will not fit later either.
    #[error("`{0}` is larger than nats-server's max_payload; raise that, or keep less")]
    TooLarge(String),
    /// It can't be written as what it is.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Whether it was changed is not known. Try again with the same arguments.
    #[error("cannot tell whether `{key}` was written: {reason}; try again")]
    Unavailable {
        /// Client id or topic.
        key: String,
        /// What NATS says.
        reason: String,
    },
}

/// Why a session was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// What is stored is no session.
    #[error("the session of `{client_id}` can't be read: {fault}")]
    Unreadable {
        /// Whose.
        client_id: String,
        /// What is wrong with it.
        fault: RecordError,
    },
    /// NATS does not answer or refuses. Try again.
    #[error("cannot read the session of `{client_id}`: {reason}; try again")]
    Unavailable {
        /// Whose.
        client_id: String,
        /// What NATS says.
        reason: String,
    },
}

/// Why a bucket was not read as a whole.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the bucket {bucket}: {reason}; try again")]
pub struct LoadError {
    /// Which.
    pub bucket: &'static str,
    /// What NATS says.
    pub reason: String,
}

/// Changes of the retained messages come no more: load them again.
#[derive(Debug, thiserror::Error)]
#[error("cannot follow the retained messages: {0}; load them again")]
pub struct WatchError(pub(crate) String);

/// Why an entry was not stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The client's queue is full: it takes none until the client takes some.
    #[error("the queue of `{0}` is full; raise `queue` in [sessions], or let the client read")]
    Full(String),
    /// DOWN as a whole is full: no queue takes any.
    #[error("the stream DOWN is full; raise down_max_bytes in [streams]")]
    StreamFull,
    /// More than nats-server takes in one message. It will not fit later either.
    #[error("an entry for `{0}` is larger than nats-server's max_payload; raise that")]
    TooLarge(String),
    /// Whether it was stored is not known. Try again with the same message id.
    #[error("cannot tell whether an entry for `{client_id}` was stored: {reason}; try again")]
    Unavailable {
        /// Whose queue.
        client_id: String,
        /// What NATS says.
        reason: String,
    },
}

impl StoreError {
    /// Whether the same entry may be stored later.
    pub fn is_temporary(&self) -> bool {
        !matches!(self, Self::TooLarge(_))
    }
}

/// A queue was not read. Try again.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the queue of `{client_id}`: {reason}; try again")]
pub struct ReadError {
    /// Whose.
    pub client_id: String,
    /// What NATS says.
    pub reason: String,
}

/// Whether entries were removed is not known. Try again: what is gone stays gone.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove entries of `{client_id}`: {reason}; try again")]
pub struct ForgetError {
    /// Whose.
    pub client_id: String,
    /// What NATS says.
    pub reason: String,
}

/// Why a publish was not stored, by what follows from it.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Another revision is stored.
    WrongRevision,
    /// Too many messages of this subject.
    SubjectFull,
    /// Too many bytes in the stream.
    StreamFull,
    TooLarge,
    /// Anything else, or nothing at all.
    Unknown(String),
}

/// Larger than the stream's own limit; the client knows the server's before it sends.
const MESSAGE_SIZE_EXCEEDS_MAXIMUM: u64 = 10054;

impl From<PublishError> for Refusal {
    /// A full queue and a full stream have one code, `STREAM_STORE_FAILED` (10077), and differ in
    /// their words alone (seen with nats-server 2.15.1).
    fn from(error: PublishError) -> Self {
        match error.kind() {
            PublishErrorKind::WrongLastSequence => return Self::WrongRevision,
            PublishErrorKind::MaxPayloadExceeded => return Self::TooLarge,
            _ => {}
        }
        let source = std::error::Error::source(&error);
        let answer =
            source.and_then(|source| source.downcast_ref::<async_nats::jetstream::Error>());
        let Some(answer) = answer else {
            return Self::Unknown(error.to_string());
        };
        let text = answer.to_string();
        match answer.error_code() {
            ErrorCode::STREAM_STORE_FAILED if text.contains("messages per subject") => {
                Self::SubjectFull
            }
            ErrorCode::STREAM_STORE_FAILED if text.contains("maximum bytes") => Self::StreamFull,
            code if code.0 == MESSAGE_SIZE_EXCEEDS_MAXIMUM => Self::TooLarge,
            _ => Self::Unknown(text),
        }
    }
}
