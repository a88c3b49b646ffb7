//! Setting it all up, and ending it under a deadline.

use std::{
    net::SocketAddr,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
};

use crate::{
    LatencyHistogram, Metric, MetricsExporter, Readiness, SamplingPolicy, StageMetrics,
    TelemetryArgs, TelemetryError, Tracer, endpoint::Endpoint, export, exposition::Exposition,
    health::HealthServer, logs, process, resource, span_queue::SpanQueue,
};

/// The instrumentation scope of every metric.
const SCOPE: &str = "latchwork";

/// Metrics are pushed this often.
const PUSH_INTERVAL: Duration = Duration::from_secs(10);
/// What is left at the end may take this long to deliver.
const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// Telemetry of one process. Keep it until the very end: dropping it delivers what is left.
#[derive(Debug)]
pub struct Telemetry {
    tracer: Tracer,
    spans: Option<SpanQueue>,
    meters: SdkMeterProvider,
    readiness: Readiness,
    sampling: SamplingPolicy,
    exposition: Exposition,
    health: Option<HealthServer>,
}

impl Telemetry {
    /// Starts logs, and traces, metrics and the health server as far as they are asked for.
    ///
    /// The health server needs a tokio runtime around this call. `stage` is e.g. `transform`.
    pub fn start(stage: &str, args: &TelemetryArgs) -> Result<Self, TelemetryError> {
        let endpoint = Endpoint::parse(args.otlp_endpoint.as_deref())?;
        let resource = resource::of_stage(stage);
        let spans = match &endpoint {
            Some(endpoint) => Some(SpanQueue::start(export::spans(endpoint)?, &resource)),
            None => None,
        };
        logs::install(
            stage,
            args,
            spans.as_ref().map(|queue| logs::tracer(queue, &resource)),
        )?;

        let exposition = Exposition::default();
        let scraped = args.health.is_some().then_some(&exposition.registry);
        let pushed = (args.metrics_exporter == MetricsExporter::Otlp).then_some(endpoint.as_ref());
        let meters = meters(resource, scraped, pushed.flatten())?;
        process::observe(
            &meters.meter(SCOPE),
            stage,
            spans.as_ref().map(SpanQueue::counts),
        );

        let readiness = Readiness::default();
        let health = match args.health {
            Some(address) => Some(HealthServer::start(
                address,
                readiness.clone(),
                exposition.clone(),
            )?),
            None => None,
        };
        Ok(Self {
            tracer: spans.clone().map(Tracer::new).unwrap_or_default(),
            spans,
            meters,
            readiness,
            sampling: SamplingPolicy {
                state_fraction: args.trace_sample,
            },
            exposition,
            health,
        })
    }

    /// Records spans of batches and records.
    pub fn tracer(&self) -> Tracer {
        self.tracer.clone()
    }

    /// Which records are traced: asked where records come in.
    pub fn sampling(&self) -> SamplingPolicy {
        self.sampling
    }

    /// The metrics that every stage has, labelled with `stage` (or a flow of it).
    pub fn stage_metrics(&self, stage: &str) -> StageMetrics {
        StageMetrics::new(&self.meter(), stage)
    }

    /// A histogram of latencies, served on `/metrics` with exemplars. One per metric: it is shared by
    /// all who ask.
    pub fn latency(&self, metric: &'static Metric, stage: &str) -> LatencyHistogram {
        self.exposition.latency(metric, stage)
    }

    /// For counters and gauges of one stage alone. Name them `latchwork.x.y`: they are served as
    /// `latchwork_x_y` with unit and `_total` appended.
    pub fn meter(&self) -> Meter {
        self.meters.meter(SCOPE)
    }

    /// Conditions of `/readyz`.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Where health is served, with the real port.
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health.as_ref().map(HealthServer::address)
    }

    /// Delivers what is left, for at most two seconds, and stops serving health. Blocks the
    /// thread: call it last. Dropping does the same.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(spans) = &self.spans {
            flush(spans, &self.meters, FLUSH_DEADLINE);
        }
    }
}

/// Closes both exports at once, each on a thread of its own that is left behind when the
/// collector does not answer.
fn flush(spans: &SpanQueue, meters: &SdkMeterProvider, timeout: Duration) {
    let deadline = Instant::now() + timeout;
    let (done, closed) = mpsc::sync_channel(2);
    let (queue, meters, metrics_done) = (spans.clone(), meters.clone(), done.clone());
    let closing = [
        thread::Builder::new().spawn(move || done.send(queue.close(timeout).is_ok())),
        thread::Builder::new().spawn(move || metrics_done.send(meters.shutdown().is_ok())),
    ];
    for _ in closing.iter().flatten() {
        if closed
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .is_err()
        {
            break;
        }
    }
    let undelivered = spans.counts().undelivered();
    if undelivered > 0 {
        tracing::warn!(
            spans = undelivered,
            "some spans never reached the collector"
        );
    }
}

fn meters(
    resource: Resource,
    scraped: Option<&prometheus::Registry>,
    endpoint: Option<&Endpoint>,
) -> Result<SdkMeterProvider, TelemetryError> {
    let mut meters = SdkMeterProvider::builder().with_resource(resource);
    if let Some(registry) = scraped {
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build();
        match exporter {
            Ok(reader) => meters = meters.with_reader(reader),
            Err(error) => tracing::error!(%error, "metrics are not served on /metrics"),
        }
    }
    if let Some(endpoint) = endpoint {
        let exporter = export::metrics(endpoint)?;
        let reader = PeriodicReader::builder(exporter)
            .with_interval(PUSH_INTERVAL)
            .build();
        meters = meters.with_reader(reader);
    }
    Ok(meters.build())
}

#[cfg(test)]
#[path = "telemetry_tests.rs"]
mod tests;
