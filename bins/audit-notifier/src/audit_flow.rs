//! The flow `audit`: from EV into the log, Kafka, the alerts and the locks' states.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use audit::{Chain, CheckpointKey};
use futures::FutureExt;
use record::KafkaRecord;
use settings::AuditSettings;
use stage::{Outputs, Running, Runtime, Sink};
use tokio_util::sync::CancellationToken;
use topology::{ALERT, AUDIT_FLOW, EV, LOCK_BUCKET, REC};
use tracing::{info, warn};

use crate::audit::AuditHandler;
use crate::audit_sink::AuditSink;
use crate::lock_states::LockStates;
use crate::log_store::{LogStore, StoredFrame};

/// The lanes, each with the chain and the locks of its partition as they were left.
pub(crate) async fn lanes(
    runtime: &Runtime,
    settings: &AuditSettings,
    people: bool,
) -> anyhow::Result<Vec<Running>> {
    if settings.checkpoint_key_file.is_none() {
        warn!(
            "checkpoints are not signed: [audit] checkpoint_key_file names no key \
             (`latchwork audit keygen` makes one)"
        );
    }
    let settings = Arc::new(settings.clone());
    let mut lanes = Vec::new();
    for partition in 0..runtime.partitions {
        let fenced = CancellationToken::new();
        let opening = Opening {
            runtime,
            settings: &settings,
            partition,
            people,
        };
        let (handler, sink) = opening
            .open(fenced.clone())
            .await
            .with_context(|| format!("cannot go on with the log of partition {partition}"))?;
        let lane = runtime.lane_of(&AUDIT_FLOW, partition, handler, sink);
        lanes.push(until_fenced(lane, fenced));
    }
    Ok(lanes)
}

/// One partition that is gone on with.
struct Opening<'a> {
    runtime: &'a Runtime,
    settings: &'a Arc<AuditSettings>,
    partition: u16,
    people: bool,
}

impl Opening<'_> {
    async fn open(&self, fenced: CancellationToken) -> anyhow::Result<(AuditHandler, AuditSink)> {
        let (runtime, partition) = (self.runtime, self.partition);
        let publishing = runtime.publishing.clone();
        let log = LogStore::open(publishing.clone(), partition, fenced).await?;
        let last = log.last().map(StoredFrame::entries).transpose()?;
        let last = last.unwrap_or_default();
        let mut handler = self.handler(&last)?;
        let states = LockStates::new(publishing, partition);
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
            runtime.publisher(&REC, partition),
            self.people.then(|| runtime.publisher(&ALERT, partition)),
            states,
        );
        sink.catch_up().await?;
        let mut outputs = Outputs::default();
        handler.recover(last.iter().map(|entry| entry.value.as_ref()), &mut outputs);
        sink.send("recovered", outputs.items()).await?;
        Ok((handler, sink))
    }

    /// A stream that was made anew counts from one again: its records would be taken for old ones.
    async fn check_events(&self, applied_until: u64) -> anyhow::Result<()> {
        let events = self.runtime.consuming.get_stream(EV.name).await?;
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
            None => Chain::new(self.partition),
        };
        let handler = AuditHandler::new(Arc::clone(self.settings), chain);
        Ok(match &self.settings.checkpoint_key_file {
            Some(file) => handler.with_checkpoints(CheckpointKey::read(file)?),
            None => handler,
        })
    }
}

/// A fenced lane ends, and with it the stage: its supervisor starts it anew, with what the other
/// instance has written.
fn until_fenced(lane: Running, fenced: CancellationToken) -> Running {
    async move {
        tokio::select! {
            () = lane => {}
            () = fenced.cancelled() => {}
        }
    }
    .boxed()
}
