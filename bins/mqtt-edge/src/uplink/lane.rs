//! Stores a lane's frames, one in flight, and lets their sessions acknowledge.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use record::TraceContext;
use stage::jetstream::FramePublisher;
use stage::{Backoff, Unavailable, now_ms};
use telemetry::{LatencyHistogram, SampledMessage, SpanShape, StageMetrics, Tracer};
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use super::frame::{EdgeSpan, FillingFrame};
use super::intake::Intake;
use crate::bus::Bus;
use crate::meters::Meters;
use crate::sessions::Stores;

/// Smallest gap between frames that follow each other, by the lane's messages per second. The
/// stored frame is what costs (230 to 420 us of server CPU each), the gap is what a PUBACK waits
/// for: a lane with little to do sends at once, a busy one sends few, large frames. tokio rounds up
/// to the next millisecond.
const GAPS: [(f64, Duration); 3] = [
    (4_000.0, Duration::ZERO),
    (20_000.0, Duration::from_millis(1)),
    (100_000.0, Duration::from_millis(2)),
];

/// The same above that, where larger frames save more than they delay.
const BUSY_GAP: Duration = Duration::from_millis(5);

/// What a lane works with.
pub struct LaneParts<B> {
    /// Where frames go.
    pub publisher: FramePublisher,
    /// Local subscribers.
    pub bus: B,
    /// Sessions that outlive their connections, and retained messages.
    pub(crate) stores: Arc<Stores>,
    /// What is dropped is counted.
    pub(crate) meters: Arc<Meters>,
    /// First part of every message id: unique for this edge, its start and the partition.
    pub id_prefix: String,
    /// Counts.
    pub metrics: StageMetrics,
    /// From PUBLISH to PUBACK.
    pub puback: LatencyHistogram,
    /// Spans.
    pub tracer: Tracer,
    /// Span shape of a frame that is stored.
    pub frame_shape: SpanShape,
}

/// One partition's way into UP.
pub struct Lane<B> {
    intake: Arc<Intake>,
    parts: LaneParts<B>,
    rate: Rate,
}

impl<B: Bus> Lane<B> {
    /// Joins an intake with its parts.
    pub fn new(intake: Arc<Intake>, parts: LaneParts<B>) -> Self {
        Self {
            intake,
            parts,
            rate: Rate::default(),
        }
    }

    /// Runs until the intake is closed and everything in it is stored.
    pub async fn run(mut self) {
        let mut earliest = Instant::now();
        loop {
            sleep_until(earliest).await;
            let Some(mut frame) = self.intake.next_frame().await else {
                return;
            };
            let began = Instant::now();
            let began_at = SystemTime::now();
            let records = frame.records.len();
            self.store(&mut frame, records).await;
            frame.keeping.release();
            self.release(&mut frame).await;
            for stored in frame.stored.drain(..) {
                // Who does not wait any more will ask again.
                stored.send(()).ok();
            }
            self.trace(&mut frame, records, began_at..SystemTime::now());
            self.intake.recycle(frame);
            earliest = began + self.rate.gap(records, began);
        }
    }

    /// Stores the frame, however long it takes: a repeat has the same id, so it is stored once.
    async fn store(&self, frame: &mut FillingFrame, records: usize) {
        let metrics = &self.parts.metrics;
        let taken = metrics.take(records);
        let started = Instant::now();
        let id = format!("{}:{}", self.parts.id_prefix, frame.number);
        let trace = frame.spans.first().map(|span| span.context);
        let bytes = frame.records.take();
        let stream = self.store_bytes(&id, bytes, trace);
        if frame.keeping.is_empty() {
            stream.await;
        } else {
            let LaneParts { stores, meters, .. } = &self.parts;
            tokio::join!(stream, frame.keeping.store(&id, stores, meters));
        }
        metrics.send_duration.record_duration(started.elapsed());
        metrics.records_stored.add(records as u64);
        metrics.batches.add(1);
        taken.settle();
    }

    async fn store_bytes(&self, id: &str, bytes: Bytes, trace: Option<TraceContext>) {
        let mut outage = Outage::default();
        let publisher = &self.parts.publisher;
        while let Err(error) = publisher.publish(id, bytes.clone(), trace).await {
            self.parts.metrics.retries.add(1);
            self.intake.set_stalled(true);
            outage.wait(&error).await;
        }
        outage.over();
        self.intake.set_stalled(false);
    }

    /// The frame is safe: acknowledge and route.
    async fn release(&self, frame: &mut FillingFrame) {
        for outbox in &frame.waiting {
            outbox.stored(frame.number);
        }
        let example = frame.spans.first().and_then(sampled);
        let received_ms = frame.received_ms.drain(..);
        self.parts.puback.record(now_ms(), received_ms, example);
        for message in frame.routes.drain(..) {
            if let Err(error) = self.parts.bus.publish(message).await {
                error!(%error, "could not route a message to local subscribers");
            }
        }
    }

    /// The span of the frame, and those of the sampled records in it.
    fn trace(&self, frame: &mut FillingFrame, records: usize, stored: Range<SystemTime>) {
        let LaneParts {
            tracer,
            frame_shape,
            ..
        } = &self.parts;
        let ended = stored.end;
        let members = frame.spans.iter().map(|span| span.context);
        tracer.batch_span(frame_shape, stored, records, members, None, Vec::new);
        for span in frame.spans.drain(..) {
            let times = span.started..ended;
            tracer.root_span(&span.shape, span.context, span.link, times, span.refusal);
        }
    }
}

fn sampled(span: &EdgeSpan) -> Option<SampledMessage> {
    let began = span.started.duration_since(UNIX_EPOCH).ok()?;
    Some(SampledMessage {
        trace_id: span.context.trace_id,
        began_ms: u64::try_from(began.as_millis()).ok()?,
    })
}

/// A store that refuses or is away: says so at first and then every ten seconds.
#[derive(Default)]
struct Outage {
    since: Option<Instant>,
    told: Option<Instant>,
    backoff: Option<Backoff>,
}

impl Outage {
    async fn wait(&mut self, error: &Unavailable) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if self
            .told
            .is_none_or(|told| told.elapsed() > Duration::from_secs(10))
        {
            self.told = Some(Instant::now());
            let waiting_s = since.elapsed().as_secs();
            warn!(waiting_s, "{error}; PUBACKs are withheld until it is back");
        }
        let backoff = self
            .backoff
            .get_or_insert_with(|| Backoff::up_to(Duration::from_millis(500)));
        backoff.wait().await;
    }

    fn over(&self) {
        if let Some(since) = self.since {
            info!(
                waited_s = since.elapsed().as_secs(),
                "stored again; PUBACKs go out"
            );
        }
    }
}

/// The lane's rate, from which its gap follows.
#[derive(Default)]
struct Rate {
    per_second: f64,
    last: Option<Instant>,
}

impl Rate {
    fn gap(&mut self, records: usize, now: Instant) -> Duration {
        if let Some(last) = self.last.replace(now) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a frame has at most 1,024 records"
            )]
            let rate = records as f64 / (now - last).as_secs_f64().max(1e-6);
            // The mean over about eight frames: one burst changes nothing.
            self.per_second += (rate - self.per_second) / 8.0;
        }
        let calm = GAPS.iter().find(|(below, _)| self.per_second < *below);
        calm.map_or(BUSY_GAP, |(_, gap)| *gap)
    }
}

/// Text of the id prefix: node, start and partition.
pub(crate) fn id_prefix(node: &Bytes, started_ms: u64, partition: u16) -> String {
    format!("{}:{started_ms}:{partition}", String::from_utf8_lossy(node))
}
