//! The whole simulation.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::device::{Device, Outage};
use super::event::SimulationEvent;
use super::lock::Lock;
use super::payload::first_process_id;
use super::settings::SimulationSettings;

/// Plays the locks and the app until the duration is over or `stop` is cancelled, waits for the
/// last PUBACKs, and gives the number of messages without one. The events must be read, or dropped:
/// unread ones hold the simulation up.
pub async fn run(
    settings: SimulationSettings,
    events: mpsc::Sender<SimulationEvent>,
    stop: CancellationToken,
) -> usize {
    let settings = Arc::new(settings);
    let ended = stop.child_token();
    let mut devices = start(&settings, &events, &ended);
    drop(events);
    match settings.duration {
        Some(duration) => {
            // Either way it is time to end.
            drop(tokio::time::timeout(duration, ended.cancelled()).await);
        }
        None => ended.cancelled().await,
    }
    ended.cancel();
    let mut unacknowledged = 0;
    while let Some(device) = devices.join_next().await {
        unacknowledged += device.unwrap_or_default();
    }
    unacknowledged
}

fn start(
    settings: &Arc<SimulationSettings>,
    events: &mpsc::Sender<SimulationEvent>,
    ended: &CancellationToken,
) -> JoinSet<usize> {
    let outage = Outage::default();
    let process_id = first_process_id();
    let (mut devices, mut locks) = (JoinSet::new(), Vec::new());
    let begin = Instant::now();
    for index in 0..settings.locks {
        let id = settings.first_client_id + index as u64;
        let listening = Arc::new(AtomicBool::new(false));
        locks.push((id, Arc::clone(&listening)));
        let options = settings.client(id.to_string(), vec![format!("devices/{id}/command").into()]);
        let device = Device::start(options, events.clone(), outage.clone());
        let lock = Lock::new(id, device, Arc::clone(settings), listening, process_id);
        devices.spawn(lock.run(begin + turn(settings, index), ended.clone()));
    }
    if settings.commands_per_second > 0.0 {
        let client_id = format!("simulate-app-{}", settings.first_client_id);
        let device = Device::start(
            settings.client(client_id, Vec::new()),
            events.clone(),
            outage,
        );
        let interval = Duration::from_secs_f64(settings.commands_per_second.recip());
        let app = App {
            device,
            locks,
            interval,
            process_id,
            drain: settings.drain,
        };
        devices.spawn(app.run(ended.clone()));
    }
    devices
}

/// A lock's place in the interval: they do not all publish at once.
fn turn(settings: &SimulationSettings, index: usize) -> Duration {
    let share = index as f64 / settings.locks.max(1) as f64;
    settings.interval.mul_f64(share)
}
