//! The bytes of one client: plain TCP, or TCP below TLS, WebSocket or both.
//!
//! A [`Wire`] is what a listener hands to a connection. Until CONNECT is answered it is used
//! whole; then it is split, because the lane writes PUBACKs while the connection reads.

mod hang_up;
mod packet_deadline;
mod reader;
#[cfg(test)]
mod tests;
mod websocket;
mod writer;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

pub use packet_deadline::PacketDeadline;
pub use reader::WireReader;
pub use websocket::WebSocketWire;
pub use writer::WireWriter;

/// How long the answer to CONNECT may take to leave: it fits into an empty socket buffer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Bytes in both directions, above TCP.
pub trait Layers: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Layers for T {}

/// Layers that the reader and the writer share. Both are only polled by the connection's task, so
/// nobody ever waits for the lock.
type SharedLayers = Arc<Mutex<Box<dyn Layers>>>;

/// Which of the edge's ports a client came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WireKind {
    /// MQTT on TCP.
    Mqtt,
    /// MQTT on TLS.
    Mqtts,
    /// MQTT on WebSocket.
    Ws,
    /// MQTT on WebSocket on TLS.
    Wss,
}

impl WireKind {
    /// The scheme of its addresses; also the label in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }
}

/// One client's bytes, from accept to the answer to CONNECT.
pub struct Wire {
    stream: Stream,
    kind: WireKind,
    peer: SocketAddr,
    local: Option<SocketAddr>,
    certificate: Option<Bytes>,
    deadline: Instant,
    /// Dropped with the wire: while it is there, the client counts as half-open.
    half_open: Option<Box<dyn Send>>,
}

enum Stream {
    Plain(TcpStream),
    Layered(Box<dyn Layers>),
}

impl Wire {
    /// Plain TCP. `deadline`: when CONNECT must be complete.
    pub fn plain(stream: TcpStream, peer: SocketAddr, deadline: Instant) -> Self {
        Self::new(Stream::Plain(stream), WireKind::Mqtt, peer, deadline)
    }

    /// Anything above TCP whose own handshake is over.
    pub fn layered(
        layers: impl Layers + 'static,
        kind: WireKind,
        peer: SocketAddr,
        deadline: Instant,
    ) -> Self {
        Self::new(Stream::Layered(Box::new(layers)), kind, peer, deadline)
    }

    fn new(stream: Stream, kind: WireKind, peer: SocketAddr, deadline: Instant) -> Self {
        Self {
            stream,
            kind,
            peer: canonical(peer),
            local: None,
            certificate: None,
            deadline,
            half_open: None,
        }
    }

    /// With the client's certificate, in DER, that TLS has verified.
    #[must_use]
    pub fn with_certificate(mut self, certificate: Option<Bytes>) -> Self {
        self.certificate = certificate;
        self
    }

    /// With the address that the client has connected to.
    #[must_use]
    pub fn with_local(mut self, local: Option<SocketAddr>) -> Self {
        self.local = local.map(canonical);
        self
    }

    /// With something to drop when CONNECT is answered or the wire is gone.
    #[must_use]
    pub(crate) fn with_half_open(mut self, half_open: impl Send + 'static) -> Self {
        self.half_open = Some(Box::new(half_open));
        self
    }

    /// The client's address; an IPv4 address is never written as an IPv6 one.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The address that it has connected to, where the system could tell.
    pub fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The port it came through.
    pub fn kind(&self) -> WireKind {
        self.kind
    }

    /// The client's own certificate (the leaf, DER) when it has shown one and TLS has verified it.
    pub fn certificate(&self) -> Option<&Bytes> {
        self.certificate.as_ref()
    }

    /// When CONNECT must be complete: one time limit from accept on, for TLS, WebSocket and MQTT.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Reads at most about `room` bytes and appends them; 0 when the client has ended the stream.
    /// Cancel-safe. A client that is silent holds no buffer.
    pub async fn read_buf(&mut self, input: &mut BytesMut, room: usize) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => {
                poll_fn(|context| reader::poll_plain(stream, context, input, room)).await
            }
            Stream::Layered(layers) => {
                poll_fn(|context| reader::poll_layers(Pin::new(layers), context, input, room)).await
            }
        }
    }

    /// Writes everything, within five seconds.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.write_all(bytes).await,
                Stream::Layered(layers) => {
                    layers.write_all(bytes).await?;
                    layers.flush().await
                }
            }
        };
        timeout(ANSWER_LIMIT, written)
            .await
            .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
    }

    /// The two directions, for an accepted CONNECT: the client is no longer half-open.
    pub fn split(self) -> (WireReader, WireWriter) {
        match self.stream {
            Stream::Plain(stream) => {
                let (reader, writer) = stream.into_split();
                (WireReader::plain(reader), WireWriter::plain(writer))
            }
            Stream::Layered(layers) => {
                let shared = Arc::new(Mutex::new(layers));
                (
                    WireReader::layered(Arc::clone(&shared)),
                    WireWriter::layered(shared),
                )
            }
        }
    }

    /// Ends the connection so that the client can read what was written last, within a second:
    /// for a refused CONNECT.
    pub async fn hang_up(self) {
        let Self {
            stream, half_open, ..
        } = self;
        match stream {
            Stream::Plain(stream) => hang_up::plain(&stream).await,
            Stream::Layered(layers) => hang_up::layered(&Mutex::new(layers)).await,
        }
        // Who is refused stays half-open until it is gone.
        drop(half_open);
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
