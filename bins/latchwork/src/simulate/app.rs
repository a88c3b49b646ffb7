//! The app that sends commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use command::KeyRing;

use super::device::Device;
use super::event::{MessageId, MessageKind};
use super::payload::{self, Action};
use crate::mqtt_client::Publish;

pub(super) struct App {
    pub(super) device: Device,
    /// Client ids of the locks, and whether each listens.
    pub(super) locks: Vec<(u64, Arc<AtomicBool>)>,
    /// Between two commands.
    pub(super) interval: Duration,
    /// Keys that sign them.
    pub(super) keys: Option<Arc<KeyRing>>,
    /// The next message's.
    pub(super) process_id: u64,
    /// Commands on their way.
    pub(super) on_the_way: watch::Sender<i64>,
    /// How long to wait for the last PUBACKs.
    pub(super) drain: Duration,
}

impl App {
    /// Sends commands until it is stopped, and then waits for the last PUBACKs. Gives the number
    /// of messages without one.
    pub(super) async fn run(mut self, stop: CancellationToken) -> usize {
        let mut due = Instant::now() + self.interval;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(due.into()), if !self.device.is_congested() => {
                    self.command(due).await;
                    due += self.interval;
                }
                step = self.device.next() => match step {
                    Some(step) => drop(self.device.account(step).await),
                    None => break,
                },
            }
        }
        let unacknowledged = self.device.finish(self.drain).await;
        self.on_the_way.send_modify(|commands| *commands -= 1);
        unacknowledged
    }

    /// To a lock that listens, if there is one: nobody keeps a command for a lock that was never
    /// there.
    async fn command(&mut self, due: Instant) {
        let listening = self
            .locks
            .iter()
            .filter(|(_, listening)| listening.load(Ordering::Relaxed));
        let Some((lock, _)) = fastrand::choice(listening.collect::<Vec<_>>()) else {
            return;
        };
        let id = MessageId {
            lock: *lock,
            process_id: self.process_id,
        };
        self.process_id += 1;
        self.on_the_way.send_modify(|commands| *commands += 1);
        let topic = format!("devices/{lock}/command");
        let payload = payload::command(id, Action::random(), self.keys.as_deref());
        self.device
            .publish(id, MessageKind::Command, due, Publish::new(topic, payload))
            .await;
    }
}
