//! The messages that wait for one session.

use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::Notify;

use super::error::BusError;
use super::message::{Delivery, ForwardToken, Forwarded};

/// What a session may leave undone, in bytes of messages. 10,000 messages of 200 bytes are 5 MiB;
/// a message that others wait for too is in memory once, but counts for each.
pub(super) const MAX_UNDONE: usize = 32 * 1024 * 1024;

/// A burst's memory goes back when it has passed.
const KEPT_CAPACITY: usize = 32;

/// Between the dispatcher, which fills it and never waits, and one session.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Delivery>,
    /// Bytes of messages that wait or are with the session.
    undone: usize,
    /// Messages dropped behind those that wait.
    lost_qos0: u64,
    lost_qos1: u64,
    /// The session has closed its link.
    closed: bool,
    /// Nothing will come any more.
    dead: bool,
}

impl Queue {
    /// Adds a message, or counts it as lost. Once one is lost, so are all that follow until the
    /// session has been told, so that it knows where the gap is.
    pub(super) fn push(&self, delivery: Delivery) {
        let mut state = self.state.lock();
        let idle = state.waiting.is_empty() && !state.has_lost();
        let weight = delivery.message.weight();
        if state.has_room(weight) {
            state.undone += weight;
            state.waiting.push_back(delivery);
        } else if delivery.qos == 0 {
            state.lost_qos0 += 1;
        } else {
            state.lost_qos1 += 1;
        }
        drop(state);
        if idle {
            self.arrived.notify_one();
        }
    }

    /// Whether a message would not be lost here.
    pub(super) fn has_room(&self, weight: usize) -> bool {
        self.state.lock().has_room(weight)
    }

    /// The next message. Cancel-safe: what it takes, it returns.
    pub(super) async fn next(&self) -> Result<Forwarded, BusError> {
        loop {
            let taken = self.state.lock().take();
            match taken {
                Some(result) => return result,
                None => self.arrived.notified().await,
            }
        }
    }

    pub(super) fn done(&self, token: &ForwardToken) {
        let mut state = self.state.lock();
        state.undone = state.undone.saturating_sub(token.weight);
    }

    /// From now on nobody will take anything.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.waiting = VecDeque::new();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// From now on nothing will come.
    pub(super) fn fail(&self) {
        self.state.lock().dead = true;
        self.arrived.notify_one();
    }
}

impl State {
    fn has_lost(&self) -> bool {
        self.lost_qos0 > 0 || self.lost_qos1 > 0
    }

    /// One message always has room, however large it is.
    fn has_room(&self, weight: usize) -> bool {
        !self.closed && !self.has_lost() && (self.undone == 0 || self.undone + weight <= MAX_UNDONE)
    }

    fn take(&mut self) -> Option<Result<Forwarded, BusError>> {
        if let Some(delivery) = self.waiting.pop_front() {
            if self.waiting.is_empty() {
                self.waiting.shrink_to(KEPT_CAPACITY);
            }
            let token = ForwardToken {
                weight: delivery.message.weight(),
            };
            return Some(Ok(Forwarded { delivery, token }));
        }
        if self.has_lost() {
            let (qos0, qos1) = (self.lost_qos0, self.lost_qos1);
            (self.lost_qos0, self.lost_qos1) = (0, 0);
            return Some(Err(BusError::Lagged { qos0, qos1 }));
        }
        self.dead.then_some(Err(BusError::RouterDead))
    }
}
