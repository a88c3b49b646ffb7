//! The handle of one connection.

use std::num::NonZeroU16;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytestring::ByteString;
use mqtt_edge::codec::ReasonCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::connection;
use super::error::ClientError;
use super::message::{IncomingPublish, PubAck, Publish, Qos};
use super::options::ClientOptions;
use super::waiting::Reply;

/// What a handle asks the connection to do.
#[derive(Debug)]
pub(super) enum Command {
    Publish(Publish, Option<OwnedSemaphorePermit>, Reply<PubAck>),
    Subscribe(Vec<ByteString>, Reply<Vec<ReasonCode>>),
    Unsubscribe(Vec<ByteString>, Reply<Vec<ReasonCode>>),
    Acknowledge(NonZeroU16),
    Ping(Reply<()>),
    Disconnect(Reply<()>),
}

/// Why the connection ended; empty while it is open.
pub(super) type End = Arc<OnceLock<ClientError>>;

/// A connection to an MQTT server. Clones share it; it is closed without a DISCONNECT when the
/// last one is dropped. Needs a tokio runtime.
#[derive(Clone, Debug)]
pub struct MqttClient {
    commands: mpsc::Sender<Command>,
    /// The places that are left in the server's window.
    window: Arc<Semaphore>,
    end: End,
    session_present: bool,
}

/// Messages of the subscriptions, in the order of the wire. Drop it to throw them away; if it is
/// kept but not read, the connection stops reading after some, PUBACKs too.
#[derive(Debug)]
pub struct IncomingMessages(pub(super) mpsc::Receiver<IncomingPublish>);

impl IncomingMessages {
    /// The next message; `None` when the connection has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<IncomingPublish> {
        self.0.recv().await
    }
}

impl MqttClient {
    /// Connects and waits for CONNACK.
    pub async fn connect(options: &ClientOptions) -> Result<(Self, IncomingMessages), ClientError> {
        let (connection, connack) = connection::connect(options).await?;
        let window = Arc::new(Semaphore::new(usize::from(connack.receive_maximum)));
        let end = End::default();
        let (commands, incoming) = connection.start(Arc::clone(&window), Arc::clone(&end));
        let session_present = connack.session_present;
        Ok((
            Self {
                commands,
                window,
                end,
                session_present,
            },
            IncomingMessages(incoming),
        ))
    }

    /// The server has kept this client's session.
    pub fn session_present(&self) -> bool {
        self.session_present
    }

    /// Sends a message. Waits while the server's window (Receive Maximum) is full; cancelled while
    /// it waits, nothing is sent. Messages of one caller go out in the order of the calls.
    pub async fn publish(&self, publish: Publish) -> Result<Acknowledgement, ClientError> {
        let permit = match publish.qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce => {
                let window = Arc::clone(&self.window);
                Some(window.acquire_owned().await.map_err(|_| self.end())?)
            }
        };
        let (reply, answer) = oneshot::channel();
        self.send(Command::Publish(publish, permit, reply)).await?;
        Ok(Acknowledgement {
            answer,
            end: Arc::clone(&self.end),
        })
    }

    /// Subscribes with `QoS` 1, and gives the server's answer to each filter.
    pub async fn subscribe(
        &self,
        filters: impl IntoIterator<Item = impl Into<ByteString>>,
    ) -> Result<Vec<ReasonCode>, ClientError> {
        let filters = filters.into_iter().map(Into::into).collect();
        self.ask(|reply| Command::Subscribe(filters, reply)).await
    }

    /// Unsubscribes, and gives the server's answer to each filter; 3.1.1 answers none.
    pub async fn unsubscribe(
        &self,
        filters: impl IntoIterator<Item = impl Into<ByteString>>,
    ) -> Result<Vec<ReasonCode>, ClientError> {
        let filters = filters.into_iter().map(Into::into).collect();
        self.ask(|reply| Command::Unsubscribe(filters, reply)).await
    }

    /// Sends the PUBACK of a message; for [`AckMode::Explicit`](super::AckMode::Explicit).
    pub async fn acknowledge(&self, message: &IncomingPublish) -> Result<(), ClientError> {
        match message.packet_id {
            Some(packet_id) => self.send(Command::Acknowledge(packet_id)).await,
            None => Ok(()),
        }
    }

    /// Resolves at PINGRESP: the server has read everything that was sent before.
    pub async fn ping(&self) -> Result<(), ClientError> {
        self.ask(Command::Ping).await
    }

    /// Sends what was accepted and then DISCONNECT, and closes the connection. PUBACKs are not
    /// waited for.
    pub async fn disconnect(&self) -> Result<(), ClientError> {
        self.ask(Command::Disconnect).await
    }

    /// Resolves when the connection has ended, and says why.
    pub async fn closed(&self) -> ClientError {
        self.commands.closed().await;
        self.end()
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, ClientError> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        answer.await.unwrap_or_else(|_| Err(self.end()))
    }

    async fn send(&self, command: Command) -> Result<(), ClientError> {
        self.commands.send(command).await.map_err(|_| self.end())
    }

    fn end(&self) -> ClientError {
        reason(&self.end)
    }
}

fn reason(end: &End) -> ClientError {
    end.get().cloned().unwrap_or(ClientError::Closed)
}

/// Resolves at the PUBACK of one message (with `QoS` 0: when it is handed to the system), or with
/// the reason why none will come. Dropping it does not recall the message.
#[derive(Debug)]
#[must_use = "a message without its PUBACK may be lost"]
pub struct Acknowledgement {
    answer: oneshot::Receiver<Result<PubAck, ClientError>>,
    end: End,
}

impl Future for Acknowledgement {
    type Output = Result<PubAck, ClientError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(context));
        Poll::Ready(answer.unwrap_or_else(|_| Err(reason(&self.end))))
    }
}
