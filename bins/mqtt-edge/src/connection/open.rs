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
use super::greeting::Greeting;
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
use crate::in_force::Following;
use crate::listener::UserSeat;
use crate::sessions::{self, Parked, PendingWill, Seat, SessionState, StillThere, kept_will};
use crate::wire::{PacketDeadline, Wire};

/// What there is before CONNECT is accepted.
pub(super) struct Opening<B: Bus> {
    pub(super) edge: Arc<Edge<B>>,
    pub(super) peer: String,
    pub(super) decoder: Decoder,
    pub(super) input: BytesMut,
}

/// A client that has its seat and session.
pub(super) struct Opened<B: Bus> {
    opening: Opening<B>,
    connect: Connect,
    seat: Seat,
    session: SessionState,
    session_present: bool,
    /// What the session waited with: it goes on waiting if there is no connection after all.
    waited: Option<(Option<Instant>, Option<PendingWill>)>,
    session_expiry_secs: u32,
    rights: Rights,
    user_seat: UserSeat,
    is_renamed: bool,
}

impl<B: Bus> Opening<B> {
    /// Takes the client's seat, and its session or a new one.
    pub(super) async fn open(
        self,
        deadline: Instant,
        accepted: Accepted,
    ) -> Result<Opened<B>, End> {
        let edge = Arc::clone(&self.edge);
        let Accepted {
            connect,
            rights,
            is_renamed,
        } = accepted;
        let client_id = connect.client_id.as_bytes().clone();
        let entered = edge.registry.enter(&client_id).await;
        let (seat, parked) = entered.map_err(|StillThere| {
            End::new("previous_session_busy", Some(ReasonCode::SERVER_BUSY))
        })?;
        let session_expiry_secs = edge.session_expiry(connect.session_expiry_secs);
        let is_new = session_expiry_secs > 0 && parked.is_none();
        // After the one before it has gone, which may be of the same user.
        let user_seat = match room(&edge, &connect, is_new) {
            Ok(user_seat) => user_seat,
            Err(end) => {
                edge.registry.leave(&client_id, &seat, parked);
                return Err(end);
            }
        };
        let opened = Opened {
            session: SessionState::default(),
            session_present: false,
            waited: None,
            opening: self,
            connect,
            seat,
            session_expiry_secs,
            rights,
            user_seat,
            is_renamed,
        };
        if parked.is_none() && session_expiry_secs == 0 {
            return Ok(opened);
        }
        opened.with_session(parked, deadline).await
    }
}

/// Whether there is room for one more connection of the user, and for one more session.
fn room<B: Bus>(edge: &Edge<B>, connect: &Connect, is_new: bool) -> Result<UserSeat, End> {
    let code = ReasonCode::QUOTA_EXCEEDED;
    if is_new && edge.registry.len() > edge.max_sessions {
        let text = "too many sessions; see --max-sessions";
        return Err(End::with_text("session_limit", code, text));
    }
    let user = connect.user_name.as_deref().unwrap_or_default();
    let entered = edge.admission.enter_user(user);
    entered.map_err(|too_many| End::with_text("user_limit", code, too_many.to_string()))
}

impl<B: Bus> Opened<B> {
    /// Takes the session by a task of its own: whether the client waits for it or not, it is not
    /// left half taken.
    async fn with_session(
        mut self,
        parked: Option<Box<Parked>>,
        deadline: Instant,
    ) -> Result<Self, End> {
        let mut taking = tokio::spawn(async move {
            let taken = self.take_session(parked).await;
            (self, taken)
        });
        let unavailable = Some(ReasonCode::SERVER_UNAVAILABLE);
        match timeout_at(deadline, &mut taking).await {
            Ok(Ok((opened, Ok(())))) => Ok(opened),
            Ok(Ok((opened, Err(end)))) => {
                opened.give_back();
                Err(end)
            }
            Ok(Err(_panicked)) => Err(End::new("session_not_taken", unavailable)),
            Err(_elapsed) => {
                tokio::spawn(async move {
                    if let Ok((opened, _)) = taking.await {
                        opened.give_back();
                    }
                });
                Err(End::new("store_unavailable", unavailable))
            }
        }
    }

    /// Goes on with the client's session, or begins one.
    async fn take_session(&mut self, parked: Option<Box<Parked>>) -> Result<(), End> {
        let (edge, connect) = (&self.opening.edge, &self.connect);
        let user = connect.user_name.as_deref().unwrap_or_default();
        if let Some(parked) = parked {
            let Parked {
                state,
                will,
                expires,
            } = *parked;
            if connect.clean_start || !state.is_of(user) {
                // Its old session ends, and a will that waited comes with the end.
                if let Some(pending) = will {
                    publish_will(edge, &pending.template, pending.will).await;
                }
                sessions::end(edge, state).await;
            } else {
                // A will that waited is dropped with the new connection (MQTT-3.1.3-9).
                (self.session, self.session_present) = (state, true);
                self.waited = Some((expires, will));
            }
        }
        if self.session_expiry_secs > 0 || self.session.durable.is_some() {
            let record = self.record();
            let clean = self.connect.clean_start;
            let edge = &self.opening.edge;
            self.session_present |= sessions::begin(edge, &mut self.session, record, clean).await?;
        }
        if let Some(shared) = self.session.shared() {
            shared.mailbox.open();
        }
        Ok(())
    }

    /// There will be no connection: the session waits for the next one.
    fn give_back(mut self) {
        let lasts = Duration::from_secs(self.session_expiry_secs.into());
        let waited = self.waited.take();
        let (expires, will) = waited.unwrap_or_else(|| (Some(Instant::now() + lasts), None));
        let state = std::mem::take(&mut self.session);
        if let Some(shared) = state.shared() {
            shared.mailbox.close();
        }
        let parked = state.durable.is_some().then(|| {
            Box::new(Parked {
                state,
                expires,
                will,
            })
        });
        let client_id = self.connect.client_id.as_bytes();
        let registry = &self.opening.edge.registry;
        registry.leave(client_id, &self.seat, parked);
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

impl<B: Bus> Opened<B> {
    /// Answers CONNECT; from here on it is a connection.
    pub(super) async fn connect(self, mut wire: Wire) -> Result<(Connection<B>, Greeting), End> {
        let encoder = Encoder::for_client(&self.connect);
        if !answer(&mut wire, &encoder, &self.connack()).await {
            self.give_back();
            return Err(End::new("packet_too_large", None));
        }
        let following = Following::new(self.opening.edge.versions.clone());
        let (connect, expiry_secs) = (&self.connect, self.session_expiry_secs);
        let greeting = Greeting::new(&following.in_force, connect, wire.local(), expiry_secs);
        Ok((self.connection(wire, encoder, following), greeting))
    }

    /// What this server can do, in the words of CONNACK.
    fn connack(&self) -> ConnAck {
        let edge = &self.opening.edge;
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

    /// The fields that all records of the connection share.
    fn template(&self, keep_alive_secs: u16) -> Record {
        let connect = &self.connect;
        let username = connect.user_name.as_ref().map(ByteString::as_bytes);
        Record {
            username: username.cloned().unwrap_or_default(),
            node: self.opening.edge.node.clone(),
            peer: Bytes::copy_from_slice(self.opening.peer.as_bytes()),
            protocol_name: Bytes::from_static(b"MQTT"),
            protocol_version: connect.version.level().into(),
            keepalive_s: keep_alive_secs.into(),
            session_epoch: self.seat.epoch(),
            client_id: connect.client_id.as_bytes().clone(),
            ..Record::default()
        }
    }

    fn connection(self, wire: Wire, encoder: Encoder, following: Following) -> Connection<B> {
        let keep_alive_secs = self
            .server_keep_alive()
            .unwrap_or(self.connect.keep_alive_secs);
        let template = self.template(keep_alive_secs);
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
            decoder,
            input,
            ..
        } = opening;
        let local = wire.local();
        let (reader, writer) = wire.split();
        let lasts = session.durable.is_some();
        let unanswered = Unanswered::resumed(&session.received, lasts, session_present);
        let keepalive = Duration::from_secs(keep_alive_secs.into());
        let pace = Pace::new(PacketDeadline::new(edge.packet_limit), &edge.publish_limits);
        Connection {
            outbox: Arc::new(Outbox::resumed(writer, encoder, unanswered)),
            intake: edge.uplink.of(&template.client_id),
            delivering: Delivering::new(edge.bus.clone(), connect.receive_max),
            edge,
            following,
            reader,
            decoder,
            input,
            template,
            local,
            farewell: None,
            traces: BytesMut::new(),
            version: connect.version,
            // MQTT-3.1.2-24 (3.1.1), MQTT-3.1.2-22 (5.0): one and a half times the keep-alive.
            keepalive: (!keepalive.is_zero()).then(|| keepalive.mul_f32(1.5)),
            last_packet: Instant::now(),
            will: connect.will,
            aliases: Aliases::new(connect.topic_alias_max),
            rights,
            pace,
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
