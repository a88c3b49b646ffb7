//! The flow `audit`: from EV into the log, Kafka, the alerts and the locks' states.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use audit::{Chain, CheckpointKey};
use futures::FutureExt;
use record::KafkaRecord;
use settings::AuditSettings;
use stage::{LaneRun, Outputs, OwnedLane, Running, Runtime, Sink};
use tokio_util::sync::CancellationToken;
use topology::{ALERT, AUDIT_FLOW, EV, LOCK_BUCKET, REC};
use tracing::{info, warn};

use crate::audit::AuditHandler;
use crate::audit_sink::{AuditMetrics, AuditSink};
use crate::lock_states::LockStates;
use crate::log_store::{LogStore, StoredFrame};

/// The lanes, each with the chain and the locks of its partition as they were left.
pub(crate) fn lanes(runtime: &Runtime, settings: &AuditSettings, people: bool) -> Running {
    if settings.checkpoint_key_file.is_none() {
        warn!(
            "checkpoints are not signed: [audit] checkpoint_key_file names no key \
             (`latchwork audit keygen` makes one)"
        );
    }
    let settings = Arc::new(settings.clone());
    let metrics = AuditMetrics::new(&runtime.telemetry.meter());
    runtime.leased(&AUDIT_FLOW, move |lane| {
        let settings = Arc::clone(&settings);
        let opening = Opening {
            lane,
            settings,
            people,
            metrics: metrics.clone(),
        };
        opening.run()
    })
}

/// One partition that is gone on with.
struct Opening {
    lane: OwnedLane,
    settings: Arc<AuditSettings>,
    people: bool,
    metrics: AuditMetrics,
}

impl Opening {
    async fn run(self) -> anyhow::Result<LaneRun> {
        let fenced = CancellationToken::new();
        let partition = self.lane.partition;
        let opened = self.open(fenced.clone()).await;
        let (handler, sink) = opened
            .with_context(|| format!("cannot go on with the log of partition {partition}"))?;
        Ok(until_fenced(self.lane.run(handler, sink), fenced))
    }

    async fn open(&self, fenced: CancellationToken) -> anyhow::Result<(AuditHandler, AuditSink)> {
        let (lane, partition) = (&self.lane, self.lane.partition);
        let publishing = lane.connections.publishing.clone();
        let log = LogStore::open(publishing.clone(), partition, fenced.clone()).await?;
        let last = log.last().map(StoredFrame::entries).transpose()?;
        let last = last.unwrap_or_default();
        let mut handler = self.handler(&last)?;
        let mut states = LockStates::new(publishing, partition, fenced);
        states
            .read(|lock, state| {
                if let Err(error) = handler.restore(lock, state) {
                    warn!("{error}");
                }
            })
            .await?;
        self.check_events(handler.applied_until()).await?;
        info!(partition, locks = handler.locks(), "goes on with the log");
        let mut sink = AuditSink::new(
            log,
            lane.publisher(&REC),
            self.people.then(|| lane.publisher(&ALERT)),
            states,
            lane.lease.clone(),
            self.metrics.clone(),
        );
        sink.catch_up().await?;
        let mut outputs = Outputs::default();
        handler.recover(last.iter().map(|entry| entry.value.as_ref()), &mut outputs);
        sink.send("recovered", outputs.items()).await?;
        Ok((handler, sink))
    }

    /// A stream that was made anew counts from one again: its records would be taken for old ones.
    async fn check_events(&self, applied_until: u64) -> anyhow::Result<()> {
        let events = self.lane.connections.consuming.get_stream(EV.name).await?;
        let newest = events.cached_info().state.last_sequence;
        ensure!(
            newest >= applied_until,
            "the log was made from the stream EV up to its message {applied_until}, but its newest is \
             {newest}: EV was made anew. Export the log (latchwork audit export FILE), purge the \
             stream AUDIT and the keys state.> of the bucket {LOCK_BUCKET}, and start again"
        );
        Ok(())
    }

    fn handler(&self, last: &[KafkaRecord]) -> anyhow::Result<AuditHandler> {
        let chain = match last.last() {
            Some(entry) => Chain::resume(&entry.value)?,
            None => Chain::new(self.lane.partition),
        };
        let handler = AuditHandler::new(Arc::clone(&self.settings), chain);
        Ok(match &self.settings.checkpoint_key_file {
            Some(file) => handler.with_checkpoints(CheckpointKey::read(file)?),
            None => handler,
        })
    }
}

/// A fenced lane ends, and is opened anew with what the other instance has written.
fn until_fenced(lane: LaneRun, fenced: CancellationToken) -> LaneRun {
    async move {
        tokio::select! {
            () = lane => {}
            () = fenced.cancelled() => {}
        }
    }
    .boxed()
}
