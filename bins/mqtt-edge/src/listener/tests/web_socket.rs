//! MQTT on WebSocket.

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Authority, Files, PATIENCE, Ports, tls};
use crate::wire::WireKind;

const PORT: [&str; 4] = ["--mqtt", "off", "--ws", "127.0.0.1:0"];

async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    path: &str,
    protocol: Option<&str>,
) -> Result<WebSocketStream<S>, Error> {
    let mut request = format!("ws://localhost{path}").into_client_request()?;
    if let Some(protocol) = protocol {
        let value = protocol.parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", value);
    }
    let (socket, response) = timeout(PATIENCE, client_async(request, stream))
        .await
        .unwrap()?;
    assert_eq!(response.headers()["sec-websocket-protocol"], "mqtt");
    Ok(socket)
}

/// The bytes that come back.
async fn echoed<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    messages: &[&'static [u8]],
) -> Vec<u8> {
    for message in messages {
        let message = Message::Binary(Bytes::from_static(message));
        socket.send(message).await.unwrap();
    }
    let wanted: usize = messages.iter().map(|message| message.len()).sum();
    let mut answer = Vec::new();
    while answer.len() < wanted {
        match timeout(PATIENCE, socket.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
        {
            Message::Binary(bytes) => answer.extend_from_slice(&bytes),
            Message::Pong(payload) => assert_eq!(payload.as_ref(), b"there?"),
            other => panic!("{other:?}"),
        }
    }
    answer
}

/// Scenario: bytes in whole messages, in pieces of one byte, in empty ones, in a fragmented one and
/// with a ping between them, with WebSocket alone and on TLS.
/// Guarantee: they are one stream of bytes; the ping is answered.
#[tokio::test]
async fn messages_are_one_stream() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    let options = [&PORT[..], &["--wss", "127.0.0.1:0"], &files.options()].concat();
    let ports = Ports::open(&options, PATIENCE).await;
    let mut ws = connect(ports.tcp(WireKind::Ws).await, "/mqtt", Some("mqtt"))
        .await
        .unwrap();
    assert_eq!(
        echoed(&mut ws, &[b"hello ", b"", b"w", b"orld"]).await,
        b"hello world"
    );
    ws.send(Message::Ping(Bytes::from_static(b"there?")))
        .await
        .unwrap();
    let pong = timeout(PATIENCE, ws.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(pong, Message::Pong(Bytes::from_static(b"there?")));
    let large: &'static [u8] = vec![9; 900_000].leak();
    assert_eq!(echoed(&mut ws, &[large]).await, large);

    let tcp = ports.tcp(WireKind::Wss).await;
    let stream = tls(&authority.client(None), tcp).await.unwrap();
    let offered = Some("mqttv3.1, mqtt");
    let mut wss = connect(stream, "/mqtt?x=1", offered).await.unwrap();
    assert_eq!(echoed(&mut wss, &[b"a", b"b", large]).await.len(), 900_002);
}

/// Scenario: another path, no subprotocol, another subprotocol, no WebSocket at all.
/// Guarantee: 404 and 400 with the reason; the next client is served.
#[tokio::test]
async fn only_mqtt_at_its_path() {
    let ports = Ports::open(&PORT, PATIENCE).await;
    for (path, protocol, status) in [
        ("/", Some("mqtt"), 404),
        ("/mqtt/", Some("mqtt"), 404),
        ("/mqtt", None, 400),
        ("/mqtt", Some("chat, mqttv3.1"), 400),
    ] {
        let refused = connect(ports.tcp(WireKind::Ws).await, path, protocol).await;
        match refused.unwrap_err() {
            Error::Http(response) => assert_eq!(response.status(), status, "{path}"),
            other => panic!("{path}: {other}"),
        }
    }
    let mut tcp = ports.tcp(WireKind::Ws).await;
    tcp.write_all(b"\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    // Closed, in whatever way.
    timeout(PATIENCE, tcp.read_to_end(&mut answer))
        .await
        .unwrap()
        .ok();
    let served = connect(ports.tcp(WireKind::Ws).await, "/mqtt", Some("mqtt")).await;
    assert_eq!(echoed(&mut served.unwrap(), &[b"x"]).await, b"x");
}

/// Scenario: a client sends a text message, a frame larger than any packet, or says goodbye.
/// Guarantee: it is closed, with the code that says why (MQTT-6.0.0-1).
#[tokio::test]
async fn other_messages_close() {
    let ports = Ports::open(&PORT, PATIENCE).await;
    let open = async || {
        let socket = connect(ports.tcp(WireKind::Ws).await, "/mqtt", Some("mqtt")).await;
        let mut socket = socket.unwrap();
        // In the session, not in its first read.
        assert_eq!(echoed(&mut socket, &[b"x"]).await, b"x");
        socket
    };
    let closed = async |mut socket: WebSocketStream<_>, message| {
        socket.send(message).await.ok();
        loop {
            match timeout(PATIENCE, socket.next()).await.unwrap() {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let code = closed(open().await, Message::text("CONNECT")).await;
    assert_eq!(code, Some(CloseCode::Unsupported));
    let code = closed(open().await, Message::Close(None)).await;
    assert_eq!(code, None);
    let mut socket = open().await;
    // Only the header of a frame of 16 MB.
    let header = [0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4];
    socket.get_mut().write_all(&header).await.unwrap();
    let code = closed(socket, Message::Ping(Bytes::new())).await;
    assert_eq!(code, Some(CloseCode::Size));
}

/// Scenario: a client is refused in words.
/// Guarantee: it gets them, and a close message after them.
#[tokio::test]
async fn a_refusal_ends_with_a_close_message() {
    let ports = Ports::open(&PORT, PATIENCE).await;
    let socket = connect(ports.tcp(WireKind::Ws).await, "/mqtt", Some("mqtt")).await;
    let mut socket = socket.unwrap();
    let message = Message::Binary(Bytes::from_static(b"refuse"));
    socket.send(message).await.unwrap();
    let mut heard = Vec::new();
    while let Some(message) = timeout(PATIENCE, socket.next()).await.unwrap() {
        heard.push(message.unwrap());
    }
    let refused = Message::Binary(Bytes::from_static(b"refused"));
    assert_eq!(heard, [refused, Message::Close(None)]);
}
