//! What outlives an MQTT connection: sessions, queued and retained messages in JetStream.
//!
//! - [`SessionBucket`]: who has which session, with its subscriptions, packet ids and will. Every
//!   change names the revision that it changes, so that of two edges one is refused.
//! - [`Down`]: a queue for each client, with the messages that it can't take yet.
//! - [`RetainedBucket`] and [`RetainedTree`]: the retained messages, durable and in memory.
//!
//! `stage::jetstream::provision` makes the stream and the buckets.

mod batch;
mod changes;
mod down;
mod error;
mod keyed;
mod retained_bucket;
mod retained_tree;
mod session_bucket;
mod session_record;
mod stored_message;

pub use changes::{Change, Changes};
pub use down::{Down, Entry, Part, Queue, Sent};
pub use error::{
    ForgetError, GetError, LoadError, OpenError, PutError, ReadError, StoreError, WatchError,
};
pub use keyed::Revision;
pub use retained_bucket::{Retained, RetainedBucket};
pub use retained_tree::{Inserted, RetainedLimits, RetainedTree};
pub use session_bucket::{LoadedSessions, SessionBucket, Unreadable};
pub use session_record::{RecordError, SentMessage, SessionRecord, Subscription, Will};
pub use stored_message::{EntryError, StoredMessage, decode_entry, encode_entry};
