//! Traces, metrics, health and logs of a stage.
//!
//! [`Telemetry::start`] sets all four up from [`TelemetryArgs`]; the stage then takes the handles
//! it needs, all cheap to clone:
//!
//! * [`Tracer`]: spans of batches and of sampled records, with the ids that the records carry.
//!   Nothing is exported, and nothing is paid but a branch, when no OTLP endpoint is set.
//! * [`StageMetrics`] and [`Telemetry::meter`]: what is counted, once per batch. The names are in
//!   [`metrics`]; they are served on `/metrics` and pushed over OTLP from the same instruments.
//! * [`Readiness`]: what `/readyz` waits for.
//! * [`SamplingPolicy`]: which records are traced, decided once at the edge.
//!
//! Logs go through the `tracing` macros to standard error. Its spans may be used for start-up and
//! rare operations, and are exported too; on the hot path they cost ten times a [`Tracer`] span.
//!
//! A collector that is slow or dead costs spans, which are counted, and never time.

mod args;
mod endpoint;
mod error;
mod export;
mod exposition;
mod health;
mod instruments;
mod latency;
mod logs;
pub mod metrics;
mod probe;
mod process;
mod readiness;
mod resource;
mod sampling;
mod span_queue;
mod span_shape;
mod stage_metrics;
mod taken_records;
mod telemetry;
#[cfg(test)]
mod test_http;
mod tracer;

pub use args::{LogFormat, MetricsExporter, TelemetryArgs};
pub use endpoint::EndpointError;
pub use error::TelemetryError;
pub use instruments::{Counter, Gauge, Histogram, LabelledCounter, LabelledGauge, Level};
pub use latency::{LatencyHistogram, SampledMessage};
pub use metrics::{Kind, Metric};
/// One attribute of a span or a metric.
pub use opentelemetry::KeyValue;
/// Makes further instruments; see [`Telemetry::meter`].
pub use opentelemetry::metrics::Meter;
pub use probe::{NotReady, ask_ready};
pub use readiness::{Readiness, ReadyFlag};
pub use resource::host_name;
pub use sampling::SamplingPolicy;
pub use span_shape::{Failure, Operation, SpanShape};
pub use stage_metrics::{StageMetrics, no_meter};
pub use taken_records::TakenRecords;
pub use telemetry::Telemetry;
pub use tracer::{BatchMember, MAX_LINKS, Tracer};
