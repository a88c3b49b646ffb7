use std::{
    net::TcpListener,
    sync::Arc,
    time::{Instant, SystemTime},
};

use axum::{Router, body::Bytes, extract::State, http::Uri};
use parking_lot::Mutex;
use record::TraceContext;

use super::*;
use crate::{
    KeyValue, Kind, LabelledCounter, LabelledGauge, Operation, SpanShape,
    metrics::stage::{ALL as METRICS, RELOADS, RULES_VERSION},
    test_http::get_path,
};

fn args(endpoint: Option<String>) -> TelemetryArgs {
    TelemetryArgs {
        otlp_endpoint: endpoint,
        health: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        log: "off".to_owned(),
        ..TelemetryArgs::default()
    }
}

fn shape() -> SpanShape {
    SpanShape::new(Operation::Process, "nats", "up.{partition}")
}

/// An address where nobody listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn scrape(telemetry: &Telemetry) -> String {
    let (status, text) = get_path(telemetry.health_address().unwrap(), "/metrics").await;
    assert_eq!(status, 200);
    text
}

/// The sum of a metric's samples, whatever their labels.
fn sum(text: &str, name: &str) -> f64 {
    let samples = text.lines().filter_map(|line| line.strip_prefix(name));
    let values = samples.filter(|rest| rest.starts_with(['{', ' ']));
    values
        .map(|rest| rest.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum()
}

async fn a_dead_collector_costs_only_spans(endpoint: String) {
    const SPANS: u64 = 100_000;
    let telemetry = Telemetry::start("transform", &args(Some(endpoint))).unwrap();
    let (tracer, shape, root) = (telemetry.tracer(), shape(), TraceContext::root(true));

    let now = SystemTime::now();
    let start = Instant::now();
    for _ in 0..SPANS {
        tracer.record_span(&shape, root, now..now, Vec::new);
    }
    let recording = start.elapsed();
    // Unoptimised it takes about 0.3 s; a single wait for the collector takes all of this.
    assert!(recording < export::EXPORT_TIMEOUT, "{recording:?}");

    let counts = telemetry.spans.as_ref().unwrap().counts();
    assert_eq!(
        counts.undelivered(),
        SPANS,
        "each span is dropped, or waits: none is forgotten"
    );
    let dropped = sum(&scrape(&telemetry).await, "latchwork_spans_dropped_total");
    assert!(dropped > 0.9 * 100_000.0, "{dropped}");

    let start = Instant::now();
    telemetry.shutdown();
    let ending = start.elapsed();
    assert!(
        ending < FLUSH_DEADLINE + Duration::from_millis(500),
        "{ending:?}"
    );
}

/// Scenario: the collector accepts connections and never answers; 100,000 spans, then the end.
/// Guarantee: recording never waits, every span is accounted for, the drop counter rises, and the
/// process ends within the deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_collector_costs_only_spans() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // The kernel accepts; the listener stays open, and nobody ever reads.
    a_dead_collector_costs_only_spans(endpoint).await;
    drop(listener);
}

/// Scenario: nobody listens where the collector should be; 100,000 spans, then the end.
/// Guarantee: as with a silent one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_collector_costs_only_spans() {
    a_dead_collector_costs_only_spans(closed_port()).await;
}

type Requests = Arc<Mutex<Vec<(String, Bytes)>>>;

async fn take(State(requests): State<Requests>, uri: Uri, body: Bytes) {
    requests.lock().push((uri.path().to_owned(), body));
}

async fn collector() -> (String, Requests) {
    let requests = Requests::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .fallback(take)
        .with_state(Arc::clone(&requests));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (endpoint, requests)
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

/// Scenario: a living collector; one record's span and a counter, then the end at once. All of it
/// starts and ends inside an async context.
/// Guarantee: both are delivered before shutdown returns, with the record's ids and the service's
/// name, and nothing counts as dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_is_delivered_at_the_end() {
    let (endpoint, requests) = collector().await;
    let telemetry = Telemetry::start("kafka-sink", &args(Some(endpoint))).unwrap();
    let counts = telemetry.spans.as_ref().unwrap().counts();
    let root = TraceContext::root(true);
    let now = SystemTime::now();
    let context = telemetry
        .tracer()
        .record_span(&shape(), root, now..now, Vec::new);
    telemetry.stage_metrics("kafka-sink").records_taken.add(7);
    telemetry.shutdown();

    assert_eq!(counts.undelivered(), 0);
    let requests = requests.lock();
    let body = |path: &str| {
        let request = requests.iter().find(|(at, _)| at == path);
        request
            .unwrap_or_else(|| panic!("nothing came to {path}"))
            .1
            .clone()
    };
    let traces = body("/v1/traces");
    assert!(holds(&traces, &root.trace_id.to_be_bytes()));
    assert!(holds(&traces, &root.span_id.to_be_bytes()));
    assert!(holds(&traces, &context.span_id.to_be_bytes()));
    assert!(holds(&traces, b"process up.{partition}") && holds(&traces, b"latchwork-kafka-sink"));
    let metrics = body("/v1/metrics");
    assert!(holds(&metrics, b"latchwork.records.taken"));
    assert!(holds(&metrics, b"latchwork-kafka-sink"));
}

/// Scenario: every instrument is used once, by two lanes where that is allowed.
/// Guarantee: `/metrics` shows each row of the table under its documented name, kind and labels,
/// with the right values, and no metric of ours that the table does not have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_metrics_is_true() {
    let telemetry = Telemetry::start("transform", &args(Some(closed_port()))).unwrap();
    let stage = telemetry.stage_metrics("transform");
    let lane = stage.clone();
    stage.records_taken.add(3);
    lane.records_taken.add(4);
    stage.records_stored.add(5);
    stage.retries.add(1);
    stage.batches.add(2);
    stage.batch_records.record(100.0);
    stage
        .process_duration
        .record_duration(Duration::from_micros(75));
    stage
        .send_duration
        .record_duration(Duration::from_millis(3));
    stage.records_settled.add(2);
    stage.records_returned.add(1);
    stage.lanes.add(1);
    stage.in_flight.add(7);
    lane.in_flight.add(-5);
    stage.dead_letters("schema", 2);
    stage.dead_letters("schema", 1);
    (0..2).for_each(|partition| stage.lag(partition).set(u64::from(partition) + 10));

    let meter = telemetry.meter();
    LabelledGauge::new(&RULES_VERSION, &meter).set(["v".to_owned()], 1);
    LabelledCounter::new(&RELOADS, &meter).add(["taken"], 1);

    let text = scrape(&telemetry).await;
    for metric in METRICS {
        let kind = format!("{:?}", metric.kind).to_lowercase();
        assert!(
            text.contains(&format!("# TYPE {} {kind}\n", metric.exposed)),
            "{metric:?}\n{text}"
        );
        let sample = match metric.kind {
            Kind::Histogram => format!("{}_count", metric.exposed),
            Kind::Counter | Kind::Gauge => metric.exposed.to_owned(),
        };
        let mut lines = text.lines();
        let line = lines.find(|line| line.split(['{', ' ']).next() == Some(sample.as_str()));
        let labels = line.unwrap().matches("=\"").count();
        assert_eq!(labels, metric.labels.len(), "{metric:?} {line:?}");
        for label in metric.labels {
            assert!(
                line.unwrap().contains(&format!("{label}=\"")),
                "{metric:?} {line:?}"
            );
        }
    }
    let families = text
        .lines()
        .filter(|line| line.starts_with("# TYPE"))
        .count();
    assert_eq!(
        families,
        METRICS.len() + 1,
        "the table and target_info: {text}"
    );
    for (name, value) in [
        ("latchwork_records_taken_total", 7.0),
        ("latchwork_in_flight", 2.0),
        ("latchwork_dead_letters_total", 3.0),
        ("latchwork_lag", 21.0),
        ("latchwork_batch_records_sum", 100.0),
        ("latchwork_spans_dropped_total", 0.0),
    ] {
        assert!((sum(&text, name) - value).abs() < 1e-9, "{name}\n{text}");
    }
    let small = r#"messaging_process_duration_seconds_bucket{stage="transform",le="0.0001"} 1"#;
    assert!(text.contains(small), "{text}");
}

/// Scenario: a stage registers a counter of its own.
/// Guarantee: it is served beside the shared ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn stages_may_add_metrics() {
    let telemetry = Telemetry::start("mqtt-edge", &args(None)).unwrap();
    let refused = telemetry
        .meter()
        .u64_counter("latchwork.connections.refused")
        .build();
    refused.add(2, &[KeyValue::new("reason", "password")]);
    let text = scrape(&telemetry).await;
    let line = r#"latchwork_connections_refused_total{reason="password"} 2"#;
    assert!(text.contains(line), "{text}");
}

/// Scenario: no endpoint is set.
/// Guarantee: contexts pass unchanged, no span metric is shown, and the end takes no time.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_an_endpoint_nothing_is_exported() {
    let telemetry = Telemetry::start("transform", &args(None)).unwrap();
    let root = TraceContext::root(true);
    let now = SystemTime::now();
    assert_eq!(
        telemetry
            .tracer()
            .record_span(&shape(), root, now..now, Vec::new),
        root
    );
    assert!(!scrape(&telemetry).await.contains("spans_dropped"));
    let start = Instant::now();
    telemetry.shutdown();
    assert!(start.elapsed() < Duration::from_millis(500));
}

/// Scenario: settings that cannot work: TLS, a broken filter.
/// Guarantee: start fails with one line each, nothing is left running.
#[tokio::test]
async fn bad_settings_are_one_clear_line() {
    let tls = Telemetry::start("transform", &args(Some("https://c:4318".to_owned())));
    let filter = TelemetryArgs {
        log: "=,=".to_owned(),
        ..args(None)
    };
    for (result, word) in [
        (tls, "TLS"),
        (Telemetry::start("transform", &filter), "RUST_LOG"),
    ] {
        let line = result.unwrap_err().to_string();
        assert!(line.contains(word) && !line.contains('\n'), "{line}");
    }
}

/// Scenario: the endpoint takes traces alone, and metrics are scraped.
/// Guarantee: no metrics are pushed, at the end neither; the spans arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_stay_here_when_told_to() {
    let (endpoint, requests) = collector().await;
    let args = TelemetryArgs {
        metrics_exporter: MetricsExporter::None,
        ..args(Some(endpoint))
    };
    let telemetry = Telemetry::start("transform", &args).unwrap();
    let now = SystemTime::now();
    telemetry
        .tracer()
        .record_span(&shape(), TraceContext::root(true), now..now, Vec::new);
    telemetry.shutdown();
    let requests = requests.lock();
    let paths: Vec<&str> = requests.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/v1/traces"]);
}
