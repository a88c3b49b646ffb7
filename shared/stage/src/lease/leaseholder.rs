//! Takes a fair share of a flow's lanes, runs them, and gives them back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::kv::Watch;
use futures::future::join_all;
use telemetry::ReadyFlag;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::bucket::{Bucket, Renewed, Unreachable};
use super::share::{plan, quota};
use super::view::{Free, View};
use super::{CHECK_EVERY, HELD_FOR, Lease, OVERDUE, RENEW_EVERY};
use crate::error::LaneDied;
use crate::owned_lane::{LaneRun, Leased, OpenLane, OwnedLane};
use crate::retry::Backoff;

/// How often the opening of a lane is tried before the stage ends with its error.
const OPENINGS: usize = 6;

/// How long joining the others may take before it is begun anew.
const JOIN_WITHIN: Duration = Duration::from_secs(5);

/// Shares the lanes of one flow with the other replicas.
pub(crate) struct Leaseholder {
    /// What lanes are made of, and who this replica is.
    pub(crate) leased: Leased,
    /// All lanes there are.
    pub(crate) tokens: Vec<String>,
    /// Makes a lane that was taken.
    pub(crate) open: OpenLane,
    /// Is cancelled when the stage is told to stop.
    pub(crate) stop: CancellationToken,
    /// Set when this replica has joined the others, with or without a lane.
    pub(crate) joined: ReadyFlag,
}

/// A lane that this replica owns.
struct Owned {
    revision: u64,
    lease: Lease,
    stop: CancellationToken,
    task: AbortHandle,
}

/// How a lane ended.
struct Ended {
    token: String,
    result: anyhow::Result<()>,
}

/// Why the serving was interrupted.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    /// It is tried again.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The stage ends.
    #[error(transparent)]
    Lane(#[from] anyhow::Error),
}

/// A leaseholder at work.
struct Holding {
    of: Leaseholder,
    owned: BTreeMap<String, Owned>,
    running: JoinSet<Ended>,
    view: View,
    /// Since when an announcement of this replica has not come back to it.
    unheard: Option<Instant>,
    leaving: bool,
}

/// Opens a lane and runs it to its end.
async fn run(open: OpenLane, lane: OwnedLane) -> Ended {
    let token = lane.token.clone();
    let result = match opened(&open, lane).await {
        Ok(lane) => {
            lane.await;
            Ok(())
        }
        Err(error) => Err(error),
    };
    Ended { token, result }
}

/// What fails once may pass: NATS may be on its way back.
async fn opened(open: &OpenLane, lane: OwnedLane) -> anyhow::Result<LaneRun> {
    let mut backoff = Backoff::up_to(Duration::from_secs(1));
    for _ in 1..OPENINGS {
        match open(lane.clone()).await {
            Ok(lane) => return Ok(lane),
            Err(error) => warn!(
                flow = lane.flow.name,
                lane = lane.token,
                "{error:#}; tried again"
            ),
        }
        backoff.wait().await;
    }
    open(lane).await
}

impl Leaseholder {
    /// Runs until the stage is told to stop and every lane is drained and given back; or until a
    /// lane can't be opened or dies of a defect.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let mut holding = Holding {
            of: self,
            owned: BTreeMap::new(),
            running: JoinSet::new(),
            view: View::default(),
            unheard: None,
            leaving: false,
        };
        let mut backoff = Backoff::up_to(Duration::from_secs(1));
        loop {
            match holding.serve().await {
                Ok(()) => return Ok(()),
                Err(Interrupted::Lane(error)) => return Err(error),
                Err(Interrupted::Unreachable(error)) => {
                    info!(
                        flow = holding.flow(),
                        "{error}; joins the other replicas again"
                    );
                }
            }
            holding.end_lapsed();
            if holding.of.stop.is_cancelled() {
                holding.run_dry().await;
                return Ok(());
            }
            backoff.wait().await;
        }
    }
}

impl Holding {
    fn flow(&self) -> &'static str {
        self.of.leased.flow.name
    }

    fn me(&self) -> &str {
        &self.of.leased.identity.id
    }

    /// Joins the other replicas and shares the lanes with them for as long as the bucket is there.
    async fn serve(&mut self) -> Result<(), Interrupted> {
        let joined = tokio::time::timeout(JOIN_WITHIN, self.join()).await;
        let (bucket, mut watch) = joined.map_err(|_elapsed| Unreachable::silent())??;
        self.balance(&bucket).await?;
        self.of.joined.set(true);
        self.share(&bucket, &mut watch).await
    }

    /// Announces this replica and sees who else is there.
    async fn join(&mut self) -> Result<(Bucket, Watch), Unreachable> {
        let leased = &self.of.leased;
        let context = &leased.connections.consuming;
        let bucket = Bucket::open(context, leased.replicas, leased.flow, self.me()).await?;
        bucket.announce(leased.about()).await?;
        let mut watch = bucket.watch().await?;
        self.view = View::default();
        self.unheard = None;
        while !bucket.see(&mut watch, &mut self.view).await? {}
        self.renew(&bucket).await?;
        let owners = self
            .of
            .tokens
            .iter()
            .filter_map(|token| self.view.owner(token));
        // Of a process that died and was started again, nobody answers.
        let all: BTreeSet<String> = owners
            .chain(self.view.replicas())
            .map(str::to_owned)
            .collect();
        self.ask(&bucket, all).await;
        Ok((bucket, watch))
    }

    async fn share(&mut self, bucket: &Bucket, watch: &mut Watch) -> Result<(), Interrupted> {
        let stop = self.of.stop.clone();
        let (mut renewals, mut checks) = (every(RENEW_EVERY), every(CHECK_EVERY));
        loop {
            if self.leaving && self.owned.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.leaving => self.leave(bucket).await,
                Some(ended) = self.running.join_next() => self.ended(bucket, ended).await?,
                _ = renewals.tick() => self.renew(bucket).await?,
                _ = checks.tick() => {
                    self.check(bucket).await?;
                    // Asking one that hangs takes longer than a period, and the rest must have its turn.
                    checks.reset();
                }
                seen = bucket.see(watch, &mut self.view) => {
                    seen?;
                    self.hear();
                    self.end_taken();
                }
            }
            self.balance(bucket).await?;
        }
    }

    /// Takes what is free and due, and lets go of what is another's share.
    async fn balance(&mut self, bucket: &Bucket) -> Result<(), Unreachable> {
        if self.leaving {
            return Ok(());
        }
        let quota = quota(self.of.tokens.len(), &self.view.replicas(), self.me());
        let staying = self
            .owned
            .iter()
            .filter(|(_, lane)| !lane.stop.is_cancelled());
        let staying: Vec<&str> = staying.map(|(token, _)| token.as_str()).collect();
        let is_free =
            |token: &&str| !self.owned.contains_key(*token) && self.view.free(token).is_some();
        let free = self.of.tokens.iter().map(String::as_str).filter(is_free);
        let plan = plan(quota, staying.into_iter(), free);
        for token in &plan.give_back {
            if let Some(lane) = self.owned.get(token) {
                info!(
                    flow = self.flow(),
                    lane = token,
                    "gives the lane to another replica"
                );
                lane.stop.cancel();
            }
        }
        for token in plan.take {
            if let Some(free) = self.view.free(&token) {
                self.take(bucket, token, free).await?;
            }
        }
        Ok(())
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
        let lane = self.of.leased.lane(&token, lease.clone(), stop.clone());
        let task = self.running.spawn(run(Arc::clone(&self.of.open), lane));
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
    async fn renew(&mut self, bucket: &Bucket) -> Result<(), Unreachable> {
        if !self.leaving {
            self.unheard.get_or_insert_with(Instant::now);
            bucket.announce(self.of.leased.about()).await?;
        }
        let asked = Instant::now();
        let renewals = self
            .owned
            .iter()
            .map(async |(token, lane)| (token.clone(), bucket.renew(token, lane.revision).await));
        for (token, renewed) in join_all(renewals).await {
            match renewed {
                Renewed::Held(revision) => {
                    if let Some(lane) = self.owned.get_mut(&token) {
                        lane.revision = revision;
                        // If that comes too late, the lane is ended below and taken anew.
                        lane.lease.renew(asked, HELD_FOR);
                    }
                }
                Renewed::Lost => self.end(&token, "another replica has it"),
                Renewed::Unknown => {}
            }
        }
        self.end_lapsed();
        Ok(())
    }

    async fn check(&mut self, bucket: &Bucket) -> Result<(), Unreachable> {
        self.end_lapsed();
        let now = Instant::now();
        if self.is_deaf(now) {
            return Err(Unreachable::silent());
        }
        self.view.expire(now);
        let overdue = self.view.overdue(now);
        self.ask(bucket, overdue).await;
        Ok(())
    }

    /// What this replica has announced must come back to it.
    fn hear(&mut self) {
        if self.view.last_seen(self.me()) > self.unheard {
            self.unheard = None;
        }
    }

    /// Whether even this replica's own announcements do not come in any more.
    fn is_deaf(&self, now: Instant) -> bool {
        self.unheard
            .is_some_and(|since| now.saturating_duration_since(since) > OVERDUE * 2)
    }

    /// Asks replicas whether they are there; the lanes of those that are not can be taken.
    async fn ask(&mut self, bucket: &Bucket, replicas: BTreeSet<String>) {
        let me = self.me();
        let others = replicas.into_iter().filter(|replica| replica != me);
        let asked = others.map(async |replica| bucket.is_gone(&replica).await.then_some(replica));
        let gone: Vec<String> = join_all(asked).await.into_iter().flatten().collect();
        for replica in gone {
            info!(flow = self.flow(), replica, "the replica is gone");
            self.view.is_gone(&replica);
            // Or its key would count as a replica's for the others until it is forgotten.
            if let Err(error) = bucket.withdraw(&replica).await {
                debug!("{error}");
            }
        }
    }

    /// Ends lanes whose lease has run out, before they can be another's.
    fn end_lapsed(&mut self) {
        let lapsed: Vec<String> = self
            .owned
            .iter()
            .filter(|(_, lane)| !lane.lease.is_held())
            .map(|(token, _)| token.clone())
            .collect();
        for token in lapsed {
            self.end(&token, "its lease could not be renewed in time");
        }
    }

    /// Ends lanes that the watch has shown to be another's.
    fn end_taken(&mut self) {
        let me = self.me();
        let is_mine = |token: &str| self.view.owner(token).is_none_or(|owner| owner == me);
        let taken = self.owned.keys().filter(|token| !is_mine(token));
        let taken: Vec<String> = taken.cloned().collect();
        for token in taken {
            self.end(&token, "another replica has it");
        }
    }

    fn end(&mut self, token: &str, why: &str) {
        if let Some(lane) = self.owned.remove(token) {
            lane.task.abort();
            warn!(flow = self.flow(), lane = token, "leaves the lane: {why}");
            self.count();
        }
    }

    /// A lane that has ended is given back; what ended it without being told to is told.
    async fn ended(
        &mut self,
        bucket: &Bucket,
        ended: Result<Ended, JoinError>,
    ) -> Result<(), Interrupted> {
        let died = LaneDied {
            stage: self.of.leased.flow.stage,
        };
        let Ended { token, result } = match ended {
            Ok(ended) => ended,
            Err(error) if error.is_cancelled() => return Ok(()),
            Err(_panic) => return Err(Interrupted::Lane(died.into())),
        };
        let Some(lane) = self.owned.remove(&token) else {
            return Ok(());
        };
        self.count();
        result?;
        self.view.lane_given_back(&token);
        bucket.give_back(&token, lane.revision).await?;
        Ok(())
    }

    /// Lets every lane run dry. The others know at once, and take what is given back.
    async fn leave(&mut self, bucket: &Bucket) {
        self.leaving = true;
        self.of.joined.set(false);
        for lane in self.owned.values() {
            lane.stop.cancel();
        }
        if let Err(error) = bucket.withdraw(self.me()).await {
            debug!("{error}");
        }
    }

    /// Waits until the lanes have ended, without a word to anybody.
    async fn run_dry(&mut self) {
        self.leaving = true;
        for lane in self.owned.values() {
            lane.stop.cancel();
        }
        while self.running.join_next().await.is_some() {}
    }

    fn count(&self) {
        let metrics = &self.of.leased.metrics;
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

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}
