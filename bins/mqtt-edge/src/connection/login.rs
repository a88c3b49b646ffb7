//! Who a client is, and whether it comes in.

use std::net::SocketAddr;
use std::time::Duration;

use access::{Admitted, Credentials, Refusal};
use bytes::Bytes;
use bytestring::ByteString;
use record::{Kind, Record};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::End;
use super::permissions::Rights;
use crate::bus::Bus;
use crate::codec::{Connect, ReasonCode, Version};
use crate::edge::Edge;
use crate::uplink::{Entry, Full};
use crate::wire::Wire;
use stage::now_ms;

/// Characters that are recorded of the names in a refused CONNECT.
const CLAIMED_CHARACTERS: usize = 128;

/// A CONNECT that may come in.
pub(super) struct Accepted {
    /// With the client id and user name that count.
    pub(super) connect: Connect,
    pub(super) rights: Rights,
    /// The client has to be told its client id.
    pub(super) is_renamed: bool,
}

/// Where a CONNECT comes from.
pub(super) struct Origin {
    peer: SocketAddr,
    certificate: Option<Bytes>,
    deadline: Instant,
}

impl Origin {
    pub(super) fn new(wire: &Wire) -> Self {
        Self {
            peer: wire.peer(),
            certificate: wire.certificate().cloned(),
            deadline: wire.deadline(),
        }
    }
}

/// Authentication, the client id, and the right to the will.
pub(super) async fn accept<B: Bus>(
    edge: &Edge<B>,
    from: Origin,
    mut connect: Connect,
) -> Result<Accepted, End> {
    if connect.auth_method.is_some() {
        return Err(refused(
            "enhanced authentication",
            ReasonCode::BAD_AUTHENTICATION_METHOD,
        ));
    }
    if connect.client_id.is_empty() && connect.version == Version::V311 && !connect.clean_start {
        // MQTT 3.1.1, MQTT-3.1.3-8.
        let text = "a session needs a client id";
        return Err(refused(text, ReasonCode::CLIENT_IDENTIFIER_NOT_VALID));
    }
    let admitted = match admit(edge, &from, &connect).await {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let end = refused(refusal.to_string(), reason(&refusal));
            login_failed(edge, &connect, &from, &end);
            wait(refusal.delay(), from.deadline).await;
            return Err(end);
        }
    };
    let mut rights = Rights::new(admitted.permissions, admitted.expires_at);
    if let Some(will) = &connect.will
        && !rights.permissions.publish(&will.topic).allowed
    {
        let end = refused("may not publish its will", ReasonCode::NOT_AUTHORIZED);
        login_failed(edge, &connect, &from, &end);
        return Err(end);
    }
    let is_renamed = *connect.client_id != *admitted.client_id;
    connect.client_id = ByteString::from(admitted.client_id);
    connect.user_name = admitted.username.map(ByteString::from);
    connect.password = None;
    Ok(Accepted {
        connect,
        rights,
        is_renamed,
    })
}

async fn admit<B: Bus>(
    edge: &Edge<B>,
    from: &Origin,
    connect: &Connect,
) -> Result<Admitted, Refusal> {
    let assigned = assigned_id();
    let credentials = Credentials {
        client_id: &connect.client_id,
        assigned_client_id: &assigned,
        username: connect.user_name.as_deref(),
        password: connect.password.as_deref(),
        peer_ip: from.peer.ip(),
        certificate: from.certificate.as_deref(),
    };
    edge.access.admit(&credentials).await
}

/// An identifier that nobody guesses: who knows it may ask for its session.
fn assigned_id() -> String {
    let random = getrandom::u64().unwrap_or_else(|_no_random| fastrand::u64(..));
    format!("latchwork-{random:016x}")
}

/// Who guesses passwords waits for the answer; nobody waits past its time for CONNECT.
async fn wait(delay: Duration, deadline: Instant) {
    let left = deadline.duration_since(Instant::now());
    sleep(delay.min(left)).await;
}

fn reason(refusal: &Refusal) -> ReasonCode {
    match refusal {
        Refusal::NotAuthorized { .. } | Refusal::BadCertificate { .. } => {
            ReasonCode::NOT_AUTHORIZED
        }
        Refusal::BadCredentials { .. } | Refusal::BadToken { .. } => {
            ReasonCode::BAD_USER_NAME_OR_PASSWORD
        }
        Refusal::ClientIdMismatch { .. } => ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
        Refusal::Banned(_) => ReasonCode::BANNED,
        Refusal::Busy => ReasonCode::SERVER_BUSY,
    }
}

fn refused(text: impl Into<String>, code: ReasonCode) -> End {
    End::with_text("not_authorized", code, text)
}

/// The audit hears of refused logins. They are told at best effort: who floods the edge with them
/// must not make anybody wait.
fn login_failed<B: Bus>(edge: &Edge<B>, connect: &Connect, from: &Origin, end: &End) {
    let topic = Bytes::new();
    if !edge.wants_event(Kind::LoginFailed, &topic) {
        return;
    }
    let reason = end.code.unwrap_or(ReasonCode::NOT_AUTHORIZED);
    let record = Record {
        kind: Kind::LoginFailed.into(),
        client_id: clipped(&connect.client_id),
        username: clipped(connect.user_name.as_deref().unwrap_or_default()),
        protocol_name: Bytes::from_static(b"MQTT"),
        protocol_version: connect.version.level().into(),
        reason: Bytes::from_static(reason.name().as_bytes()),
        node: edge.node.clone(),
        peer: Bytes::from(from.peer.to_string()),
        received_at_ms: now_ms(),
        ..Record::default()
    };
    let intake = edge.uplink.of(&record.client_id);
    if intake.begin().push(&record, &mut Entry::default()) == Err(Full) {
        debug!("no room to record a refused login");
    }
}

/// The beginning of a name: who is not let in must not choose our size.
fn clipped(name: &str) -> Bytes {
    let end = name.char_indices().nth(CLAIMED_CHARACTERS);
    let end = end.map_or(name.len(), |(end, _)| end);
    Bytes::copy_from_slice(name.as_bytes().get(..end).unwrap_or_default())
}
