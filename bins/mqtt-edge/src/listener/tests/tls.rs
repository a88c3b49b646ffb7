//! TLS and client certificates.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::{Authority, Files, PATIENCE, Ports, echoed, tls};
use crate::wire::WireKind;

const PORT: [&str; 4] = ["--mqtt", "off", "--mqtts", "127.0.0.1:0"];

/// Scenario: a client sends a megabyte over TLS and reads it back.
/// Guarantee: it is the same.
#[tokio::test]
async fn bytes_pass_through_tls() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    let ports = Ports::open(&[&PORT[..], &files.options()].concat(), PATIENCE).await;
    let tcp = ports.tcp(WireKind::Mqtts).await;
    let stream = tls(&authority.client(None), tcp).await.unwrap();
    let bytes: Vec<u8> = (0..1_000_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sent = bytes.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.flush().await.unwrap();
        writer
    });
    let mut back = vec![0; bytes.len()];
    reader.read_exact(&mut back).await.unwrap();
    assert!(back == bytes);
    drop(writing.await.unwrap());
}

/// What the edge says of a client: the port, and the bytes of its certificate.
async fn who(ports: &Ports, client: &TlsConnector) -> std::io::Result<String> {
    let mut stream = tls(client, ports.tcp(WireKind::Mqtts).await).await?;
    stream.write_all(b"who?").await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    loop {
        match stream.read_u8().await? {
            b';' => return Ok(String::from_utf8(answer).unwrap()),
            byte => answer.push(byte),
        }
    }
}

/// Scenario: for each of the three settings, a client without a certificate, with one of the CA,
/// and with one of somebody else.
/// Guarantee: a wrong one never comes in; none comes in unless it is required; a right one is
/// known to the connection, when it was asked for.
#[tokio::test]
async fn client_certificates_are_checked() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let files = Files::new(&authority);
    let ca = ["--tls-client-ca", files.client_ca.to_str().unwrap()];
    let nobody = authority.client(None);
    let lock = authority.client(Some((&authority, "lock-1")));
    let forged = authority.client(Some((&stranger, "lock-1")));
    for (setting, wants_none, takes_forged) in [
        (vec!["--tls-client-cert", "none"], true, true),
        (vec!["--tls-client-cert", "optional"], true, false),
        (vec!["--tls-client-cert", "required"], false, false),
        (vec![], false, false),
    ] {
        let options = [&PORT[..], &files.options(), &ca, &setting].concat();
        let ports = Ports::open(&options, PATIENCE).await;
        let seen = who(&ports, &nobody).await.ok();
        assert_eq!(
            seen.as_deref(),
            wants_none.then_some("mqtts 0"),
            "{setting:?}"
        );
        let seen = who(&ports, &lock).await.unwrap();
        assert_eq!(
            seen == "mqtts 0",
            setting.contains(&"none"),
            "{setting:?} {seen}"
        );
        assert_eq!(
            who(&ports, &forged).await.is_ok(),
            takes_forged,
            "{setting:?}"
        );
    }
}

/// Scenario: a client connects again with the same TLS state; with its certificate required.
/// Guarantee: the second handshake resumes the first, and the certificate is still known.
#[tokio::test]
async fn sessions_resume_with_their_certificate() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    let ca = ["--tls-client-ca", files.client_ca.to_str().unwrap()];
    let ports = Ports::open(&[&PORT[..], &files.options(), &ca].concat(), PATIENCE).await;
    let lock = authority.client(Some((&authority, "lock-1")));
    let first = who(&ports, &lock).await.unwrap();
    let mut again = tls(&lock, ports.tcp(WireKind::Mqtts).await).await.unwrap();
    let kind = again.get_ref().1.handshake_kind().unwrap();
    assert_eq!(kind, rustls::HandshakeKind::Resumed);
    assert_eq!(echoed(&mut again, b"x").await, b"x");
    assert_ne!(first, "mqtts 0");
    assert_eq!(who(&ports, &lock).await.unwrap(), first);
}

/// Scenario: somebody speaks something else than TLS on the TLS port.
/// Guarantee: that connection ends; the next client is served.
#[tokio::test]
async fn other_languages_end_their_connection() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    let ports = Ports::open(&[&PORT[..], &files.options()].concat(), PATIENCE).await;
    let mut tcp = ports.tcp(WireKind::Mqtts).await;
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    // An alert may come first.
    let mut alert = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut alert)).await;
    assert!(ended.is_ok() && alert.len() < 100);
    assert_eq!(
        who(&ports, &authority.client(None)).await.unwrap(),
        "mqtts 0"
    );
}
