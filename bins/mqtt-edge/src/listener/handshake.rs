//! What comes between TCP and MQTT.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite;

use super::upgrade::upgrade;
use crate::wire::{Wire, WireKind};

/// Why a connection ended before MQTT began.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("TLS: {0}")]
    Tls(io::Error),
    #[error("WebSocket: {0}")]
    WebSocket(Box<tungstenite::Error>),
    #[error("the handshake took too long")]
    Timeout,
}

impl HandshakeError {
    /// The label in metrics.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Tls(_) => "tls",
            Self::WebSocket(_) => "websocket",
            Self::Timeout => "timeout",
        }
    }

    /// The labels that a port can have.
    pub(super) fn reasons(kind: WireKind) -> &'static [&'static str] {
        match kind {
            WireKind::Mqtt => &[],
            WireKind::Mqtts => &["tls", "timeout"],
            WireKind::Ws => &["websocket", "timeout"],
            WireKind::Wss => &["tls", "websocket", "timeout"],
        }
    }
}

/// What the handshakes of one port need.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) kind: WireKind,
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Bytes of the largest MQTT packet.
    pub(super) max_packet: u32,
    /// When CONNECT must be there.
    pub(super) deadline: Instant,
}

/// Does the handshakes of the port.
pub(super) async fn establish(
    terms: Terms,
    stream: TcpStream,
    peer: SocketAddr,
) -> Result<Wire, HandshakeError> {
    let deadline = terms.deadline;
    let local = stream.local_addr().ok();
    let wire = match terms.kind {
        WireKind::Mqtt => Ok(Wire::plain(stream, peer, deadline)),
        // In a place of its own, given back when it is over: these futures are large.
        _ => timeout_at(deadline, Box::pin(layered(terms, stream, peer)))
            .await
            .unwrap_or(Err(HandshakeError::Timeout)),
    };
    wire.map(|wire| wire.with_local(local))
}

async fn layered(
    terms: Terms,
    stream: TcpStream,
    peer: SocketAddr,
) -> Result<Wire, HandshakeError> {
    let (kind, deadline, max_packet) = (terms.kind, terms.deadline, terms.max_packet);
    let Some(tls) = terms.tls else {
        let wire = web_socket(stream, max_packet).await?;
        return Ok(Wire::layered(wire, kind, peer, deadline));
    };
    let stream = TlsAcceptor::from(tls)
        .accept(stream)
        .await
        .map_err(HandshakeError::Tls)?;
    let certificate = certificate(&stream);
    let wire = match kind {
        WireKind::Wss => {
            let wire = web_socket(stream, max_packet).await?;
            Wire::layered(wire, kind, peer, deadline)
        }
        _ => Wire::layered(stream, kind, peer, deadline),
    };
    Ok(wire.with_certificate(certificate))
}

async fn web_socket<S>(
    stream: S,
    max_packet: u32,
) -> Result<crate::wire::WebSocketWire<S>, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    upgrade(stream, max_packet)
        .await
        .map_err(|error| HandshakeError::WebSocket(Box::new(error)))
}

/// The client's own certificate, without those above it.
fn certificate(stream: &TlsStream<TcpStream>) -> Option<Bytes> {
    let (_, session) = stream.get_ref();
    let leaf = session.peer_certificates()?.first()?;
    Some(Bytes::copy_from_slice(leaf))
}
