//! What this client may do.

use std::time::SystemTime;

use access::Permissions;
use bytes::Bytes;
use tokio::time::Instant;
use tracing::{debug, info};

use super::{Connection, End};
use crate::bus::Bus;
use crate::codec::ReasonCode;

/// What let the client in, and what it may do.
pub(super) struct Rights {
    pub(super) permissions: Permissions,
    /// When its token ends.
    pub(super) until: Option<Instant>,
}

impl Rights {
    pub(super) fn new(permissions: Permissions, expires_at: Option<SystemTime>) -> Self {
        let left = expires_at.map(|at| at.duration_since(SystemTime::now()).unwrap_or_default());
        Self {
            permissions,
            until: left.map(|left| Instant::now() + left),
        }
    }
}

impl<B: Bus> Connection<B> {
    pub(super) fn may_publish(&mut self, topic: &str) -> bool {
        self.rights.permissions.publish(topic).allowed
    }

    pub(super) fn may_subscribe(&self, filter: &str) -> bool {
        let decision = self.rights.permissions.subscribe(filter);
        if !decision.allowed {
            let client_id = self.template.client_id();
            debug!(client_id, filter, by = %decision.by, "may not subscribe");
        }
        decision.allowed
    }

    /// Rules that changed hold at once: what the client may not have any more is taken from it.
    pub(super) async fn follow_rules(&mut self) -> Result<(), End> {
        if !self.edge.access.refresh(&mut self.rights.permissions) {
            return Ok(());
        }
        Box::pin(self.take_what_is_denied()).await
    }

    async fn take_what_is_denied(&mut self) -> Result<(), End> {
        let filters = self.session.subscriptions.keys();
        let denied: Vec<Box<str>> = filters
            .filter(|filter| !self.may_subscribe(filter))
            .cloned()
            .collect();
        if denied.is_empty() {
            return Ok(());
        }
        for filter in denied {
            let client_id = self.template.client_id();
            info!(client_id, %filter, "a subscription is not allowed any more");
            self.unsubscribe_from(&filter).await;
            self.unsubscribed(Bytes::copy_from_slice(filter.as_bytes()))
                .await;
        }
        self.subscriptions_changed().await
    }

    /// Its token has ended (MQTT 5.0, 0xA0).
    pub(super) fn token_ended() -> End {
        End::new("token_expired", Some(ReasonCode::MAXIMUM_CONNECT_TIME))
    }
}
