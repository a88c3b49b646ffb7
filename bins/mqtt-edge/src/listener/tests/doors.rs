//! Limits and deadlines at the ports.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{Authority, Files, PATIENCE, Ports, echoed, is_closed, tls};
use crate::wire::WireKind;

const ANY: &str = "127.0.0.1:0";

/// Scenario: fifty clients begin TLS and stall in the middle of it; then one comes that does not.
/// Guarantee: it does not wait for the others.
#[tokio::test]
async fn a_slow_handshake_delays_nobody() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    let options = [&["--mqtt", "off", "--mqtts", ANY][..], &files.options()].concat();
    let ports = Ports::open(&options, PATIENCE).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut tcp = ports.tcp(WireKind::Mqtts).await;
        // The first bytes of a ClientHello of 256 bytes.
        tcp.write_all(&[22, 3, 1, 1, 0, 1, 0, 0, 252])
            .await
            .unwrap();
        slow.push(tcp);
    }
    let tcp = ports.tcp(WireKind::Mqtts).await;
    let mut quick = tls(&authority.client(None), tcp).await.unwrap();
    assert_eq!(echoed(&mut quick, b"hello").await, b"hello");
    assert_eq!(ports.admission.open(), 51);
    assert_eq!(ports.admission.half_open(), 50);
}

/// Scenario: silent clients take all places for half-open connections, on each kind of port.
/// Guarantee: the next is closed at once; after the deadline the silent ones are closed, and
/// there is room again, for somebody who then stays longer than the deadline.
#[tokio::test]
async fn silent_clients_lose_their_places() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    for (option, kind) in [
        ("--mqtts", WireKind::Mqtts),
        ("--ws", WireKind::Ws),
        ("--wss", WireKind::Wss),
        ("--mqtt", WireKind::Mqtt),
    ] {
        let mut options = vec!["--max-half-open", "3", option, ANY];
        if kind != WireKind::Mqtt {
            options.extend(["--mqtt", "off"]);
        }
        options.extend(files.options());
        let deadline = Duration::from_millis(400);
        let ports = Ports::open(&options, deadline).await;
        let begin = Instant::now();
        let mut silent = Vec::new();
        for _ in 0..3 {
            silent.push(ports.tcp(kind).await);
        }
        let mut refused = ports.tcp(kind).await;
        assert!(is_closed(&mut refused).await);
        assert!(begin.elapsed() < deadline, "not closed at once");
        for mut one in silent {
            assert!(is_closed(&mut one).await);
        }
        assert!(begin.elapsed() >= deadline, "closed before the deadline");
        // The seat goes a moment after the socket.
        let entered = async {
            while ports.admission.half_open() > 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, entered).await.unwrap();
        assert_eq!(ports.admission.open(), 0);
    }
}

/// Scenario: clients from one address up to its limit, and one more; then one of them leaves.
/// Guarantee: the one more is closed at once, the others go on, and there is room afterwards.
#[tokio::test]
async fn the_limit_of_an_address_holds() {
    let options = ["--mqtt", ANY, "--max-connections-per-address", "2"];
    let ports = Ports::open(&options, PATIENCE).await;
    let mut one = ports.tcp(WireKind::Mqtt).await;
    let mut two = ports.tcp(WireKind::Mqtt).await;
    assert_eq!(echoed(&mut one, b"1").await, b"1");
    assert_eq!(echoed(&mut two, b"2").await, b"2");
    assert_eq!(ports.admission.half_open(), 0);
    let mut three = ports.tcp(WireKind::Mqtt).await;
    assert!(is_closed(&mut three).await);
    drop(one);
    let back = async {
        loop {
            let mut tcp = ports.tcp(WireKind::Mqtt).await;
            if tcp.write_all(b"3").await.is_ok() && tcp.read_u8().await.is_ok() {
                return tcp;
            }
        }
    };
    let mut three: TcpStream = timeout(PATIENCE, back).await.unwrap();
    assert_eq!(echoed(&mut three, b"4").await, b"4");
    assert_eq!(echoed(&mut two, b"5").await, b"5");
}

/// Scenario: the edge stops while a session is open.
/// Guarantee: no new client is taken, the open session can end in its own time, and the ports
/// wait for that.
#[tokio::test]
async fn a_stop_lets_sessions_end() {
    let ports = Ports::open(&["--mqtt", ANY], PATIENCE).await;
    let mut session = ports.tcp(WireKind::Mqtt).await;
    assert_eq!(echoed(&mut session, b"before").await, b"before");
    ports.stop.cancel();
    let closed = async {
        while TcpStream::connect(ports.address(WireKind::Mqtt))
            .await
            .is_ok()
        {}
    };
    timeout(PATIENCE, closed).await.unwrap();
    assert_eq!(echoed(&mut session, b"after").await, b"after");
    assert!(!ports.accepting.is_finished());
    drop(session);
    timeout(PATIENCE, ports.accepting).await.unwrap().unwrap();
}

/// Scenario: a client is refused after it has sent more than was read, plain and with TLS.
/// Guarantee: it can read the refusal, and then the end.
#[tokio::test]
async fn the_last_word_is_heard() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    let options = [&["--mqtt", ANY, "--mqtts", ANY][..], &files.options()].concat();
    let ports = Ports::open(&options, PATIENCE).await;
    let words = [b"refuse".as_slice(), &[7; 10_000]].concat();
    let mut heard = Vec::new();

    let mut tcp = ports.tcp(WireKind::Mqtt).await;
    tcp.write_all(&words).await.unwrap();
    tcp.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"refused");

    heard.clear();
    let tcp = ports.tcp(WireKind::Mqtts).await;
    let mut stream = tls(&authority.client(None), tcp).await.unwrap();
    stream.write_all(&words).await.unwrap();
    stream.flush().await.unwrap();
    // An end without close_notify would be an error here.
    stream.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"refused");
}
