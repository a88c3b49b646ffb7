//! The flow `notify`: from ALERT to what is to be sent.

use std::time::Duration;

use alert::Alert;
use async_nats::HeaderMap;
use async_nats::jetstream::context::Context;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use notification::{ChannelKind, Delivery, Planner};
use record::{KafkaRecord, Origin, Original, StageItem, TraceContext};
use stage::jetstream::is_full;
use stage::{Handler, Outputs, Refused, Reject, Sink, Unavailable};
use topology::NOTIFY;

use super::book::ContactBook;

/// Turns alerts into deliveries.
#[derive(Debug)]
pub(crate) struct PlanHandler {
    planner: Planner,
    book: ContactBook,
    /// The time of the last tick, or of the start.
    now_ms: u64,
}

/// One delivery on its way to its channel.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    id: String,
    channel: ChannelKind,
    json: Bytes,
    trace: Bytes,
}

impl PlanHandler {
    pub(crate) fn new(planner: Planner, book: ContactBook, now_ms: u64) -> Self {
        Self {
            planner,
            book,
            now_ms,
        }
    }
}

impl Handler for PlanHandler {
    type In = KafkaRecord;
    type Out = Planned;

    fn handle(
        &mut self,
        item: &KafkaRecord,
        _origin: Origin,
        out: &mut Outputs<Planned>,
    ) -> Result<(), Reject> {
        let alert =
            Alert::read(&item.value).map_err(|error| Reject::new("json", error.to_string()))?;
        let contacts = self.book.of(&alert.lock);
        for delivery in self.planner.plan(&alert, &contacts, self.now_ms) {
            out.push(Planned::from(&delivery));
        }
        Ok(())
    }

    /// The clock of quiet hours and deadlines.
    const TICK: Option<Duration> = Some(Duration::from_secs(1));

    fn tick(&mut self, now_ms: u64, _out: &mut Outputs<Planned>) {
        self.now_ms = now_ms;
    }
}

impl From<&Delivery> for Planned {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.clone(),
            channel: delivery.channel,
            json: delivery.to_json().into(),
            trace: Bytes::new(),
        }
    }
}

impl StageItem for Planned {
    fn original(&self) -> Original {
        Original::Bytes(self.json.clone())
    }

    fn trace(&self) -> &Bytes {
        &self.trace
    }

    fn set_trace(&mut self, trace: Bytes) {
        self.trace = trace;
    }
}

/// The stream NOTIFY: one message per delivery, known by its id.
#[derive(Debug)]
pub(crate) struct DeliverySink(pub(crate) Context);

impl Sink for DeliverySink {
    type Item = Planned;

    async fn send(&mut self, _batch: &str, items: &[Planned]) -> Result<Vec<Refused>, Unavailable> {
        let unavailable = |error| Unavailable::new(format!("stream {}", NOTIFY.name), error);
        let mut answers = FuturesUnordered::new();
        for (index, item) in items.iter().enumerate() {
            let mut headers = HeaderMap::new();
            headers.insert(async_nats::header::NATS_MESSAGE_ID, item.id.as_str());
            if let Some(trace) = TraceContext::from_binary(&item.trace) {
                headers.insert("traceparent", trace.to_string());
            }
            let message = PublishMessage::build()
                .payload(item.json.clone())
                .headers(headers);
            let subject = NOTIFY.subject_of(item.channel.name());
            let sent = self.0.send_publish(subject, message).await;
            let answer = sent.map_err(unavailable)?.into_future();
            answers.push(answer.map(move |answer| (index, answer)));
        }
        let mut refused = Vec::new();
        while let Some((index, answer)) = answers.next().await {
            match answer {
                Ok(_) => {}
                // Waiting would hold up the other channels, and at last the audit.
                Err(error) if is_full(&error) => refused.push(Refused {
                    index,
                    reject: Reject::new("full", "too much waits to be sent: the stream is full"),
                }),
                Err(error) => return Err(unavailable(error)),
            }
        }
        Ok(refused)
    }
}
