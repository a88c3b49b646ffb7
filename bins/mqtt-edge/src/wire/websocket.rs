//! A stream of bytes in WebSocket's binary messages.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Bytes of one message that goes out at most. Its buffer stays with the connection.
const MESSAGE: usize = 8 * 1024;

/// MQTT on WebSocket. Packets may span messages and share them (MQTT 5.0 section 6).
pub struct WebSocketWire<S> {
    socket: WebSocketStream<S>,
    /// The rest of a message that is being read.
    message: Bytes,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketWire<S> {
    /// After the handshake.
    pub fn new(socket: WebSocketStream<S>) -> Self {
        Self {
            socket,
            message: Bytes::new(),
        }
    }

    /// The next message with something in it; `None` at the end. Pings are answered on the way.
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Binary(bytes))) if !bytes.is_empty() => {
                    return Poll::Ready(Ok(Some(bytes)));
                }
                // MQTT-6.0.0-1.
                Some(Ok(Message::Text(_))) => {
                    self.close_with(CloseCode::Unsupported, context);
                    let text = "a WebSocket text message; MQTT goes in binary ones";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
                }
                // After a close message the end comes when its answer is out.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(self.failed(error, context)),
                None => return Poll::Ready(Ok(None)),
            }
        }
    }

    fn failed(&mut self, error: Error, context: &mut Context<'_>) -> io::Result<Option<Bytes>> {
        let code = match error {
            Error::Io(error) => return Err(error),
            Error::Capacity(_) => CloseCode::Size,
            Error::Utf8(_) => CloseCode::Invalid,
            _ => CloseCode::Protocol,
        };
        self.close_with(code, context);
        Err(io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Tells the client why, if its socket takes it now.
    fn close_with(&mut self, code: CloseCode, context: &mut Context<'_>) {
        let reason = "".into();
        let close = Message::Close(Some(CloseFrame { code, reason }));
        let mut socket = Pin::new(&mut self.socket);
        if socket.as_mut().start_send(close).is_ok() && socket.poll_flush(context).is_pending() {
            tracing::debug!("the client reads too slowly to be told why it is closed");
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocketWire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        read: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.message.is_empty() {
            match ready!(this.poll_message(context))? {
                Some(message) => this.message = message,
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.message.len().min(read.remaining());
        read.put_slice(this.message.get(..count).unwrap_or_default());
        this.message.advance(count);
        if this.message.is_empty() {
            // An empty slice would keep the memory of what it was cut from.
            this.message = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocketWire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut socket = Pin::new(&mut self.socket);
        ready!(socket.as_mut().poll_ready(context)).map_err(io_error)?;
        let bytes = bytes.get(..MESSAGE).unwrap_or(bytes);
        let message = Message::Binary(Bytes::copy_from_slice(bytes));
        socket.start_send(message).map_err(io_error)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket)
            .poll_flush(context)
            .map_err(io_error)
    }

    /// Sends the close message. The client answers it, which reads as the end of the stream; only
    /// then may TLS and TCP below be closed, as the client may not expect an end before.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket)
            .poll_close(context)
            .map_err(io_error)
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::BrokenPipe.into(),
        other => io::Error::other(other),
    }
}
