//! The keys of one flow in the KV bucket `lease`.

use std::time::Duration;

use async_nats::jetstream::context::Context;
use async_nats::jetstream::kv::{self, CreateErrorKind, Operation, Store, UpdateErrorKind, Watch};
use async_nats::jetstream::stream::StorageType;
use async_nats::{Client, RequestErrorKind};
use bytes::Bytes;
use futures::StreamExt;
use topology::Flow;
use tracing::debug;

use super::view::{Free, View};
use super::{LEASE_BUCKET, TTL};

/// A replica that is there answers within this time; one that does not may still be there.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);

/// NATS does not answer, or the bucket is gone with a restart of its server.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the KV bucket {LEASE_BUCKET}: {0}")]
pub(super) struct Unreachable(String);

impl Unreachable {
    /// Nothing comes any more.
    pub(super) fn silent() -> Self {
        Self("nothing comes from it".to_owned())
    }

    /// What was watched on the old connection may have been missed.
    pub(super) fn reconnected() -> Self {
        Self("the connection was made anew".to_owned())
    }
}

fn unreachable(cause: impl std::error::Error) -> Unreachable {
    Unreachable(cause.to_string())
}

/// What became of a renewal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Renewed {
    /// The lease goes on; this is the key's new revision.
    Held(u64),
    /// Another replica has the lane.
    Lost,
    /// NATS has not answered: the lease runs out by itself if that lasts.
    Unknown,
}

/// The keys of one flow, for one replica.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    context: Context,
    store: Store,
    flow: &'static Flow,
    me: String,
}

impl Bucket {
    /// Opens the bucket, and makes it where it is not there.
    pub(super) async fn open(
        context: &Context,
        replicas: usize,
        flow: &'static Flow,
        me: &str,
    ) -> Result<Self, Unreachable> {
        let store = match context.get_key_value(LEASE_BUCKET).await {
            Ok(store) => store,
            Err(_) => make(context, replicas).await?,
        };
        Ok(Self {
            context: context.clone(),
            store,
            flow,
            me: me.to_owned(),
        })
    }

    /// Every change from now on, after what there is.
    pub(super) async fn watch(&self) -> Result<Watch, Unreachable> {
        let keys = [self.replica_key("*"), self.lane_key("*")];
        let watch = self.store.watch_many_with_history(keys);
        watch.await.map_err(unreachable)
    }

    /// Brings one change into the view; tells whether nothing older is still to come.
    pub(super) async fn see(
        &self,
        watch: &mut Watch,
        view: &mut View,
    ) -> Result<bool, Unreachable> {
        let entry = match watch.next().await {
            Some(entry) => entry.map_err(unreachable)?,
            None => return Err(Unreachable("the watch ended".to_owned())),
        };
        let now = std::time::Instant::now();
        let is_there = entry.operation == Operation::Put;
        match entry.key.split('.').collect::<Vec<_>>().as_slice() {
            ["replica", _flow, replica] if is_there => view.saw_replica(replica, now),
            ["replica", _flow, replica] => view.replica_left(replica),
            ["lane", _flow, token] if is_there => {
                let owner = String::from_utf8_lossy(&entry.value);
                view.saw_lane(token, &owner, entry.revision, now);
            }
            ["lane", _flow, token] => view.lane_given_back(token),
            _ => {}
        }
        Ok(entry.seen_current)
    }

    /// Says that this replica is there, and how it fares.
    pub(super) async fn announce(&self, replica: Bytes) -> Result<(), Unreachable> {
        let put = self.store.put(self.replica_key(&self.me), replica).await;
        put.map(|_revision| ()).map_err(unreachable)
    }

    /// Takes this replica's own key away, or that of one that is gone.
    pub(super) async fn withdraw(&self, replica: &str) -> Result<(), Unreachable> {
        let deleted = self.store.delete(self.replica_key(replica)).await;
        deleted.map_err(unreachable)
    }

    /// Takes a lane; `None` when another replica was faster, or its owner is alive after all.
    pub(super) async fn take(&self, token: &str, free: Free) -> Result<Option<u64>, Unreachable> {
        let key = self.lane_key(token);
        if let Some(revision) = free.revision {
            match self.store.update(&key, self.me(), revision).await {
                Ok(revision) => return Ok(Some(revision)),
                // The server may have forgotten the key by now.
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {}
                Err(error) => return Err(unreachable(error)),
            }
        }
        match self.store.create(key, self.me()).await {
            Ok(revision) => Ok(Some(revision)),
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(unreachable(error)),
        }
    }

    /// Renews a lane's key, also one that a restart of the server has lost and nobody has taken.
    pub(super) async fn renew(&self, token: &str, revision: u64) -> Renewed {
        let key = self.lane_key(token);
        match self.store.update(&key, self.me(), revision).await {
            Ok(revision) => return Renewed::Held(revision),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {}
            Err(_) => return Renewed::Unknown,
        }
        match self.store.create(&key, self.me()).await {
            Ok(revision) => Renewed::Held(revision),
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => self.look(&key).await,
            Err(_) => Renewed::Unknown,
        }
    }

    /// The answer to an earlier renewal may be lost: then the key is ours, with a newer revision. What
    /// was read may be old, so that only a renewal of it counts.
    async fn look(&self, key: &str) -> Renewed {
        let revision = match self.store.entry(key).await {
            Ok(Some(entry)) if entry.operation == Operation::Put && entry.value == self.me => {
                entry.revision
            }
            Ok(_) => return Renewed::Lost,
            Err(_) => return Renewed::Unknown,
        };
        match self.store.update(key, self.me(), revision).await {
            Ok(revision) => Renewed::Held(revision),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Renewed::Lost,
            Err(_) => Renewed::Unknown,
        }
    }

    /// Gives a lane back: the next owner need not wait until its key is forgotten. It does wait if
    /// that fails.
    pub(super) async fn give_back(&self, token: &str, revision: u64) {
        let key = self.lane_key(token);
        let delete = async |revision| {
            let deleted = self.store.delete_expect_revision(&key, Some(revision));
            deleted.await.is_ok()
        };
        if delete(revision).await {
            return;
        }
        let renewed = self.look(&key).await;
        let Renewed::Held(revision) = renewed else {
            return;
        };
        if !delete(revision).await {
            debug!(key, "could not give the lane back");
        }
    }

    /// How long the bucket has been there.
    pub(super) async fn age(&self) -> Result<Duration, Unreachable> {
        let announced = self.store.entry(self.replica_key(&self.me)).await;
        let announced = announced.map_err(unreachable)?;
        let Some(announced) = announced else {
            return Err(Unreachable::silent());
        };
        // Both are times of the server's.
        let age = announced.created - self.store.stream.cached_info().created;
        Ok(Duration::try_from(age).unwrap_or_default())
    }

    pub(super) async fn is_gone(&self, replica: &str) -> bool {
        is_gone(&self.context.client(), replica).await
    }

    fn me(&self) -> Bytes {
        Bytes::copy_from_slice(self.me.as_bytes())
    }

    fn replica_key(&self, replica: &str) -> String {
        format!("replica.{}.{replica}", self.flow.name)
    }

    fn lane_key(&self, token: &str) -> String {
        format!("lane.{}.{token}", self.flow.name)
    }
}

/// Where a replica answers as long as its connection is there.
pub(super) fn address(replica: &str) -> String {
    format!("latchwork.replica.{replica}")
}

/// Whether nobody is at a replica's address: its process has died. One that hangs is still there.
pub async fn is_gone(client: &Client, replica: &str) -> bool {
    let request = client.request(address(replica), Bytes::new());
    match tokio::time::timeout(ANSWER_WITHIN, request).await {
        Ok(Err(error)) => error.kind() == RequestErrorKind::NoResponders,
        Ok(Ok(_)) | Err(_) => false,
    }
}

async fn make(context: &Context, replicas: usize) -> Result<Store, Unreachable> {
    let config = kv::Config {
        bucket: LEASE_BUCKET.to_owned(),
        description: "Latchwork: which replica owns which lane".to_owned(),
        history: 1,
        max_age: TTL,
        storage: StorageType::Memory,
        num_replicas: replicas,
        ..kv::Config::default()
    };
    context.create_key_value(config).await.map_err(unreachable)
}
