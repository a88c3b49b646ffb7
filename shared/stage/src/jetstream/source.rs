//! Frames of one partition out of a durable pull consumer.

use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::jetstream::consumer::{self, PullConsumer, pull};
use async_nats::jetstream::context::Context;
use async_nats::jetstream::message::{AckKind, Acker, Message};
use futures::{FutureExt, StreamExt};
use record::{Frame, FrameItem, StageItem};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use topology::{Retention, StreamSpec};
use tracing::{debug, warn};

use crate::lease::Lease;
use crate::retry::Backoff;
use crate::source::{Batch, Delivery, NotAFrame, Source};

/// Frames asked for at once. With frames of up to 512 KiB this bounds the client's memory.
const FRAMES_PER_PULL: usize = 16;

/// Life of one pull. It must stay well below the time after which another replica may take the
/// partition over: a paused owner's pull keeps taking messages until it expires.
pub const PULL_EXPIRES: Duration = Duration::from_millis(1500);

/// Records in a batch at most: a whole backlog is merged up to here.
const BATCH_RECORDS: usize = 4096;

/// How often an idle lane looks whether its connection was made anew. What was on its way in the
/// dead one would otherwise come after the ack wait of a minute.
const CONNECTION_CHECK: Duration = Duration::from_millis(500);

/// For so long after a pull was opened an idle lane looks whether something was delivered past it.
/// Another replica that has just lost the partition may have taken it with an older pull; it would
/// come after the ack wait.
const OTHERS_MAY_PULL: Duration = Duration::from_secs(5);

/// How often an idle lane looks after that. Whatever else may be delivered past it, or acknowledged
/// in vain, on a busy machine: it would come after the ack wait, and is brought back now.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long a delivery that is on its way here may take.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// How long the end waits for the last acknowledgements to reach the server.
const FLUSH_DEADLINE: Duration = Duration::from_secs(1);

/// A pull while it is opened, and the consumer sequence from which it counts.
type Opening = AbortOnDropHandle<Result<(pull::Stream, u64), async_nats::Error>>;

/// Reads one partition of a stream, in order.
pub struct JetStreamSource<T> {
    context: Context,
    spec: StreamSpec,
    durable: String,
    messages: Option<pull::Stream>,
    stop: CancellationToken,
    lease: Lease,
    lag: Option<u64>,
    /// Consumer sequence of the last delivery, or of the reset before the first one: what went to
    /// another instance, or to an older pull, is seen as a gap.
    delivered: u64,
    /// The same of the last batch that was given, and of the last that was settled.
    given: u64,
    settled: u64,
    /// Which of the client's connections the pull was opened on.
    connection: u64,
    /// When the pull was opened.
    opened: Instant,
    /// When an idle lane looked last whether its connection is the same.
    checked: Instant,
    /// When it looked last what the server has delivered.
    looked: Instant,
    /// When something came last.
    arrived: Instant,
    opening: Option<Opening>,
    was_open: bool,
    /// A frame that was acknowledged and is still there: it is to come again.
    left_over: Option<u64>,
    item: PhantomData<fn() -> T>,
}

impl<T: FrameItem + StageItem> JetStreamSource<T> {
    /// Reads through a durable that the provisioner made. `stop` ends it: it then gives no more
    /// batches, and what it has fetched and not given stays in the stream. Without the `lease` it
    /// reads nothing.
    pub fn new(
        context: Context,
        spec: StreamSpec,
        durable: String,
        stop: CancellationToken,
        lease: Lease,
    ) -> Self {
        Self {
            context,
            spec,
            durable,
            messages: None,
            stop,
            lease,
            lag: None,
            delivered: 0,
            given: 0,
            settled: 0,
            connection: 0,
            opened: Instant::now(),
            checked: Instant::now(),
            looked: Instant::now(),
            arrived: Instant::now(),
            opening: None,
            was_open: false,
            left_over: None,
            item: PhantomData,
        }
    }

    async fn receive(&mut self) -> Option<Message> {
        let mut backoff = Backoff::up_to(Duration::from_secs(1));
        loop {
            match self.receive_once().await {
                Ok(Some(message)) => return Some(message),
                Ok(None) => continue,
                Err(failure) => debug!(durable = self.durable, failure, "opening the pull again"),
            }
            self.messages = None;
            backoff.wait().await;
        }
    }

    /// One message; or none yet.
    async fn receive_once(&mut self) -> Result<Option<Message>, String> {
        if self.messages.is_none() {
            self.open().await?;
        }
        let due = CONNECTION_CHECK.saturating_sub(self.checked.elapsed());
        if let Some(message) = self.arrived_within(due).await? {
            return Ok(Some(message));
        }
        self.checked = Instant::now();
        self.same_connection()?;
        if self.opened.elapsed() < OTHERS_MAY_PULL || self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            if let Some(amiss) = self.amiss().await? {
                let message = self.arrived_within(ON_ITS_WAY).await?;
                return message.map(Some).ok_or_else(|| amiss.to_owned());
            }
        }
        Ok(None)
    }

    /// The next message in sequence, if one comes in time.
    async fn arrived_within(&mut self, time: Duration) -> Result<Option<Message>, String> {
        let Some(messages) = &mut self.messages else {
            return Err("not open".to_owned());
        };
        match timeout(time, messages.next()).await {
            Ok(Some(Ok(message))) => self.in_sequence(message).map(Some),
            Ok(Some(Err(error))) => Err(error.to_string()),
            Ok(None) => Err("the pull ended".to_owned()),
            Err(_elapsed) => Ok(None),
        }
    }

    /// Why something waits at the server that an idle lane should have. It may have delivered something
    /// else than what has arrived here: more, or, after a reset by another, less. Or it still waits for
    /// acknowledgements, long after all were sent.
    async fn amiss(&mut self) -> Result<Option<&'static str>, String> {
        let info = self.info().await.map_err(|error| error.to_string())?;
        if info.delivered.consumer_sequence != self.delivered {
            return Ok(Some("a delivery went elsewhere"));
        }
        if self.arrived.elapsed() < LOOK_EVERY {
            return Ok(None);
        }
        if info.num_ack_pending > 0 {
            return Ok(Some("an acknowledgement did not arrive"));
        }
        self.left_over = self.left_over(&info).await;
        Ok(self
            .left_over
            .map(|_| "an acknowledged frame is still there"))
    }

    /// A frame behind which everything is acknowledged. A nats-server that is killed may know an
    /// acknowledgement afterwards and have forgotten that it removed the message: nobody would ever
    /// get it, and it would fill the queue for ever.
    async fn left_over(&self, info: &consumer::Info) -> Option<u64> {
        if self.spec.retention != Retention::WorkQueue || info.num_pending > 0 {
            return None;
        }
        let stream = self.context.get_stream_no_info(self.spec.name).await.ok()?;
        let subject = &info.config.filter_subject;
        let first = stream.get_first_raw_message_by_subject(subject, 1).await;
        let first = first.ok()?.sequence;
        (first <= info.ack_floor.stream_sequence).then_some(first)
    }

    async fn info(&self) -> Result<consumer::Info, async_nats::Error> {
        let stream = self.context.get_stream_no_info(self.spec.name).await?;
        Ok(stream.consumer_info(&self.durable).await?)
    }

    /// Connections that the client has made so far.
    fn connections(&self) -> u64 {
        self.context
            .client()
            .statistics()
            .connects
            .load(Ordering::Relaxed)
    }

    /// After a short break of the connection the client pulls again by itself. What the server had
    /// written into the dead socket, and what was acknowledged into it, would only come after the
    /// ack wait, behind newer frames. Opening again, with its reset, brings it first.
    fn same_connection(&self) -> Result<(), String> {
        if self.connections() == self.connection {
            return Ok(());
        }
        Err("the connection was made anew".to_owned())
    }

    /// Lets a delivery through that follows the last one on the same connection.
    fn in_sequence(&mut self, message: Message) -> Result<Message, String> {
        self.same_connection()?;
        let sequence = message
            .info()
            .map(|info| info.consumer_sequence)
            .unwrap_or_default();
        let expected = self.delivered + 1;
        if expected != sequence {
            return Err(format!("delivery {sequence} came where {expected} was due"));
        }
        self.delivered = sequence;
        self.arrived = Instant::now();
        Ok(message)
    }

    /// Opens the pull, in a task of its own: a caller that gives up and comes again, as a lane does
    /// between two ticks of its handler, finds it under way.
    async fn open(&mut self) -> Result<(), String> {
        if self.opening.is_none() {
            // Read before: a connection that breaks while the pull is opened is noticed.
            self.connection = self.connections();
            // Whatever broke the last pull, another replica may have the partition by now: its reset
            // and this one's would undo each other, and its deliveries could be taken for ours.
            let broken = self.was_open.then(Instant::now);
            self.was_open = true;
            let lease = self.lease.clone();
            let (context, stream) = (self.context.clone(), self.spec.name);
            let durable = self.durable.clone();
            let from = self.left_over.take();
            let opening = async move {
                match broken {
                    Some(broken) => lease.confirmed_after(broken).await,
                    None => lease.hold().await,
                }
                open(context, stream, durable, from).await
            };
            self.opening = Some(AbortOnDropHandle::new(tokio::spawn(opening)));
        }
        let Some(opening) = &mut self.opening else {
            return Err("not opening".to_owned());
        };
        let opened = opening.await;
        self.opening = None;
        let opened = opened.map_err(|error| error.to_string())?;
        let (messages, delivered) = opened.map_err(|error| {
            let durable = &self.durable;
            warn!(durable, %error, "cannot read the stream; still trying");
            error.to_string()
        })?;
        self.messages = Some(messages);
        self.delivered = delivered;
        self.given = delivered;
        self.settled = delivered;
        self.opened = Instant::now();
        (self.checked, self.looked, self.arrived) = (self.opened, self.opened, self.opened);
        Ok(())
    }

    /// Whatever has arrived already, without waiting.
    fn received_already(&mut self) -> Option<Message> {
        let arrived = self.messages.as_mut()?.next().now_or_never()?;
        let message = arrived
            .and_then(Result::ok)
            .and_then(|one| self.in_sequence(one).ok());
        if message.is_none() {
            // The next batch opens the pull again.
            self.messages = None;
        }
        message
    }

    fn delivery(&mut self, message: Message) -> Delivery<T, Acker> {
        let (sequence, pending) = message
            .info()
            .map_or((0, 0), |info| (info.stream_sequence, info.pending));
        self.lag = Some(pending);
        let (message, token) = message.split();
        let items = Frame::read(message.payload.clone())
            .map(|frame| frame.items)
            .map_err(|error| NotAFrame {
                bytes: message.payload,
                error,
            });
        Delivery {
            sequence,
            items,
            token,
        }
    }
}

/// Opens the pull after a reset: whatever was delivered and not acknowledged, to this process or to
/// one that died, comes again first, in order; or whatever is there from a sequence on.
async fn open(
    context: Context,
    stream: &'static str,
    durable: String,
    from: Option<u64>,
) -> Result<(pull::Stream, u64), async_nats::Error> {
    let stream = context.get_stream(stream).await?;
    let reset = stream.reset_consumer(&durable, from).await?;
    let consumer: PullConsumer = stream.get_consumer(&durable).await?;
    let messages = consumer
        .stream()
        .max_messages_per_batch(FRAMES_PER_PULL)
        .expires(PULL_EXPIRES)
        .heartbeat(PULL_EXPIRES / 4)
        .messages()
        .await?;
    Ok((messages, reset.info.delivered.consumer_sequence))
}

impl<T: FrameItem + StageItem> Source for JetStreamSource<T> {
    type Item = T;
    type Token = Acker;

    async fn next(&mut self) -> Option<Batch<T, Acker>> {
        let stop = self.stop.clone();
        let first = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            message = self.receive() => message,
        }?;
        let mut deliveries = vec![self.delivery(first)];
        let mut records: usize = deliveries.iter().map(Delivery::len).sum();
        while records < BATCH_RECORDS {
            let Some(message) = self.received_already() else {
                break;
            };
            let delivery = self.delivery(message);
            records += delivery.len();
            deliveries.push(delivery);
        }
        self.given = self.delivered;
        Some(Batch { deliveries })
    }

    async fn in_progress(&self, tokens: &[&Acker]) {
        for token in tokens {
            if let Err(error) = token.ack_with(AckKind::Progress).await {
                debug!(%error, "could not say that a frame is in progress");
            }
        }
    }

    async fn settle(&mut self, tokens: Vec<Acker>) {
        for token in tokens {
            // A lost acknowledgement only means that the frame comes again.
            if let Err(error) = token.ack().await {
                debug!(%error, "could not acknowledge a frame");
            }
        }
        self.settled = self.given;
    }

    /// The last acknowledgements are in the client's buffer, and then in a queue of the server's:
    /// whoever reads the partition next would get their frames again.
    async fn flush(&mut self) {
        let flushed = timeout(FLUSH_DEADLINE, async {
            self.context.client().flush().await?;
            let mut backoff = Backoff::up_to(Duration::from_millis(100));
            while self.info().await?.ack_floor.consumer_sequence < self.settled {
                backoff.wait().await;
            }
            Ok::<_, async_nats::Error>(())
        });
        if !matches!(flushed.await, Ok(Ok(()))) {
            warn!(
                durable = self.durable,
                "the last acknowledgements did not reach NATS"
            );
        }
    }

    fn stream(&self) -> &'static str {
        self.spec.name
    }

    fn is_live(&self) -> bool {
        self.messages.is_some() && self.context.client().connection_state() == State::Connected
    }

    fn lag(&self) -> Option<u64> {
        self.lag
    }
}
