//! Retained messages: in JetStream for ever, and in memory for whoever subscribes.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use record::TopicFilter;
use session::{
    Change, Changes, Inserted, PutError, RetainedBucket, RetainedLimits, RetainedTree, Revision,
    StoredMessage,
};
use stage::now_ms;
use tracing::{error, warn};

use crate::bus::{Delivery, Message, SubscriptionOptions};
use crate::sessions::{Outage, restored, stored};

/// The retained message of each topic.
#[derive(Debug)]
pub(crate) struct Retained {
    bucket: RetainedBucket,
    tree: Arc<Mutex<RetainedTree>>,
}

/// Why a message is not retained.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NoRoom;

impl Retained {
    /// Reads everything that is retained, and follows the changes of other edges.
    pub(crate) async fn open(
        bucket: RetainedBucket,
        limits: RetainedLimits,
    ) -> Result<Self, session::LoadError> {
        let (tree, changes) = load(&bucket, limits).await?;
        let tree = Arc::new(Mutex::new(tree));
        tokio::spawn(follow(bucket.clone(), limits, Arc::clone(&tree), changes));
        Ok(Self { bucket, tree })
    }

    /// Stores a topic's message, or removes it when the payload is empty (MQTT-3.3.1-6). Waits
    /// while JetStream is away.
    pub(crate) async fn keep(&self, message: &Message) -> Result<(), NoRoom> {
        if message.payload.is_empty() {
            self.remove(message.topic()).await;
            return Ok(());
        }
        let stored = Arc::new(stored(message));
        if !self.tree.lock().has_room(message.topic(), &stored) {
            return Err(NoRoom);
        }
        let mut outage = Outage::default();
        let revision = loop {
            match self.bucket.put(&stored).await {
                Ok(revision) => break revision,
                Err(PutError::TooLarge(_)) => return Err(NoRoom),
                Err(error) => outage.wait(&error).await,
            }
        };
        self.insert(message.topic(), stored, revision);
        Ok(())
    }

    /// Shows a message to subscribers that no client has published and nobody must store.
    pub(crate) fn show(&self, message: &Message) {
        self.insert(
            message.topic(),
            Arc::new(stored(message)),
            Revision(now_ms()),
        );
    }

    /// Topics with a retained message.
    pub(crate) fn len(&self) -> usize {
        self.tree.lock().len()
    }

    async fn remove(&self, topic: &str) {
        let mut outage = Outage::default();
        loop {
            match self.bucket.delete(topic).await {
                Ok(revision) => {
                    self.tree.lock().remove(topic, revision, now_ms());
                    return;
                }
                Err(error) => outage.wait(&error).await,
            }
        }
    }

    /// What a new subscription gets, sorted by topic.
    pub(crate) fn matching(
        &self,
        client_id: &Bytes,
        filter: &str,
        options: SubscriptionOptions,
    ) -> Vec<Delivery> {
        let Ok(filter) = filter.parse::<TopicFilter>() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        self.tree.lock().matching(&filter, now_ms(), |stored| {
            // MQTT-3.8.3-3 makes no exception for what a client has retained itself.
            if !(options.no_local && stored.from_client_id == *client_id) {
                found.push(Arc::clone(stored));
            }
        });
        let delivery = |stored: Arc<StoredMessage>| Delivery {
            // MQTT-3.3.1-8: it is the effect of a subscription.
            retain: true,
            ..Delivery::new(&Arc::new(restored(Arc::unwrap_or_clone(stored))), &options)
        };
        found.into_iter().map(delivery).collect()
    }

    fn insert(&self, topic: &str, stored: Arc<StoredMessage>, revision: Revision) {
        let inserted = self.tree.lock().insert(topic, stored, revision, now_ms());
        if inserted == Inserted::Full {
            warn!(
                topic,
                "no room in memory for a retained message; raise `retained`"
            );
        }
    }
}

/// Everything that is retained, and what changes from then on.
async fn load(
    bucket: &RetainedBucket,
    limits: RetainedLimits,
) -> Result<(RetainedTree, Changes), session::LoadError> {
    let loaded = bucket.load_and_watch().await?;
    for unreadable in loaded.unreadable {
        error!("a retained message stays where it is: {unreadable:?}");
    }
    let mut tree = RetainedTree::new(limits);
    for (message, revision) in loaded.messages {
        let topic = message.topic().to_owned();
        if tree.insert(&topic, message, revision, now_ms()) == Inserted::Full {
            warn!(
                topic,
                "no room in memory for a retained message; raise `retained`"
            );
        }
    }
    Ok((tree, loaded.changes))
}

/// Follows the changes of other edges. When they can't be followed any more, everything is read
/// again.
async fn follow(
    bucket: RetainedBucket,
    limits: RetainedLimits,
    tree: Arc<Mutex<RetainedTree>>,
    mut changes: Changes,
) {
    loop {
        match changes.next().await {
            Ok(Change::Stored(message, revision)) => {
                let topic = message.topic().to_owned();
                tree.lock().insert(&topic, message, revision, now_ms());
            }
            Ok(Change::Removed { topic, revision }) => {
                tree.lock().remove(&topic, revision, now_ms());
            }
            Ok(Change::Unreadable(unreadable)) => {
                error!("a retained message stays where it is: {unreadable:?}");
            }
            Err(error) => {
                warn!("{error}; retained messages are read again");
                let mut outage = Outage::default();
                changes = loop {
                    match load(&bucket, limits).await {
                        Ok((loaded, changes)) => {
                            *tree.lock() = loaded;
                            break changes;
                        }
                        Err(error) => outage.wait(&error).await,
                    }
                };
            }
        }
    }
}
