//! What the runner counts, the same in every stage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::{
    KeyValue,
    metrics::{self as otel, Meter, MeterProvider, NoopMeterProvider},
};

use crate::{
    Counter, Gauge, Histogram, Level, TakenRecords,
    metrics::{Metric, stage as metrics},
};

/// The instruments of one stage, to be used once per batch. Meanings: [`crate::metrics::stage`].
#[derive(Clone, Debug)]
pub struct StageMetrics {
    /// `latchwork_records_taken_total`
    pub records_taken: Counter,
    /// `latchwork_records_stored_total`
    pub records_stored: Counter,
    /// `latchwork_records_settled_total`
    pub records_settled: Counter,
    /// `latchwork_records_returned_total`
    pub records_returned: Counter,
    /// `latchwork_retries_total`
    pub retries: Counter,
    /// `latchwork_batches_total`
    pub batches: Counter,
    /// `latchwork_batch_records`
    pub batch_records: Histogram,
    /// `messaging_process_duration_seconds`
    pub process_duration: Histogram,
    /// `latchwork_send_duration_seconds`
    pub send_duration: Histogram,
    /// `latchwork_in_flight`
    pub in_flight: Level,
    /// `latchwork_lanes`: absent until the first change, because a stage without leases has none.
    pub lanes: Level,
    dead_letters: otel::Counter<u64>,
    dead_letters_total: Arc<AtomicU64>,
    lag: otel::Gauge<u64>,
    stage: KeyValue,
}

/// A meter whose instruments record nothing: for tests and benches of what uses them.
pub fn no_meter() -> Meter {
    NoopMeterProvider::new().meter("")
}

impl StageMetrics {
    /// Instruments labelled with the stage (or with the flow, where one process runs several).
    pub fn new(meter: &Meter, stage: &str) -> Self {
        let stage = KeyValue::new("stage", Arc::<str>::from(stage));
        let attributes: Arc<[KeyValue]> = Arc::new([stage.clone()]);
        let counter = |metric: &Metric| Counter {
            instrument: metric.counter(meter),
            attributes: Arc::clone(&attributes),
            total: Arc::default(),
        };
        let histogram = |metric: &Metric| Histogram {
            instrument: metric.histogram(meter),
            attributes: Arc::clone(&attributes),
        };
        let level = |metric: &Metric| Level {
            instrument: metric.level(meter),
            attributes: Arc::clone(&attributes),
            value: Arc::default(),
        };
        let this = Self {
            records_taken: counter(&metrics::RECORDS_TAKEN),
            records_stored: counter(&metrics::RECORDS_STORED),
            records_settled: counter(&metrics::RECORDS_SETTLED),
            records_returned: counter(&metrics::RECORDS_RETURNED),
            retries: counter(&metrics::RETRIES),
            batches: counter(&metrics::BATCHES),
            batch_records: histogram(&metrics::BATCH_RECORDS),
            process_duration: histogram(&metrics::PROCESS_DURATION),
            send_duration: histogram(&metrics::SEND_DURATION),
            in_flight: level(&metrics::IN_FLIGHT),
            lanes: level(&metrics::LANES),
            dead_letters: metrics::DEAD_LETTERS.counter(meter),
            dead_letters_total: Arc::default(),
            lag: metrics::LAG.gauge(meter),
            stage,
        };
        this.show_zeros();
        this
    }

    /// Instruments that record nothing: for tests and benches of what uses them.
    pub fn disabled() -> Self {
        Self::new(&no_meter(), "")
    }

    /// Counts records as taken and in flight, until they are settled or given up.
    pub fn take(&self, records: usize) -> TakenRecords {
        TakenRecords::new(self, records)
    }

    /// Counts dead letters. `reason` is one of few codes, never text of a message.
    pub fn dead_letters(&self, reason: &'static str, count: u64) {
        self.dead_letters.add(
            count,
            &[self.stage.clone(), KeyValue::new("reason", reason)],
        );
        self.dead_letters_total.fetch_add(count, Ordering::Relaxed);
    }

    /// Dead letters of every reason, counted through this and its clones.
    pub fn dead_letters_total(&self) -> u64 {
        self.dead_letters_total.load(Ordering::Relaxed)
    }

    /// The lag gauge of one partition: each lane sets its own, a sum over them is the stage's lag.
    pub fn lag(&self, partition: u32) -> Gauge {
        let attributes = [
            self.stage.clone(),
            KeyValue::new("partition", i64::from(partition)),
        ];
        Gauge {
            instrument: self.lag.clone(),
            attributes: Arc::new(attributes),
        }
    }

    /// A counter that is absent until its first event hides that event from `rate()`.
    fn show_zeros(&self) {
        for counter in [
            &self.records_taken,
            &self.records_stored,
            &self.records_settled,
            &self.records_returned,
            &self.retries,
            &self.batches,
        ] {
            counter.add(0);
        }
        self.in_flight.add(0);
    }
}
