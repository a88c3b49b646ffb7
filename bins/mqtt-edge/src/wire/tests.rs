//! Tests of the wire.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::codec::{Encoder, Version};
use crate::connection::Outbox;

use super::{PacketDeadline, Wire, WireKind, WireReader, WireWriter};

async fn plain() -> (Wire, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    (Wire::plain(stream, peer, Instant::now()), client)
}

/// Layers that keep what they are given until they are flushed, on a pipe of 100 bytes.
fn layered() -> (Wire, DuplexStream) {
    let (stream, client) = duplex(100);
    let peer = SocketAddr::from(([192, 0, 2, 1], 1));
    let layers = BufStream::new(stream);
    let wire = Wire::layered(layers, WireKind::Mqtts, peer, Instant::now());
    (wire, client)
}

async fn write_out(writer: &WireWriter, out: &mut BytesMut) {
    poll_fn(|context| writer.poll_write_out(context, out))
        .await
        .unwrap();
}

/// Whether a read has nothing; it is given up then.
async fn waits(reader: &mut WireReader, input: &mut BytesMut) -> bool {
    let mut reading = pin!(reader.read_buf(input, 8192));
    poll_fn(|context| Poll::Ready(reading.as_mut().poll(context).is_pending())).await
}

async fn exchanges(mut reader: WireReader, client: &mut (impl AsyncWriteExt + Unpin)) {
    let mut input = BytesMut::new();
    assert!(waits(&mut reader, &mut input).await);
    assert_eq!(input.capacity(), 0, "a silent client holds a buffer");
    client.write_all(b"hello").await.unwrap();
    assert_eq!(reader.read_buf(&mut input, 8192).await.unwrap(), 5);
    assert_eq!(&input.split()[..], b"hello");
    assert!(waits(&mut reader, &mut input).await);
    assert_eq!(input.capacity(), 0, "what was read before holds a buffer");
}

/// Scenario: a read waits and is given up, then bytes come; plain and layered.
/// Guarantee: while it waits there is no buffer, and no byte is lost.
#[tokio::test]
async fn an_idle_wire_has_no_buffer() {
    let (wire, mut client) = plain().await;
    let (reader, _writer) = wire.split();
    assert!(!reader.is_layered());
    exchanges(reader, &mut client).await;
    let (wire, mut client) = layered();
    let (reader, _writer) = wire.split();
    assert!(reader.is_layered());
    exchanges(reader, &mut client).await;
}

/// Scenario: the lane writes to plain TCP and to layers.
/// Guarantee: plain TCP takes it at once, layers never do.
#[tokio::test]
async fn only_plain_wires_take_bytes_at_once() {
    let (wire, mut client) = plain().await;
    let (_reader, writer) = wire.split();
    assert_eq!(writer.try_write(b"puback").unwrap(), 6);
    let mut read = [0; 6];
    client.read_exact(&mut read).await.unwrap();
    let (wire, _client) = layered();
    let (_reader, writer) = wire.split();
    let refused = writer.try_write(b"puback").unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
}

/// Scenario: a layer that keeps bytes until it is flushed, and a client that reads late.
/// Guarantee: writing is not over before everything is at the client's side, can be given up at any
/// point, and nothing is lost or repeated.
#[tokio::test]
async fn layers_are_flushed() {
    let (wire, mut client) = layered();
    let (_reader, writer) = wire.split();
    let sent: Vec<u8> = (0..=255).cycle().take(50_000).collect();
    let mut out = BytesMut::from(&sent[..]);
    let mut heard = Vec::new();
    let mut written = false;
    while heard.len() < sent.len() {
        let mut some = [0; 70];
        tokio::select! {
            biased;
            count = client.read(&mut some) => heard.extend_from_slice(&some[..count.unwrap()]),
            // Given up whenever the client has read something.
            () = write_out(&writer, &mut out), if !written => written = true,
        }
    }
    assert!(heard == sent && out.is_empty() && written);
}

/// Scenario: a lane puts more into a layered client's outbox than its pipe takes, while the
/// connection's task waits; the client reads late; then the connection ends.
/// Guarantee: the task is told, the backlog counts until the layers have passed it on, a flush that
/// is given up loses nothing, and all of it arrives before the end.
#[tokio::test]
async fn an_outbox_of_layers_is_flushed_by_the_connection() {
    let (wire, mut client) = layered();
    let (mut reader, writer) = wire.split();
    let outbox = Outbox::new(writer, Encoder::new(Version::V5));
    outbox.send(|_, out| out.extend_from_slice(&[7; 150]));
    outbox.backlogged().await;
    assert_eq!(outbox.backlog_len(), 150);
    {
        let mut flushing = pin!(outbox.flush());
        let polled = poll_fn(|context| Poll::Ready(flushing.as_mut().poll(context))).await;
        assert!(polled.is_pending());
    }
    assert!(outbox.backlog_len() > 0, "50 bytes are still in a layer");
    outbox.send(|_, out| out.extend_from_slice(&[8; 250]));
    let ended = tokio::spawn(async move { outbox.hang_up(&mut reader).await });
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, [[7; 150].as_slice(), &[8; 250]].concat());
    drop(client);
    ended.await.unwrap();
}

/// Scenario: the server hangs up on a client that has unread bytes under way.
/// Guarantee: the client reads the last word and the end, plain and layered.
#[tokio::test]
async fn hanging_up_keeps_the_last_word() {
    let (mut wire, mut client) = plain().await;
    client.write_all(&[1; 10_000]).await.unwrap();
    wire.write_all(b"goodbye").await.unwrap();
    let ended = tokio::spawn(wire.hang_up());
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"goodbye");
    // What the client still sends is taken.
    client.write_all(&[1; 500]).await.unwrap();
    drop(client);
    ended.await.unwrap();

    let (mut wire, mut client) = layered();
    client.write_all(&[1; 90]).await.unwrap();
    wire.write_all(b"goodbye").await.unwrap();
    let ended = tokio::spawn(wire.hang_up());
    heard.clear();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"goodbye");
    // What the client still sends is taken.
    client.write_all(&[1; 500]).await.unwrap();
    drop(client);
    ended.await.unwrap();
}

/// Scenario: whole packets; a packet that comes byte by byte; whole packets with the beginning of
/// another one behind them.
/// Guarantee: the time of a packet runs from its first byte, whatever comes in between.
#[test]
fn a_begun_packet_has_a_deadline() {
    let begin = Instant::now();
    let at = |seconds| begin + Duration::from_secs(seconds);
    let mut deadline = PacketDeadline::new(Duration::from_secs(30));
    deadline.read(2, 0, at(0));
    assert_eq!(deadline.expires(), None);
    for second in 1..=29 {
        deadline.read(0, 5, at(second));
        assert_eq!(deadline.expires(), Some(at(31)));
    }
    deadline.read(3, 1, at(30));
    assert_eq!(deadline.expires(), Some(at(60)));
    deadline.read(1, 0, at(31));
    assert_eq!(deadline.expires(), None);
}
