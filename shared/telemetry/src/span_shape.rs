//! What the spans of one operation on one destination share: made once, when a stage starts.

use std::sync::Arc;

use opentelemetry::{KeyValue, trace::SpanKind};

/// What is done to messages: `messaging.operation.type` of the messaging conventions (v1.44).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A message comes into being.
    Create,
    /// Messages are fetched.
    Receive,
    /// Messages are handled.
    Process,
    /// Messages are given to the next system.
    Send,
    /// Messages are acknowledged.
    Settle,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Receive => "receive",
            Self::Process => "process",
            Self::Send => "send",
            Self::Settle => "settle",
        }
    }

    /// Sending one record makes the context that the next hop continues: a producer.
    pub(crate) fn record_kind(self) -> SpanKind {
        match self {
            Self::Create | Self::Send => SpanKind::Producer,
            Self::Process => SpanKind::Consumer,
            Self::Receive | Self::Settle => SpanKind::Client,
        }
    }

    /// Sending a batch makes no context, its records bring their own: a client.
    pub(crate) fn batch_kind(self) -> SpanKind {
        match self {
            Self::Create => SpanKind::Producer,
            Self::Process => SpanKind::Consumer,
            Self::Receive | Self::Send | Self::Settle => SpanKind::Client,
        }
    }
}

/// Name and attributes of the spans of one operation on one destination.
#[derive(Clone, Debug)]
pub struct SpanShape {
    pub(crate) operation: Operation,
    pub(crate) name: String,
    pub(crate) attributes: Vec<KeyValue>,
}

impl SpanShape {
    /// `system` is `mqtt`, `nats` or `kafka`. The template has placeholders where a device, a
    /// partition or the like would stand (`devices/{client_id}/state`, `up.{partition}`): span
    /// names must stay few.
    pub fn new(operation: Operation, system: &'static str, destination_template: &str) -> Self {
        let template: Arc<str> = destination_template.into();
        Self {
            operation,
            name: format!("{} {destination_template}", operation.as_str()),
            attributes: vec![
                KeyValue::new("messaging.system", system),
                KeyValue::new("messaging.operation.name", operation.as_str()),
                KeyValue::new("messaging.operation.type", operation.as_str()),
                KeyValue::new("messaging.destination.template", template),
            ],
        }
    }

    /// The destination itself, where it is known and there are few of its kind: `up.3` of
    /// `up.{partition}`. It is an attribute, not part of the name.
    #[must_use]
    pub fn at(mut self, destination: impl Into<Arc<str>>) -> Self {
        let destination: Arc<str> = destination.into();
        self.attributes
            .push(KeyValue::new("messaging.destination.name", destination));
        self
    }

    /// Who shares the reading of the destination, such as the name of a durable consumer.
    #[must_use]
    pub fn read_by(mut self, group: impl Into<Arc<str>>) -> Self {
        let group: Arc<str> = group.into();
        self.attributes
            .push(KeyValue::new("messaging.consumer.group.name", group));
        self
    }
}

/// Why a batch or a record failed.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// One of few values, e.g. a reject's code: becomes `error.type`.
    pub kind: &'static str,
    /// For a person: becomes the span's status text.
    pub text: &'a str,
}
