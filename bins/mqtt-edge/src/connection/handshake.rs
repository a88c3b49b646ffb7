//! CONNECT and its answer.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use record::{Kind, Record};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::deliver::Delivering;
use super::{Connection, End, Outbox, READ_BYTES, Seat};
use crate::bus::Bus;
use crate::codec::{
    ConnAck, ConnAckProperties, Connect, Decoder, Encoder, Packet, ProtocolError, ReasonCode,
    Version,
};
use crate::edge::Edge;
use crate::uplink::{Entry, Full};
use stage::now_ms;

/// From the open socket to the whole CONNECT.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Characters that are recorded of the names in a refused CONNECT.
const CLAIMED_CHARACTERS: usize = 128;

/// Reads CONNECT, decides, answers.
pub(super) async fn open<B: Bus>(
    edge: &Arc<Edge<B>>,
    stream: TcpStream,
    peer: &str,
) -> Result<(Connection<B>, Seat), End> {
    let mut decoder = Decoder::new(edge.limits);
    let mut input = BytesMut::new();
    let connect = timeout(
        CONNECT_DEADLINE,
        read_connect(&stream, &mut decoder, &mut input),
    )
    .await
    .map_err(|_elapsed| End::new("connect_timeout", None))??;
    let unnamed = connect.client_id.is_empty();
    let claimed = claimed_identity(&connect);
    let connect = match accept(edge, connect) {
        Ok(connect) => connect,
        Err((encoder, reason)) => {
            login_failed(edge, claimed, peer, reason);
            answer(
                &stream,
                &encoder,
                &ConnAck {
                    reason,
                    ..ConnAck::default()
                },
            );
            return Err(End::new("not_authorized", Some(reason)));
        }
    };
    let client_id = connect.client_id.clone().into_bytes();
    let seat = edge.registry.enter(&client_id).await;
    let encoder = Encoder::for_client(&connect);
    if !answer(&stream, &encoder, &accepted(edge, &connect, unnamed)) {
        edge.registry.leave(&client_id, &seat);
        return Err(End::new("packet_too_large", None));
    }
    Ok((
        session(edge, stream, peer, *connect, encoder, decoder, input, &seat),
        seat,
    ))
}

async fn read_connect(
    stream: &TcpStream,
    decoder: &mut Decoder,
    input: &mut BytesMut,
) -> Result<Box<Connect>, End> {
    loop {
        match decoder.decode(input) {
            Ok(Some(Packet::Connect(connect))) => return Ok(connect),
            // The decoder lets nothing else through before CONNECT.
            Ok(Some(_)) => return Err(End::new("protocol_error", None)),
            Ok(None) => {}
            Err(error) => return Err(refuse(stream, error)),
        }
        stream.readable().await?;
        input.reserve(READ_BYTES.min(1024));
        match stream.try_read_buf(input) {
            Ok(0) => return Err(End::closed()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn refuse(stream: &TcpStream, error: ProtocolError) -> End {
    let mut out = BytesMut::new();
    error.encode_connack(&mut out);
    write_once(stream, &out);
    End::with_text("protocol_error", error.reason(), error.to_string())
}

/// Authentication and the client id.
fn accept<B: Bus>(
    edge: &Edge<B>,
    mut connect: Box<Connect>,
) -> Result<Box<Connect>, (Encoder, ReasonCode)> {
    let refused = |connect: &Connect, reason| Err((Encoder::for_client(connect), reason));
    if connect.auth_method.is_some() {
        return refused(&connect, ReasonCode::BAD_AUTHENTICATION_METHOD);
    }
    if !edge.allow_anonymous {
        return refused(&connect, ReasonCode::NOT_AUTHORIZED);
    }
    if connect.client_id.is_empty() {
        if connect.version == Version::V311 && !connect.clean_start {
            // MQTT 3.1.1, MQTT-3.1.3-8.
            return refused(&connect, ReasonCode::CLIENT_IDENTIFIER_NOT_VALID);
        }
        connect.client_id = ByteString::from(format!("latchwork-{:016x}", fastrand::u64(..)));
    }
    Ok(connect)
}

/// What this server can do, in the words of CONNACK. Sessions end with their connection.
fn accepted<B: Bus>(edge: &Edge<B>, connect: &Connect, unnamed: bool) -> ConnAck {
    ConnAck {
        session_present: false,
        reason: ReasonCode::SUCCESS,
        properties: ConnAckProperties {
            session_expiry_secs: (connect.session_expiry_secs > 0).then_some(0),
            receive_max: NonZeroU16::new(edge.receive_maximum),
            max_qos: Some(1),
            retain_available: Some(false),
            max_packet_size: NonZeroU32::new(edge.limits.max_packet_size),
            assigned_client_id: unnamed.then(|| connect.client_id.clone()),
            subscription_id_available: Some(false),
            ..ConnAckProperties::default()
        },
    }
}

fn answer(stream: &TcpStream, encoder: &Encoder, connack: &ConnAck) -> bool {
    let mut out = BytesMut::new();
    let encoded = encoder.encode_connack(connack, &mut out).is_ok();
    write_once(stream, &out);
    encoded
}

/// The first bytes to a peer always fit into its socket's empty buffer; when they do not, the peer
/// is gone, and the next read says so.
fn write_once(stream: &TcpStream, out: &[u8]) {
    if let Err(error) = stream.try_write(out) {
        tracing::debug!(%error, "the peer left during its handshake");
    }
}

/// Who a CONNECT says it is.
fn claimed_identity(connect: &Connect) -> Record {
    let username = connect.user_name.as_deref().unwrap_or_default();
    Record {
        client_id: clipped(&connect.client_id),
        username: clipped(username),
        protocol_name: Bytes::from_static(b"MQTT"),
        protocol_version: connect.version.level().into(),
        ..Record::default()
    }
}

/// The beginning of a name: who is not let in must not choose our size.
fn clipped(name: &str) -> Bytes {
    let end = name.char_indices().nth(CLAIMED_CHARACTERS);
    let end = end.map_or(name.len(), |(end, _)| end);
    Bytes::copy_from_slice(name.as_bytes().get(..end).unwrap_or_default())
}

/// The audit hears of refused logins. They are told at best effort: who floods the edge with them
/// must not make anybody wait.
fn login_failed<B: Bus>(edge: &Edge<B>, claimed: Record, peer: &str, reason: ReasonCode) {
    if !edge.wants_event(Kind::LoginFailed, &claimed.topic) {
        return;
    }
    let record = Record {
        kind: Kind::LoginFailed.into(),
        reason: Bytes::from_static(reason.name().as_bytes()),
        node: edge.node.clone(),
        peer: Bytes::copy_from_slice(peer.as_bytes()),
        received_at_ms: now_ms(),
        ..claimed
    };
    let intake = edge.uplink.of(&record.client_id);
    if intake.begin().push(&record, &mut Entry::default()) == Err(Full) {
        tracing::debug!("no room to record a refused login");
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a session meet here, once"
)]
fn session<B: Bus>(
    edge: &Arc<Edge<B>>,
    stream: TcpStream,
    peer: &str,
    connect: Connect,
    encoder: Encoder,
    decoder: Decoder,
    input: BytesMut,
    seat: &Seat,
) -> Connection<B> {
    let (reader, writer) = stream.into_split();
    let client_id = connect.client_id.into_bytes();
    let keepalive = Duration::from_secs(connect.keep_alive_secs.into());
    let template = Record {
        username: connect
            .user_name
            .map(ByteString::into_bytes)
            .unwrap_or_default(),
        node: edge.node.clone(),
        peer: Bytes::copy_from_slice(peer.as_bytes()),
        protocol_name: Bytes::from_static(b"MQTT"),
        protocol_version: connect.version.level().into(),
        keepalive_s: connect.keep_alive_secs.into(),
        session_epoch: seat.epoch(),
        client_id: client_id.clone(),
        ..Record::default()
    };
    Connection {
        outbox: Arc::new(Outbox::new(writer, encoder)),
        intake: edge.uplink.of(&client_id),
        delivering: Delivering::new(edge.bus.clone(), connect.receive_max),
        edge: Arc::clone(edge),
        reader,
        decoder,
        input,
        template,
        traces: BytesMut::new(),
        version: connect.version,
        // MQTT-3.1.2-24 (3.1.1), MQTT-3.1.2-22 (5.0): one and a half times the keep-alive.
        keepalive: (!keepalive.is_zero()).then(|| keepalive.mul_f32(1.5)),
        last_packet: Instant::now(),
        will: connect.will,
        seat: seat.clone(),
    }
}
