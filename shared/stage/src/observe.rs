//! What the runner counts and traces, once per batch.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use record::{StageItem, TraceContext};
use telemetry::{Failure, Gauge, KeyValue, SpanShape, StageMetrics, TakenRecords, Tracer};

use crate::dead_letters::Letters;

/// Attribute of spans: which contracts, hooks and rules the stage followed.
const RULES_VERSION: &str = "latchwork.rules.version";

/// Counts and traces the batches of one lane.
pub struct Observer {
    stage: &'static str,
    metrics: StageMetrics,
    lag: Gauge,
    tracer: Tracer,
    shape: SpanShape,
    open: Vec<OpenSpan>,
    /// What every span of the batch at hand says besides.
    attributes: Vec<KeyValue>,
}

/// The span of a sampled item: its id is known when the item is handled, because the outputs carry
/// it; it is recorded when the batch is stored, because it lasts until then.
struct OpenSpan {
    parent: TraceContext,
    context: TraceContext,
}

/// When a batch was taken and when its items had been handled.
pub(crate) struct Clock {
    started: Instant,
    started_at: SystemTime,
    handled: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            started_at: SystemTime::now(),
            handled: now,
        }
    }

    pub(crate) fn handled(&mut self) {
        self.handled = Instant::now();
    }
}

impl Observer {
    /// Observes one partition of a stage.
    pub fn new(
        stage: &'static str,
        partition: u16,
        metrics: StageMetrics,
        tracer: Tracer,
        shape: SpanShape,
    ) -> Self {
        let lag = metrics.lag(u32::from(partition));
        Self {
            stage,
            metrics,
            lag,
            tracer,
            shape,
            open: Vec::new(),
            attributes: Vec::new(),
        }
    }

    pub(crate) fn stage(&self) -> &'static str {
        self.stage
    }

    /// The version of the settings that the next batch follows.
    pub(crate) fn follows(&mut self, version: Option<Arc<str>>) {
        self.attributes.clear();
        let version = version.map(|version| KeyValue::new(RULES_VERSION, version));
        self.attributes.extend(version);
    }

    pub(crate) fn retried(&self) {
        self.metrics.retries.add(1);
    }

    /// The trace that an item's outputs carry on: its own, or a new span below it when it is
    /// sampled and spans are exported.
    pub(crate) fn trace_of(&mut self, item: &impl StageItem) -> Bytes {
        let sampled = item.trace().last().is_some_and(|flags| flags & 1 == 1);
        if !(sampled && self.tracer.is_exporting()) {
            return item.trace().clone();
        }
        let Some(parent) = TraceContext::from_binary(item.trace()) else {
            return item.trace().clone();
        };
        let context = parent.child();
        self.open.push(OpenSpan { parent, context });
        Bytes::copy_from_slice(&context.to_binary())
    }

    /// Counts a batch that was taken, until it is settled.
    pub(crate) fn taken(&self, items: usize) -> TakenRecords {
        self.metrics.take(items)
    }

    /// Counts and traces a batch whose outputs and dead letters are stored.
    pub(crate) fn stored(
        &mut self,
        clock: &Clock,
        items: usize,
        stored: usize,
        letters: &Letters,
        lag: Option<u64>,
    ) {
        let metrics = &self.metrics;
        metrics.records_stored.add(stored as u64);
        metrics.batches.add(1);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a batch has at most some thousands"
        )]
        metrics.batch_records.record(items as f64);
        metrics
            .process_duration
            .record_duration(clock.handled - clock.started);
        metrics
            .send_duration
            .record_duration(clock.handled.elapsed());
        if let Some(lag) = lag {
            self.lag.set(lag);
        }
        for (code, _letter) in letters.with_codes() {
            metrics.dead_letters(code, 1);
        }
        self.record_spans(clock, items, letters);
    }

    fn record_spans(&mut self, clock: &Clock, items: usize, letters: &Letters) {
        if !self.tracer.is_exporting() {
            return;
        }
        let times = clock.started_at..clock.started_at + clock.started.elapsed();
        let rejected: Vec<TraceContext> = letters
            .with_codes()
            .filter_map(|(code, letter)| {
                let failure = Failure {
                    kind: code,
                    text: letter.detail(),
                };
                let parent = letter.trace_context()?;
                let times = times.clone();
                let tracer = &self.tracer;
                let attributes = || self.attributes.clone();
                Some(tracer.reject_span(&self.shape, parent, times, failure, attributes))
            })
            .collect();
        let handled = self.open.iter().map(|span| span.context);
        let members = handled.chain(rejected);
        self.tracer
            .batch_span(&self.shape, times.clone(), items, members, None, || {
                self.attributes.clone()
            });
        for OpenSpan { parent, context } in self.open.drain(..) {
            let attributes = || self.attributes.clone();
            self.tracer
                .child_span(&self.shape, context, parent, times.clone(), attributes);
        }
    }
}

/// What waits behind a lane that has left is told by its next owner.
impl Drop for Observer {
    fn drop(&mut self) {
        self.lag.set(0);
    }
}
