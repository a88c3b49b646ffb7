//! The names: one table of every metric that all stages share.

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

/// Upper bounds of [`BATCH_RECORDS`]: a frame holds at most 1024 records.
const RECORD_BOUNDS: [f64; 12] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0,
];
/// Upper bounds of durations, in seconds: handling takes microseconds, a Kafka outage takes long.
const SECOND_BOUNDS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 5.0, 30.0,
];

impl Metric {
    pub(crate) fn counter(&self, meter: &Meter) -> otel::Counter<u64> {
        meter
            .u64_counter(self.name)
            .with_unit(self.unit)
            .with_description(self.meaning)
            .build()
    }

    /// A gauge that is changed by differences, so that lanes can share it.
    pub(crate) fn level(&self, meter: &Meter) -> otel::UpDownCounter<i64> {
        meter
            .i64_up_down_counter(self.name)
            .with_unit(self.unit)
            .with_description(self.meaning)
            .build()
    }

    pub(crate) fn gauge(&self, meter: &Meter) -> otel::Gauge<u64> {
        meter
            .u64_gauge(self.name)
            .with_unit(self.unit)
            .with_description(self.meaning)
            .build()
    }

    pub(crate) fn histogram(&self, meter: &Meter) -> otel::Histogram<f64> {
        let bounds = if self.unit == "s" {
            SECOND_BOUNDS.to_vec()
        } else {
            RECORD_BOUNDS.to_vec()
        };
        meter
            .f64_histogram(self.name)
            .with_unit(self.unit)
            .with_description(self.meaning)
            .with_boundaries(bounds)
            .build()
    }
}

/// Every metric that all stages share. The reference page is made from it.
pub const METRICS: &[&Metric] = &[
    &RECORDS_TAKEN,
    &RECORDS_STORED,
    &DEAD_LETTERS,
    &RETRIES,
    &BATCHES,
    &BATCH_RECORDS,
    &PROCESS_DURATION,
    &SEND_DURATION,
    &IN_FLIGHT,
    &LAG,
    &SPANS_DROPPED,
    &BUILD_INFO,
    &CPU,
    &RESIDENT_MEMORY,
];

macro_rules! metrics {
    ($($ident:ident $name:literal => $exposed:literal, $kind:ident, $unit:literal, $labels:expr, $meaning:literal;)*) => {
        $(pub(crate) const $ident: Metric = Metric {
            name: $name,
            exposed: $exposed,
            kind: Kind::$kind,
            unit: $unit,
            labels: &$labels,
            meaning: $meaning,
        };)*
    };
}

metrics! {
    RECORDS_TAKEN "latchwork.records.taken" => "latchwork_records_taken_total",
        Counter, "{record}", ["stage"], "Records taken from the source.";
    RECORDS_STORED "latchwork.records.stored" => "latchwork_records_stored_total",
        Counter, "{record}", ["stage"], "Outputs that the next system has confirmed.";
    DEAD_LETTERS "latchwork.dead_letters" => "latchwork_dead_letters_total",
        Counter, "{record}", ["stage", "reason"], "Records stored as dead letters.";
    RETRIES "latchwork.retries" => "latchwork_retries_total",
        Counter, "{attempt}", ["stage"], "Batches sent again after a transient failure.";
    BATCHES "latchwork.batches" => "latchwork_batches_total",
        Counter, "{batch}", ["stage"], "Batches taken from the source.";
    BATCH_RECORDS "latchwork.batch.records" => "latchwork_batch_records",
        Histogram, "{record}", ["stage"], "Records in one batch.";
    PROCESS_DURATION "messaging.process.duration" => "messaging_process_duration_seconds",
        Histogram, "s", ["stage"], "Handling one batch, without sending it.";
    SEND_DURATION "latchwork.send.duration" => "latchwork_send_duration_seconds",
        Histogram, "s", ["stage"], "Sending one batch until it is confirmed, retries included.";
    IN_FLIGHT "latchwork.in_flight" => "latchwork_in_flight",
        Gauge, "{record}", ["stage"], "Records taken and not settled yet.";
    LAG "latchwork.lag" => "latchwork_lag",
        Gauge, "{message}", ["stage", "partition"], "Messages of the source that wait for this stage.";
    SPANS_DROPPED "latchwork.spans.dropped" => "latchwork_spans_dropped_total",
        Counter, "{span}", ["reason"], "Spans that no collector got: queue_full or export_failed.";
    BUILD_INFO "latchwork.build_info" => "latchwork_build_info",
        Gauge, "", ["stage", "version"], "Always 1; says which build runs.";
    CPU "process.cpu" => "process_cpu_seconds_total",
        Counter, "s", [], "User and system CPU time of this process.";
    RESIDENT_MEMORY "process.resident_memory" => "process_resident_memory_bytes",
        Gauge, "By", [], "Memory of this process that is in RAM.";
}
