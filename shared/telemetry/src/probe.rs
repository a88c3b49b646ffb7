//! Asks a running stage for its `/readyz`, as the health check of a container does.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A stage answers in a millisecond; a health check that hangs is worse than one that fails.
const WITHIN: Duration = Duration::from_secs(2);

/// Far above what `/readyz` says.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Why a stage can't work now. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It runs, and says what it waits for.
    #[error("{0}")]
    Waiting(String),
    /// Nobody answers.
    #[error(
        "no answer from {address}: {reason}; is the stage running, with --health or \
         LATCHWORK_HEALTH set to this address?"
    )]
    NoAnswer {
        /// Who was asked.
        address: SocketAddr,
        /// What the system says.
        reason: io::Error,
    },
    /// Something else listens there.
    #[error("what answers on {0} is no stage; name the stage's address with --health")]
    Stranger(SocketAddr),
    /// Port 0 can be listened on, not asked.
    #[error(
        "port 0 stands for any free port, so nobody can be asked there; give the stage a fixed one \
         with LATCHWORK_HEALTH"
    )]
    AnyPort,
}

/// Asks the stage that serves its health on this address whether it can work.
///
/// 0.0.0.0 and [::], which a stage may listen on, stand for this machine.
pub fn ask_ready(address: SocketAddr) -> Result<(), NotReady> {
    if address.port() == 0 {
        return Err(NotReady::AnyPort);
    }
    let address = SocketAddr::new(reachable(address.ip()), address.port());
    let answer = get_readyz(address).map_err(|reason| NotReady::NoAnswer { address, reason })?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(NotReady::Stranger(address))?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        Some("503") => Err(NotReady::Waiting(body.trim().replace('\n', " "))),
        _ => Err(NotReady::Stranger(address)),
    }
}

fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        // A socket on [::] takes IPv4 too, and loopback may have no IPv6 in a container.
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// The whole answer, head and body.
fn get_readyz(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use crate::exposition::Exposition;

    use super::*;
    use crate::Readiness;
    use crate::health::HealthServer;

    async fn ask(address: SocketAddr) -> Result<(), NotReady> {
        tokio::task::spawn_blocking(move || ask_ready(address))
            .await
            .unwrap()
    }

    /// Scenario: a stage that listens on every address comes up, and is asked at each step.
    /// Guarantee: not ready with what is missing, then ready.
    #[tokio::test]
    async fn a_stage_is_ready_when_nothing_is_missing() {
        let readiness = Readiness::default();
        let (nats, kafka) = (readiness.condition("nats"), readiness.condition("kafka"));
        let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let server = HealthServer::start(anywhere, readiness, Exposition::default()).unwrap();
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, server.address().port()));

        let missing = ask(address).await.unwrap_err().to_string();
        assert_eq!(missing, "waiting for: nats, kafka");
        nats.set(true);
        let missing = ask(address).await.unwrap_err().to_string();
        assert_eq!(missing, "waiting for: kafka");
        kafka.set(true);
        ask(address).await.unwrap();
    }

    /// Scenario: nobody listens; something else listens and answers in its own words; the port is 0.
    /// Guarantee: not ready, in one line that says what to do.
    #[tokio::test]
    async fn no_stage_is_not_ready() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let other = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"220 mail.example.com\r\n").unwrap();
        });
        let stranger = ask(address).await.unwrap_err().to_string();
        assert!(!stranger.contains('\n'), "{stranger}");
        assert!(stranger.contains("--health"), "{stranger}");
        other.join().unwrap();

        let silence = ask(address).await.unwrap_err().to_string();
        assert!(silence.contains("LATCHWORK_HEALTH"), "{silence}");
        let any = ask(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        assert!(matches!(any, Err(NotReady::AnyPort)), "{any:?}");
    }
}
