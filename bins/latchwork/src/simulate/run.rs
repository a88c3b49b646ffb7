//! The whole simulation.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::device::{Device, Outage};
use super::event::SimulationEvent;
use super::lock::Lock;
use super::payload::first_process_id;
use super::settings::SimulationSettings;

/// Plays the locks and the app until the duration is over or `stop` is cancelled, waits for the
/// last commands and PUBACKs, and gives the number of messages without one. The events must be
/// read, or dropped: unread ones hold the simulation up.
pub async fn run(
    settings: SimulationSettings,
    events: mpsc::Sender<SimulationEvent>,
    stop: CancellationToken,
) -> usize {
    let settings = Arc::new(settings);
    let quiet = stop.child_token();
    let (on_the_way, commands) = watch::channel(0);
    let mut play = Play {
        settings: Arc::clone(&settings),
        events,
        quiet: quiet.clone(),
        ended: CancellationToken::new(),
        on_the_way,
        devices: JoinSet::new(),
    };
    play.start();
    let Play {
        mut devices, ended, ..
    } = play;
    match settings.duration {
        Some(duration) => {
            // Either way it is time to end.
            drop(tokio::time::timeout(duration, quiet.cancelled()).await);
        }
        None => quiet.cancelled().await,
    }
    quiet.cancel();
    wait_for_commands(commands, settings.drain).await;
    ended.cancel();
    let mut unacknowledged = 0;
    while let Some(device) = devices.join_next().await {
        unacknowledged += device.unwrap_or_default();
    }
    unacknowledged
}

/// A lock that left before its last command came would make that command look lost.
async fn wait_for_commands(mut on_the_way: watch::Receiver<i64>, within: Duration) {
    let arrived = on_the_way.wait_for(|commands| *commands <= 0);
    if tokio::time::timeout(within, arrived).await.is_err() {
        tracing::debug!("some commands have not reached their locks");
    }
}

/// What all clients of the simulation share, while they are started.
struct Play {
    settings: Arc<SimulationSettings>,
    events: mpsc::Sender<SimulationEvent>,
    /// No new states and commands.
    quiet: CancellationToken,
    /// No answers either.
    ended: CancellationToken,
    on_the_way: watch::Sender<i64>,
    devices: JoinSet<usize>,
}

impl Play {
    fn start(&mut self) {
        let outage = Outage::default();
        let process_id = first_process_id();
        let begin = Instant::now();
        let locks: Vec<_> = (0..self.settings.locks)
            .map(|index| self.start_lock(index, begin, process_id, &outage))
            .collect();
        if self.settings.commands_per_second > 0.0 {
            self.start_app(locks, process_id, outage);
        }
    }

    fn start_lock(
        &mut self,
        index: usize,
        begin: Instant,
        process_id: u64,
        outage: &Outage,
    ) -> (u64, Arc<AtomicBool>) {
        let settings = &self.settings;
        let id = settings.first_client_id + index as u64;
        let listening = Arc::new(AtomicBool::new(false));
        let options = settings.client(id.to_string(), vec![format!("devices/{id}/command").into()]);
        let device = Device::start(options, self.events.clone(), outage.clone());
        let lock = Lock::new(
            id,
            device,
            Arc::clone(settings),
            Arc::clone(&listening),
            process_id,
            self.on_the_way.clone(),
        );
        let first_due = begin + turn(settings, index);
        self.devices
            .spawn(lock.run(first_due, self.quiet.clone(), self.ended.clone()));
        (id, listening)
    }

    fn start_app(&mut self, locks: Vec<(u64, Arc<AtomicBool>)>, process_id: u64, outage: Outage) {
        let settings = &self.settings;
        let client_id = format!("simulate-app-{}", settings.first_client_id);
        let options = settings.client(client_id, Vec::new());
        let app = App {
            device: Device::start(options, self.events.clone(), outage),
            locks,
            interval: Duration::from_secs_f64(settings.commands_per_second.recip()),
            keys: settings.keys.clone(),
            process_id,
            on_the_way: self.on_the_way.clone(),
            drain: settings.drain,
        };
        // The app counts as one until it has ended: its last command may be due at the very end.
        self.on_the_way.send_modify(|commands| *commands += 1);
        self.devices.spawn(app.run(self.quiet.clone()));
    }
}

/// A lock's place in the interval: they do not all publish at once.
fn turn(settings: &SimulationSettings, index: usize) -> Duration {
    let locks = u32::try_from(settings.locks.max(1)).unwrap_or(u32::MAX);
    settings.interval / locks * u32::try_from(index).unwrap_or(u32::MAX)
}
