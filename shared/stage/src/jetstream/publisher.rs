//! One frame at a time into a stream, acknowledged.

use async_nats::HeaderMap;
use async_nats::jetstream::context::{Context, PublishError};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, ErrorCode};
use bytes::Bytes;
use record::TraceContext;

use crate::sink::Unavailable;

/// What a stream at one of its limits says, with code 10077. Other failures of the store, such as a
/// broken disk, have that code too.
const AT_ITS_LIMIT: [&str; 2] = ["maximum bytes exceeded", "maximum messages"];

/// Whether a stream refused a message because it is full: at a limit of its own (10077), or at that
/// of its account or server (10002, 10047).
pub fn is_full(error: &PublishError) -> bool {
    let source = std::error::Error::source(error);
    let Some(refusal) = source.and_then(|cause| cause.downcast_ref::<jetstream::Error>()) else {
        return false;
    };
    match refusal.error_code() {
        ErrorCode::STREAM_STORE_FAILED => {
            let text = refusal.to_string();
            AT_ITS_LIMIT.iter().any(|limit| text.contains(limit))
        }
        code => {
            code == ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
                || code == ErrorCode::STORAGE_RESOURCES_EXCEEDED
        }
    }
}

/// Publishes frames to one subject, each stored before the next is sent.
///
/// One frame in flight is what keeps the order when a publish must be repeated.
#[derive(Clone, Debug)]
pub struct FramePublisher {
    context: Context,
    subject: String,
    stream: &'static str,
}

impl FramePublisher {
    /// Publishes to a subject of a stream.
    pub fn new(context: Context, stream: &'static str, subject: String) -> Self {
        Self {
            context,
            subject,
            stream,
        }
    }

    /// Stores one frame; returns its sequence in the stream.
    ///
    /// `id` makes a repeat harmless within the stream's duplicate window. After `Err` nobody knows
    /// whether the frame is stored: repeat it with the same id before anything newer.
    pub async fn publish(
        &self,
        id: &str,
        frame: Bytes,
        trace: Option<TraceContext>,
    ) -> Result<u64, Unavailable> {
        let published = self.try_publish(id, frame, trace).await;
        published.map_err(|error| self.unavailable(error))
    }

    /// The same, for who acts on what the server said.
    pub(super) async fn try_publish(
        &self,
        id: &str,
        frame: Bytes,
        trace: Option<TraceContext>,
    ) -> Result<u64, PublishError> {
        let mut headers = HeaderMap::new();
        headers.insert(async_nats::header::NATS_MESSAGE_ID, id);
        if let Some(trace) = trace {
            headers.insert("traceparent", trace.to_string());
        }
        let message = PublishMessage::build().payload(frame).headers(headers);
        let subject = self.subject.clone();
        let ack = self.context.send_publish(subject, message).await?;
        Ok(ack.await?.sequence)
    }

    pub(super) fn unavailable(&self, error: PublishError) -> Unavailable {
        let state = if is_full(&error) { " is full" } else { "" };
        Unavailable::new(format!("stream {}{state}", self.stream), error)
    }

    /// Name of the stream.
    pub(super) fn stream(&self) -> &'static str {
        self.stream
    }

    /// Largest payload the server takes now, in bytes.
    pub fn max_payload(&self) -> usize {
        self.context.client().max_payload()
    }
}
