//! How a session begins, goes on, waits and ends.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use record::Record;
use session::{GetError, Revision, SessionRecord};
use stage::now_ms;
use tokio::time::Instant;
use tracing::{error, info};

use super::durable::{Durable, DurableSession, Lost};
use super::outage::Outage;
use super::state::{Parked, PendingWill, SessionState};
use super::will::{kept, restored};
use crate::bus::{Bus, SubscriptionOptions};
use crate::codec::shared_filter;
use crate::connection::publish_will;
use crate::edge::Edge;

/// Never, as MQTT writes a session expiry.
const NEVER: u32 = u32::MAX;

/// Gives a session a record, so that it outlives its connection; goes on with one that another edge
/// has left, unless `clean`. True when it did.
pub(crate) async fn begin<B: Bus>(
    edge: &Edge<B>,
    state: &mut SessionState,
    record: SessionRecord,
    clean: bool,
) -> Result<bool, Lost> {
    if let Some(durable) = &mut state.durable {
        durable.renew(record.clone());
        match durable.save(&edge.stores.sessions).await {
            Ok(()) => return Ok(true),
            Err(Lost::Conflict) => {}
            Err(lost) => return Err(lost),
        }
        // Another edge had it meanwhile: what it has left counts.
        abandon(edge, state);
        *state = SessionState::default();
    }
    let client_id = record.client_id.clone();
    let resumed = match read(edge, &client_id).await? {
        // Of another user it is not this client's session, whatever its id is.
        Some((left, revision)) if !clean && left.username == record.username => {
            *state = restored_state(edge, left, revision);
            true
        }
        left => {
            // What an unfinished end has left.
            edge.stores.queue.purge(&client_id).await;
            let session = DurableSession::new(Bytes::from(client_id));
            let revision = left.map(|(_, revision)| revision);
            state.durable = Some(Box::new(Durable::new(session, record.clone(), revision)));
            false
        }
    };
    if let Some(durable) = &mut state.durable {
        durable.renew(record);
        durable.save(&edge.stores.sessions).await?;
    }
    Ok(resumed)
}

async fn read<B: Bus>(
    edge: &Edge<B>,
    client_id: &str,
) -> Result<Option<(SessionRecord, Revision)>, Lost> {
    let mut outage = Outage::default();
    loop {
        match edge.stores.sessions.get(client_id).await {
            Ok(found) => return Ok(found),
            Err(error @ GetError::Unavailable { .. }) => outage.wait(&error).await,
            Err(error) => return Err(Lost::Unsaved(error.to_string())),
        }
    }
}

/// Ends a session: nobody will go on with it.
pub(crate) async fn end<B: Bus>(edge: &Edge<B>, state: SessionState) {
    if let Some(session) = state.shared() {
        session.end();
    }
    abandon(edge, &state);
    if let Some(durable) = state.durable {
        durable.delete(&edge.stores).await;
    }
}

/// Another edge has the session: nothing is stored for it here any more.
fn abandon<B: Bus>(edge: &Edge<B>, state: &SessionState) {
    let Some(session) = state.shared() else {
        return;
    };
    for filter in state.subscriptions.keys() {
        edge.durable.unsubscribe(session, filter);
    }
    session.mailbox.close();
}

/// Takes every session that JetStream has: an earlier life of this edge has left them.
pub(crate) async fn restore_all<B: Bus>(edge: &Edge<B>) -> Result<(), session::LoadError> {
    let loaded = edge.stores.sessions.load_all().await?;
    for unreadable in &loaded.unreadable {
        error!("a session stays where it is: {unreadable:?}");
    }
    let count = loaded.sessions.len();
    for (record, revision) in loaded.sessions {
        let client_id = Bytes::from(record.client_id.clone());
        let epoch = record.epoch;
        // What another edge has is that edge's to end.
        let elsewhere = record.connected && record.node.as_bytes() != edge.node;
        let parked = Parked {
            expires: expires(&record).filter(|_| !elsewhere),
            will: pending_will(edge, &record).filter(|_| !elsewhere),
            state: restored_state(edge, record, revision),
        };
        edge.registry.restore(&client_id, epoch, Box::new(parked));
    }
    if count > 0 {
        info!(sessions = count, "sessions wait for their clients");
    }
    Ok(())
}

/// What a record says, with its subscriptions in force.
fn restored_state<B: Bus>(
    edge: &Edge<B>,
    record: SessionRecord,
    revision: Revision,
) -> SessionState {
    let session = DurableSession::new(Bytes::from(record.client_id.clone()));
    let mut state = SessionState::default();
    for kept in &record.subscriptions {
        let options = SubscriptionOptions {
            qos: kept.qos.min(2),
            no_local: kept.no_local,
            retain_as_published: kept.retain_as_published,
            id: kept.id.and_then(NonZeroU32::new),
        };
        // Shared ones come over the bus, with the connection.
        if shared_filter(&kept.filter).is_none() {
            edge.durable.subscribe(&session, &kept.filter, options);
        }
        state
            .subscriptions
            .insert(kept.filter.as_str().into(), options);
    }
    for sent in &record.sent {
        match NonZeroU16::new(sent.packet_id) {
            Some(packet_id) if sent.released => state.window.restore_release(packet_id),
            Some(packet_id) => state.window.reserve(packet_id),
            None => {}
        }
    }
    let received = record.received.iter();
    state.received = received.filter_map(|id| NonZeroU16::new(*id)).collect();
    state.durable = Some(Box::new(Durable::new(session, record, Some(revision))));
    state
}

/// When a session that has no connection ends. One that an edge has left without a word has lost
/// its connection about now.
fn expires(record: &SessionRecord) -> Option<Instant> {
    if record.expiry_secs == NEVER {
        return None;
    }
    let ended_at_ms = record.ended_at_ms.unwrap_or_else(now_ms);
    let gone = Duration::from_millis(now_ms().saturating_sub(ended_at_ms));
    let lasts = Duration::from_secs(record.expiry_secs.into());
    Some(Instant::now() + lasts.saturating_sub(gone))
}

fn pending_will<B: Bus>(edge: &Edge<B>, record: &SessionRecord) -> Option<PendingWill> {
    let will = restored(record.will.as_ref()?);
    let ended_at_ms = record.ended_at_ms.unwrap_or_else(now_ms);
    let gone = Duration::from_millis(now_ms().saturating_sub(ended_at_ms));
    let delay = Duration::from_secs(will.delay_secs.into()).saturating_sub(gone);
    Some(PendingWill {
        due: Instant::now() + delay,
        template: Record {
            client_id: Bytes::from(record.client_id.clone()),
            username: Bytes::from(record.username.clone()),
            node: edge.node.clone(),
            session_epoch: record.epoch,
            ..Record::default()
        },
        will,
    })
}

/// Publishes delayed wills and ends sessions, when their time has come.
pub(crate) async fn watch_deadlines<B: Bus>(edge: Arc<Edge<B>>) {
    loop {
        let (client_id, epoch) = edge.registry.deadlines.next().await;
        let Some((seat, parked)) = edge.registry.enter_parked(&client_id, epoch) else {
            continue;
        };
        let edge = Arc::clone(&edge);
        // A slow store holds up this client alone.
        tokio::spawn(async move {
            let parked = due(&edge, parked).await;
            edge.registry.leave(&client_id, &seat, parked);
        });
    }
}

async fn due<B: Bus>(edge: &Edge<B>, mut parked: Box<Parked>) -> Option<Box<Parked>> {
    let now = Instant::now();
    let is_over = parked.expires.is_some_and(|at| at <= now);
    // A will comes at the latest with the session's end (MQTT 5.0, section 3.1.3.2.2).
    if let Some(pending) = parked.will.take_if(|will| is_over || will.due <= now) {
        publish_will(edge, &pending.template, pending.will).await;
        if let Some(durable) = parked.state.durable.as_mut().filter(|_| !is_over) {
            durable.record.will = None;
            if durable.save(&edge.stores.sessions).await == Err(Lost::Conflict) {
                abandon(edge, &parked.state);
                return None;
            }
        }
    }
    if is_over {
        end(edge, parked.state).await;
        return None;
    }
    Some(parked)
}

/// The record of a session whose connection has ended; parks it when it outlives that.
pub(crate) async fn park<B: Bus>(
    edge: &Edge<B>,
    mut state: SessionState,
    expiry_secs: u32,
    will: Option<PendingWill>,
) -> Option<Box<Parked>> {
    let Some(durable) = &mut state.durable else {
        return None;
    };
    durable.session.mailbox.close();
    let record = &mut durable.record;
    record.connected = false;
    record.ended_at_ms = Some(now_ms());
    record.expiry_secs = expiry_secs;
    record.will = will.as_ref().map(|pending| kept(&pending.will));
    record.received = state.received.iter().map(|id| id.get()).collect();
    let expires = expires(record);
    if durable.save(&edge.stores.sessions).await == Err(Lost::Conflict) {
        abandon(edge, &state);
        return None;
    }
    state.window.disconnected();
    Some(Box::new(Parked {
        state,
        expires,
        will,
    }))
}
