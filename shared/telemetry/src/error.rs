//! Why telemetry could not start.

use std::{io, net::SocketAddr};

use opentelemetry_otlp::ExporterBuildError;

use crate::EndpointError;

/// Each message says what, where, and what to do, in one line that holds its cause.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter does not parse.
    #[error(
        "log filter {filter:?} (--log, RUST_LOG): {reason}; write e.g. `info` or `warn,mqtt_edge=debug`"
    )]
    LogFilter {
        /// As it was given.
        filter: String,
        /// The parser's words.
        reason: String,
    },
    /// The OTLP endpoint is not one that can be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The OTLP exporter refused its settings, which may come from other `OTEL_` variables.
    #[error("OTLP export to {endpoint}: {reason}; check the OTEL_EXPORTER_OTLP_ variables")]
    Export {
        /// The endpoint that was asked for.
        endpoint: String,
        /// What the exporter says.
        reason: ExporterBuildError,
    },
    /// The health address is taken or not ours.
    #[error(
        "cannot serve health and metrics on {address}: {reason}; free that address, or give another \
         with --health (port 0 takes any free port)"
    )]
    Health {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        reason: io::Error,
    },
    /// [`crate::Telemetry::start`] was called outside a tokio runtime, and health is wanted.
    #[error("health is served by tokio: start telemetry inside the runtime")]
    NoRuntime,
}
