//! Joins the other replicas of a flow and shares its lanes with them, for as long as the stage runs.

use std::time::{Duration, Instant};

use async_nats::jetstream::kv::Watch;
use telemetry::ReadyFlag;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::bucket::{Bucket, Unreachable};
use super::holding::Holding;
use super::{CHECK_EVERY, RENEW_EVERY};
use crate::clock::ticks;
use crate::owned_lane::{Leased, OpenLane};
use crate::retry::Backoff;

/// How long joining the others may take before it is begun anew.
const JOIN_WITHIN: Duration = Duration::from_secs(5);

/// A bucket that is younger was lost with a restart of the server. Then it is no sign of a death that
/// a replica does not answer: it may be on its way back.
const SETTLED: Duration = Duration::from_secs(5);

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
    /// Set while this replica shares the lanes, whether it gets one or not.
    pub(crate) joined: ReadyFlag,
}

/// Why the sharing was interrupted.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    /// It is tried again.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The stage ends.
    #[error(transparent)]
    Lane(#[from] anyhow::Error),
}

impl Leaseholder {
    /// Runs until the stage is told to stop and every lane is drained and given back, or until a lane
    /// dies of a defect.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (stop, joined) = (self.stop.clone(), self.joined.clone());
        let mut holding = Holding::new(self);
        let mut backoff = Backoff::up_to(Duration::from_secs(1));
        while !stop.is_cancelled() {
            let Err(interrupted) = serve(&mut holding, &stop, &joined, &mut backoff).await else {
                return Ok(());
            };
            joined.set(false);
            match interrupted {
                Interrupted::Lane(error) => return Err(error),
                Interrupted::Unreachable(error) => {
                    info!(
                        flow = holding.flow(),
                        "{error}; joins the other replicas again"
                    );
                }
            }
            holding.end_lapsed();
            tokio::select! {
                () = backoff.wait() => {}
                () = stop.cancelled() => {}
            }
        }
        run_dry(&mut holding).await;
        Ok(())
    }
}

/// Joins the other replicas and shares the lanes with them for as long as the bucket is there.
async fn serve(
    holding: &mut Holding,
    stop: &CancellationToken,
    joined: &ReadyFlag,
    backoff: &mut Backoff,
) -> Result<(), Interrupted> {
    let joining = tokio::time::timeout(JOIN_WITHIN, join(holding));
    let (bucket, mut watch) = tokio::select! {
        joined = joining => joined.map_err(|_elapsed| Unreachable::silent())??,
        () = stop.cancelled() => return Err(Unreachable::silent().into()),
    };
    joined.set(true);
    backoff.reset();
    share(holding, &bucket, &mut watch, stop, joined).await
}

/// Announces this replica, sees who else is there, and takes its share.
async fn join(holding: &mut Holding) -> Result<(Bucket, Watch), Unreachable> {
    let leased = holding.leased();
    let context = &leased.connections.consuming;
    let me = &leased.identity.id;
    let bucket = Bucket::open(context, leased.replicas, leased.flow, me).await?;
    holding.begin(Instant::now());
    holding.renew(&bucket).await?;
    let mut watch = bucket.watch().await?;
    while !bucket.see(&mut watch, &mut holding.view).await? {}
    if bucket.age().await? > SETTLED {
        // Of a process that died and was started again, nobody answers.
        let everybody = holding.everybody();
        holding.ask(&bucket, everybody).await;
    }
    holding.balance(&bucket).await?;
    Ok((bucket, watch))
}

async fn share(
    holding: &mut Holding,
    bucket: &Bucket,
    watch: &mut Watch,
    stop: &CancellationToken,
    joined: &ReadyFlag,
) -> Result<(), Interrupted> {
    let (mut renewals, mut checks) = (ticks(RENEW_EVERY), ticks(CHECK_EVERY));
    loop {
        if holding.has_left() {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = stop.cancelled(), if !holding.leaving => {
                joined.set(false);
                leave(holding, bucket).await;
            }
            Some(ended) = holding.running.join_next_with_id() => {
                holding.ended(bucket, ended).await?;
            }
            _ = renewals.tick() => holding.renew(bucket).await?,
            _ = checks.tick() => {
                holding.check(bucket).await?;
                // Asking one that hangs takes longer than a period, and the rest must have its turn.
                checks.reset();
            }
            seen = bucket.see(watch, &mut holding.view) => {
                seen?;
                holding.hear();
            }
        }
        holding.balance(bucket).await?;
    }
}

/// Lets every lane run dry. The others know at once, and take what is given back.
async fn leave(holding: &mut Holding, bucket: &Bucket) {
    holding.leave();
    if let Err(error) = bucket.withdraw(&holding.leased().identity.id).await {
        debug!("{error}");
    }
}

/// Waits until the lanes have ended, without a word to anybody: NATS is away.
async fn run_dry(holding: &mut Holding) {
    holding.leave();
    let mut checks = ticks(CHECK_EVERY);
    loop {
        tokio::select! {
            ended = holding.running.join_next() => if ended.is_none() { return },
            _ = checks.tick() => holding.end_lapsed(),
        }
    }
}
