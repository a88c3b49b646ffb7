//! The task that owns the socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

use super::client::{Command, End};
use super::error::ClientError;
use super::message::{IncomingPublish, PubAck, Publish};
use super::options::{AckMode, ClientOptions};
use super::received::{ConnAck, Received};
use super::waiting::{Reply, Waiting, WaitingList};
use super::wire::Wire;

/// Commands that wait for the task, and messages that wait for the caller.
const QUEUE: usize = 64;

/// Bytes that may wait for the socket before further commands have to wait.
const OUTBOUND: usize = 64 * 1024;

/// Bytes that a read makes room for.
const INBOUND: usize = 16 * 1024;

pub(super) struct Connection {
    wire: Wire,
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    inbound: BytesMut,
    outbound: BytesMut,
    waiting: WaitingList,
    /// Came in, but the caller has no room for it; nothing is read meanwhile.
    undelivered: Option<IncomingPublish>,
    ack_mode: AckMode,
    /// `None`: no pings.
    keep_alive: Option<Duration>,
    last_sent: Instant,
    /// Pings without an answer; those of the keep-alive have nobody who waits.
    pings: VecDeque<Option<Reply<()>>>,
}

/// Opens the connection and waits for CONNACK.
pub(super) async fn connect(options: &ClientOptions) -> Result<(Connection, ConnAck), ClientError> {
    let within = options.connect_timeout;
    tokio::time::timeout(within, connect_patiently(options))
        .await
        .unwrap_or_else(|_| {
            Err(ClientError::NoAnswer {
                address: options.address.clone(),
                within,
            })
        })
}

async fn connect_patiently(options: &ClientOptions) -> Result<(Connection, ConnAck), ClientError> {
    let stream = TcpStream::connect(&options.address)
        .await
        .and_then(|stream| {
            stream.set_nodelay(true)?;
            Ok(stream)
        });
    let (reader, writer) = stream
        .map_err(|error| ClientError::Unreachable {
            address: options.address.clone(),
            reason: error.to_string(),
        })?
        .into_split();
    let mut connection = Connection {
        wire: Wire::new(options.version),
        reader,
        writer,
        inbound: BytesMut::with_capacity(INBOUND),
        outbound: BytesMut::new(),
        waiting: WaitingList::default(),
        undelivered: None,
        ack_mode: options.ack_mode,
        keep_alive: None,
        last_sent: Instant::now(),
        pings: VecDeque::new(),
    };
    let connack = connection.handshake(options).await?;
    Ok((connection, connack))
}

impl Connection {
    async fn handshake(&mut self, options: &ClientOptions) -> Result<ConnAck, ClientError> {
        self.wire.connect(options, &mut self.outbound)?;
        self.writer
            .write_all_buf(&mut self.outbound)
            .await
            .map_err(|error| broken(&error))?;
        let connack = loop {
            match self.wire.decode(&mut self.inbound)? {
                Some(Received::ConnAck(connack)) => break connack,
                Some(_) => {
                    return Err(ClientError::Protocol(
                        "the first packet is no CONNACK".into(),
                    ));
                }
                None => self.read().await?,
            }
        };
        if connack.reason.is_failure() {
            return Err(ClientError::Refused {
                address: options.address.clone(),
                client_id: options.client_id.to_string(),
                reason: connack.reason,
                text: connack
                    .text
                    .map(|text| format!(": {text}"))
                    .unwrap_or_default(),
            });
        }
        let keep_alive = connack.keep_alive_secs.unwrap_or(options.keep_alive_secs);
        self.keep_alive = (keep_alive > 0).then(|| Duration::from_secs(keep_alive.into()));
        Ok(connack)
    }

    async fn read(&mut self) -> Result<(), ClientError> {
        let read = self.reader.read_buf(&mut self.inbound).await;
        arrived(read)
    }

    /// Starts the task.
    pub(super) fn start(
        mut self,
        window: Arc<Semaphore>,
        end: End,
    ) -> (mpsc::Sender<Command>, mpsc::Receiver<IncomingPublish>) {
        let (command_sender, mut commands) = mpsc::channel(QUEUE);
        let (incoming, incoming_receiver) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let reason = match self.run(&mut commands, &incoming).await {
                Ok(()) => ClientError::Closed,
                Err(error) => error,
            };
            // Set before anybody who waits is woken: they all read it. It is set only here.
            end.get_or_init(|| reason);
            window.close();
        });
        (command_sender, incoming_receiver)
    }

    async fn run(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        incoming: &mpsc::Sender<IncomingPublish>,
    ) -> Result<(), ClientError> {
        loop {
            self.take_received()?;
            let next_ping = self.next_ping();
            tokio::select! {
                read = self.reader.read_buf(&mut self.inbound), if self.undelivered.is_none() => {
                    arrived(read)?;
                }
                written = self.writer.write_buf(&mut self.outbound), if !self.outbound.is_empty() => {
                    written.map_err(|error| broken(&error))?;
                }
                room = incoming.reserve(), if self.undelivered.is_some() => {
                    self.deliver(room.ok())?;
                }
                command = commands.recv(), if self.outbound.len() < OUTBOUND => match command {
                    None => return Ok(()),
                    Some(Command::Disconnect(reply)) => return self.disconnect(reply).await,
                    Some(command) => self.obey(command)?,
                },
                () = tokio::time::sleep_until(next_ping), if self.keep_alive.is_some() => {
                    self.keep_alive()?;
                }
            }
        }
    }

    /// Handles every packet that is there, up to a message that nobody has room for.
    fn take_received(&mut self) -> Result<(), ClientError> {
        while self.undelivered.is_none() {
            let Some(received) = self.wire.decode(&mut self.inbound)? else {
                return Ok(());
            };
            match received {
                Received::Publish(message) => self.undelivered = Some(message),
                // Who asked may have gone away; then nobody needs the answer.
                Received::PubAck(id, ack) => drop(self.waiting.puback(id)?.send(Ok(ack))),
                Received::SubAck(id, codes) | Received::UnsubAck(id, codes) => {
                    drop(self.waiting.codes(id)?.send(Ok(codes)));
                }
                Received::PingResp => {
                    if let Some(Some(reply)) = self.pings.pop_front() {
                        drop(reply.send(Ok(())));
                    }
                }
                Received::Disconnect(reason, text) => {
                    let text = text.map(|text| format!(": {text}")).unwrap_or_default();
                    return Err(ClientError::Disconnected { reason, text });
                }
                Received::ConnAck(_) => {
                    return Err(ClientError::Protocol("a second CONNACK".into()));
                }
            }
        }
        Ok(())
    }

    /// Hands the message over; without a place for it, the caller does not want messages.
    fn deliver(
        &mut self,
        room: Option<mpsc::Permit<'_, IncomingPublish>>,
    ) -> Result<(), ClientError> {
        let Some(message) = self.undelivered.take() else {
            return Ok(());
        };
        let packet_id = message
            .packet_id
            .filter(|_| self.ack_mode == AckMode::Automatic);
        if let Some(room) = room {
            room.send(message);
        }
        if let Some(packet_id) = packet_id {
            self.wire.puback(packet_id, &mut self.outbound)?;
            self.last_sent = Instant::now();
        }
        Ok(())
    }

    fn obey(&mut self, command: Command) -> Result<(), ClientError> {
        self.last_sent = Instant::now();
        match command {
            Command::Publish(publish, permit, reply) => self.publish(publish, permit, reply),
            Command::Subscribe(filters, reply) => {
                let id = self.waiting.free_id(None)?;
                self.wire.subscribe(id, filters, &mut self.outbound)?;
                self.waiting.insert(id, Waiting::Codes(reply));
            }
            Command::Unsubscribe(filters, reply) => {
                let id = self.waiting.free_id(None)?;
                self.wire.unsubscribe(id, filters, &mut self.outbound)?;
                self.waiting.insert(id, Waiting::Codes(reply));
            }
            Command::Acknowledge(packet_id) => self.wire.puback(packet_id, &mut self.outbound)?,
            Command::Ping(reply) => {
                self.wire.ping(&mut self.outbound)?;
                self.pings.push_back(Some(reply));
            }
            // Ends the loop instead.
            Command::Disconnect(reply) => drop(reply),
        }
        Ok(())
    }

    fn publish(
        &mut self,
        publish: Publish,
        permit: Option<OwnedSemaphorePermit>,
        reply: Reply<PubAck>,
    ) {
        let sent = match permit {
            Some(permit) => self.waiting.free_id(publish.packet_id).and_then(|id| {
                self.wire.publish(publish, Some(id), &mut self.outbound)?;
                Ok(Some((id, permit)))
            }),
            None => self
                .wire
                .publish(publish, None, &mut self.outbound)
                .map(|()| None),
        };
        match sent {
            Ok(Some((id, place))) => self.waiting.insert(
                id,
                Waiting::PubAck {
                    reply,
                    _place: place,
                },
            ),
            // Who asked may have gone away; then nobody needs the answer.
            Ok(None) => drop(reply.send(Ok(PubAck::default()))),
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    async fn disconnect(&mut self, reply: Reply<()>) -> Result<(), ClientError> {
        self.wire.disconnect(&mut self.outbound)?;
        self.writer
            .write_all_buf(&mut self.outbound)
            .await
            .map_err(|error| broken(&error))?;
        self.writer
            .shutdown()
            .await
            .map_err(|error| broken(&error))?;
        drop(reply.send(Ok(())));
        Ok(())
    }

    /// When to ping, or to give up a ping.
    fn next_ping(&self) -> Instant {
        self.last_sent + self.keep_alive.unwrap_or_default()
    }

    fn keep_alive(&mut self) -> Result<(), ClientError> {
        // The last thing that was sent may itself be a ping, one keep-alive time ago.
        if !self.pings.is_empty() {
            return Err(ClientError::KeepAlive(self.keep_alive.unwrap_or_default()));
        }
        self.wire.ping(&mut self.outbound)?;
        self.pings.push_back(None);
        self.last_sent = Instant::now();
        Ok(())
    }
}

fn arrived(read: std::io::Result<usize>) -> Result<(), ClientError> {
    match read.map_err(|error| broken(&error))? {
        0 => Err(ClientError::Broken("the server closed it".into())),
        _ => Ok(()),
    }
}

fn broken(error: &std::io::Error) -> ClientError {
    ClientError::Broken(error.to_string())
}
