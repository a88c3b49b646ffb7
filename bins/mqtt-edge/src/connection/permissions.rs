//! What this client may do.

use std::time::SystemTime;

use access::{Decision, Permissions};
use bytes::Bytes;
use record::TopicFilter;
use tokio::time::Instant;
use tracing::{debug, info};

use super::{Connection, End};
use crate::bus::Bus;
use crate::codec::{ReasonCode, shared_filter};

/// What let the client in, and what it may do.
pub(super) struct Rights {
    pub(super) permissions: Permissions,
    /// When its token ends.
    pub(super) until: Option<Instant>,
    /// A subscription was taken away: what waited for it must not go out.
    were_cut: bool,
}

impl Rights {
    pub(super) fn new(permissions: Permissions, expires_at: Option<SystemTime>) -> Self {
        let left = expires_at.map(|at| at.duration_since(SystemTime::now()).unwrap_or_default());
        Self {
            permissions,
            until: left.map(|left| Instant::now() + left),
            were_cut: false,
        }
    }
}

impl<B: Bus> Connection<B> {
    pub(super) fn may_publish(&mut self, topic: &str) -> Decision {
        self.rights.permissions.publish(topic)
    }

    pub(super) fn may_subscribe(&self, filter: &str) -> Decision {
        let decision = self.rights.permissions.subscribe(filter);
        if !decision.allowed {
            let client_id = self.template.client_id();
            debug!(client_id, filter, by = %decision.by, "may not subscribe");
        }
        decision
    }

    /// Rules that changed hold at once: what the client may not have any more is taken from it.
    ///
    /// So do contracts, and which events are stored: what one read brings is judged by one version.
    pub(super) async fn follow_rules(&mut self) -> Result<(), End> {
        self.following.refresh();
        if !self.edge.access.refresh(&mut self.rights.permissions) {
            return Ok(());
        }
        Box::pin(self.take_what_is_denied()).await
    }

    /// Takes subscriptions away that are not allowed: the rules, or the session's user, are others
    /// than when it subscribed.
    pub(super) async fn take_what_is_denied(&mut self) -> Result<(), End> {
        let filters = self.session.subscriptions.keys();
        let denied: Vec<Box<str>> = filters
            .filter(|filter| !self.may_subscribe(filter).allowed)
            .cloned()
            .collect();
        if denied.is_empty() {
            return Ok(());
        }
        self.rights.were_cut = true;
        for filter in denied {
            let client_id = self.template.client_id();
            info!(client_id, %filter, "a subscription is not allowed any more");
            self.unsubscribe_from(&filter).await;
            let filter = Bytes::copy_from_slice(filter.as_bytes());
            self.unsubscribed(filter, &Vec::new()).await;
        }
        self.subscriptions_changed().await
    }

    /// Whether a message may go out that was on its way when a subscription was taken away.
    pub(super) fn may_get(&self, topic: &str) -> bool {
        let matches = |filter: &str| {
            let filter = shared_filter(filter).map_or(filter, |(_, filter)| filter);
            filter
                .parse::<TopicFilter>()
                .is_ok_and(|filter| filter.matches(topic))
        };
        let mut filters = self.session.subscriptions.keys();
        !self.rights.were_cut || filters.any(|filter| matches(filter))
    }

    /// Its token has ended (MQTT 5.0, 0xA0).
    pub(super) fn token_ended() -> End {
        End::new("token_expired", Some(ReasonCode::MAXIMUM_CONNECT_TIME))
    }
}
