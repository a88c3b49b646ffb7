//! OTLP over HTTP: the exporters, and one clear log line when the collector does not answer.

use std::time::{Duration, Instant};

use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{SpanData, SpanExporter as SpanExport},
};
use parking_lot::Mutex;

use crate::{TelemetryError, endpoint::Endpoint};

/// One request to the collector, retries included, may take this long.
pub(crate) const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);
/// A collector that stays down is mentioned this often, per signal.
const REPORT_INTERVAL: Duration = Duration::from_mins(1);

/// An exporter whose failures are reported by us: the SDK's own lines name neither the collector
/// nor the remedy, and come with every batch.
#[derive(Debug)]
pub(crate) struct Reported<E> {
    exporter: E,
    failures: FailureReport,
}

/// Sends spans to `endpoint`.
pub(crate) fn spans(endpoint: &Endpoint) -> Result<Reported<SpanExporter>, TelemetryError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint.signal("traces"))
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_TIMEOUT)
        .build();
    reported(exporter, "spans", endpoint)
}

/// Sends metrics to `endpoint`.
pub(crate) fn metrics(endpoint: &Endpoint) -> Result<Reported<MetricExporter>, TelemetryError> {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_endpoint(endpoint.signal("metrics"))
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_TIMEOUT)
        .build();
    reported(exporter, "metrics", endpoint)
}

fn reported<E>(
    exporter: Result<E, opentelemetry_otlp::ExporterBuildError>,
    signal: &'static str,
    endpoint: &Endpoint,
) -> Result<Reported<E>, TelemetryError> {
    let endpoint = endpoint.as_str().to_owned();
    match exporter {
        Ok(exporter) => {
            let failures = FailureReport {
                signal,
                endpoint,
                last: Mutex::new(None),
            };
            Ok(Reported { exporter, failures })
        }
        Err(reason) => Err(TelemetryError::Export { endpoint, reason }),
    }
}

/// Says at most once per [`REPORT_INTERVAL`] that the collector does not take a signal.
#[derive(Debug)]
struct FailureReport {
    signal: &'static str,
    endpoint: String,
    last: Mutex<Option<Instant>>,
}

impl FailureReport {
    fn note(&self, result: &OTelSdkResult) {
        let Err(error) = result else { return };
        if matches!(error, OTelSdkError::AlreadyShutdown) || !self.due(Instant::now()) {
            return;
        }
        tracing::warn!(
            endpoint = %self.endpoint,
            %error,
            "OTLP {} are not delivered: start the collector, or correct or unset \
             OTEL_EXPORTER_OTLP_ENDPOINT; the stage goes on without",
            self.signal,
        );
    }

    fn due(&self, now: Instant) -> bool {
        let mut last = self.last.lock();
        let due = last.is_none_or(|last| now.duration_since(last) >= REPORT_INTERVAL);
        if due {
            *last = Some(now);
        }
        due
    }
}

impl<E: SpanExport> SpanExport for Reported<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        self.failures.note(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Reported<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.exporter.export(metrics).await;
        self.failures.note(&result);
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the collector refuses every batch for two minutes.
    /// Guarantee: the first refusal is reported, then one a minute.
    #[test]
    fn failures_are_reported_once_a_minute() {
        let report = FailureReport {
            signal: "spans",
            endpoint: "http://127.0.0.1:4318".to_owned(),
            last: Mutex::new(None),
        };
        let start = Instant::now();
        let reported = (0..=120).filter(|second| report.due(start + Duration::from_secs(*second)));
        assert_eq!(reported.collect::<Vec<_>>(), [0, 60, 120]);
    }
}
