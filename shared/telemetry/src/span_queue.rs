//! The bounded queue between whoever records a span and the thread that exports it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};

/// Spans that may wait. At half a kilobyte each, a dead collector costs about a megabyte.
pub(crate) const CAPACITY: usize = 2048;
/// Spans per request to the collector.
const EXPORT_SIZE: usize = 512;
/// A span is on its way after at most this long.
const EXPORT_DELAY: Duration = Duration::from_secs(1);

/// A full queue drops the span and counts it; nobody waits.
///
/// The SDK's batch processor counts what it drops, but tells the figure only in a log line at
/// shutdown. So the spans that wait are counted here, in front of it. Clones share the queue.
#[derive(Clone, Debug)]
pub(crate) struct SpanQueue {
    batches: Arc<BatchSpanProcessor>,
    counts: Arc<SpanCounts>,
}

/// What happened to spans so far.
#[derive(Debug, Default)]
pub(crate) struct SpanCounts {
    waiting: AtomicUsize,
    queue_full: AtomicU64,
    export_failed: AtomicU64,
}

impl SpanCounts {
    /// Spans dropped because the queue was full.
    pub(crate) fn queue_full(&self) -> u64 {
        self.queue_full.load(Ordering::Relaxed)
    }

    /// Spans dropped because the collector did not take them.
    pub(crate) fn export_failed(&self) -> u64 {
        self.export_failed.load(Ordering::Relaxed)
    }

    /// Spans dropped for any reason, and those that still wait.
    pub(crate) fn undelivered(&self) -> u64 {
        let waiting = self.waiting.load(Ordering::Relaxed);
        self.queue_full() + self.export_failed() + u64::try_from(waiting).unwrap_or(u64::MAX)
    }
}

impl SpanQueue {
    /// Starts the export thread; `exporter` may block it as long as it likes.
    pub(crate) fn start<E: SpanExporter + 'static>(exporter: E, resource: &Resource) -> Self {
        let counts = Arc::<SpanCounts>::default();
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(CAPACITY)
            .with_max_export_batch_size(EXPORT_SIZE)
            .with_scheduled_delay(EXPORT_DELAY)
            .build();
        let counted = CountedExporter {
            exporter,
            counts: Arc::clone(&counts),
        };
        let mut batches = BatchSpanProcessor::new(counted, config);
        batches.set_resource(resource);
        Self {
            batches: Arc::new(batches),
            counts,
        }
    }

    /// Takes a place in the queue for one span, which [`Self::push`] must follow; when there is
    /// none, counts a dropped span. Asked first, so that a span without a place is never built.
    pub(crate) fn admit(&self) -> bool {
        let admitted = self.counts.waiting.fetch_add(1, Ordering::Relaxed) < CAPACITY;
        if !admitted {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counts.queue_full.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// Hands an admitted span to the export thread. Never blocks.
    pub(crate) fn push(&self, span: SpanData) {
        self.batches.on_end(span);
    }

    pub(crate) fn counts(&self) -> Arc<SpanCounts> {
        Arc::clone(&self.counts)
    }

    /// Exports what waits and ends the thread; gives up after `deadline`.
    pub(crate) fn close(&self, deadline: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(deadline)
    }
}

/// For the spans of the `tracing` macros, which come through the SDK's tracer.
impl SpanProcessor for SpanQueue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.admit() {
            self.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    // A provider closes its processors when it is dropped; this queue outlives that one.
    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Counts what leaves the queue and what the collector did not take.
#[derive(Debug)]
struct CountedExporter<E> {
    exporter: E,
    counts: Arc<SpanCounts>,
}

impl<E: SpanExporter> SpanExporter for CountedExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        // Only now: a batch in a hanging export is memory in use and not delivered.
        self.counts.waiting.fetch_sub(spans, Ordering::Relaxed);
        if result.is_err() {
            let spans = u64::try_from(spans).unwrap_or(u64::MAX);
            self.counts
                .export_failed
                .fetch_add(spans, Ordering::Relaxed);
        }
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
