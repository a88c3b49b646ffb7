//! What goes out to one client: PUBACKs when their frames are stored, deliveries, answers.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroU16;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

use crate::codec::{Answer, Encoder};

/// The write side of a connection, shared by its session and its lane.
///
/// The lane writes the PUBACKs of a frame straight to the socket: waking the session for that
/// would cost as much as the write. Only when the socket is full does the session take over.
#[derive(Debug)]
pub struct Outbox {
    stream: OwnedWriteHalf,
    encoder: Encoder,
    state: Mutex<State>,
    backlog: Notify,
    all_stored: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Encoded and not yet written.
    out: BytesMut,
    /// Each PUBACK with its frame, in the order of the messages (MQTT-4.6.0-2).
    waiting: VecDeque<Waiting>,
    /// Number of the last frame that knows of this outbox.
    known_to: Option<u64>,
    broken: bool,
}

#[derive(Debug)]
struct Waiting {
    frame: u64,
    packet_id: NonZeroU16,
    answer: Answer,
}

impl Outbox {
    /// The write side of a stream, for a client as its CONNECT described it.
    pub fn new(stream: OwnedWriteHalf, encoder: Encoder) -> Self {
        Self {
            stream,
            encoder,
            state: Mutex::default(),
            backlog: Notify::new(),
            all_stored: Notify::new(),
        }
    }

    /// A PUBACK that waits for a frame. True when the frame must be told of this outbox.
    pub fn expect_stored(&self, frame: u64, packet_id: NonZeroU16, answer: Answer) -> bool {
        let mut state = self.state.lock();
        state.waiting.push_back(Waiting {
            frame,
            packet_id,
            answer,
        });
        state.known_to.replace(frame) != Some(frame)
    }

    /// Frames up to this one are stored: their PUBACKs go out in one write.
    pub fn stored(&self, frame: u64) {
        self.release(&mut self.state.lock(), frame);
    }

    /// Messages whose PUBACK is outstanding.
    pub fn unacknowledged(&self) -> usize {
        self.state.lock().waiting.len()
    }

    /// Waits until every PUBACK is out: what the client sent is stored.
    pub async fn acknowledged_all(&self) {
        loop {
            let all_stored = self.all_stored.notified();
            if self.unacknowledged() == 0 {
                return;
            }
            all_stored.await;
        }
    }

    /// Appends packets and writes what the socket takes.
    pub fn send<T>(&self, encode: impl FnOnce(&Encoder, &mut BytesMut) -> T) -> T {
        let mut state = self.state.lock();
        let result = encode(&self.encoder, &mut state.out);
        self.write(&mut state);
        result
    }

    /// Waits until something could not be written at once.
    pub async fn backlogged(&self) {
        self.backlog.notified().await;
    }

    /// Waits until the socket takes more.
    pub async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// Bytes that wait for the socket.
    pub fn backlog_len(&self) -> usize {
        self.state.lock().out.len()
    }

    /// Writes what the socket takes; false when there is more, an error when the peer is gone.
    pub fn flush(&self) -> io::Result<bool> {
        let mut state = self.state.lock();
        self.write(&mut state);
        if state.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(state.out.is_empty())
    }

    fn release(&self, state: &mut State, frame: u64) {
        while let Some(first) = state.waiting.front().filter(|first| first.frame <= frame) {
            let (packet_id, answer) = (first.packet_id, first.answer);
            self.encoder
                .encode_puback(packet_id, answer, &mut state.out);
            state.waiting.pop_front();
        }
        self.write(state);
        if state.waiting.is_empty() {
            self.all_stored.notify_waiters();
        }
    }

    fn write(&self, state: &mut State) {
        while !state.out.is_empty() && !state.broken {
            match self.stream.try_write(&state.out) {
                Ok(written) => state.out.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_gone) => state.broken = true,
            }
        }
        if state.broken || !state.out.is_empty() {
            self.backlog.notify_one();
        }
    }
}
