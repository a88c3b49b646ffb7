//! Who a client is, and whether it comes in.

use std::net::SocketAddr;
use std::time::Duration;

use access::{Admitted, Credentials, Method, Refusal};
use bytes::Bytes;
use bytestring::ByteString;
use record::{Kind, Record};
use tokio::time::{Instant, sleep};

use super::End;
use super::event_fields as fields;
use super::greeting::{claimed, tell_if_there_is_room};
use super::permissions::Rights;
use crate::bus::Bus;
use crate::codec::{Connect, ReasonCode, Version};
use crate::edge::Edge;
use crate::wire::Wire;

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
    logged_in(edge, &connect, &from, admitted.method);
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

/// The audit hears of refused logins.
fn login_failed<B: Bus>(edge: &Edge<B>, connect: &Connect, from: &Origin, end: &End) {
    let in_force = edge.in_force();
    if !in_force.wants(Kind::LoginFailed, &Bytes::new()) {
        return;
    }
    let reason = end.code.unwrap_or(ReasonCode::NOT_AUTHORIZED);
    let for_rules = in_force.rules_want(Kind::LoginFailed);
    let record = Record {
        reason: Bytes::from_static(reason.name().as_bytes()),
        event_fields: if for_rules {
            fields::login(reason, false)
        } else {
            Bytes::new()
        },
        ..claimed(edge, Kind::LoginFailed, connect, from.peer)
    };
    tell_if_there_is_room(edge, &record);
}

/// Only rules hear of the others, before the client is answered.
fn logged_in<B: Bus>(edge: &Edge<B>, connect: &Connect, from: &Origin, method: Method) {
    if !edge.in_force().rules_want(Kind::LoggedIn) {
        return;
    }
    let is_anonymous = method == Method::Anonymous;
    let username = connect.user_name.as_ref().map(ByteString::as_bytes);
    let record = Record {
        // Whose they are is proven.
        client_id: connect.client_id.as_bytes().clone(),
        username: username.cloned().unwrap_or_default(),
        event_fields: fields::login(ReasonCode::SUCCESS, is_anonymous),
        ..claimed(edge, Kind::LoggedIn, connect, from.peer)
    };
    tell_if_there_is_room(edge, &record);
}
