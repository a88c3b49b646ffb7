//! The reading direction.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio_util::io::poll_read_buf;

use super::{Layers, SharedLayers, hang_up};

/// Bytes that one read of layers brings at most: half a TLS record, or some forty messages.
const LAYERED_READ: usize = 8 * 1024;

/// What a client sends.
pub struct WireReader {
    half: Half,
}

enum Half {
    Plain(OwnedReadHalf),
    Layered(SharedLayers),
}

impl WireReader {
    pub(super) fn plain(half: OwnedReadHalf) -> Self {
        Self {
            half: Half::Plain(half),
        }
    }

    pub(super) fn layered(layers: SharedLayers) -> Self {
        Self {
            half: Half::Layered(layers),
        }
    }

    /// Reads at most about `room` bytes and appends them; 0 when the client has ended the stream.
    /// Cancel-safe. A client that is silent holds no buffer.
    pub async fn read_buf(&mut self, input: &mut BytesMut, room: usize) -> io::Result<usize> {
        poll_fn(|context| match &mut self.half {
            Half::Plain(half) => poll_half(half, context, input, room),
            Half::Layered(layers) => {
                let mut layers = layers.lock();
                poll_layers(Pin::new(&mut *layers), context, input, room)
            }
        })
        .await
    }

    /// Whether there is more than TCP: TLS and WebSocket have a goodbye of their own, which
    /// well-behaved clients wait for.
    pub fn is_layered(&self) -> bool {
        matches!(self.half, Half::Layered(_))
    }

    /// Ends the connection so that the client can read what was written last, within a second.
    pub(crate) async fn hang_up(&mut self) {
        match &self.half {
            Half::Plain(half) => hang_up::plain(half.as_ref()).await,
            Half::Layered(layers) => hang_up::layered(Arc::as_ref(layers)).await,
        }
    }
}

/// An idle connection has no buffer: it is made when there is something, and given back when there
/// is nothing more.
///
/// A read that does not fill the buffer has emptied the socket; tokio then waits for the next
/// event instead of asking the kernel in vain.
fn poll_half(
    half: &mut OwnedReadHalf,
    context: &mut Context<'_>,
    input: &mut BytesMut,
    room: usize,
) -> Poll<io::Result<usize>> {
    let polled = match half.as_ref().poll_read_ready(context)? {
        Poll::Ready(()) => {
            input.reserve(room);
            poll_read_buf(Pin::new(half), context, input)
        }
        Poll::Pending => Poll::Pending,
    };
    give_back(input, &polled);
    polled
}

/// The same before the socket is split.
pub(super) fn poll_plain(
    stream: &mut TcpStream,
    context: &mut Context<'_>,
    input: &mut BytesMut,
    room: usize,
) -> Poll<io::Result<usize>> {
    let polled = match stream.poll_read_ready(context)? {
        Poll::Ready(()) => {
            input.reserve(room);
            poll_read_buf(Pin::new(stream), context, input)
        }
        Poll::Pending => Poll::Pending,
    };
    give_back(input, &polled);
    polled
}

/// Also what was made in vain: tokio takes an accepted socket for readable before it knows.
fn give_back<T>(input: &mut BytesMut, polled: &Poll<T>) {
    if polled.is_pending() && input.is_empty() && input.capacity() > 0 {
        *input = BytesMut::new();
    }
}

/// Layers do not tell whether they have something before they are read. They are read onto the
/// stack, and only what came is kept: the copy costs little next to what the layers cost.
pub(super) fn poll_layers(
    layers: Pin<&mut Box<dyn Layers>>,
    context: &mut Context<'_>,
    input: &mut BytesMut,
    room: usize,
) -> Poll<io::Result<usize>> {
    let mut space = [const { MaybeUninit::uninit() }; LAYERED_READ];
    let space = match space.get_mut(..room) {
        Some(space) => space,
        None => &mut space,
    };
    let mut read = ReadBuf::uninit(space);
    let polled = layers.poll_read(context, &mut read);
    give_back(input, &polled);
    ready!(polled)?;
    input.extend_from_slice(read.filled());
    Poll::Ready(Ok(read.filled().len()))
}
