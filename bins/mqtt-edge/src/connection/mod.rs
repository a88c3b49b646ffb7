//! One MQTT connection, from CONNECT to its end.

mod acknowledgements;
mod aliases;
mod arrival;
mod deliver;
mod end;
mod event_fields;
mod events;
mod greeting;
mod handshake;
mod inbound;
mod login;
mod open;
mod outbox;
mod pace;
mod permissions;
mod subscribe;
#[cfg(test)]
mod tests;
mod unanswered;
mod will;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::FutureExt;
use record::Record;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use crate::bus::Bus;
use crate::codec::{Decoder, Disconnect, ReasonCode, Version, Will};
use crate::edge::Edge;
use crate::in_force::Following;
use crate::listener::UserSeat;
use crate::sessions::{self, Lost, Parked, PendingWill, Seat, SessionState};
use crate::uplink::Intake;
use crate::wire::{Wire, WireReader};
use aliases::Aliases;
use deliver::{Delivering, Outgoing};
use end::{End, NORMAL, SHUTDOWN};
use pace::Pace;
use permissions::Rights;

pub(crate) use aliases::MAX_FROM_CLIENT as MAX_TOPIC_ALIASES;
pub(crate) use arrival::refusal;
pub use outbox::Outbox;
pub(crate) use will::publish as publish_will;

/// Bytes read at once: about forty messages of a lock.
const READ_BYTES: usize = 8 * 1024;

/// Reads at most of what a client that has come again had sent before: it waits for them, and one
/// that goes on sending on its old connection must not hold it up.
const LAST_READS: usize = 16;

/// How long each of these waits. What has arrived is known only when the runtime has asked the kernel
/// again, and it may have accepted the newer connection without that.
const LAST_EVENTS: Duration = Duration::from_millis(5);

/// Bytes that may wait for a slow subscriber's socket before it gets no more deliveries.
const BACKLOG_LIMIT: usize = 256 * 1024;

/// How long a session of a stopping edge waits for its last messages to be stored.
const LAST_PUBACKS: Duration = Duration::from_secs(3);

/// A connection whose CONNECT was accepted.
pub(crate) struct Connection<B: Bus> {
    edge: Arc<Edge<B>>,
    following: Following,
    reader: WireReader,
    outbox: Arc<Outbox>,
    intake: Arc<Intake>,
    decoder: Decoder,
    input: BytesMut,
    /// The fields that all records of this connection share; the others are set for each.
    template: Record,
    /// The address that the client has connected to.
    local: Option<SocketAddr>,
    /// What the client said at its end, if it did.
    farewell: Option<Box<Disconnect>>,
    /// Trace contexts of records are cut from here: one allocation for many.
    traces: BytesMut,
    version: Version,
    keepalive: Option<Duration>,
    last_packet: Instant,
    will: Option<Will>,
    aliases: Aliases,
    rights: Rights,
    pace: Pace,
    /// The user's place among those that one user may have.
    _user_seat: UserSeat,
    delivering: Delivering<B>,
    session: SessionState,
    /// How long the session waits for its client after this connection; 0: not at all.
    session_expiry_secs: u32,
    seat: Seat,
}

/// Serves one connection: the only entry.
pub(crate) async fn serve<B: Bus>(edge: Arc<Edge<B>>, wire: Wire) {
    let peer = wire.peer().to_string();
    // What an idle connection does not need is on the heap while it lasts: beginning and end are
    // three times as large as what is between them.
    let opened = Box::pin(handshake::open(&edge, wire, &peer)).await;
    let (mut connection, greeting) = match opened {
        Ok(opened) => opened,
        Err(end) => {
            let answered = end.code.map(ReasonCode::name);
            edge.meters.refused(answered.unwrap_or(end.reason));
            let End { reason, text, .. } = end;
            debug!(peer, reason, text, "connection refused");
            return;
        }
    };
    edge.meters.connected();
    connection.connected(greeting).await;
    let end = connection.run().await;
    debug!(
        peer,
        reason = end.reason,
        text = end.text,
        "connection closed"
    );
    let (client_id, seat) = (
        connection.template.client_id.clone(),
        connection.seat.clone(),
    );
    let (parked, line) = Box::pin(connection.close(&end)).await;
    edge.meters.disconnected(end.reason);
    edge.access
        .disconnected(std::str::from_utf8(&client_id).unwrap_or_default());
    edge.registry.leave(&client_id, &seat, parked);
    // A peer that is gone takes its time: whoever comes next does not wait for that.
    Box::pin(line.hang_up(&end)).await;
}

/// What is left of a connection that the edge is done with: bytes on their way to the client.
struct Line {
    outbox: Arc<Outbox>,
    reader: WireReader,
}

impl Line {
    /// Ends it so that the client can read what was written last.
    async fn hang_up(mut self, end: &End) {
        if end.code.is_some() {
            self.outbox.hang_up(&mut self.reader).await;
        } else if end.reason == NORMAL && self.reader.is_layered() {
            self.reader.hang_up().await;
        }
    }
}

/// What a connection was woken for.
enum Step {
    Read,
    Written,
    Outgoing(Outgoing),
    Remember,
}

impl<B: Bus> Connection<B> {
    async fn run(&mut self) -> End {
        let (edge, seat) = (Arc::clone(&self.edge), self.seat.clone());
        // What came right behind CONNECT is here already (MQTT 5.0, section 3.1.4).
        if let Err(end) = self.begin().await {
            return end;
        }
        loop {
            let step = tokio::select! {
                biased;
                () = seat.taken_over() => return self.taken_over().await,
                () = edge.stop.cancelled() => Err(End::shutdown()),
                step = self.step() => step,
            };
            if let Err(end) = self.follow_rules().await {
                return end;
            }
            let done = match step {
                Ok(Step::Read) => self.handle_read().await,
                Ok(Step::Written) => Ok(()),
                Ok(Step::Outgoing(outgoing)) => self.send(outgoing).await,
                Ok(Step::Remember) => self.remember_received().await,
                Err(end) => Err(end),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Handles what the client sent before it came again: its DISCONNECT may be unread, and with it
    /// that its will is not to be published.
    async fn taken_over(&mut self) -> End {
        for _ in 0..LAST_READS {
            let unread = read(&mut self.reader, &mut self.input);
            let Ok(Ok(())) = timeout(LAST_EVENTS, unread).await else {
                break;
            };
            // The rules may have changed while the connection was idle.
            if let Err(end) = self.follow_rules().await {
                return end;
            }
            if let Err(end) = self.handle_read().await {
                return end;
            }
        }
        End::taken_over()
    }

    async fn begin(&mut self) -> Result<(), End> {
        // Its session may be from a time of other rules.
        Box::pin(self.take_what_is_denied()).await?;
        self.attach_shared().await?;
        self.handle_read().await
    }

    /// Waits for the next thing to do.
    async fn step(&mut self) -> Result<Step, End> {
        let backlog = self.outbox.backlog_len();
        let silence = self.keepalive.map(|keepalive| self.last_packet + keepalive);
        let token_end = self.rights.until;
        let (pause, packet_end) = (self.pace.pause(), self.pace.packet_end());
        let may_read = backlog < BACKLOG_LIMIT && pause.is_none();
        let has_room = backlog < BACKLOG_LIMIT && self.delivering.has_room(&self.session);
        tokio::select! {
            // A client that does not read what it asked for gets no more of it.
            read = read(&mut self.reader, &mut self.input), if may_read => {
                read.map(|()| Step::Read)
            }
            // It is flushed in the next round, beside everything else.
            () = self.outbox.backlogged(), if backlog == 0 => Ok(Step::Written),
            flushed = self.outbox.flush(), if backlog > 0 => {
                flushed?;
                Ok(Step::Written)
            }
            () = self.outbox.to_remember(), if self.session.durable.is_some() => {
                Ok(Step::Remember)
            }
            outgoing = self.delivering.next(&self.session, &self.edge.stores.queue), if has_room => {
                Ok(Step::Outgoing(outgoing))
            }
            () = sleep_until(silence.unwrap_or(self.last_packet)), if silence.is_some() => {
                // After a wait for the store its PINGREQ may be there, unread.
                match read(&mut self.reader, &mut self.input).now_or_never() {
                    Some(read) => read.map(|()| Step::Read),
                    None => Err(End::new("keepalive_timeout", Some(ReasonCode::KEEP_ALIVE_TIMEOUT))),
                }
            }
            () = sleep_until(pause.unwrap_or(self.last_packet)), if pause.is_some() => {
                self.pace.go_on();
                Ok(Step::Written)
            }
            () = sleep_until(packet_end.unwrap_or(self.last_packet)), if packet_end.is_some() => {
                Err(Pace::too_slow())
            }
            () = sleep_until(token_end.unwrap_or(self.last_packet)), if token_end.is_some() => {
                Err(Self::token_ended())
            }
        }
    }

    /// Handles every whole packet of what was read.
    async fn handle_read(&mut self) -> Result<(), End> {
        let handled = self.handle_input().await;
        // Also what had to wait for room counts as a sign of life. Bytes of a packet that does not
        // end are none.
        let brought = handled?;
        if brought.packets > 0 {
            self.last_packet = Instant::now();
        }
        self.pace.read(brought, self.input.len())
    }

    /// Stores what JetStream must know of the session. It is not given up when the connection has
    /// to end: whoever goes on with the session must know whether it was stored.
    ///
    /// Rare and large: on the heap, so that an idle connection does not hold room for it.
    async fn save(&mut self) -> Result<(), End> {
        let edge = Arc::clone(&self.edge);
        let Some(durable) = &mut self.session.durable else {
            return Ok(());
        };
        Box::pin(durable.save(&edge.stores.sessions)).await?;
        Ok(())
    }

    /// Says goodbye, tells the pipeline, and returns the session when it outlives the connection.
    async fn close(mut self, end: &End) -> (Option<Box<Parked>>, Line) {
        if end.reason == SHUTDOWN {
            self.acknowledge_the_last().await;
        }
        if let Some(code) = end.code {
            self.outbox
                .send(|encoder, out| encoder.encode_disconnect(code, end.text.as_deref(), out));
        }
        self.delivering.close().await;
        let pending = self.leave_will().await;
        self.disconnected(end.reason).await;
        let parked = self.leave_session(pending).await;
        let Self { outbox, reader, .. } = self;
        (parked, Line { outbox, reader })
    }

    /// An edge that stops stores what it has: told of it, the client need not publish it again.
    async fn acknowledge_the_last(&mut self) {
        let last = async {
            self.outbox.stored_all().await;
            self.remember_received().await.ok();
        };
        if timeout(LAST_PUBACKS, last).await.is_err() {
            debug!("the store is away: the last messages are not acknowledged");
        }
    }

    /// Publishes the will, or returns it when it has to wait. A DISCONNECT that drops the will has
    /// taken it away already.
    async fn leave_will(&mut self) -> Option<PendingWill> {
        let will = self.will.take()?;
        let template = self.shared();
        let delay_secs = will.delay_secs.min(self.session_expiry_secs);
        if delay_secs == 0 {
            publish_will(&self.edge, &template, will).await;
            return None;
        }
        Some(PendingWill {
            will,
            due: Instant::now() + Duration::from_secs(delay_secs.into()),
            template,
        })
    }

    async fn leave_session(&mut self, will: Option<PendingWill>) -> Option<Box<Parked>> {
        let mut session = std::mem::take(&mut self.session);
        session.durable.as_ref()?;
        if self.session_expiry_secs == 0 {
            sessions::end(&self.edge, session).await;
            return None;
        }
        // A message of `QoS` 2 that is not stored yet would be stored again when it comes again.
        self.outbox.stored_all().await;
        session.received = self.outbox.received().0;
        sessions::park(&self.edge, session, self.session_expiry_secs, will).await
    }
}

impl From<Lost> for End {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Conflict => Self::taken_over(),
            Lost::Unsaved(reason) => {
                Self::with_text("session_not_stored", ReasonCode::QUOTA_EXCEEDED, reason)
            }
        }
    }
}

/// Reads what the client has sent.
async fn read(reader: &mut WireReader, input: &mut BytesMut) -> Result<(), End> {
    match reader.read_buf(input, READ_BYTES).await? {
        0 => Err(End::closed()),
        _ => Ok(()),
    }
}
