//! CONNECT and its answer.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::time::timeout_at;

use super::greeting::{Claim, Greeting};
use super::login::{self, Origin};
use super::open::Opening;
use super::{Connection, End, READ_BYTES};
use crate::bus::Bus;
use crate::codec::{ConnAck, Connect, Decoder, Encoder, Packet, ProtocolError, ReasonCode};
use crate::edge::Edge;
use crate::wire::Wire;

/// Reads CONNECT, decides, answers.
pub(super) async fn open<B: Bus>(
    edge: &Arc<Edge<B>>,
    mut wire: Wire,
    peer: &str,
) -> Result<(Connection<B>, Greeting), End> {
    let mut decoder = Decoder::new(edge.limits);
    let mut input = BytesMut::new();
    let deadline = wire.deadline();
    let read = read_connect(&mut wire, &mut decoder, &mut input);
    let read = timeout_at(deadline, read)
        .await
        .map_err(|_elapsed| End::new("connect_timeout", None))?;
    let connect = match read {
        Ok(connect) => connect,
        Err(end) => {
            if end.code.is_some() {
                wire.hang_up().await;
            }
            return Err(end);
        }
    };
    let encoder = Encoder::for_client(&connect);
    let opening = Opening {
        edge: Arc::clone(edge),
        peer: peer.to_owned(),
        decoder,
        input,
    };
    let claim = Claim::of(edge, &connect, &wire);
    let opened = match login::accept(edge, Origin::new(&wire), *connect).await {
        Ok(accepted) => opening.open(deadline, accepted).await,
        Err(end) => Err(end),
    };
    let refused = match opened {
        Ok(opened) => return opened.connect(wire).await,
        Err(refused) => refused,
    };
    let reason = refused.code.unwrap_or(ReasonCode::UNSPECIFIED_ERROR);
    if let Some(claim) = claim {
        claim.refused(edge, reason);
    }
    let connack = ConnAck {
        reason,
        ..ConnAck::default()
    };
    answer(&mut wire, &encoder, &connack).await;
    wire.hang_up().await;
    Err(refused)
}

async fn read_connect(
    wire: &mut Wire,
    decoder: &mut Decoder,
    input: &mut BytesMut,
) -> Result<Box<Connect>, End> {
    loop {
        match decoder.decode(input) {
            Ok(Some(Packet::Connect(connect))) => return Ok(connect),
            // The decoder lets nothing else through before CONNECT.
            Ok(Some(_)) => return Err(End::new("protocol_error", None)),
            Ok(None) => {}
            Err(error) => return Err(refuse(wire, error).await),
        }
        if wire.read_buf(input, READ_BYTES.min(1024)).await? == 0 {
            return Err(End::closed());
        }
    }
}

async fn refuse(wire: &mut Wire, error: ProtocolError) -> End {
    let mut out = BytesMut::new();
    error.encode_connack(&mut out);
    write_once(wire, &out).await;
    End::with_text("protocol_error", error.reason(), error.to_string())
}

pub(super) async fn answer(wire: &mut Wire, encoder: &Encoder, connack: &ConnAck) -> bool {
    let mut out = BytesMut::new();
    let encoded = encoder.encode_connack(connack, &mut out).is_ok();
    write_once(wire, &out).await;
    encoded
}

/// When the first bytes to a peer can't be written it is gone, and the next read says so.
async fn write_once(wire: &mut Wire, out: &[u8]) {
    if let Err(error) = wire.write_all(out).await {
        tracing::debug!(%error, "the peer left during its handshake");
    }
}
