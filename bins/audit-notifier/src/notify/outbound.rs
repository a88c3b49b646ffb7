//! The flow `send`: one channel's deliveries out of NOTIFY, to people.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::message::{AckKind, Acker, Message};
use bytes::Bytes;
use futures::StreamExt;
use notification::{Channel, ChannelKind, Delivery, Pushed, Queue};
use record::{DeadLetter, Original, TraceContext};
use stage::jetstream::{JetStreamSink, PULL_EXPIRES};
use stage::{Backoff, OwnedLane, Reject, Sink, now_ms};
use telemetry::{Failure, KeyValue, SpanShape};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};
use topology::{NOTIFY, SEND};
use tracing::{debug, info, warn};

use super::attempt::{Attempted, Sent, attempt};
use super::claims::{Before, LaneClaims};

/// Deliveries held at a time; the rest stays in the stream.
const HELD: usize = 5000;

/// Of these for one address; what comes beyond waits in the stream for so long.
const SHARE: usize = 500;
const LATER: Duration = Duration::from_mins(1);

/// A delivery that another is sending comes again after this, to see how that ended.
const SOON: Duration = Duration::from_secs(2);

/// Deliveries asked for at once.
const PER_PULL: usize = 100;

/// How often what is held says that it is: well within the ack wait of a minute.
const PROGRESS_EVERY: Duration = Duration::from_secs(20);

/// What has longer to wait goes back to the stream until then.
const LONG_WAIT: Duration = Duration::from_mins(10);

/// What settles a held delivery.
#[derive(Clone)]
struct Token {
    acker: Arc<Acker>,
    trace: Option<TraceContext>,
    taken_at: SystemTime,
    /// Where it goes; empty until the delivery is read.
    address: String,
}

/// What a channel works with.
pub(super) struct OutboundParts {
    /// Which channel, and where from.
    pub(super) lane: OwnedLane,
    pub(super) queue: Queue<String>,
    pub(super) claims: LaneClaims,
    pub(super) letters: JetStreamSink<DeadLetter>,
    pub(super) shape: SpanShape,
    /// Messages on their way at a time. Each bears a mark and would be uncertain after a crash, so
    /// there are no more than the channel can really send at once.
    pub(super) at_once: usize,
}

/// One channel. A dead one stands still with its own deliveries, and with nobody else's.
pub(super) struct Outbound<C> {
    channel: Arc<C>,
    parts: OutboundParts,
    /// Tokens of what is held, by delivery id.
    held: HashMap<String, Token>,
    under_way: JoinSet<Attempted>,
    letters: u64,
    /// Nothing was read yet.
    is_new: bool,
}

impl<C: Channel + 'static> Outbound<C> {
    pub(super) fn new(channel: C, parts: OutboundParts) -> Self {
        Self {
            channel: Arc::new(channel),
            parts,
            held: HashMap::new(),
            under_way: JoinSet::new(),
            letters: 0,
            is_new: true,
        }
    }

    /// Runs until the stage stops; what is under way then is waited for.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::up_to(Duration::from_secs(5));
        while !self.parts.lane.stop.is_cancelled() {
            if let Err(error) = self.serve().await {
                if error.is::<JoinError>() {
                    // A defect: the lane is opened anew, with marks for what was under way.
                    return;
                }
                debug!(channel = self.kind().name(), %error, "reads its deliveries again");
                backoff.wait().await;
            }
        }
        while let Some(attempted) = self.under_way.join_next().await {
            let Ok(attempted) = attempted else { continue };
            self.attempted(attempted).await;
        }
        if let Err(error) = self.parts.lane.connections.consuming.client().flush().await {
            debug!(%error, "the last acknowledgements may come again");
        }
    }

    async fn serve(&mut self) -> anyhow::Result<()> {
        let stream = self
            .parts
            .lane
            .connections
            .consuming
            .get_stream(NOTIFY.name)
            .await?;
        let durable = SEND.durable(self.kind().name());
        if self.is_new {
            // What a process that died had held comes at once, not after its ack wait.
            stream.reset_consumer(&durable, None).await?;
            self.is_new = false;
        }
        let consumer: PullConsumer = stream
            .get_consumer(&durable)
            .await
            .map_err(anyhow::Error::from_boxed)?;
        let pull = consumer.stream().max_messages_per_batch(PER_PULL);
        let pull = pull.expires(PULL_EXPIRES).heartbeat(PULL_EXPIRES / 4);
        let mut messages = pull.messages().await?;
        let mut progress = interval(PROGRESS_EVERY);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.parts.lane.stop.clone();
        loop {
            self.parts.lane.lease.hold().await;
            self.send_what_is_due().await;
            let wait = self.wait();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(attempted) = self.under_way.join_next() => self.attempted(attempted?).await,
                message = messages.next(), if self.held.len() < HELD => {
                    let Some(message) = message else { return Ok(()) };
                    self.take(message?).await;
                }
                _ = progress.tick() => self.say_in_progress().await,
                () = sleep(wait) => {}
            }
        }
    }

    fn kind(&self) -> ChannelKind {
        self.channel.kind()
    }

    fn wait(&self) -> Duration {
        let now = now_ms();
        let wake = self.parts.queue.next_wake(now);
        let wait = wake.map_or(PROGRESS_EVERY, |wake| {
            Duration::from_millis(wake.saturating_sub(now))
        });
        // With all places taken, the end of a try is what to wait for.
        let least = Duration::from_millis(if self.under_way.len() < self.parts.at_once {
            1
        } else {
            1000
        });
        wait.clamp(least, PROGRESS_EVERY)
    }

    /// Takes one message of the stream.
    async fn take(&mut self, message: Message) {
        let trace = message
            .headers
            .as_ref()
            .and_then(|headers| headers.get("traceparent"))
            .and_then(|value| TraceContext::from_traceparent(value.as_str()));
        let (message, acker) = message.split();
        let mut token = Token {
            acker: Arc::new(acker),
            trace,
            taken_at: SystemTime::now(),
            address: String::new(),
        };
        self.parts.lane.metrics.records_taken.add(1);
        let delivery = match Delivery::read(&message.payload) {
            Ok(delivery) => delivery,
            Err(error) => {
                let reject = Reject::new("json", error.to_string());
                return self.bury(message.payload, reject, token).await;
            }
        };
        let wait = Duration::from_millis(delivery.not_before_ms.saturating_sub(now_ms()));
        if wait > LONG_WAIT {
            return settle(&token, AckKind::Nak(Some(wait))).await;
        }
        token.address.clone_from(&delivery.address);
        if self.is_crowded(&delivery.address) {
            return settle(&token, AckKind::Nak(Some(LATER))).await;
        }
        match self.before(&delivery.id).await {
            Before::Sent => settle(&token, AckKind::Ack).await,
            Before::UnderWay => settle(&token, AckKind::Nak(Some(SOON))).await,
            Before::Uncertain => {
                let why = "it may have been sent: the process that was sending it died";
                let reject = Reject::new("uncertain", why);
                self.bury(message.payload, reject, token).await;
            }
            Before::Nothing => self.hold(delivery, token).await,
        }
    }

    /// Whether an address has its share of what is held: one that is dead must not keep the
    /// deliveries of the others in the stream.
    fn is_crowded(&self, address: &str) -> bool {
        self.held.len() >= SHARE
            && self
                .held
                .values()
                .filter(|held| held.address == address)
                .count()
                >= SHARE
    }

    /// Waits for the answer: a delivery is never sent without it.
    async fn before(&self, id: &str) -> Before {
        let mut backoff = Backoff::up_to(Duration::from_secs(1));
        // What is under way in this very process has its mark, too.
        if self.held.contains_key(id) {
            return Before::Nothing;
        }
        loop {
            match self.parts.claims.before(id).await {
                Ok(before) => return before,
                Err(error) => debug!("{error}"),
            }
            backoff.wait().await;
        }
    }

    async fn hold(&mut self, delivery: Delivery, token: Token) {
        let id = delivery.id.clone();
        match self.parts.queue.push(delivery, id.clone(), now_ms()) {
            // If it came again, the newer token is the one that settles it.
            Pushed::Held | Pushed::Duplicate(_) => {
                self.held.insert(id, token);
            }
            Pushed::Sent(_) => settle(&token, AckKind::Ack).await,
        }
    }

    async fn send_what_is_due(&mut self) {
        for (delivery, id) in self.parts.queue.expired(now_ms()) {
            let reject = Reject::new("deadline", "it could not be sent before its deadline");
            self.bury_held(&delivery, &id, reject).await;
        }
        while self.under_way.len() < self.parts.at_once {
            let Some(outgoing) = self.parts.queue.next(now_ms()) else {
                return;
            };
            let (channel, claims) = (Arc::clone(&self.channel), self.parts.claims.clone());
            self.under_way.spawn(attempt(channel, claims, outgoing));
        }
    }

    async fn attempted(&mut self, attempted: Attempted) {
        let Attempted {
            outgoing,
            result,
            began,
        } = attempted;
        let ids: Vec<String> = outgoing.members.iter().map(|(_, id)| id.clone()).collect();
        match result {
            Sent::Done => {
                self.trace(&ids, began);
                self.parts.lane.metrics.records_stored.add(ids.len() as u64);
                for id in self.parts.queue.succeeded(outgoing, now_ms()) {
                    if let Some(token) = self.held.remove(&id) {
                        settle(&token, AckKind::Ack).await;
                    }
                }
            }
            // Not settled: it comes again after the ack wait, unless the other one settles it.
            Sent::Elsewhere => {
                for id in self.parts.queue.succeeded(outgoing, now_ms()) {
                    self.held.remove(&id);
                }
            }
            Sent::Failed(error) => {
                self.parts.lane.metrics.retries.add(1);
                let channel = self.kind().name();
                info!(channel, retry = error.retry, "not sent: {error}");
                let reject = Reject::new("refused", error.to_string());
                for (delivery, id) in self.parts.queue.failed(outgoing, &error, now_ms()) {
                    self.bury_held(&delivery, &id, reject.clone()).await;
                }
            }
        }
    }

    fn trace(&self, ids: &[String], began: SystemTime) {
        let contexts = ids.iter().filter_map(|id| self.held.get(id)?.trace);
        for parent in contexts.filter(|context| context.sampled) {
            let members = i64::try_from(ids.len()).unwrap_or(i64::MAX);
            let attributes = || vec![KeyValue::new("latchwork.deliveries", members)];
            self.parts.lane.tracer.child_span(
                &self.parts.shape,
                parent.child(),
                parent,
                began..SystemTime::now(),
                attributes,
            );
        }
    }

    fn trace_reject(&self, token: &Token, code: &'static str, detail: &str) {
        let Some(parent) = token.trace else { return };
        let failure = Failure {
            kind: code,
            text: detail,
        };
        let (shape, times) = (&self.parts.shape, token.taken_at..SystemTime::now());
        let tracer = &self.parts.lane.tracer;
        tracer.reject_span(shape, parent, times, failure, Vec::new);
    }

    async fn bury_held(&mut self, delivery: &Delivery, id: &str, reject: Reject) {
        if let Some(token) = self.held.remove(id) {
            self.bury(delivery.to_json().into(), reject, token).await;
        }
    }

    /// Into the dead letters, and only then out of the stream.
    async fn bury(&mut self, json: Bytes, reject: Reject, token: Token) {
        self.letters += 1;
        let letter = DeadLetter {
            stage: Bytes::from_static(SEND.name.as_bytes()),
            code: Bytes::from_static(reject.code.as_bytes()),
            detail: reject.detail.into(),
            refused_at_ms: now_ms(),
            stream: Bytes::from_static(NOTIFY.name.as_bytes()),
            original: Some(Original::Bytes(json)),
            ..DeadLetter::default()
        };
        let name = format!("{}:{}:{}", SEND.name, now_ms(), self.letters);
        let mut backoff = Backoff::up_to(Duration::from_secs(5));
        while let Err(error) = self
            .parts
            .letters
            .send(&name, std::slice::from_ref(&letter))
            .await
        {
            warn!("{error}; waiting, nothing is lost");
            backoff.wait().await;
        }
        self.parts.lane.metrics.dead_letters(reject.code, 1);
        self.trace_reject(&token, reject.code, letter.detail());
        settle(&token, AckKind::Ack).await;
    }

    async fn say_in_progress(&self) {
        for token in self.held.values() {
            settle(token, AckKind::Progress).await;
        }
    }
}

/// A lane that is taken away must not cut what is on its way to people: the try goes on, and its mark
/// tells the next owner how it ended.
impl<C> Drop for Outbound<C> {
    fn drop(&mut self) {
        self.under_way.detach_all();
    }
}

/// A lost settlement makes the delivery come again; its mark keeps it from being sent again.
async fn settle(token: &Token, kind: AckKind) {
    if let Err(error) = token.acker.ack_with(kind).await {
        debug!(%error, "could not settle a delivery");
    }
}
