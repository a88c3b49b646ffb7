//! Where connections come from. One address has some 28,000 ports for connections to one server;
//! all of 127.0.0.0/8 is this machine, so a crowd takes several of its addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

/// Connections of one address: fewer than its ports, and than mqtt-edge lets in from one address
/// at once (its `--connection-burst`).
const PER_ADDRESS: usize = 8_000;

/// The address of idle connection `number`; `None` leaves it to the system, which is the only way
/// to a server on another machine. The load itself connects from 127.0.0.1.
pub(super) fn of_idle(server: SocketAddr, number: usize) -> Option<Ipv4Addr> {
    loopback(server, 1, number / PER_ADDRESS)
}

/// The address of hostile connection `number`. Each has its own: a limit of connections per
/// address would hide what their packets do.
pub(super) fn of_hostile(server: SocketAddr, number: usize) -> Option<Ipv4Addr> {
    loopback(server, 2, number)
}

fn loopback(server: SocketAddr, third: u8, number: usize) -> Option<Ipv4Addr> {
    let is_here = matches!(server.ip(), IpAddr::V4(address) if address.is_loopback());
    let last = u8::try_from(number % 254).unwrap_or_default() + 1;
    is_here.then(|| Ipv4Addr::new(127, 0, third, last))
}

/// Connects from this address.
pub(super) async fn connect(server: SocketAddr, from: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let socket = match server {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(from) = from {
        socket.bind(SocketAddr::from((from, 0)))?;
    }
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a crowd to a server on this machine, and to others.
    /// Guarantee: no address of this machine gets more than its share; elsewhere the system chooses.
    #[test]
    fn a_crowd_has_many_addresses() {
        let here: SocketAddr = "127.0.0.1:1883".parse().unwrap();
        let at = |last| Some(Ipv4Addr::new(127, 0, 1, last));
        for (number, address) in [
            (0, at(1)),
            (7_999, at(1)),
            (8_000, at(2)),
            (100_000, at(13)),
        ] {
            assert_eq!(of_idle(here, number), address);
        }
        assert_eq!(of_hostile(here, 49), Some(Ipv4Addr::new(127, 0, 2, 50)));
        for elsewhere in ["192.0.2.1:1883", "[::1]:1883"] {
            assert_eq!(of_idle(elsewhere.parse().unwrap(), 1), None);
        }
    }
}
