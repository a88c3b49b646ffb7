//! Latencies of every message, each bucket with a trace to look at.
//!
//! Not an OpenTelemetry histogram: the SDK for Rust makes no exemplars
//! (open-telemetry/opentelemetry-rust#3369), and takes values one by one. These are recorded in
//! batches and served on `/metrics` alone, with their exemplars to who reads `OpenMetrics`.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::metrics::Metric;

/// Upper bounds in milliseconds. Times of records are whole milliseconds, so there is nothing
/// below; the ends are an idle road and a long outage.
const BOUNDS_MS: [u64; 20] = [
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 250, 500, 1000, 2500, 5000, 15_000, 60_000,
];

/// Values above the last bound have a bucket, too.
const BUCKETS: usize = BOUNDS_MS.len() + 1;

/// A message whose trace is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledMessage {
    /// Its trace.
    pub trace_id: u128,
    /// When it came in: milliseconds since 1970.
    pub began_ms: u64,
}

/// How long messages take. Clones share the counts.
#[derive(Clone, Debug)]
pub struct LatencyHistogram(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    metric: &'static Metric,
    stage: String,
    counts: [AtomicU64; BUCKETS],
    sum_ms: AtomicU64,
    exemplars: Mutex<[Option<Exemplar>; BUCKETS]>,
}

#[derive(Clone, Copy, Debug)]
struct Exemplar {
    trace_id: u128,
    latency_ms: u64,
    at_ms: u64,
}

impl LatencyHistogram {
    /// An empty histogram, not served: see [`Telemetry::latency`](crate::Telemetry::latency).
    pub fn new(metric: &'static Metric, stage: &str) -> Self {
        Self(Arc::new(Shared {
            metric,
            stage: stage.to_owned(),
            counts: Default::default(),
            sum_ms: AtomicU64::new(0),
            exemplars: Mutex::default(),
        }))
    }

    pub(crate) fn metric(&self) -> &'static Metric {
        self.0.metric
    }

    /// Records messages that began at these times and ended now, all with one reading of the
    /// clock, and one of them as the example of its bucket. Times are milliseconds since 1970; one
    /// that lies ahead, by another machine's clock, counts as no time.
    pub fn record(
        &self,
        now_ms: u64,
        began_ms: impl IntoIterator<Item = u64>,
        example: Option<SampledMessage>,
    ) {
        let (mut counts, mut sum_ms) = ([0; BUCKETS], 0);
        for began_ms in began_ms {
            let latency_ms = now_ms.saturating_sub(began_ms);
            sum_ms += latency_ms;
            if let Some(count) = counts.get_mut(bucket_of(latency_ms)) {
                *count += 1;
            }
        }
        for (total, count) in self.0.counts.iter().zip(counts) {
            if count > 0 {
                total.fetch_add(count, Ordering::Relaxed);
            }
        }
        self.0.sum_ms.fetch_add(sum_ms, Ordering::Relaxed);
        if let Some(example) = example {
            self.keep(now_ms, example);
        }
    }

    fn keep(&self, now_ms: u64, example: SampledMessage) {
        let latency_ms = now_ms.saturating_sub(example.began_ms);
        if let Some(place) = self.0.exemplars.lock().get_mut(bucket_of(latency_ms)) {
            *place = Some(Exemplar {
                trace_id: example.trace_id,
                latency_ms,
                at_ms: now_ms,
            });
        }
    }

    /// Appends the family in text: the Prometheus format, or `OpenMetrics` with its exemplars.
    pub(crate) fn write(&self, out: &mut String, with_exemplars: bool) -> std::fmt::Result {
        let Shared {
            metric,
            stage,
            counts,
            sum_ms,
            exemplars,
        } = &*self.0;
        let (name, meaning) = (metric.exposed, metric.meaning);
        let exemplars = *exemplars.lock();
        writeln!(out, "# HELP {name} {meaning}\n# TYPE {name} histogram")?;
        let mut cumulated = 0;
        for (bucket, count) in counts.iter().enumerate() {
            cumulated += count.load(Ordering::Relaxed);
            let bound = BOUNDS_MS
                .get(bucket)
                .map_or_else(|| "+Inf".to_owned(), |bound| seconds(*bound).to_string());
            write!(
                out,
                "{name}_bucket{{stage=\"{stage}\",le=\"{bound}\"}} {cumulated}"
            )?;
            let exemplar = exemplars.get(bucket).copied().flatten();
            if let Some(exemplar) = exemplar.filter(|_| with_exemplars) {
                exemplar.write(out)?;
            }
            out.push('\n');
        }
        let sum = seconds(sum_ms.load(Ordering::Relaxed));
        writeln!(out, "{name}_sum{{stage=\"{stage}\"}} {sum}")?;
        writeln!(out, "{name}_count{{stage=\"{stage}\"}} {cumulated}")
    }
}

impl Exemplar {
    /// `OpenMetrics` 1.0, "Exemplars": labels, value, time.
    fn write(self, out: &mut String) -> std::fmt::Result {
        let Self {
            trace_id,
            latency_ms,
            at_ms,
        } = self;
        let (value, at) = (seconds(latency_ms), seconds(at_ms));
        write!(out, " # {{trace_id=\"{trace_id:032x}\"}} {value} {at}")
    }
}

fn bucket_of(latency_ms: u64) -> usize {
    BOUNDS_MS.partition_point(|bound| *bound < latency_ms)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "2^53 ms are 285,000 years, also as the sum of a process' latencies"
)]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::kafka::LATENCY;

    fn text(histogram: &LatencyHistogram, with_exemplars: bool) -> String {
        let mut out = String::new();
        histogram.write(&mut out, with_exemplars).unwrap();
        out
    }

    /// Scenario: a batch of a fast, a slow and an endless message and one from a clock ahead, of which
    /// the slow one is sampled.
    /// Guarantee: each counts once, in the bucket of its bound; the sum is theirs; the slow bucket
    /// shows the trace, and only where exemplars are understood.
    #[test]
    fn a_batch_lands_in_its_buckets() {
        let histogram = LatencyHistogram::new(&LATENCY, "kafka-sink");
        let now_ms = 1_700_000_000_500;
        let sampled = SampledMessage {
            trace_id: 0xabc,
            began_ms: now_ms - 40,
        };
        let began = [now_ms - 5, now_ms - 40, now_ms - 70_000, now_ms + 9];
        histogram.record(now_ms, began, Some(sampled));
        let plain = text(&histogram, false);
        for (le, count) in [("0.001", 1), ("0.003", 1), ("0.005", 2), ("0.03", 2)] {
            let line = format!("_bucket{{stage=\"kafka-sink\",le=\"{le}\"}} {count}\n");
            assert!(plain.contains(&line), "{line}{plain}");
        }
        assert!(plain.contains("le=\"60\"} 3\n"), "{plain}");
        assert!(plain.contains("le=\"+Inf\"} 4\n"), "{plain}");
        assert!(
            plain.contains("_sum{stage=\"kafka-sink\"} 70.045\n"),
            "{plain}"
        );
        assert!(
            plain.contains("_count{stage=\"kafka-sink\"} 4\n"),
            "{plain}"
        );
        let exemplar =
            "le=\"0.05\"} 3 # {trace_id=\"00000000000000000000000000000abc\"} 0.04 1700000000.5\n";
        let open = text(&histogram, true);
        assert!(open.contains(exemplar), "{open}");
        assert_eq!(open.matches('#').count(), 3, "{open}");
        assert_eq!(plain.matches('#').count(), 2, "{plain}");
    }
}
