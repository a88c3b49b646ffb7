//! Traces, metrics, health and logs of a stage.
//!
//! [`Telemetry::start`] sets all four up from [`TelemetryArgs`]; the stage then takes the handles
//! it needs, all cheap to clone:
//!
//! * [`Tracer`]: spans of batches and of sampled records, with the ids that the records carry.
//!   Nothing is exported, and nothing is paid but a branch, when no OTLP endpoint is set.
//! * [`StageMetrics`] and [`Telemetry::meter`]: what is counted, once per batch. The names are in
//!   [`METRICS`]; they are served on `/metrics` and pushed over OTLP from the same instruments.
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
mod health;
mod instruments;
mod logs;
mod metrics;
mod process;
mod readiness;
mod resource;
mod sampling;
mod span_queue;
mod span_shape;
mod stage_metrics;
mod telemetry;
#[cfg(test)]
mod test_http;
mod tracer;

pub use args::{LogFormat, TelemetryArgs};
pub use endpoint::EndpointError;
pub use error::TelemetryError;
pub use instruments::{Counter, Gauge, Histogram, Level};
pub use metrics::{Kind, METRICS, Metric};
/// One attribute of a span or a metric.
pub use opentelemetry::KeyValue;
/// Makes further instruments; see [`Telemetry::meter`].
pub use opentelemetry::metrics::Meter;
pub use readiness::{Readiness, ReadyFlag};
pub use sampling::SamplingPolicy;
pub use span_shape::{Failure, Operation, SpanShape};
pub use stage_metrics::StageMetrics;
pub use telemetry::Telemetry;
pub use tracer::{MAX_LINKS, Tracer};
