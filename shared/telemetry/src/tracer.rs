//! Spans of batches and records, made when they are over, with the ids that the records carry.
//!
//! The OpenTelemetry span builder chooses span ids itself, but here the id is often known first:
//! the edge puts it into the frame before it is stored, and the span is only recorded when the
//! store has answered. So a span is built whole and given to the batch queue directly. That also
//! saves the sampler (we decide), the active context (records cross tasks and processes) and a
//! span object across awaits.

use std::{ops::Range, time::SystemTime};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use record::TraceContext;

use crate::{Failure, SpanShape, span_queue::SpanQueue};

/// A batch span links to at most this many sampled records (the SDK's own limit per span).
pub const MAX_LINKS: usize = 128;

/// Records spans. Cheap to clone; `Tracer::default()` records nothing.
#[derive(Clone, Debug, Default)]
pub struct Tracer {
    export: Option<Export>,
}

#[derive(Clone, Debug)]
struct Export {
    queue: SpanQueue,
    scope: InstrumentationScope,
}

/// One record of a batch, for the link to it.
#[derive(Clone, Debug)]
pub struct BatchMember {
    /// Its own span.
    pub context: TraceContext,
    /// What is known of this record alone, such as its offset in Kafka.
    pub attributes: Vec<KeyValue>,
}

impl From<TraceContext> for BatchMember {
    fn from(context: TraceContext) -> Self {
        Self {
            context,
            attributes: Vec::new(),
        }
    }
}

impl From<BatchMember> for Link {
    fn from(member: BatchMember) -> Self {
        Self::new(span_context(member.context), member.attributes, 0)
    }
}

impl Tracer {
    pub(crate) fn new(queue: SpanQueue) -> Self {
        let scope = InstrumentationScope::builder("latchwork")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        Self {
            export: Some(Export { queue, scope }),
        }
    }

    /// The first span of a trace, with exactly the ids of `context`, which may have travelled on
    /// already. `link` is a context that the device sent: untrusted, so no parent. `failure` is why
    /// the record is refused, if it is.
    pub fn root_span(
        &self,
        shape: &SpanShape,
        context: TraceContext,
        link: Option<TraceContext>,
        times: Range<SystemTime>,
        failure: Option<Failure<'_>>,
    ) {
        let Some(export) = self.recording(context.sampled) else {
            return;
        };
        let mut span = export.span(shape, shape.operation.record_kind(), context, times);
        span.links
            .links
            .extend(link.map(|linked| Link::with_context(span_context(linked))));
        if let Some(failure) = failure {
            set_failure(&mut span, failure);
        }
        export.queue.push(span);
    }

    /// Whether spans go anywhere. When not, contexts are carried on as they are.
    pub fn is_exporting(&self) -> bool {
        self.export.is_some()
    }

    /// One sampled record's span, a child of `parent`, with exactly the ids of `context`, which
    /// may have travelled on already.
    pub fn child_span(
        &self,
        shape: &SpanShape,
        context: TraceContext,
        parent: TraceContext,
        times: Range<SystemTime>,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) {
        let Some(export) = self.recording(context.sampled) else {
            return;
        };
        let mut span = export.below(shape, context, parent, times);
        span.attributes.extend(attributes());
        export.queue.push(span);
    }

    /// One sampled record's span, a child of `parent`. Returns the context for the next hop.
    ///
    /// When nothing is exported, the record is not sampled, or the queue is full, the parent is
    /// returned as it is: the next hop then continues the last span that exists.
    pub fn record_span(
        &self,
        shape: &SpanShape,
        parent: TraceContext,
        times: Range<SystemTime>,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> TraceContext {
        let Some(export) = self.recording(parent.sampled) else {
            return parent;
        };
        let (context, mut span) = export.child(shape, parent, times);
        span.attributes.extend(attributes());
        export.queue.push(span);
        context
    }

    /// The span of a rejected record: recorded whether or not the record was sampled, and so is
    /// everything after it. Returns the context for the dead letter.
    pub fn reject_span(
        &self,
        shape: &SpanShape,
        parent: TraceContext,
        times: Range<SystemTime>,
        failure: Failure<'_>,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> TraceContext {
        let Some(export) = self.recording(true) else {
            return parent;
        };
        let parent = TraceContext {
            sampled: true,
            ..parent
        };
        let (context, mut span) = export.child(shape, parent, times);
        span.attributes.extend(attributes());
        set_failure(&mut span, failure);
        export.queue.push(span);
        context
    }

    /// One batch of `messages`, a trace of its own with links to the sampled records in it.
    ///
    /// A batch that succeeded and holds no sampled record is not recorded: sampling bounds the
    /// spans of batches too.
    pub fn batch_span(
        &self,
        shape: &SpanShape,
        times: Range<SystemTime>,
        messages: usize,
        records: impl IntoIterator<Item = impl Into<BatchMember>>,
        failure: Option<Failure<'_>>,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) {
        let Some(export) = &self.export else { return };
        let members = records.into_iter().map(Into::into);
        let mut sampled = members.filter(|member| member.context.sampled);
        let links: Vec<_> = sampled.by_ref().take(MAX_LINKS).map(Link::from).collect();
        if (links.is_empty() && failure.is_none()) || !export.queue.admit() {
            return;
        }
        let kind = shape.operation.batch_kind();
        let mut span = export.span(shape, kind, TraceContext::root(true), times);
        let messages = i64::try_from(messages).unwrap_or(i64::MAX);
        span.attributes
            .push(KeyValue::new("messaging.batch.message_count", messages));
        span.attributes.extend(attributes());
        span.links.links = links;
        span.links.dropped_count = u32::try_from(sampled.count()).unwrap_or(u32::MAX);
        if let Some(failure) = failure {
            set_failure(&mut span, failure);
        }
        export.queue.push(span);
    }

    /// Where a span goes that is worth recording, if there is room: asked before it is built.
    fn recording(&self, sampled: bool) -> Option<&Export> {
        let export = self.export.as_ref().filter(|_| sampled)?;
        export.queue.admit().then_some(export)
    }
}

impl Export {
    fn child(
        &self,
        shape: &SpanShape,
        parent: TraceContext,
        times: Range<SystemTime>,
    ) -> (TraceContext, SpanData) {
        let context = parent.child();
        (context, self.below(shape, context, parent, times))
    }

    fn below(
        &self,
        shape: &SpanShape,
        context: TraceContext,
        parent: TraceContext,
        times: Range<SystemTime>,
    ) -> SpanData {
        let mut span = self.span(shape, shape.operation.record_kind(), context, times);
        span.parent_span_id = SpanId::from(parent.span_id);
        span.parent_span_is_remote = true;
        span
    }

    fn span(
        &self,
        shape: &SpanShape,
        span_kind: SpanKind,
        context: TraceContext,
        times: Range<SystemTime>,
    ) -> SpanData {
        // Room for the batch count, the error type and a few of the caller's, in one allocation.
        let mut attributes = Vec::with_capacity(shape.attributes.len() + 4);
        attributes.extend_from_slice(&shape.attributes);
        SpanData {
            span_context: span_context(context),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind,
            name: shape.name.clone().into(),
            start_time: times.start,
            end_time: times.end,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

fn set_failure(span: &mut SpanData, failure: Failure<'_>) {
    span.attributes
        .push(KeyValue::new("error.type", failure.kind));
    span.status = Status::error(failure.text.to_owned());
}

fn span_context(context: TraceContext) -> SpanContext {
    SpanContext::new(
        TraceId::from(context.trace_id),
        SpanId::from(context.span_id),
        if context.sampled {
            TraceFlags::SAMPLED
        } else {
            TraceFlags::default()
        },
        false,
        TraceState::NONE,
    )
}

#[cfg(test)]
#[path = "tracer_tests.rs"]
mod tests;
