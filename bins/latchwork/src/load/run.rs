//! A load from beginning to end.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kafka::KafkaError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::control::Control;
use super::driver::{Driver, Harvest};
use super::kafka_side::KafkaSide;
use super::message::run_token;
use super::report::LoadReport;
use super::sample::Second;
use super::schedule::{Schedule, nanoseconds};
use super::settings::LoadSettings;
use super::summary::{Measured, Usages, summarise};

/// How often it is looked whether something is done.
const GLANCE: Duration = Duration::from_millis(20);

/// Why a load could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The address is not one.
    #[error("cannot find MQTT at {address:?}: {reason}; give --mqtt as HOST:PORT")]
    Address {
        /// What was given.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// Not all clients got a connection.
    #[error("only {connected} of {clients} clients could connect: {reason}")]
    Connect {
        /// How many could.
        connected: u64,
        /// How many should.
        clients: usize,
        /// The last failure.
        reason: String,
    },
    /// It was stopped before the first message.
    #[error("stopped before the load began")]
    Stopped,
    /// Kafka can't be read.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// The system refuses threads or polling.
    #[error("the load generator broke: {0}")]
    System(String),
}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        Self::System(error.to_string())
    }
}

/// Makes the load, and tells each second of it. Cancelled by `stop`, it ends early and says so.
pub async fn run(
    settings: LoadSettings,
    stop: CancellationToken,
    tell: impl FnMut(&Second),
) -> Result<LoadReport, LoadError> {
    let settings = Arc::new(settings);
    let schedule = Schedule::new(
        settings.clients,
        settings.rate,
        settings.warmup,
        settings.duration,
    );
    let control = Arc::new(Control::new(settings.threads));
    // Whatever happens, the threads leave.
    let _stop_threads = StopAtDrop(Arc::clone(&control));
    let run = run_token();
    let kafka_side = KafkaSide::open(&settings, schedule, Arc::clone(&control), run).await?;
    let (expect, expected) = watch::channel(None);
    let arrived = kafka_side.as_ref().map(KafkaSide::arrived);
    let arrivals = kafka_side.map(|side| tokio::spawn(side.run(expected)));

    let drivers = start_drivers(&settings, schedule, &control, run)?;
    wait_for_connections(&settings, &control, &stop).await?;
    let watched = Watch {
        settings: &settings,
        schedule,
        control: &control,
        arrived,
        stop: &stop,
    };
    let measured = watched.measure(tell).await;

    let harvests = reap(drivers, &control, settings.drain, &stop).await?;
    let outcomes = Arc::new(
        harvests
            .iter()
            .flat_map(|h| h.outcomes.iter().cloned())
            .collect(),
    );
    expect.send_replace(Some((outcomes, Instant::now() + settings.drain)));
    let arrivals = match arrivals {
        Some(task) => Some(
            task.await
                .map_err(|error| LoadError::System(error.to_string()))??,
        ),
        None => None,
    };
    Ok(summarise(
        &settings,
        &measured,
        control.totals(),
        &harvests,
        arrivals.as_ref(),
    ))
}

struct StopAtDrop(Arc<Control>);

impl Drop for StopAtDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

type DriverThread = JoinHandle<io::Result<Harvest>>;

fn start_drivers(
    settings: &Arc<LoadSettings>,
    schedule: Schedule,
    control: &Arc<Control>,
    run: u64,
) -> Result<Vec<DriverThread>, LoadError> {
    let address = resolve(&settings.mqtt)?;
    let mut drivers = Vec::new();
    for thread in 0..settings.threads {
        let (settings, control) = (Arc::clone(settings), Arc::clone(control));
        let driver = Driver::new(settings, address, schedule, control, thread, run)?;
        let name = format!("load-{thread}");
        drivers.push(
            std::thread::Builder::new()
                .name(name)
                .spawn(move || driver.run())?,
        );
    }
    Ok(drivers)
}

fn resolve(address: &str) -> Result<SocketAddr, LoadError> {
    let unknown = |reason: String| LoadError::Address {
        address: address.to_owned(),
        reason,
    };
    let mut addresses = address
        .to_socket_addrs()
        .map_err(|error| unknown(error.to_string()))?;
    addresses
        .next()
        .ok_or_else(|| unknown("the name has no address".into()))
}

async fn wait_for_connections(
    settings: &LoadSettings,
    control: &Control,
    stop: &CancellationToken,
) -> Result<(), LoadError> {
    let deadline = Instant::now() + settings.connect;
    loop {
        let connected = control.totals().connected;
        if connected == settings.clients as u64 {
            return Ok(());
        }
        if Instant::now() > deadline {
            let reason = control.last_failure().unwrap_or_else(|| "no answer".into());
            return Err(LoadError::Connect {
                connected,
                clients: settings.clients,
                reason,
            });
        }
        tokio::select! {
            () = tokio::time::sleep(GLANCE) => {}
            () = stop.cancelled() => return Err(LoadError::Stopped),
        }
    }
}

/// Waits until everything is acknowledged, or for so long.
async fn reap(
    drivers: Vec<DriverThread>,
    control: &Control,
    within: Duration,
    stop: &CancellationToken,
) -> Result<Vec<Harvest>, LoadError> {
    let deadline = Instant::now() + within;
    while !drivers.iter().all(DriverThread::is_finished) {
        if Instant::now() > deadline || stop.is_cancelled() {
            control.stop();
        }
        tokio::time::sleep(GLANCE).await;
    }
    let mut harvests = Vec::new();
    for driver in drivers {
        let panicked = |_| LoadError::System("a thread panicked".into());
        harvests.push(driver.join().map_err(panicked)??);
    }
    Ok(harvests)
}

/// Looks at the load from outside while it runs.
struct Watch<'a> {
    settings: &'a LoadSettings,
    schedule: Schedule,
    control: &'a Control,
    arrived: Option<Arc<AtomicU64>>,
    stop: &'a CancellationToken,
}

impl Watch<'_> {
    /// Starts the schedule and follows it to its end.
    async fn measure(&self, mut tell: impl FnMut(&Second)) -> Measured {
        let start = *self.control.start.get_or_init(Instant::now);
        let begin = start + self.settings.warmup;
        let end = begin + self.settings.duration;
        let mut seconds = Vec::new();
        let mut usages = None;
        let mut moment = start;
        let mut was_interrupted = false;
        while moment < end && !was_interrupted {
            let next_second = moment + Duration::from_secs(1);
            moment = if moment < begin {
                next_second.min(begin)
            } else {
                next_second.min(end)
            };
            was_interrupted = tokio::select! {
                () = tokio::time::sleep_until(moment.into()) => false,
                () = self.stop.cancelled() => true,
            };
            let second = self.look(start);
            tell(&second);
            if moment >= begin {
                if seconds.is_empty() {
                    usages = Some(Usages::take(self.settings));
                }
                seconds.push(second);
            }
        }
        let end_usages = Usages::take(self.settings);
        let elapsed = start.elapsed().saturating_sub(self.settings.warmup);
        Measured {
            seconds,
            elapsed,
            usages: usages.map(|begin| (begin, end_usages)),
            was_interrupted,
        }
    }

    fn look(&self, start: Instant) -> Second {
        let elapsed = start.elapsed();
        // First what comes last on the way, so that nothing seems to be ahead of itself.
        let in_kafka = self
            .arrived
            .as_ref()
            .map(|arrived| arrived.load(Ordering::Relaxed));
        let totals = self.control.totals();
        Second {
            second: u32::try_from((elapsed + GLANCE).as_secs()).unwrap_or(u32::MAX),
            due: self.schedule.due_by(nanoseconds(elapsed)),
            sent: totals.sent,
            acknowledged: totals.acknowledged,
            in_kafka,
        }
    }
}
