//! A client that connects again by itself and loses nothing on the way.

use std::time::Duration;

use bytestring::ByteString;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use mqtt_edge::codec::ReasonCode;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client::{Acknowledgement, IncomingMessages, MqttClient};
use super::error::ClientError;
use super::message::{IncomingPublish, PubAck, Publish};
use super::options::ClientOptions;
use super::resend::ResendQueue;

/// Waits between attempts to connect: short, since a restarted edge is back at once.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Events that wait for the caller.
const EVENTS: usize = 256;

/// What a [`ResumableClient`] does.
#[derive(Clone, Debug)]
pub struct ResumableOptions {
    /// How to connect, every time.
    pub client: ClientOptions,
    /// Messages that may be accepted and not acknowledged, 1 to 65,535.
    pub window: usize,
    /// Filters to subscribe to, with `QoS` 1, after each connect and before anything is published.
    pub subscriptions: Vec<ByteString>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum ResumableEvent {
    /// Connected and subscribed; what was not acknowledged is being sent again.
    Connected,
    /// Connecting failed; it is tried until it works. Reported once per outage.
    Unreachable(ClientError),
    /// The connection ended.
    Lost(ClientError),
    /// A message was acknowledged, or refused with a reason. Exactly once per message.
    Acknowledged {
        /// The number it was published under.
        sequence: u64,
        /// The server's answer; of the last attempt, if there were several.
        ack: PubAck,
    },
    /// A message of a subscription came in; its PUBACK is sent.
    Received(IncomingPublish),
}

/// The client has been told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the MQTT client has stopped")]
pub struct Stopped;

/// An ordered queue of messages with a window of unacknowledged ones. When the connection is lost
/// it connects again, with backoff, and sends all unacknowledged messages again in their order, with
/// DUP set, before it sends new ones. Dropping it closes the connection.
#[derive(Debug)]
pub struct ResumableClient {
    queue: mpsc::Sender<(u64, Publish)>,
    task: JoinHandle<Vec<u64>>,
    stop: CancellationToken,
    _stop_at_drop: DropGuard,
}

impl ResumableClient {
    /// Starts to connect. The events must be read, or dropped: unread ones hold everything up.
    pub fn start(options: ResumableOptions) -> (Self, mpsc::Receiver<ResumableEvent>) {
        let window = options.window.clamp(1, usize::from(u16::MAX));
        // What waits here counts as accepted, but the order of the queue is that of the calls.
        let (queue, accepted) = mpsc::channel(1);
        let (events, event_receiver) = mpsc::channel(EVENTS);
        let stop = CancellationToken::new();
        let session = Session {
            options,
            window,
            accepted,
            events,
            unacknowledged: ResendQueue::default(),
            all_accepted: false,
            stop: stop.clone(),
        };
        let task = tokio::spawn(session.run());
        let stop_at_drop = stop.clone().drop_guard();
        (
            Self {
                queue,
                task,
                stop,
                _stop_at_drop: stop_at_drop,
            },
            event_receiver,
        )
    }

    /// Accepts a message; waits while the window is full. Cancelled while it waits, the message is
    /// not accepted. `sequence` names it in [`ResumableEvent::Acknowledged`] and must be unique.
    pub async fn publish(&self, sequence: u64, publish: Publish) -> Result<(), Stopped> {
        self.queue
            .send((sequence, publish))
            .await
            .map_err(|_| Stopped)
    }

    /// Waits until everything is acknowledged, disconnects, and gives the numbers of what was still
    /// not acknowledged after that time. The events must be read meanwhile, too.
    pub async fn finish(self, within: Duration) -> Vec<u64> {
        let Self {
            queue,
            mut task,
            stop,
            _stop_at_drop,
        } = self;
        drop(queue);
        let in_time = tokio::time::timeout(within, &mut task).await;
        let ended = if let Ok(ended) = in_time {
            ended
        } else {
            stop.cancel();
            task.await
        };
        // It does not panic, and nobody aborts it.
        ended.unwrap_or_default()
    }
}

/// Why a connection is not used any more.
enum Left {
    /// Everything is done, or it is time to stop.
    Done,
    Lost(ClientError),
}

struct Session {
    options: ResumableOptions,
    window: usize,
    accepted: mpsc::Receiver<(u64, Publish)>,
    events: mpsc::Sender<ResumableEvent>,
    unacknowledged: ResendQueue,
    all_accepted: bool,
    stop: CancellationToken,
}

impl Session {
    async fn run(mut self) -> Vec<u64> {
        let stop = self.stop.clone();
        // Also holds up nobody who stops while an event waits.
        stop.run_until_cancelled(self.keep_connected()).await;
        self.unacknowledged.into_sequences()
    }

    async fn keep_connected(&mut self) {
        let mut wait = FIRST_WAIT;
        let mut reported = false;
        while !self.is_done() {
            match self.connect().await {
                Ok((client, incoming)) => {
                    (wait, reported) = (FIRST_WAIT, false);
                    self.emit(ResumableEvent::Connected).await;
                    match self.converse(&client, incoming).await {
                        Left::Done => {
                            // Everything is acknowledged: how it ends is all the same.
                            drop(client.disconnect().await);
                            return;
                        }
                        Left::Lost(error) => self.emit(ResumableEvent::Lost(error)).await,
                    }
                }
                Err(error) => {
                    if !reported {
                        reported = true;
                        self.emit(ResumableEvent::Unreachable(error)).await;
                    }
                }
            }
            self.unacknowledged.rewind();
            tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn is_done(&self) -> bool {
        let all_accepted =
            self.all_accepted || (self.accepted.is_closed() && self.accepted.is_empty());
        all_accepted && self.unacknowledged.is_empty()
    }

    async fn connect(&self) -> Result<(MqttClient, IncomingMessages), ClientError> {
        let (client, incoming) = MqttClient::connect(&self.options.client).await?;
        if !self.options.subscriptions.is_empty() {
            let codes = client
                .subscribe(self.options.subscriptions.iter().cloned())
                .await?;
            if let Some((filter, code)) = self
                .options
                .subscriptions
                .iter()
                .zip(codes)
                .find(|(_, code)| code.is_failure())
            {
                return Err(ClientError::Unsendable(format!(
                    "the server refuses to subscribe {:?} to {filter:?}: {code}",
                    self.options.client.client_id
                )));
            }
        }
        Ok((client, incoming))
    }

    /// Sends, takes what comes, and settles, until the connection ends or all is done.
    async fn converse(&mut self, client: &MqttClient, incoming: IncomingMessages) -> Left {
        let mut acknowledgements = Answers::new();
        let left = self.talk(client, incoming, &mut acknowledgements).await;
        // What came in before the end counts: it must not be published again.
        while let Some(Some((sequence, Ok(ack)))) = acknowledgements.next().now_or_never() {
            if self.unacknowledged.acknowledge(sequence) {
                self.emit(ResumableEvent::Acknowledged { sequence, ack })
                    .await;
            }
        }
        left
    }

    async fn talk(
        &mut self,
        client: &MqttClient,
        mut incoming: IncomingMessages,
        acknowledgements: &mut Answers,
    ) -> Left {
        loop {
            if self.all_accepted && self.unacknowledged.is_empty() {
                return Left::Done;
            }
            let next = self
                .unacknowledged
                .unsent()
                .map(|m| (m.sequence, m.publish.clone()));
            let send = async {
                match next {
                    Some((sequence, publish)) => (sequence, client.publish(publish).await),
                    None => std::future::pending().await,
                }
            };
            let accepts = !self.all_accepted && self.unacknowledged.len() < self.window;
            tokio::select! {
                (sequence, sent) = send => match sent {
                    Ok(acknowledgement) => {
                        self.unacknowledged.mark_sent();
                        acknowledgements.push(answer(sequence, acknowledgement).boxed());
                    }
                    Err(error) => return Left::Lost(error),
                },
                Some((sequence, ack)) = acknowledgements.next() => match ack {
                    Ok(ack) => {
                        if self.unacknowledged.acknowledge(sequence) {
                            self.emit(ResumableEvent::Acknowledged { sequence, ack }).await;
                        }
                    }
                    // Repeating it would fail for ever.
                    Err(ClientError::Unsendable(text)) => self.refuse(sequence, text).await,
                    Err(error) => return Left::Lost(error),
                },
                accepted = self.accepted.recv(), if accepts => match accepted {
                    Some((sequence, publish)) => self.unacknowledged.push(sequence, publish),
                    None => self.all_accepted = true,
                },
                message = incoming.next() => match message {
                    Some(message) => self.emit(ResumableEvent::Received(message)).await,
                    None => return Left::Lost(client.closed().await),
                },
            }
        }
    }

    async fn refuse(&mut self, sequence: u64, text: String) {
        self.unacknowledged.acknowledge(sequence);
        let ack = PubAck {
            reason: ReasonCode::MALFORMED_PACKET,
            text: Some(text.into()),
        };
        self.emit(ResumableEvent::Acknowledged { sequence, ack })
            .await;
    }

    async fn emit(&self, event: ResumableEvent) {
        // A caller who dropped the receiver does not want to know.
        drop(self.events.send(event).await);
    }
}

/// Acknowledgements that are awaited, each with its message's number.
type Answers = FuturesUnordered<BoxFuture<'static, (u64, Result<PubAck, ClientError>)>>;

async fn answer(
    sequence: u64,
    acknowledgement: Acknowledgement,
) -> (u64, Result<PubAck, ClientError>) {
    (sequence, acknowledgement.await)
}
