//! TCP ports of 127.0.0.1.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::ServerError;

// Below the ports that the kernel hands to outgoing connections (Linux: from 32768, others: from
// 49152). A client that keeps dialling a killed server on such a port can meet its own source
// port, connect to itself, and so keep the server from coming back.
const FIRST: u16 = 15_000;
const LAST: u16 = 29_999;
const COUNT: u32 = (LAST - FIRST) as u32 + 1;

/// The kernel itself refuses or accepts, within microseconds.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

// A random start keeps test processes that run side by side apart; counting on from there keeps
// one process from getting a port twice before it is bound.
static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| {
    let random = RandomState::new().build_hasher().finish() % u64::from(COUNT);
    AtomicU32::new(u32::try_from(random).unwrap_or(0))
});

/// A TCP port of 127.0.0.1 that nobody listens on, between 15000 and 29999. This process gets
/// the same port again only after all others.
pub fn free_port() -> Result<u16, ServerError> {
    (0..COUNT)
        .filter_map(|_| u16::try_from(NEXT.fetch_add(1, Ordering::Relaxed) % COUNT).ok())
        .map(|offset| FIRST + offset)
        .find(|port| is_free(*port))
        .ok_or(ServerError::NoFreePort {
            first: FIRST,
            last: LAST,
        })
}

// Why not bind: a process that this one starts at the same moment, in another thread, holds a copy
// of a bound socket until its `exec`, and so the port looks taken, here or to the server itself.
fn is_free(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpStream::connect_timeout(&address, ANSWER_WITHIN) {
        Ok(_) => false,
        // Silence is a listener that is paused or overrun.
        Err(why) => why.kind() == ErrorKind::ConnectionRefused,
    }
}

/// An error when somebody listens on `port`, so that the message names the port and not a
/// server's log line.
pub(crate) fn require_free(port: u16, server: &str) -> Result<(), ServerError> {
    if is_free(port) {
        return Ok(());
    }
    Err(ServerError::PortInUse {
        server: server.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::TcpListener;

    use super::*;

    /// Scenario: a hundred ports are asked for and none is bound.
    /// Guarantee: all differ, nobody listens on them, none is one of the kernel's outgoing ports.
    #[test]
    fn ports_differ_and_are_free() {
        let ports: HashSet<u16> = (0..100).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.len(), 100);
        assert!(
            ports
                .iter()
                .all(|port| (FIRST..=LAST).contains(port) && is_free(*port))
        );
    }

    /// Scenario: a listener has the port.
    /// Guarantee: the error names the port and who wanted it.
    #[test]
    fn a_taken_port_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let message = require_free(port, "kafka").unwrap_err().to_string();
        assert!(
            message.contains(&port.to_string()) && message.contains("kafka"),
            "{message}"
        );
    }
}
