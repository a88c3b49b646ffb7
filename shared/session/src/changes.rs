//! What changes in the bucket `retained`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::{Entry, Operation, Store, Watch};
use futures::StreamExt;
use tokio::time::Instant;
use topology::{escape, unescape};

use crate::error::WatchError;
use crate::keyed::Revision;
use crate::retained_bucket::{read, unreadable};
use crate::session_bucket::Unreadable;
use crate::stored_message::StoredMessage;

/// Between two attempts to follow again.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// One change of a topic's retained message.
#[derive(Debug)]
pub enum Change {
    /// It has this one now.
    Stored(Arc<StoredMessage>, Revision),
    /// It has none any more, or its time is over.
    Removed {
        /// The topic.
        topic: String,
        /// The removal's own revision.
        revision: Revision,
    },
    /// Something is stored that can't be read.
    Unreadable(Unreadable),
}

/// What changes in the bucket, in the order of the revisions. It goes on after a reconnect where it
/// stood.
pub struct Changes {
    store: Store,
    /// `None` while it must be opened again.
    watch: Option<Watch>,
    /// The first revision that was not seen yet.
    from: u64,
    /// How long the word of a removal stays.
    markers: Duration,
    /// Since when nothing can be told.
    lost: Option<Instant>,
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Changes");
        shown.field("from", &self.from).finish_non_exhaustive()
    }
}

impl Changes {
    pub(crate) async fn open(
        store: Store,
        from: u64,
        markers: Duration,
    ) -> Result<Self, WatchError> {
        let watch = store.watch_all_from_revision(from).await;
        let watch = watch.map_err(|error| WatchError(error.to_string()))?;
        Ok(Self {
            store,
            watch: Some(watch),
            from,
            markers,
            lost: None,
        })
    }

    /// The next change. While NATS is away it waits: a restart of nats-server is seen within some
    /// seconds. Cancel-safe. An error means that changes may be lost: load again.
    pub async fn next(&mut self) -> Result<Change, WatchError> {
        loop {
            let Some(watch) = &mut self.watch else {
                self.follow_again().await?;
                continue;
            };
            let Some(Ok(entry)) = watch.next().await else {
                self.watch = None;
                self.lost = Some(Instant::now());
                continue;
            };
            self.from = entry.revision + 1;
            if let Some(change) = change(entry) {
                return Ok(change);
            }
        }
    }

    async fn follow_again(&mut self) -> Result<(), WatchError> {
        let away = self.lost.map_or(Duration::ZERO, |lost| lost.elapsed());
        // The watch had been silent for some heartbeats before it was noticed.
        if away > self.markers / 2 {
            return Err(WatchError("NATS was away for too long".to_owned()));
        }
        // The store's own status is that of its opening.
        let Ok(info) = self.store.stream.get_info().await else {
            tokio::time::sleep(TRY_AGAIN).await;
            return Ok(());
        };
        if info.state.last_sequence.saturating_add(1) < self.from {
            return Err(WatchError("the bucket is another one now".to_owned()));
        }
        match self.store.watch_all_from_revision(self.from).await {
            Ok(watch) => self.watch = Some(watch),
            Err(_) => tokio::time::sleep(TRY_AGAIN).await,
        }
        Ok(())
    }
}

/// What an entry of the bucket tells.
fn change(entry: Entry) -> Option<Change> {
    let revision = Revision(entry.revision);
    if entry.operation != Operation::Put {
        // Of a long topic that has expired only the hash is told: who holds it sees its time.
        let topic = topic_of(&entry.key, &entry.value)?;
        return Some(Change::Removed { topic, revision });
    }
    Some(match read(&entry.value) {
        Ok(message) => Change::Stored(message, revision),
        Err(fault) => Change::Unreadable(unreadable(entry.key, revision, &fault)),
    })
}

/// The topic of a removal: removals of ours say it, those of nats-server and people don't.
fn topic_of(key: &str, value: &[u8]) -> Option<String> {
    if let Some(topic) = unescape(key) {
        return Some(topic);
    }
    let topic = std::str::from_utf8(value).ok()?;
    (escape(topic) == key).then(|| topic.to_owned())
}
