//! One frame at a time into a stream, acknowledged.

use async_nats::HeaderMap;
use async_nats::jetstream::context::{Context, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use record::TraceContext;

use crate::sink::Unavailable;

/// Whether a stream refused a message because it is full (10077).
pub fn is_full(error: &PublishError) -> bool {
    error.kind() == PublishErrorKind::Other && error.to_string().contains("maximum bytes exceeded")
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
        let mut headers = HeaderMap::new();
        headers.insert(async_nats::header::NATS_MESSAGE_ID, id);
        if let Some(trace) = trace {
            headers.insert("traceparent", trace.to_string());
        }
        let message = PublishMessage::build().payload(frame).headers(headers);
        let unavailable = |error: PublishError| {
            let state = if is_full(&error) { " is full" } else { "" };
            Unavailable::new(format!("stream {}{state}", self.stream), error)
        };
        let ack = self
            .context
            .send_publish(self.subject.clone(), message)
            .await
            .map_err(unavailable)?;
        Ok(ack.await.map_err(unavailable)?.sequence)
    }

    /// Largest payload the server takes now, in bytes.
    pub fn max_payload(&self) -> usize {
        self.context.client().max_payload()
    }
}
