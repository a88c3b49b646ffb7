//! The lanes that a replica owns: takes, keeps and gives them back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::future::join_all;
use telemetry::ReadyFlag;
use tokio::task::{self, AbortHandle, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::bucket::{Bucket, Renewed, Unreachable};
use super::leaseholder::Leaseholder;
use super::share::{plan, quota};
use super::view::{Free, View};
use super::{HELD_FOR, Lease, OVERDUE};
use crate::error::LaneDied;
use crate::owned_lane::{LaneRun, Leased, OpenLane, OwnedLane};
use crate::retry::Backoff;

/// What a replica owns, and what it sees of the others.
pub(super) struct Holding {
    leaseholder: Leaseholder,
    owned: BTreeMap<String, Owned>,
    /// The lanes at work, by their tokens.
    pub(super) running: JoinSet<String>,
    pub(super) view: View,
    /// Since when an announcement of this replica has not come back to it.
    unheard: Option<Instant>,
    /// Which of the client's connections the bucket is watched on.
    connection: u64,
    pub(super) leaving: bool,
}

/// The keeping of one lane.
struct Owned {
    revision: u64,
    lease: Lease,
    stop: CancellationToken,
    task: AbortHandle,
}

impl Holding {
    pub(super) fn new(leaseholder: Leaseholder) -> Self {
        Self {
            leaseholder,
            owned: BTreeMap::new(),
            running: JoinSet::new(),
            view: View::default(),
            unheard: None,
            connection: 0,
            leaving: false,
        }
    }

    pub(super) fn leased(&self) -> &Leased {
        &self.leaseholder.leased
    }

    pub(super) fn flow(&self) -> &'static str {
        self.leased().flow.name
    }

    fn me(&self) -> &str {
        &self.leased().identity.id
    }

    /// Begins to watch the bucket, once more. Whoever was there before may be on the way back from the
    /// same fault: its keys count as seen now.
    pub(super) fn begin(&mut self, now: Instant) {
        self.view.begin(now);
        self.unheard = None;
        self.connection = self.connections();
    }

    /// Connections that the client has made so far.
    fn connections(&self) -> u64 {
        let client = self.leased().connections.consuming.client();
        client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Takes what is free and due, and lets go of what is another's share.
    pub(super) async fn balance(&mut self, bucket: &Bucket) -> Result<(), Unreachable> {
        if self.leaving {
            return Ok(());
        }
        let tokens = &self.leaseholder.tokens;
        let quota = quota(tokens.len(), &self.view.replicas(), self.me());
        let staying = self.owned.iter();
        let staying = staying.filter(|(_, lane)| !lane.stop.is_cancelled());
        let staying: Vec<&str> = staying.map(|(token, _)| token.as_str()).collect();
        let free = tokens.iter().map(String::as_str);
        let free = free.filter(|token| self.free(token).is_some());
        let plan = plan(quota, staying.into_iter(), free);
        for token in &plan.give_back {
            if let Some(lane) = self.owned.get(token) {
                let flow = self.flow();
                info!(flow, lane = token, "gives the lane to another replica");
                lane.stop.cancel();
            }
        }
        for token in plan.take {
            if let Some(free) = self.free(&token) {
                self.take(bucket, token, free).await?;
            }
        }
        Ok(())
    }

    /// How a lane can be taken; `None` when somebody has it, this replica among them.
    fn free(&self, token: &str) -> Option<Free> {
        if self.owned.contains_key(token) {
            return None;
        }
        self.view.free(token, self.me())
    }

    async fn take(
        &mut self,
        bucket: &Bucket,
        token: String,
        free: Free,
    ) -> Result<(), Unreachable> {
        let asked = Instant::now();
        let taken = bucket.take(&token, free).await?;
        // Another was faster: whose it is now comes with the watch.
        let Some(revision) = taken else { return Ok(()) };
        info!(flow = self.flow(), lane = token, "takes the lane");
        let (lease, stop) = (Lease::from(asked, HELD_FOR), CancellationToken::new());
        let lane = self.leased().lane(&token, lease.clone(), stop.clone());
        let open = Arc::clone(&self.leaseholder.open);
        let joined = self.leaseholder.joined.clone();
        let task = self.running.spawn(run(open, lane, joined));
        let owned = Owned {
            revision,
            lease,
            stop,
            task,
        };
        self.owned.insert(token, owned);
        self.count();
        Ok(())
    }

    /// Renews this replica's keys. A lane that another replica has by now ends at once.
    pub(super) async fn renew(&mut self, bucket: &Bucket) -> Result<(), Unreachable> {
        // What has run out is not renewed: it could not be taken anew then.
        self.end_lapsed();
        if !self.leaving {
            self.unheard.get_or_insert_with(Instant::now);
            bucket.announce(self.leased().about()).await?;
        }
        let asked = Instant::now();
        let renewals = self.owned.iter().map(async |(token, lane)| {
            let renewed = bucket.renew(token, lane.revision).await;
            (token.clone(), renewed)
        });
        for (token, renewed) in join_all(renewals).await {
            match renewed {
                Renewed::Held(revision) => {
                    if let Some(lane) = self.owned.get_mut(&token) {
                        lane.revision = revision;
                        lane.lease.renew(asked, HELD_FOR);
                    }
                }
                Renewed::Lost => self.end(&token, "another replica has it"),
                Renewed::Unknown => {}
            }
        }
        Ok(())
    }

    /// Looks after what no message tells of: time that passes, and silence.
    pub(super) async fn check(&mut self, bucket: &Bucket) -> Result<(), Unreachable> {
        self.end_lapsed();
        if self.connection != self.connections() {
            return Err(Unreachable::reconnected());
        }
        let now = Instant::now();
        let is_deaf = |since: Instant| now.saturating_duration_since(since) > OVERDUE * 2;
        if self.unheard.is_some_and(is_deaf) && !self.leaving {
            return Err(Unreachable::silent());
        }
        self.view.expire(now);
        let overdue = self.view.overdue(now);
        self.ask(bucket, overdue).await;
        Ok(())
    }

    /// Acts on what the watch has shown: what this replica has announced must come back to it, and a
    /// lane that is another's by now ends.
    pub(super) fn hear(&mut self) {
        if self.view.last_seen(self.me()) > self.unheard {
            self.unheard = None;
        }
        let is_mine = |owner: &str| owner == self.me();
        let is_taken = |token: &&String| !self.view.owner(token).is_none_or(is_mine);
        let taken: Vec<String> = self.owned.keys().filter(is_taken).cloned().collect();
        for token in taken {
            self.end(&token, "another replica has it");
        }
    }

    /// The replicas that are there, and the owners of lanes.
    pub(super) fn everybody(&self) -> BTreeSet<String> {
        let tokens = self.leaseholder.tokens.iter();
        let owners = tokens.filter_map(|token| self.view.owner(token));
        let all = owners.chain(self.view.replicas());
        all.map(str::to_owned).collect()
    }

    /// Asks replicas whether they are there; the lanes of those that are not can be taken.
    pub(super) async fn ask(&mut self, bucket: &Bucket, replicas: BTreeSet<String>) {
        let me = self.me();
        let others = replicas.into_iter().filter(|replica| replica != me);
        let asked = others.map(async |replica| bucket.is_gone(&replica).await.then_some(replica));
        let gone: Vec<String> = join_all(asked).await.into_iter().flatten().collect();
        for replica in gone {
            info!(flow = self.flow(), replica, "the replica is gone");
            self.view.forget(&replica);
            // Or its key would count as a replica's for the others until it is forgotten.
            if let Err(error) = bucket.withdraw(&replica).await {
                debug!("{error}");
            }
        }
    }

    /// Ends lanes whose lease has run out, before they can be another's.
    pub(super) fn end_lapsed(&mut self) {
        let lapsed = self.owned.iter().filter(|(_, lane)| !lane.lease.is_held());
        let lapsed: Vec<String> = lapsed.map(|(token, _)| token.clone()).collect();
        for token in lapsed {
            self.end(&token, "its lease could not be renewed in time");
        }
    }

    fn end(&mut self, token: &str, why: &str) {
        if let Some(lane) = self.owned.remove(token) {
            lane.task.abort();
            warn!(flow = self.flow(), lane = token, "leaves the lane: {why}");
            self.count();
        }
    }

    /// A lane that has ended by itself is given back: this replica left it, or its sink was fenced,
    /// and whoever takes it next opens it anew.
    pub(super) async fn ended(
        &mut self,
        bucket: &Bucket,
        ended: Result<(task::Id, String), JoinError>,
    ) -> anyhow::Result<()> {
        let (id, token) = match ended {
            Ok(ended) => ended,
            Err(error) if error.is_cancelled() => return Ok(()),
            Err(_panic) => anyhow::bail!(LaneDied {
                stage: self.leased().flow.stage,
            }),
        };
        // It may have been taken from this replica, and taken again, in the same moment.
        let is_this = |lane: &Owned| lane.task.id() == id;
        if !self.owned.get(&token).is_some_and(is_this) {
            return Ok(());
        }
        if let Some(lane) = self.owned.remove(&token) {
            self.count();
            self.view.lane_given_back(&token);
            bucket.give_back(&token, lane.revision).await;
        }
        Ok(())
    }

    /// Takes nothing more, and tells every lane to run dry.
    pub(super) fn leave(&mut self) {
        self.leaving = true;
        for lane in self.owned.values() {
            lane.stop.cancel();
        }
    }

    pub(super) fn has_left(&self) -> bool {
        self.leaving && self.owned.is_empty()
    }

    fn count(&self) {
        let metrics = &self.leased().metrics;
        let owned = i64::try_from(self.owned.len()).unwrap_or(i64::MAX);
        metrics.lanes.add(owned - metrics.lanes.value());
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.owned.clear();
        self.count();
    }
}

/// Opens a lane and runs it to its end; gives its token.
async fn run(open: OpenLane, lane: OwnedLane, joined: ReadyFlag) -> String {
    let token = lane.token.clone();
    let stop = lane.stop.clone();
    let opened = tokio::select! {
        opened = opened(&open, lane, &joined) => opened,
        () = stop.cancelled() => return token,
    };
    opened.await;
    token
}

/// Tries until the lane is open: its partition stands still meanwhile, loudly, and the others go on.
async fn opened(open: &OpenLane, lane: OwnedLane, joined: &ReadyFlag) -> LaneRun {
    let mut backoff = Backoff::up_to(Duration::from_secs(10));
    let mut failures = 0_u32;
    loop {
        match open(lane.clone()).await {
            Ok(run) => {
                if failures > 0 {
                    joined.set(true);
                }
                return run;
            }
            Err(error) => {
                failures += 1;
                joined.set(false);
                let (flow, lane) = (lane.flow.name, &lane.token);
                error!(
                    flow,
                    lane, "{error:#}; the lane stands still, and is tried again"
                );
            }
        }
        backoff.wait().await;
    }
}
