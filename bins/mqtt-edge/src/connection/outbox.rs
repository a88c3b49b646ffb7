//! What goes out to one client: PUBACKs when their frames are stored, deliveries, answers.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroU16;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::unanswered::{ExactlyOnce, Unanswered};
use crate::codec::{Answer, Encoder};
use crate::wire::{WireReader, WireWriter};

/// How long the last bytes may take to leave.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// The write side of a connection, shared by its session and its lane.
///
/// The lane writes the PUBACKs of a frame straight to the socket: waking the session for that
/// would cost as much as the write. Only when the socket is full does the session take over, and
/// with TLS or WebSocket, which the lane can't write to.
#[derive(Debug)]
pub struct Outbox {
    writer: WireWriter,
    encoder: Encoder,
    state: Mutex<State>,
    backlog: Notify,
    all_stored: Notify,
    to_remember: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Encoded and not yet written.
    out: BytesMut,
    /// A layer above TCP has taken bytes that it has not passed on.
    in_layers: bool,
    unanswered: Unanswered,
    /// Number of the last frame that knows of this outbox.
    known_to: Option<u64>,
    broken: bool,
}

impl Outbox {
    /// The write side of a stream, for a client as its CONNECT described it.
    pub fn new(writer: WireWriter, encoder: Encoder) -> Self {
        Self::resumed(writer, encoder, Unanswered::default())
    }

    /// The same for a session that goes on.
    pub(super) fn resumed(writer: WireWriter, encoder: Encoder, unanswered: Unanswered) -> Self {
        let state = State {
            unanswered,
            ..State::default()
        };
        Self {
            writer,
            encoder,
            state: Mutex::new(state),
            backlog: Notify::new(),
            all_stored: Notify::new(),
            to_remember: Notify::new(),
        }
    }

    /// A PUBACK, or the PUBREC of a message that is stored exactly once, that waits for a frame.
    /// True when the frame must be told of this outbox.
    pub fn expect_stored(
        &self,
        frame: u64,
        packet_id: NonZeroU16,
        answer: Answer,
        exactly_once: bool,
    ) -> bool {
        let mut state = self.state.lock();
        state
            .unanswered
            .expect(frame, packet_id, answer, exactly_once);
        state.known_to.replace(frame) != Some(frame)
    }

    /// What the client is told of a message that waits for a frame has changed.
    pub fn overrule(&self, packet_id: NonZeroU16, answer: Answer) {
        self.state.lock().unanswered.overrule(packet_id, answer);
    }

    /// Frames up to this one are stored: their answers go out in one write.
    pub fn stored(&self, frame: u64) {
        let mut state = self.state.lock();
        let State {
            unanswered, out, ..
        } = &mut *state;
        if unanswered.stored(frame, self.encoder, out) {
            self.to_remember.notify_one();
        }
        self.answered(&mut state);
    }

    /// Refuses a message that is not stored, behind the answers before it.
    pub(super) fn refuse(&self, packet_id: NonZeroU16, answer: Answer, exactly_once: bool) {
        let mut state = self.state.lock();
        let State {
            unanswered, out, ..
        } = &mut *state;
        unanswered.refuse(packet_id, answer, exactly_once, self.encoder, out);
        self.answered(&mut state);
    }

    /// A `QoS` 2 PUBLISH came.
    pub(super) fn begin_exactly_once(&self, packet_id: NonZeroU16) -> ExactlyOnce {
        self.state.lock().unanswered.begin(packet_id)
    }

    /// A PUBREL came.
    pub(super) fn release(&self, packet_id: NonZeroU16) {
        let mut state = self.state.lock();
        let State {
            unanswered, out, ..
        } = &mut *state;
        if unanswered.release(packet_id, self.encoder, out) {
            self.to_remember.notify_one();
        }
        self.answered(&mut state);
    }

    /// Waits until [`received`](Self::received) must be remembered before the client hears of it.
    pub(super) async fn to_remember(&self) {
        self.to_remember.notified().await;
    }

    /// `QoS` 2 messages that are stored and not released, and how many of their answers wait for
    /// [`remembered`](Self::remembered).
    pub(super) fn received(&self) -> (Vec<NonZeroU16>, usize) {
        let state = self.state.lock();
        let received = state.unanswered.received().collect();
        (received, state.unanswered.to_remember())
    }

    /// So many of the answers may go out.
    pub(super) fn remembered(&self, count: usize) {
        let mut state = self.state.lock();
        let State {
            unanswered, out, ..
        } = &mut *state;
        unanswered.remembered(count, self.encoder, out);
        self.answered(&mut state);
    }

    /// Messages that count towards our Receive Maximum.
    pub fn outstanding(&self) -> usize {
        self.state.lock().unanswered.outstanding()
    }

    /// Waits until everything that the client sent is stored.
    pub(super) async fn stored_all(&self) {
        loop {
            let all_stored = self.all_stored.notified();
            if self.state.lock().unanswered.is_stored() {
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

    /// Bytes that wait for the socket; at least 1 while a layer above TCP has some.
    pub fn backlog_len(&self) -> usize {
        let state = self.state.lock();
        state.out.len().max(usize::from(state.in_layers))
    }

    /// Waits until the socket takes something, and writes some of the backlog; an error when the
    /// peer is gone. Cancel-safe; only for the connection's task.
    pub async fn flush(&self) -> io::Result<()> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    /// Writes the backlog, and ends the connection so that the client can read it, within a second
    /// each.
    pub async fn hang_up(&self, reader: &mut WireReader) {
        let flushed = async {
            while self.backlog_len() > 0 {
                self.flush().await?;
            }
            io::Result::Ok(())
        };
        // A client that does not read loses what it has not read.
        if let Ok(Err(_gone)) = tokio::time::timeout(LAST_WRITES, flushed).await {
            return;
        }
        reader.hang_up().await;
    }

    fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state.lock();
        if state.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let state = &mut *state;
        let written = self.writer.poll_write_out(context, &mut state.out);
        state.in_layers = written.is_pending();
        let written = ready!(written);
        state.broken = written.is_err();
        Poll::Ready(written)
    }

    fn answered(&self, state: &mut State) {
        self.write(state);
        if state.unanswered.is_stored() {
            self.all_stored.notify_waiters();
        }
    }

    fn write(&self, state: &mut State) {
        while !state.out.is_empty() && !state.broken {
            match self.writer.try_write(&state.out) {
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
