//! What telemetry costs a process: resident memory when idle, and nanoseconds per span.
//!
//! `cargo run --release -p telemetry --example footprint -- --health 127.0.0.1:0
//! --otlp-endpoint http://127.0.0.1:4318` prints one line; leave flags out to see what they cost.

use std::{
    fs,
    hint::black_box,
    io::{self, Write},
    time::{Duration, Instant, SystemTime},
};

use clap::Parser;
use record::TraceContext;
use telemetry::{KeyValue, Operation, SpanShape, StageMetrics, Telemetry, TelemetryArgs, Tracer};

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

const ROUNDS: u32 = 1_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let bare = resident_kilobytes()?;
    let telemetry = Telemetry::start("footprint", &args.telemetry)?;
    let metrics = telemetry.stage_metrics("footprint");
    // One push of metrics and one scrape lie in this time.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let idle = resident_kilobytes()?;

    let tracer = telemetry.tracer();
    let sampled = nanoseconds(&tracer, TraceContext::root(true));
    let unsampled = nanoseconds(&tracer, TraceContext::root(false));
    let counter = count(&metrics);
    let busy = resident_kilobytes()?;
    writeln!(
        io::stdout(),
        "resident kB: {bare} before, {idle} idle, {busy} after the spans; ns: {sampled:.0} sampled \
         span, {unsampled:.1} unsampled span, {counter:.0} counter"
    )?;
    telemetry.shutdown();
    Ok(())
}

/// Spans of one record each, with one attribute of its own; a full queue drops, as it would.
fn nanoseconds(tracer: &Tracer, parent: TraceContext) -> f64 {
    let shape = SpanShape::new(Operation::Process, "nats", "up.{partition}");
    let now = SystemTime::now();
    let start = Instant::now();
    for partition in 0..ROUNDS {
        let attributes = || {
            vec![KeyValue::new(
                "messaging.destination.partition.id",
                i64::from(partition),
            )]
        };
        black_box(tracer.record_span(&shape, black_box(parent), now..now, attributes));
    }
    per_round(start)
}

fn count(metrics: &StageMetrics) -> f64 {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        metrics.records_taken.add(1);
    }
    per_round(start)
}

fn per_round(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
}

fn resident_kilobytes() -> anyhow::Result<String> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line
        .unwrap_or("unknown")
        .trim()
        .trim_end_matches(" kB")
        .to_owned())
}
