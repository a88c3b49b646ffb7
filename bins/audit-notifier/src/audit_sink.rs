//! Where the audit's outputs go, in the order that makes a crash harmless.

mod metrics;

use record::KafkaRecord;
use stage::jetstream::{FramePublisher, JetStreamSink};
use stage::lease::Lease;
use stage::{Refused, Sink, Unavailable};

use crate::audit::Output;
use crate::lock_states::LockStates;
use crate::log_store::{LogStore, StoredFrame, next_frame};
pub(crate) use metrics::AuditMetrics;

/// Bytes of the server's largest message that a frame of the log leaves free for headers.
const FRAME_ROOM: usize = 16 * 1024;

/// Stores a batch of the audit: first the log, which is what counts; then its copy for Kafka, the
/// alerts and the statuses; last the locks' states, which say that all of it is done.
#[derive(Debug)]
pub(crate) struct AuditSink {
    log: LogStore,
    kafka: JetStreamSink<KafkaRecord>,
    /// The way to people; `None` when nobody is told.
    alerts: Option<JetStreamSink<KafkaRecord>>,
    states: LockStates,
    /// The right to the partition: a batch has several steps, and the process may hang in each.
    lease: Lease,
    metrics: AuditMetrics,
    frame_limit: usize,
    /// The last batch, and how many of its entries are in the log and on their way to Kafka.
    batch: String,
    logged: usize,
}

impl AuditSink {
    pub(crate) fn new(
        log: LogStore,
        kafka: FramePublisher,
        alerts: Option<FramePublisher>,
        states: LockStates,
        lease: Lease,
        metrics: AuditMetrics,
    ) -> Self {
        Self {
            log,
            frame_limit: kafka.max_payload().saturating_sub(FRAME_ROOM),
            kafka: JetStreamSink::new(kafka),
            alerts: alerts.map(JetStreamSink::new),
            states,
            lease,
            metrics,
            batch: String::new(),
            logged: 0,
        }
    }

    /// Sends the log's last frame to Kafka once more: a crash may have come between the two. Who
    /// reads the log takes an entry that comes twice as one.
    pub(crate) async fn catch_up(&mut self) -> anyhow::Result<()> {
        let Some(last) = self.log.last().cloned() else {
            return Ok(());
        };
        let entries = last.entries()?;
        self.copy(&last, entries.iter().enumerate()).await?;
        Ok(())
    }

    async fn copy<'a>(
        &mut self,
        stored: &StoredFrame,
        entries: impl Iterator<Item = (usize, &'a KafkaRecord)> + Send,
    ) -> Result<Vec<Refused>, Unavailable> {
        let name = format!("log:{}", stored.sequence);
        self.kafka.send_some(&name, entries).await
    }

    /// Appends what is not yet in the log, frame by frame.
    async fn log(&mut self, items: &[Output]) -> Result<Vec<Refused>, Unavailable> {
        let mut refused = Vec::new();
        let entries: Vec<(usize, &KafkaRecord)> = items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| match item {
                Output::Entry(entry) => Some((index, entry)),
                _ => None,
            })
            .collect();
        while let Some(rest) = entries.get(self.logged..).filter(|rest| !rest.is_empty()) {
            let records = rest.iter().map(|(_, entry)| *entry);
            let (frame, count) = next_frame(records, self.frame_limit);
            let stored = self.log.append(frame).await?;
            let copied = rest.iter().take(count).copied();
            refused.extend(self.copy(&stored, copied).await?);
            self.logged += count;
        }
        Ok(refused)
    }
}

impl Sink for AuditSink {
    type Item = Output;

    async fn send(&mut self, batch: &str, items: &[Output]) -> Result<Vec<Refused>, Unavailable> {
        if self.batch != batch {
            batch.clone_into(&mut self.batch);
            self.logged = 0;
        }
        let mut refused = self.log(items).await?;
        self.lease.hold().await;
        let told = items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| match item {
                Output::Alert(record) | Output::Status(record) => Some((index, record)),
                Output::Entry(_) | Output::State { .. } => None,
            });
        let name = format!("{batch}:told");
        refused.extend(self.kafka.send_some(&name, told).await?);
        if let Some(alerts) = &mut self.alerts {
            let people = items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| match item {
                    Output::Alert(record) => Some((index, record)),
                    _ => None,
                });
            refused.extend(alerts.send_some(batch, people).await?);
        }
        self.lease.hold().await;
        let states = items.iter().filter_map(|item| match item {
            Output::State { key, value } => Some((std::str::from_utf8(key).ok()?, value)),
            _ => None,
        });
        self.states.store(states).await?;
        self.metrics.stored(items, &refused);
        // Another batch may have this one's name: a tick, after the clock was set back.
        self.batch.clear();
        self.logged = 0;
        Ok(refused)
    }
}
