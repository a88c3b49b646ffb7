//! From an accepted CONNECT to a connection: its seat, its session, and CONNACK.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use record::Record;
use session::SessionRecord;
use tokio::time::{Instant, timeout_at};

use super::aliases::{Aliases, MAX_FROM_CLIENT};
use super::deliver::Delivering;
use super::handshake::answer;
use super::login::Accepted;
use super::pace::Pace;
use super::permissions::Rights;
use super::unanswered::Unanswered;
use super::{Connection, End, Outbox, publish_will};
use crate::bus::Bus;
use crate::codec::{
    ConnAck, ConnAckProperties, Connect, Decoder, Encoder, ReasonCode, Version, shared_filter,
};
use crate::edge::Edge;
use crate::listener::UserSeat;
use crate::sessions::{self, Parked, Seat, SessionState, StillThere, kept_will};
use crate::wire::{PacketDeadline, Wire};

/// What there is before CONNECT is accepted.
pub(super) struct Opening<'a, B: Bus> {
    pub(super) edge: &'a Arc<Edge<B>>,
    pub(super) peer: &'a str,
    pub(super) decoder: Decoder,
    pub(super) input: BytesMut,
}

/// A client that has its seat and session.
pub(super) struct Opened<'a, B: Bus> {
    opening: Opening<'a, B>,
    connect: Connect,
    seat: Seat,
    session: SessionState,
    session_present: bool,
    session_expiry_secs: u32,
    rights: Rights,
    user_seat: UserSeat,
    is_renamed: bool,
}

impl<'a, B: Bus> Opening<'a, B> {
    /// Takes the client's seat, and its session or a new one.
    pub(super) async fn open(
        self,
        wire: &mut Wire,
        accepted: Accepted,
    ) -> Result<Opened<'a, B>, End> {
        let edge = self.edge;
        let Accepted {
            connect,
            rights,
            is_renamed,
        } = accepted;
        let user = connect.user_name.as_deref().unwrap_or_default();
        let user_seat = edge.admission.enter_user(user).map_err(|too_many| {
            let code = ReasonCode::QUOTA_EXCEEDED;
            End::with_text("user_limit", code, too_many.to_string())
        })?;
        let client_id = connect.client_id.as_bytes();
        let entered = edge.registry.enter(client_id).await;
        let (seat, parked) = entered.map_err(|StillThere| {
            End::new("previous_session_busy", Some(ReasonCode::SERVER_BUSY))
        })?;
        let session_expiry_secs = edge.session_expiry(connect.session_expiry_secs);
        let mut opened = Opened {
            session: SessionState::default(),
            session_present: false,
            opening: self,
            connect,
            seat,
            session_expiry_secs,
            rights,
            user_seat,
            is_renamed,
        };
        let found = timeout_at(wire.deadline(), opened.take_session(parked)).await;
        let refused = match found {
            Ok(Ok(())) => return Ok(opened),
            Ok(Err(end)) => end,
            Err(_elapsed) => End::new("store_unavailable", Some(ReasonCode::SERVER_UNAVAILABLE)),
        };
        opened.give_back();
        Err(refused)
    }
}

impl<B: Bus> Opened<'_, B> {
    /// Goes on with the client's session, or begins one.
    async fn take_session(&mut self, parked: Option<Box<Parked>>) -> Result<(), End> {
        let (edge, connect) = (self.opening.edge, &self.connect);
        if let Some(Parked { state, will, .. }) = parked.map(|parked| *parked) {
            if connect.clean_start {
                // Its old session ends, and a will that waited comes with the end.
                if let Some(pending) = will {
                    publish_will(edge, &pending.template, pending.will).await;
                }
                sessions::end(edge, state).await;
            } else {
                // A will that waited is dropped (MQTT-3.1.3-9).
                (self.session, self.session_present) = (state, true);
            }
        }
        if self.session_expiry_secs > 0 || self.session.durable.is_some() {
            let record = self.record();
            let clean = self.connect.clean_start;
            self.session_present |= sessions::begin(edge, &mut self.session, record, clean).await?;
        }
        if let Some(shared) = self.session.shared() {
            shared.mailbox.open();
        }
        Ok(())
    }

    /// There will be no connection: the session waits for the next one.
    fn give_back(mut self) {
        let lasts = self.session_expiry_secs;
        let state = std::mem::take(&mut self.session);
        let parked = state.durable.is_some().then(|| {
            Box::new(Parked {
                state,
                expires: Some(Instant::now() + Duration::from_secs(lasts.into())),
                will: None,
            })
        });
        let client_id = self.connect.client_id.as_bytes();
        self.opening
            .edge
            .registry
            .leave(client_id, &self.seat, parked);
    }

    fn record(&self) -> SessionRecord {
        let connect = &self.connect;
        SessionRecord {
            client_id: connect.client_id.to_string(),
            username: connect.user_name.as_deref().unwrap_or_default().to_owned(),
            epoch: self.seat.epoch(),
            node: String::from_utf8_lossy(&self.opening.edge.node).into_owned(),
            connected: true,
            expiry_secs: self.session_expiry_secs,
            ended_at_ms: None,
            will: connect.will.as_ref().map(kept_will),
            ..SessionRecord::default()
        }
    }
}

impl<B: Bus> Opened<'_, B> {
    /// Answers CONNECT; from here on it is a connection.
    pub(super) async fn connect(self, mut wire: Wire) -> Result<Connection<B>, End> {
        let encoder = Encoder::for_client(&self.connect);
        if !answer(&mut wire, &encoder, &self.connack()).await {
            self.give_back();
            return Err(End::new("packet_too_large", None));
        }
        Ok(self.connection(wire, encoder))
    }

    /// What this server can do, in the words of CONNACK.
    fn connack(&self) -> ConnAck {
        let edge = self.opening.edge;
        let connect = &self.connect;
        let expiry_secs = self.session_expiry_secs;
        ConnAck {
            session_present: self.session_present,
            reason: ReasonCode::SUCCESS,
            properties: ConnAckProperties {
                session_expiry_secs: (connect.session_expiry_secs != expiry_secs)
                    .then_some(expiry_secs),
                receive_max: NonZeroU16::new(edge.receive_maximum),
                max_packet_size: NonZeroU32::new(edge.limits.max_packet_size),
                topic_alias_max: Some(MAX_FROM_CLIENT),
                assigned_client_id: self.is_renamed.then(|| connect.client_id.clone()),
                keep_alive_secs: self.server_keep_alive(),
                ..ConnAckProperties::default()
            },
        }
    }

    /// The keep-alive that the client must use instead of its own (MQTT-3.2.2-21).
    fn server_keep_alive(&self) -> Option<u16> {
        let max = self.opening.edge.max_keep_alive_secs;
        let asked = self.connect.keep_alive_secs;
        let is_longer = asked == 0 || asked > max;
        (max > 0 && is_longer && self.connect.version == Version::V5).then_some(max)
    }

    fn connection(self, wire: Wire, encoder: Encoder) -> Connection<B> {
        let keep_alive_secs = self
            .server_keep_alive()
            .unwrap_or(self.connect.keep_alive_secs);
        let Self {
            opening,
            connect,
            seat,
            session,
            session_present,
            session_expiry_secs,
            rights,
            user_seat,
            ..
        } = self;
        let Opening {
            edge,
            peer,
            decoder,
            input,
        } = opening;
        let (reader, writer) = wire.split();
        let lasts = session.durable.is_some();
        let unanswered = Unanswered::resumed(&session.received, lasts, session_present);
        let keepalive = Duration::from_secs(keep_alive_secs.into());
        let client_id = connect.client_id.into_bytes();
        let template = Record {
            username: connect
                .user_name
                .map(ByteString::into_bytes)
                .unwrap_or_default(),
            node: edge.node.clone(),
            peer: Bytes::copy_from_slice(peer.as_bytes()),
            protocol_name: Bytes::from_static(b"MQTT"),
            protocol_version: connect.version.level().into(),
            keepalive_s: keep_alive_secs.into(),
            session_epoch: seat.epoch(),
            client_id: client_id.clone(),
            ..Record::default()
        };
        Connection {
            outbox: Arc::new(Outbox::resumed(writer, encoder, unanswered)),
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
            aliases: Aliases::new(connect.topic_alias_max),
            rights,
            pace: Pace::new(PacketDeadline::new(edge.packet_limit), &edge.publish_limits),
            _user_seat: user_seat,
            session,
            session_expiry_secs,
            seat,
        }
    }
}

impl<B: Bus> Connection<B> {
    /// The shared subscriptions of a session that goes on: they are of its connections.
    pub(super) async fn attach_shared(&mut self) -> Result<(), End> {
        let subscriptions = self.session.subscriptions.iter();
        let shared: Vec<_> = subscriptions
            .filter(|(filter, _)| shared_filter(filter).is_some())
            .map(|(filter, options)| (filter.clone(), *options))
            .collect();
        for (filter, options) in shared {
            self.attach(&filter, options)
                .await
                .map_err(|error| End::router_failed(&error))?;
        }
        Ok(())
    }
}
