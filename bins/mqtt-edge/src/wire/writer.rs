//! The writing direction.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{fmt, io};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWrite;
use tokio::net::tcp::OwnedWriteHalf;

use super::SharedLayers;

/// What goes to a client. Without a buffer of its own.
pub struct WireWriter {
    half: Half,
}

enum Half {
    Plain(OwnedWriteHalf),
    Layered(SharedLayers),
}

impl WireWriter {
    pub(super) fn plain(half: OwnedWriteHalf) -> Self {
        Self {
            half: Half::Plain(half),
        }
    }

    pub(super) fn layered(layers: SharedLayers) -> Self {
        Self {
            half: Half::Layered(layers),
        }
    }

    /// Writes what the socket takes now, from any task. Layers never take anything this way: what
    /// they write depends on what they have read, so only the connection's task writes to them.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.half {
            Half::Plain(half) => half.try_write(bytes),
            Half::Layered(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Waits until the socket takes something, and writes some of `out`. Only for one task.
    ///
    /// Layers are only ready when they have passed everything on to the socket.
    pub(crate) fn poll_write_out(
        &self,
        context: &mut Context<'_>,
        out: &mut BytesMut,
    ) -> Poll<io::Result<()>> {
        match &self.half {
            Half::Plain(half) => poll_half(half, context, out),
            Half::Layered(layers) => {
                let mut layers = layers.lock();
                poll_layers(Pin::new(&mut *layers), context, out)
            }
        }
    }
}

impl fmt::Debug for WireWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.half {
            Half::Plain(_) => "WireWriter(plain)",
            Half::Layered(_) => "WireWriter(layered)",
        })
    }
}

fn poll_half(
    half: &OwnedWriteHalf,
    context: &mut Context<'_>,
    out: &mut BytesMut,
) -> Poll<io::Result<()>> {
    if out.is_empty() {
        return Poll::Ready(Ok(()));
    }
    loop {
        ready!(half.as_ref().poll_write_ready(context))?;
        match half.try_write(out) {
            Ok(written) => {
                out.advance(written);
                return Poll::Ready(Ok(()));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

fn poll_layers<L: AsyncWrite + Unpin>(
    mut layers: Pin<&mut L>,
    context: &mut Context<'_>,
    out: &mut BytesMut,
) -> Poll<io::Result<()>> {
    while !out.is_empty() {
        match ready!(layers.as_mut().poll_write(context, out))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => out.advance(written),
        }
    }
    ready!(layers.as_mut().poll_flush(context))?;
    Poll::Ready(Ok(()))
}
