//! One MQTT connection, from CONNECT to its end.

mod deliver;
mod events;
mod handshake;
mod inbound;
mod outbox;
mod registry;
mod subscriptions;

use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::ready;
use std::time::Duration;

use bytes::BytesMut;
use record::Record;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::{Instant, sleep_until};
use tokio_util::io::poll_read_buf;
use tracing::debug;

use crate::bus::Bus;
use crate::codec::{Decoder, ReasonCode, Version, Will};
use crate::edge::Edge;
use crate::uplink::Intake;
use deliver::Delivering;

pub use outbox::Outbox;
pub use registry::{Registry, Seat};

/// Bytes read at once: about forty messages of a lock.
const READ_BYTES: usize = 8 * 1024;

/// Bytes that may wait for a slow subscriber's socket before it gets no more deliveries.
const BACKLOG_LIMIT: usize = 256 * 1024;

/// The edge stops.
const SHUTDOWN: &str = "server_shutdown";

/// How long a session of a stopping edge waits for its last messages to be stored.
const LAST_PUBACKS: Duration = Duration::from_secs(3);

/// How long a client may take to hang up after the server's last word.
const HANG_UP: Duration = Duration::from_secs(1);

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The word in the event client.disconnected.
    reason: &'static str,
    /// What an MQTT 5 client is told.
    code: Option<ReasonCode>,
    /// In words, for an MQTT 5 client and for the log.
    text: Option<String>,
}

impl End {
    fn new(reason: &'static str, code: Option<ReasonCode>) -> Self {
        Self {
            reason,
            code,
            text: None,
        }
    }

    fn with_text(reason: &'static str, code: ReasonCode, text: impl Into<String>) -> Self {
        Self {
            reason,
            code: Some(code),
            text: Some(text.into()),
        }
    }

    /// The peer closed the socket, or it broke.
    fn closed() -> Self {
        Self::new("tcp_closed", None)
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self {
            text: Some(error.to_string()),
            ..Self::closed()
        }
    }
}

/// A connection whose CONNECT was accepted.
pub(crate) struct Connection<B: Bus> {
    edge: Arc<Edge<B>>,
    reader: OwnedReadHalf,
    outbox: Arc<Outbox>,
    intake: Arc<Intake>,
    decoder: Decoder,
    input: BytesMut,
    /// The fields that all records of this connection share; the others are set for each.
    template: Record,
    /// Trace contexts of records are cut from here: one allocation for many.
    traces: BytesMut,
    version: Version,
    keepalive: Option<Duration>,
    last_packet: Instant,
    will: Option<Will>,
    delivering: Delivering<B>,
    seat: Seat,
}

/// Serves one connection: the only entry.
pub(crate) async fn serve<B: Bus>(edge: Arc<Edge<B>>, stream: TcpStream, peer: String) {
    let opened = handshake::open(&edge, stream, &peer).await;
    let (mut session, seat) = match opened {
        Ok(opened) => opened,
        Err(end) => {
            let answered = end.code.map(ReasonCode::name);
            edge.meters.refused(answered.unwrap_or(end.reason));
            debug!(
                peer,
                reason = end.reason,
                text = end.text,
                "connection refused"
            );
            return;
        }
    };
    edge.meters.connected();
    session.connected().await;
    let end = session.run().await;
    debug!(
        peer,
        reason = end.reason,
        text = end.text,
        "connection closed"
    );
    session.close(&end).await;
    edge.meters.disconnected(end.reason);
    edge.registry.leave(&session.template.client_id, &seat);
}

impl<B: Bus> Connection<B> {
    async fn run(&mut self) -> End {
        let (edge, seat) = (Arc::clone(&self.edge), self.seat.clone());
        loop {
            let step = tokio::select! {
                biased;
                () = seat.taken_over() => {
                    Err(End::new("takenover", Some(ReasonCode::SESSION_TAKEN_OVER)))
                }
                () = edge.stop.cancelled() => {
                    Err(End::new(SHUTDOWN, Some(ReasonCode::SERVER_SHUTTING_DOWN)))
                }
                step = self.step() => step,
            };
            let done = match step {
                Ok(Step::Read) => self.handle_read().await,
                Ok(Step::Written) => Ok(()),
                Ok(Step::Forwarded(forwarded)) => self.deliver(forwarded).await,
                Err(end) => Err(end),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Waits for the next thing to do.
    async fn step(&mut self) -> Result<Step, End> {
        let backlog = self.outbox.backlog_len();
        let silence = self.keepalive.map(|keepalive| self.last_packet + keepalive);
        tokio::select! {
            // A client that does not read what it asked for gets no more of it.
            read = read(&mut self.reader, &mut self.input), if backlog < BACKLOG_LIMIT => {
                read.map(|()| Step::Read)
            }
            () = self.outbox.backlogged(), if backlog == 0 => {
                self.outbox.flush()?;
                Ok(Step::Written)
            }
            ready = self.outbox.writable(), if backlog > 0 => {
                ready?;
                self.outbox.flush()?;
                Ok(Step::Written)
            }
            forwarded = self.delivering.next(),
                if backlog < BACKLOG_LIMIT && self.delivering.has_room() =>
            {
                Ok(Step::Forwarded(forwarded))
            }
            () = sleep_until(silence.unwrap_or(self.last_packet)), if silence.is_some() => {
                Err(End::new("keepalive_timeout", Some(ReasonCode::KEEP_ALIVE_TIMEOUT)))
            }
        }
    }

    /// Handles every whole packet of what was read.
    async fn handle_read(&mut self) -> Result<(), End> {
        let handled = self.handle_input().await;
        // Also what had to wait for room counts as a sign of life.
        self.last_packet = Instant::now();
        handled
    }

    /// Says goodbye, and tells the pipeline.
    async fn close(&mut self, end: &End) {
        if end.reason == SHUTDOWN {
            acknowledge_the_last(&self.outbox).await;
        }
        if let Some(code) = end.code {
            self.outbox
                .send(|encoder, out| encoder.encode_disconnect(code, end.text.as_deref(), out));
            hang_up(self.reader.as_ref()).await;
        }
        self.delivering.close().await;
        // A DISCONNECT that drops the will has taken it away already.
        if let Some(will) = self.will.take() {
            self.publish_will(will).await;
        }
        self.disconnected(end.reason).await;
    }
}

/// Reads what the socket has. An idle connection has no buffer: it is made when there is something.
///
/// A read that does not fill the buffer has emptied the socket; tokio then waits for the next event
/// instead of asking the kernel in vain.
async fn read(reader: &mut OwnedReadHalf, input: &mut BytesMut) -> Result<(), End> {
    let read = poll_fn(|context| {
        ready!(reader.as_ref().poll_read_ready(context))?;
        input.reserve(READ_BYTES);
        poll_read_buf(Pin::new(&mut *reader), context, input)
    });
    match read.await? {
        0 => Err(End::closed()),
        _ => Ok(()),
    }
}

/// Ends the connection so that the client can read what was written last: closing a socket with
/// unread bytes in it would reset it, and take the last PUBACKs and the DISCONNECT away again.
async fn hang_up(stream: &TcpStream) {
    if SockRef::from(stream).shutdown(Shutdown::Write).is_err() {
        return;
    }
    let mut ignored = [0; 4096];
    let until_the_end = async {
        while stream.readable().await.is_ok() {
            match stream.try_read(&mut ignored) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_gone) => return,
            }
        }
    };
    // A client that does not hang up in turn is hung up on.
    if tokio::time::timeout(HANG_UP, until_the_end).await.is_err() {
        debug!("the client did not hang up in time");
    }
}

/// An edge that stops stores what it has: told of it, the client need not publish it again.
async fn acknowledge_the_last(outbox: &Outbox) {
    let acknowledged = tokio::time::timeout(LAST_PUBACKS, outbox.acknowledged_all()).await;
    if acknowledged.is_err() {
        debug!("the store is away: the last messages are not acknowledged");
    }
}

/// What a session was woken for.
enum Step {
    Read,
    Written,
    Forwarded(Result<crate::bus::Forwarded, crate::bus::BusError>),
}
