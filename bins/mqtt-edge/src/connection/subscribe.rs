//! SUBSCRIBE and UNSUBSCRIBE.

use std::collections::BTreeMap;

use bytes::Bytes;
use tracing::warn;

use super::{Connection, End};
use crate::bus::{Bus, BusError, SubscriptionOptions, check_filter};
use crate::codec::{
    EncodeError, FilterRequest, ReasonCode, RetainHandling, Subscribe, Unsubscribe, shared_filter,
};

/// Filters of one client: each is memory that lives as long as its session.
const MAX_SUBSCRIPTIONS: usize = 10_000;

/// Bytes of all of them: the record of a session holds them, and is written at every change.
const MAX_FILTER_BYTES: usize = 512 * 1024;

impl<B: Bus> Connection<B> {
    pub(super) async fn subscribe(&mut self, subscribe: Subscribe) -> Result<(), End> {
        let mut codes = Vec::with_capacity(subscribe.filters.len());
        // By filter: one that is repeated in the packet has its effect once.
        let mut retained = BTreeMap::new();
        for request in &subscribe.filters {
            let options = SubscriptionOptions {
                qos: request.qos,
                no_local: request.no_local,
                retain_as_published: request.retain_as_published,
                id: subscribe.subscription_id,
            };
            let is_new = !self.session.subscriptions.contains_key(&*request.filter);
            let code = self.subscribe_to(&request.filter, options).await;
            if !code.is_failure() && wants_retained(request, is_new) {
                retained.insert(request.filter.clone(), options);
            }
            codes.push(code);
        }
        if codes.iter().any(|code| !code.is_failure()) {
            self.subscriptions_changed().await?;
        }
        let id = subscribe.packet_id;
        self.outbox
            .send(|encoder, out| encoder.encode_suback(id, &codes, out))
            .map_err(too_large)?;
        for (request, code) in subscribe.filters.iter().zip(&codes) {
            if !code.is_failure() {
                self.subscribed(request, *code, &subscribe).await;
            }
        }
        for (filter, options) in retained {
            self.send_retained(&filter, options).await?;
        }
        Ok(())
    }

    /// The code of one filter in SUBACK.
    async fn subscribe_to(&mut self, filter: &str, options: SubscriptionOptions) -> ReasonCode {
        let decision = self.may_subscribe(filter);
        self.subscribe_checked(filter, decision).await;
        if !decision.allowed {
            return ReasonCode::NOT_AUTHORIZED;
        }
        let known = self.session.subscriptions.contains_key(filter);
        if !known && !self.has_room_for(filter) {
            return ReasonCode::QUOTA_EXCEEDED;
        }
        match self.attach(filter, options).await {
            Ok(()) => {
                self.session.subscriptions.insert(filter.into(), options);
                ReasonCode(options.qos)
            }
            Err(error) => {
                warn!(%error, "could not subscribe");
                match error {
                    BusError::Filter(_) | BusError::TooManyLevels { .. } => {
                        ReasonCode::TOPIC_FILTER_INVALID
                    }
                    _ => ReasonCode::UNSPECIFIED_ERROR,
                }
            }
        }
    }

    fn has_room_for(&self, filter: &str) -> bool {
        let subscriptions = &self.session.subscriptions;
        let bytes: usize = subscriptions.keys().map(|filter| filter.len()).sum();
        subscriptions.len() < MAX_SUBSCRIPTIONS && bytes + filter.len() <= MAX_FILTER_BYTES
    }

    /// Lets messages of a filter come: those of a session that outlives the connection through its
    /// queue, others and those of shared subscriptions over the bus.
    pub(super) async fn attach(
        &mut self,
        filter: &str,
        options: SubscriptionOptions,
    ) -> Result<(), BusError> {
        match self.session.shared() {
            Some(session) if shared_filter(filter).is_none() => {
                check_filter(filter)?;
                self.edge.durable.subscribe(session, filter, options);
                Ok(())
            }
            _ => {
                let client_id = &self.template.client_id;
                self.delivering.subscribe(client_id, filter, options).await
            }
        }
    }

    pub(super) async fn unsubscribe(&mut self, unsubscribe: Unsubscribe) -> Result<(), End> {
        let mut codes = Vec::with_capacity(unsubscribe.filters.len());
        for filter in &unsubscribe.filters {
            codes.push(self.unsubscribe_from(filter).await);
        }
        if codes.contains(&ReasonCode::SUCCESS) {
            self.subscriptions_changed().await?;
        }
        let id = unsubscribe.packet_id;
        self.outbox
            .send(|encoder, out| encoder.encode_unsuback(id, &codes, out))
            .map_err(too_large)?;
        for (filter, code) in unsubscribe.filters.iter().zip(&codes) {
            if *code == ReasonCode::SUCCESS {
                let filter = Bytes::copy_from_slice(filter.as_bytes());
                self.unsubscribed(filter, &unsubscribe.user_properties)
                    .await;
            }
        }
        Ok(())
    }

    /// The code of one filter in UNSUBACK.
    pub(super) async fn unsubscribe_from(&mut self, filter: &str) -> ReasonCode {
        if self.session.subscriptions.remove(filter).is_none() {
            return ReasonCode::NO_SUBSCRIPTION_EXISTED;
        }
        let detached = match self.session.shared() {
            Some(session) if shared_filter(filter).is_none() => {
                self.edge.durable.unsubscribe(session, filter);
                Ok(())
            }
            _ => self.delivering.unsubscribe(filter).await,
        };
        match detached {
            Ok(()) => ReasonCode::SUCCESS,
            Err(error) => {
                warn!(%error, "could not unsubscribe");
                ReasonCode::UNSPECIFIED_ERROR
            }
        }
    }

    /// A session that outlives the connection remembers its subscriptions before the client hears
    /// that it has them.
    pub(super) async fn subscriptions_changed(&mut self) -> Result<(), End> {
        let Some(durable) = &mut self.session.durable else {
            return Ok(());
        };
        durable.set_subscriptions(&self.session.subscriptions);
        self.save().await
    }

    /// The retained messages of a new subscription (MQTT 5.0, section 3.3.1.3).
    async fn send_retained(
        &mut self,
        filter: &str,
        options: SubscriptionOptions,
    ) -> Result<(), End> {
        let client_id = &self.template.client_id;
        let retained = self
            .edge
            .stores
            .retained
            .matching(client_id, filter, options);
        match self.session.shared() {
            // They are part of the queue, and survive with it.
            Some(session) => {
                let dropped = self.edge.stores.queue.add(session, retained).await;
                let dropped_here = &self.edge.meters.deliveries_dropped;
                dropped_here.add(["queue_full"], dropped);
                Ok(())
            }
            None => self.delivering.send_retained(retained),
        }
    }
}

/// MQTT-3.8.4-4 (3.1.1: MQTT-3.8.4-3), MQTT-3.3.1-9 to 11. A shared subscription gets none.
fn wants_retained(request: &FilterRequest, is_new: bool) -> bool {
    shared_filter(&request.filter).is_none()
        && match request.retain_handling {
            RetainHandling::AtSubscribe => true,
            RetainHandling::IfNew => is_new,
            RetainHandling::Never => false,
        }
}

fn too_large(error: EncodeError) -> End {
    End::with_text(
        "packet_too_large",
        ReasonCode::PACKET_TOO_LARGE,
        error.to_string(),
    )
}
