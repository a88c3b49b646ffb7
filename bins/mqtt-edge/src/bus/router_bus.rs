//! The bus over rumqttd's router.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use super::dispatcher::{Dispatcher, MAX_ORDERS, Order, Shared};
use super::error::BusError;
use super::message::{ForwardToken, Forwarded, Message, SubscriptionOptions};
use super::queue::Queue;
use super::selector::Selector;
use super::subscriptions::{LinkId, Subscriber};
use super::trunk::Trunk;
use super::{Bus, BusLink};
use crate::codec::topic_name_is_valid;

/// [`Bus`] over rumqttd's router.
#[derive(Clone, Debug)]
pub struct RouterBus {
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

/// Knows when a [`RouterBus`] stops.
#[derive(Debug)]
pub struct RouterWatch {
    stopped: oneshot::Receiver<()>,
}

impl RouterWatch {
    /// Waits until the bus routes no more: its router has died, or it and its links were dropped.
    /// What is not delivered then is in the store; starting anew heals.
    pub async fn died(self) {
        // Nobody ever sends.
        self.stopped.await.ok();
    }
}

impl RouterBus {
    /// Starts a router and its dispatcher. The router's thread cannot be stopped.
    pub fn start() -> Result<(Self, RouterWatch), BusError> {
        Self::over(Trunk::open(0)?)
    }

    pub(super) fn over(trunk: Trunk) -> Result<(Self, RouterWatch), BusError> {
        let (orders, to_dispatcher) = mpsc::channel(MAX_ORDERS);
        let (alive, stopped) = oneshot::channel();
        let shared = Arc::new(Shared::new());
        let dispatcher = Dispatcher::new(to_dispatcher, Arc::clone(&shared), trunk, alive);
        thread::Builder::new()
            .name("dispatcher".into())
            .spawn(|| dispatcher.run())
            .map_err(BusError::Thread)?;
        Ok((Self { orders, shared }, RouterWatch { stopped }))
    }
}

impl Bus for RouterBus {
    type Link = RouterLink;

    /// The router does not know links, so this takes no time.
    async fn connect(&self, client_id: &Bytes) -> Result<RouterLink, BusError> {
        let id = self.shared.next_link.fetch_add(1, Ordering::Relaxed);
        debug!(?client_id, link = id, "linked a session");
        Ok(RouterLink {
            id,
            client_id: client_id.clone(),
            queue: Arc::default(),
            bus: self.clone(),
        })
    }

    fn wants(&self, topic: &str) -> bool {
        self.shared.wants(topic)
    }

    async fn publish(&self, message: Arc<Message>) -> Result<(), BusError> {
        if !std::str::from_utf8(&message.topic).is_ok_and(topic_name_is_valid) {
            return Err(BusError::Topic);
        }
        self.order(Order::Publish(message)).await
    }
}

impl RouterBus {
    /// Asks the router for a sign of life. When it gives none, [`RouterWatch::died`] returns.
    pub async fn check(&self) -> Result<(), BusError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Check(reply)).await?;
        answer.await.map_err(|_dropped| BusError::RouterDead)
    }

    async fn order(&self, order: Order) -> Result<(), BusError> {
        self.orders
            .send(order)
            .await
            .map_err(|_closed| BusError::RouterDead)
    }
}

/// [`BusLink`] of a [`RouterBus`].
#[derive(Debug)]
pub struct RouterLink {
    id: LinkId,
    client_id: Bytes,
    queue: Arc<Queue>,
    bus: RouterBus,
}

impl BusLink for RouterLink {
    async fn subscribe(
        &mut self,
        filter: &str,
        options: SubscriptionOptions,
    ) -> Result<(), BusError> {
        let selector = Selector::parse(filter)?;
        let subscriber = Subscriber {
            link: self.id,
            queue: Arc::clone(&self.queue),
            client_id: self.client_id.clone(),
            options,
        };
        let (reply, answer) = oneshot::channel();
        self.bus
            .order(Order::Subscribe {
                selector,
                subscriber,
                reply,
            })
            .await?;
        answer.await.map_err(|_dropped| BusError::RouterDead)?
    }

    async fn unsubscribe(&mut self, filter: &str) -> Result<(), BusError> {
        let selector = Selector::parse(filter)?;
        let (reply, answer) = oneshot::channel();
        self.bus
            .order(Order::Unsubscribe {
                selector,
                link: self.id,
                reply,
            })
            .await?;
        answer.await.map_err(|_dropped| BusError::RouterDead)
    }

    async fn next(&mut self) -> Result<Forwarded, BusError> {
        self.queue.next().await
    }

    async fn done(&mut self, token: ForwardToken) -> Result<(), BusError> {
        self.queue.done(&token);
        Ok(())
    }

    async fn close(self) {
        let bus = self.bus.clone();
        drop(self);
        let (reply, answer) = oneshot::channel();
        if bus.order(Order::Close(Some(reply))).await.is_ok() {
            answer.await.ok();
        }
    }
}

impl Drop for RouterLink {
    fn drop(&mut self) {
        self.queue.close();
        self.bus.shared.closed.lock().push(self.id);
        // When there is no room, the dispatcher has enough to do and looks at the list after it.
        self.bus.orders.try_send(Order::Close(None)).ok();
    }
}
