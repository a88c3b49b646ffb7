//! The server's end of a connection.
//!
//! Closing a socket with unread bytes in it would reset it, and take the last PUBACKs and the
//! DISCONNECT away again. So our direction is ended first, and the client's is read to its end.

use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::time::Duration;

use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use super::Layers;

/// How long a client may take to hang up after the server's last word.
const HANG_UP: Duration = Duration::from_secs(1);

/// Half-closes TCP.
pub(super) async fn plain(stream: &TcpStream) {
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
    within_the_limit(until_the_end).await;
}

/// Sends TLS's `close_notify` or WebSocket's close frame, then half-closes TCP.
pub(super) async fn layered(layers: &Mutex<Box<dyn Layers>>) {
    let until_the_end = async {
        let ended = poll_fn(|context| Pin::new(&mut *layers.lock()).poll_shutdown(context)).await;
        if ended.is_err() {
            return;
        }
        while let Ok(1..) = ignore_some(layers).await {}
    };
    within_the_limit(until_the_end).await;
}

async fn ignore_some(layers: &Mutex<Box<dyn Layers>>) -> io::Result<usize> {
    poll_fn(|context| {
        let mut ignored = [0; 1024];
        let mut read = ReadBuf::new(&mut ignored);
        let polled = Pin::new(&mut *layers.lock()).poll_read(context, &mut read);
        polled.map_ok(|()| read.filled().len())
    })
    .await
}

/// A client that does not hang up in turn is hung up on.
async fn within_the_limit(until_the_end: impl Future<Output = ()>) {
    if timeout(HANG_UP, until_the_end).await.is_err() {
        debug!("the client did not hang up in time");
    }
}
