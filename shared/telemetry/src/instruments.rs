//! Instruments with their attributes prepared: a call allocates nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::{KeyValue, metrics as otel};

use crate::Metric;

/// Grows only.
#[derive(Clone, Debug)]
pub struct Counter {
    pub(crate) instrument: otel::Counter<u64>,
    pub(crate) attributes: Arc<[KeyValue]>,
    /// For this process' own use: instruments can't be read.
    pub(crate) total: Arc<AtomicU64>,
}

impl Counter {
    /// A counter without labels.
    pub fn new(metric: &Metric, meter: &otel::Meter) -> Self {
        Self {
            instrument: metric.counter(meter),
            attributes: Arc::new([]),
            total: Arc::default(),
        }
    }

    /// A counter under these values of the row's labels, in its order: few, and never text of a
    /// message.
    pub fn labelled<const N: usize>(
        metric: &Metric,
        meter: &otel::Meter,
        values: [String; N],
    ) -> Self {
        debug_assert_eq!(N, metric.labels.len(), "a value for each label");
        let labels = metric.labels.iter().zip(values);
        Self {
            attributes: labels
                .map(|(label, value)| KeyValue::new(*label, value))
                .collect(),
            ..Self::new(metric, meter)
        }
    }

    /// Adds what one batch brought.
    pub fn add(&self, count: u64) {
        self.instrument.add(count, &self.attributes);
        self.total.fetch_add(count, Ordering::Relaxed);
    }

    /// All that was added through this counter and its clones.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

/// Counts what is told apart by labels, each with few values: never text of a message.
#[derive(Clone, Debug)]
pub struct LabelledCounter {
    instrument: otel::Counter<u64>,
    labels: &'static [&'static str],
}

impl LabelledCounter {
    /// The counter of a row.
    pub fn new(metric: &Metric, meter: &otel::Meter) -> Self {
        Self {
            instrument: metric.counter(meter),
            labels: metric.labels,
        }
    }

    /// Adds under these values of the row's labels, in its order. Adding 0 shows the series: a
    /// counter that is absent until its first event hides that event from `rate()`.
    pub fn add<const N: usize>(&self, values: [&'static str; N], count: u64) {
        debug_assert_eq!(N, self.labels.len(), "a value for each label");
        let mut labels = self.labels.iter();
        let attributes = values.map(|value| {
            let label = labels.next().copied().unwrap_or_default();
            KeyValue::new(label, value)
        });
        self.instrument.add(count, &attributes);
    }
}

/// The latest value under labels whose values come at run time: few, and never text of a message.
#[derive(Clone, Debug)]
pub struct LabelledGauge {
    instrument: otel::Gauge<u64>,
    labels: &'static [&'static str],
}

impl LabelledGauge {
    /// The gauge of a row.
    pub fn new(metric: &Metric, meter: &otel::Meter) -> Self {
        Self {
            instrument: metric.gauge(meter),
            labels: metric.labels,
        }
    }

    /// Sets it under these values of the row's labels, in its order.
    pub fn set<const N: usize>(&self, values: [String; N], value: u64) {
        debug_assert_eq!(N, self.labels.len(), "a value for each label");
        let labels = self.labels.iter().zip(values);
        let attributes: Vec<_> = labels
            .map(|(label, value)| KeyValue::new(*label, value))
            .collect();
        self.instrument.record(value, &attributes);
    }
}

/// A value that several lanes change together.
#[derive(Clone, Debug)]
pub struct Level {
    pub(crate) instrument: otel::UpDownCounter<i64>,
    pub(crate) attributes: Arc<[KeyValue]>,
    pub(crate) value: Arc<AtomicI64>,
}

impl Level {
    /// A level without labels.
    pub fn new(metric: &Metric, meter: &otel::Meter) -> Self {
        Self {
            instrument: metric.level(meter),
            attributes: Arc::new([]),
            value: Arc::default(),
        }
    }

    /// Raises the value by `change`, or lowers it when negative.
    pub fn add(&self, change: i64) {
        self.instrument.add(change, &self.attributes);
        self.value.fetch_add(change, Ordering::Relaxed);
    }

    /// What it is now.
    pub fn value(&self) -> i64 {
        self.value.load(Ordering::Relaxed)
    }
}

/// The latest value.
#[derive(Clone, Debug)]
pub struct Gauge {
    pub(crate) instrument: otel::Gauge<u64>,
    pub(crate) attributes: Arc<[KeyValue]>,
}

impl Gauge {
    /// Replaces the value.
    pub fn set(&self, value: u64) {
        self.instrument.record(value, &self.attributes);
    }
}

/// How values are distributed.
#[derive(Clone, Debug)]
pub struct Histogram {
    pub(crate) instrument: otel::Histogram<f64>,
    pub(crate) attributes: Arc<[KeyValue]>,
}

impl Histogram {
    /// One value, in the metric's unit.
    pub fn record(&self, value: f64) {
        self.instrument.record(value, &self.attributes);
    }

    /// One duration, for metrics in seconds.
    pub fn record_duration(&self, duration: Duration) {
        self.record(duration.as_secs_f64());
    }
}
