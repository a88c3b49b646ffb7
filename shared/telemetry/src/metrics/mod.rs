//! The names: every metric that there is, in one table per subject.
//!
//! A metric is made from its row, so that the name, the labels and the words on `/metrics` are those
//! that the reference, the dashboards and the alert rules have.

/// Writes a table: `IDENT "otel.name" => "exposed_name", Kind, "unit", [labels], "meaning";`
macro_rules! metrics {
    ($($ident:ident $name:literal => $exposed:literal, $kind:ident, $unit:literal, $labels:expr, $meaning:literal;)*) => {
        $(
            #[doc = concat!("`", $exposed, "`: ", $meaning)]
            pub const $ident: $crate::metrics::Metric = $crate::metrics::Metric {
                name: $name,
                exposed: $exposed,
                kind: $crate::metrics::Kind::$kind,
                unit: $unit,
                labels: &$labels,
                meaning: $meaning,
            };
        )*

        /// Every row of this table.
        pub const ALL: &[&$crate::metrics::Metric] = &[$(&$ident),*];
    };
}

pub mod audit;
pub mod edge;
pub mod kafka;
pub mod rules;
pub mod stage;

use opentelemetry::metrics as otel;
use otel::Meter;

/// What a metric is, in Prometheus' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Values sorted into buckets.
    Histogram,
}

/// One metric: made here, documented from here.
#[derive(Debug)]
pub struct Metric {
    /// The OpenTelemetry name, as pushed over OTLP.
    pub name: &'static str,
    /// The name on `/metrics` (and in a Prometheus that takes OTLP).
    pub exposed: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// UCUM unit; braces mean "a number of".
    pub unit: &'static str,
    /// Labels beside those of the process.
    pub labels: &'static [&'static str],
    /// What is counted.
    pub meaning: &'static str,
}

/// Upper bounds of numbers of records: a frame holds at most 1024 records.
const RECORD_BOUNDS: [f64; 12] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0,
];
/// Upper bounds of durations, in seconds: handling takes microseconds, a Kafka outage takes long.
const SECOND_BOUNDS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 5.0, 30.0,
];

impl Metric {
    /// A counter of this name.
    pub fn counter(&self, meter: &Meter) -> otel::Counter<u64> {
        meter
            .u64_counter(self.name)
            .with_unit(self.unit)
            .with_description(self.meaning)
            .build()
    }

    /// A gauge that is changed by differences, so that lanes can share it.
    pub fn level(&self, meter: &Meter) -> otel::UpDownCounter<i64> {
        meter
            .i64_up_down_counter(self.name)
            .with_unit(self.unit)
            .with_description(self.meaning)
            .build()
    }

    /// The latest value.
    pub fn gauge(&self, meter: &Meter) -> otel::Gauge<u64> {
        meter
            .u64_gauge(self.name)
            .with_unit(self.unit)
            .with_description(self.meaning)
            .build()
    }

    /// Values in buckets that fit the unit.
    pub fn histogram(&self, meter: &Meter) -> otel::Histogram<f64> {
        if self.unit == "s" {
            self.histogram_with(meter, &SECOND_BOUNDS)
        } else {
            self.histogram_with(meter, &RECORD_BOUNDS)
        }
    }

    /// Values in buckets with these upper bounds.
    pub fn histogram_with(&self, meter: &Meter, bounds: &[f64]) -> otel::Histogram<f64> {
        meter
            .f64_histogram(self.name)
            .with_unit(self.unit)
            .with_description(self.meaning)
            .with_boundaries(bounds.to_vec())
            .build()
    }
}

/// Every metric of every table. The reference page is made from it.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    let tables = [stage::ALL, edge::ALL, kafka::ALL, rules::ALL, audit::ALL];
    tables.into_iter().flatten().copied()
}
