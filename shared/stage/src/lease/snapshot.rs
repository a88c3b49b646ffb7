//! The leases as they are now: for people.

use std::time::Duration;

use async_nats::jetstream::context::{Context, GetStreamError, GetStreamErrorKind, KeyValueError};
use async_nats::jetstream::kv::Operation;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::LEASE_BUCKET;

/// How long a key may take to come.
const READ_WITHIN: Duration = Duration::from_millis(300);

/// What a replica has done since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records taken from the source.
    pub taken: u64,
    /// Outputs that the next system has confirmed.
    pub stored: u64,
    /// Records stored as dead letters.
    pub dead_letters: u64,
    /// Batches sent again after a transient failure.
    pub retries: u64,
    /// Records taken and not settled.
    pub in_flight: u64,
}

/// One replica of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replica {
    /// Name of the flow.
    pub flow: String,
    /// Its id: unique for each process.
    pub id: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub about: About,
}

/// What a replica says of itself: the value of its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Name of its machine or container.
    pub host: String,
    /// Process id there.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// When it was started, in milliseconds since 1970.
    pub started_ms: u64,
    /// What it has done.
    pub counts: Counts,
}

/// A lane and its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LaneOwner {
    /// Name of the flow.
    pub flow: String,
    /// Which lane: the number of a partition, or a channel.
    pub token: String,
    /// Id of the replica.
    pub replica: String,
}

/// Replicas and owners of lanes, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// In order of flow and id.
    pub replicas: Vec<Replica>,
    /// In order of flow and lane.
    pub lanes: Vec<LaneOwner>,
}

/// The leases can't be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the KV bucket {LEASE_BUCKET}: {0}")]
pub struct SnapshotError(String);

fn unreadable(cause: impl std::error::Error) -> SnapshotError {
    SnapshotError(cause.to_string())
}

/// The bucket is in memory: there is none before a stage has made it.
fn is_missing(error: &KeyValueError) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    let kind = cause.map(GetStreamError::kind);
    matches!(kind, Some(GetStreamErrorKind::JetStream(refused)) if refused.code() == 404)
}

impl Snapshot {
    /// Reads the bucket; empty when no stage has run since the server was started.
    pub async fn read(context: &Context) -> Result<Self, SnapshotError> {
        let store = match context.get_key_value(LEASE_BUCKET).await {
            Ok(store) => store,
            Err(error) if is_missing(&error) => return Ok(Self::default()),
            Err(error) => return Err(unreadable(error)),
        };
        let status = store.status().await.map_err(unreadable)?;
        let mut snapshot = Self::default();
        if status.values() == 0 {
            return Ok(snapshot);
        }
        let mut watch = store.watch_with_history(">").await.map_err(unreadable)?;
        // Where the last key is forgotten meanwhile, nothing says that no more will come.
        while let Ok(Some(entry)) = timeout(READ_WITHIN, watch.next()).await {
            let entry = entry.map_err(unreadable)?;
            if entry.operation == Operation::Put {
                snapshot.add(&entry.key, &entry.value);
            }
            if entry.seen_current {
                break;
            }
        }
        snapshot.sort();
        Ok(snapshot)
    }

    fn add(&mut self, key: &str, value: &[u8]) {
        match key.split('.').collect::<Vec<_>>().as_slice() {
            ["replica", flow, id] => self.replicas.push(Replica {
                flow: (*flow).to_owned(),
                id: (*id).to_owned(),
                about: serde_json::from_slice(value).unwrap_or_default(),
            }),
            ["lane", flow, token] => self.lanes.push(LaneOwner {
                flow: (*flow).to_owned(),
                token: (*token).to_owned(),
                replica: String::from_utf8_lossy(value).into_owned(),
            }),
            _ => {}
        }
    }

    fn sort(&mut self) {
        self.replicas
            .sort_by(|a, b| (&a.flow, &a.id).cmp(&(&b.flow, &b.id)));
        // Partitions are numbers: 2 comes before 10.
        let place = |lane: &LaneOwner| (lane.flow.clone(), lane.token.len(), lane.token.clone());
        self.lanes.sort_by_key(place);
    }
}
