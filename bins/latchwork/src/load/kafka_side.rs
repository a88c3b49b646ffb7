//! Reads what arrives in Kafka.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use kafka::{KafkaError, KafkaReader, Start};
use tokio::sync::watch;

use super::audit::Audit;
use super::control::Control;
use super::flight::Outcome;
use super::message::Finder;
use super::schedule::{Schedule, nanoseconds};
use super::settings::LoadSettings;

/// How long Kafka may take to answer the first question.
const ANSWER: Duration = Duration::from_secs(10);

/// When everything has arrived: how long late duplicates are waited for.
const QUIET: Duration = Duration::from_millis(500);

/// How the clients' messages ended, and until when the rest of them is waited for.
pub(super) type Expected = (Arc<Vec<(usize, Outcome)>>, Instant);

/// What arrived.
#[derive(Debug)]
pub(super) struct Arrivals {
    pub(super) audit: Audit,
    /// From the due time to the arrival at a Kafka consumer, in microseconds.
    pub(super) latencies: Histogram<u64>,
    /// Acknowledged and not in Kafka.
    pub(super) lost: u64,
}

pub(super) struct KafkaSide {
    reader: KafkaReader,
    finder: Finder,
    schedule: Schedule,
    control: Arc<Control>,
    arrived: Arc<AtomicU64>,
    audit: Audit,
    latencies: Histogram<u64>,
}

impl KafkaSide {
    /// From here on, everything that is stored is read.
    pub(super) async fn open(
        settings: &LoadSettings,
        schedule: Schedule,
        control: Arc<Control>,
        run: u64,
    ) -> Result<Option<Self>, KafkaError> {
        let Some((connection, topic)) = &settings.kafka else {
            return Ok(None);
        };
        let connection = connection.clone().with_client_id("load", "audit");
        Ok(Some(Self {
            reader: KafkaReader::open(&connection, &[topic], Start::End, ANSWER).await?,
            finder: Finder::new(run, settings.clients),
            schedule,
            control,
            arrived: Arc::default(),
            audit: Audit::new(settings.clients),
            latencies: super::latency_histogram(),
        }))
    }

    /// Different messages so far.
    pub(super) fn arrived(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.arrived)
    }

    /// Reads until everything expected is there, or it takes too long.
    pub(super) async fn run(
        mut self,
        mut expected: watch::Receiver<Option<Expected>>,
    ) -> Result<Arrivals, KafkaError> {
        let expected = loop {
            tokio::select! {
                records = self.reader.next() => self.enter(&records?),
                changed = expected.changed() => match (changed, expected.borrow().clone()) {
                    (Ok(()), None) => {}
                    (Ok(()), Some(expected)) => break expected,
                    // Nobody wants the result any more.
                    (Err(_), _) => break (Arc::default(), Instant::now()),
                },
            }
        };
        self.drain(expected).await
    }

    async fn drain(mut self, expected: Expected) -> Result<Arrivals, KafkaError> {
        let (outcomes, deadline) = expected;
        let mut lost = self.audit.lost(&outcomes);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let patience = if lost == 0 { left.min(QUIET) } else { left };
            match tokio::time::timeout(patience, self.reader.next()).await {
                Ok(records) => self.enter(&records?),
                Err(_) => break,
            }
            if lost > 0 {
                lost = self.audit.lost(&outcomes);
            }
        }
        Ok(Arrivals {
            audit: self.audit,
            latencies: self.latencies,
            lost,
        })
    }

    fn enter(&mut self, records: &[kafka::ReadRecord]) {
        let start = self.control.start.get();
        let now = start.and_then(|start| Instant::now().checked_duration_since(*start));
        let now = now.map(nanoseconds);
        for record in records {
            let value = record.value.as_deref().unwrap_or_default();
            let Some((client, sequence)) = self.finder.find(value) else {
                self.audit.foreign += 1;
                continue;
            };
            let due = self.schedule.due(client, sequence);
            let is_new = self.audit.arrived(client, sequence);
            if let Some(now) = now.filter(|_| is_new && self.schedule.is_measured(due)) {
                self.latencies
                    .saturating_record(now.saturating_sub(due) / 1000);
            }
        }
        self.arrived.store(self.audit.distinct, Ordering::Relaxed);
    }
}
