//! One simulated lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::device::{Device, Happened};
use super::event::{Breakage, MessageId, MessageKind, SimulationEvent};
use super::payload::{Action, Command, LockState};
use super::settings::SimulationSettings;
use crate::mqtt_client::{IncomingPublish, Publish};

/// Commands that a lock remembers, so that it answers a repeated one once.
const REMEMBERED: usize = 32;

pub(super) struct Lock {
    pub(super) id: u64,
    pub(super) device: Device,
    pub(super) settings: Arc<SimulationSettings>,
    /// Told when the lock listens for commands.
    pub(super) listening: Arc<AtomicBool>,
    /// The next message's.
    pub(super) process_id: u64,
    /// Commands on their way.
    pub(super) on_the_way: watch::Sender<i64>,
    state: LockState,
    answered: VecDeque<u64>,
}

impl Lock {
    pub(super) fn new(
        id: u64,
        device: Device,
        settings: Arc<SimulationSettings>,
        listening: Arc<AtomicBool>,
        process_id: u64,
        on_the_way: watch::Sender<i64>,
    ) -> Self {
        let state = LockState {
            action: Action::random(),
            battery: 20.0 + 80.0 * fastrand::f64(),
        };
        Self {
            id,
            device,
            settings,
            listening,
            process_id,
            on_the_way,
            state,
            answered: VecDeque::new(),
        }
    }

    /// Publishes from `first_due` on until `quiet`, answers commands until `stop`, and then waits
    /// for the last PUBACKs. Gives the number of messages without one.
    pub(super) async fn run(
        mut self,
        first_due: Instant,
        quiet: CancellationToken,
        stop: CancellationToken,
    ) -> usize {
        let mut due = first_due;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                // A late state keeps its due time: what waited counts as latency.
                () = tokio::time::sleep_until(due.into()),
                    if !self.device.is_congested() && !quiet.is_cancelled() =>
                {
                    self.publish_regular_state(due).await;
                    due += self.settings.interval.max(Duration::from_millis(1));
                }
                step = self.device.next() => match step {
                    Some(step) => match self.device.account(step).await {
                        Happened::Connected => self.listening.store(true, Ordering::Relaxed),
                        Happened::Received(message) => self.obey(&message).await,
                        Happened::Nothing => {}
                    },
                    None => break,
                },
            }
        }
        self.device.finish(self.settings.drain).await
    }

    async fn publish_regular_state(&mut self, due: Instant) {
        self.state.battery = (self.state.battery - 0.1 * fastrand::f64()).max(1.0);
        if fastrand::u8(..) < 16 {
            self.state.action = Action::random();
        }
        let id = self.next_id();
        if fastrand::f64() < self.settings.broken_share {
            let breakage = fastrand::choice(Breakage::ALL).unwrap_or(Breakage::Cut);
            let payload = self.state.broken_payload(id, breakage);
            self.publish(id, MessageKind::Broken(breakage), due, payload)
                .await;
        } else {
            self.publish(
                id,
                MessageKind::State,
                due,
                self.state.payload(id).into_bytes(),
            )
            .await;
        }
    }

    /// The new state goes out at once.
    async fn obey(&mut self, message: &IncomingPublish) {
        let received = Instant::now();
        let Ok(command) = serde_json::from_slice::<Command>(&message.payload) else {
            tracing::debug!(lock = self.id, "what came is no command");
            return;
        };
        let Ok(process_id) = command.process_id.parse() else {
            tracing::debug!(lock = self.id, "a command that is not of this simulation");
            return;
        };
        let command_id = MessageId {
            lock: self.id,
            process_id,
        };
        self.device
            .tell(SimulationEvent::CommandReceived { id: command_id })
            .await;
        if self.answered.contains(&process_id) {
            return;
        }
        if self.answered.len() == REMEMBERED {
            self.answered.pop_front();
        }
        self.answered.push_back(process_id);
        self.on_the_way.send_modify(|commands| *commands -= 1);
        self.state.action = command.action;
        let state = self.next_id();
        let payload = self.state.payload(state).into_bytes();
        self.publish(state, MessageKind::State, received, payload)
            .await;
        self.device
            .tell(SimulationEvent::CommandAnswered {
                command: command_id,
                state,
            })
            .await;
    }

    fn next_id(&mut self) -> MessageId {
        let id = MessageId {
            lock: self.id,
            process_id: self.process_id,
        };
        self.process_id += 1;
        id
    }

    async fn publish(&mut self, id: MessageId, kind: MessageKind, due: Instant, payload: Vec<u8>) {
        let topic = format!("devices/{}/state", self.id);
        self.device
            .publish(id, kind, due, Publish::new(topic, payload))
            .await;
    }
}
