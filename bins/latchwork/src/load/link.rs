//! One TCP connection to the server, without blocking.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::frame::{self, Frame};

/// An open connection. What the system does not take at once is kept and goes first.
#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
    unsent: Vec<u8>,
    /// The beginning of a packet whose rest has not arrived.
    partial: Vec<u8>,
}

impl Link {
    /// Begins to connect; the first writable event says that it is decided.
    pub(super) fn open(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            unsent: Vec::new(),
            partial: Vec::new(),
        })
    }

    /// Whether the connection stands, after a writable event; the error if it failed.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                self.stream.set_nodelay(true)?;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Bytes wait for a writable event: nothing more should be written.
    pub(super) fn is_blocked(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Writes, or keeps what the system does not take now.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_blocked() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let written = write_some(&mut self.stream, bytes)?;
        self.unsent.extend(bytes.get(written..).unwrap_or_default());
        Ok(())
    }

    /// Writes what was kept, after a writable event.
    pub(super) fn write_unsent(&mut self) -> io::Result<()> {
        while self.is_blocked() {
            match write_some(&mut self.stream, &self.unsent)? {
                0 => break,
                written => drop(self.unsent.drain(..written)),
            }
        }
        Ok(())
    }

    /// Reads all that is there, after a readable event, and hands over each whole packet.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        mut take: impl FnMut(Frame<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            let kept = self.partial.len();
            let Some((head, room)) = buffer
                .split_at_mut_checked(kept)
                .filter(|(_, r)| !r.is_empty())
            else {
                return Err("a packet of the server is too long".into());
            };
            head.copy_from_slice(&self.partial);
            let (read, room) = match self.stream.read(room) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(read) => (read, room.len()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.to_string()),
            };
            let mut rest = buffer.get(..kept + read).unwrap_or_default();
            let malformed = |_| "the server sent a malformed packet".to_owned();
            while let Some(frame) = frame::take(&mut rest).map_err(malformed)? {
                take(frame)?;
            }
            self.partial.clear();
            self.partial.extend_from_slice(rest);
            // A short read has emptied the socket: what comes later is a new event.
            if read < room {
                return Ok(());
            }
        }
    }
}

/// How many bytes the system took; none when it has no room.
fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
