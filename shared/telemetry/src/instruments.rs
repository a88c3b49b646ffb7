//! Instruments with their attributes prepared: a call allocates nothing.

use std::{sync::Arc, time::Duration};

use opentelemetry::{KeyValue, metrics as otel};

/// Grows only.
#[derive(Clone, Debug)]
pub struct Counter {
    pub(crate) instrument: otel::Counter<u64>,
    pub(crate) attributes: Arc<[KeyValue]>,
}

impl Counter {
    /// Adds what one batch brought.
    pub fn add(&self, count: u64) {
        self.instrument.add(count, &self.attributes);
    }
}

/// A value that several lanes change together.
#[derive(Clone, Debug)]
pub struct Level {
    pub(crate) instrument: otel::UpDownCounter<i64>,
    pub(crate) attributes: Arc<[KeyValue]>,
}

impl Level {
    /// Raises the value by `change`, or lowers it when negative.
    pub fn add(&self, change: i64) {
        self.instrument.add(change, &self.attributes);
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
