//! A load from beginning to end.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka::KafkaError;
use rmqtt_codec::types::QoS;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::books::Harvest;
use super::control::Control;
use super::driver::Driver;
use super::error::LoadError;
use super::hostile::Flood;
use super::idle::IdleCrowd;
use super::kafka_side::{Arrivals, Expected, KafkaSide};
use super::message::run_token;
use super::open_files::make_room;
use super::report::LoadReport;
use super::sample::Second;
use super::schedule::Schedule;
use super::settings::LoadSettings;
use super::summary::{Brought, summarise};
use super::watch::Watch;

/// How often it is looked whether something is done.
pub(super) const GLANCE: Duration = Duration::from_millis(20);

/// Makes the load, and tells each second of it. Cancelled by `stop`, it ends early and says so.
pub async fn run(
    settings: LoadSettings,
    stop: CancellationToken,
    tell: impl FnMut(&Second),
) -> Result<LoadReport, LoadError> {
    check(&settings)?;
    let settings = Arc::new(settings);
    let address = resolve(&settings.mqtt)?;
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

    let drivers = start_drivers(&settings, address, schedule, &control, run)?;
    wait_for_connections(&settings, &control, &stop).await?;
    let idle = tokio::select! {
        idle = IdleCrowd::open(&settings, address) => idle?,
        () = stop.cancelled() => return Err(LoadError::Stopped),
    };
    let watched = Watch {
        settings: &settings,
        schedule,
        control: &control,
        arrived,
        stop: &stop,
    };
    let start = *control.start.get_or_init(Instant::now);
    let flood = Flood::start(&settings, address, start)?;
    let measured = watched.measure(start, tell).await;
    let hostile = flood.stop().await;

    let harvests = reap(drivers, &control, settings.drain, &stop).await?;
    let idle = idle.close().await?;
    expect.send_replace(Some(expected_of(&harvests, settings.drain)));
    let brought = Brought {
        totals: control.totals(),
        harvests,
        arrivals: read_to_the_end(arrivals).await?,
        idle,
        hostile,
    };
    Ok(summarise(&settings, &measured, brought))
}

/// What Kafka should have, `drain` from now at the latest.
fn expected_of(harvests: &[Harvest], drain: Duration) -> Expected {
    let outcomes = harvests.iter().flat_map(|h| h.outcomes.iter().cloned());
    (Arc::new(outcomes.collect()), Instant::now() + drain)
}

type Reading = JoinHandle<Result<Arrivals, KafkaError>>;

async fn read_to_the_end(reading: Option<Reading>) -> Result<Option<Arrivals>, LoadError> {
    let Some(reading) = reading else {
        return Ok(None);
    };
    let broken = |error: tokio::task::JoinError| LoadError::System(error.to_string());
    Ok(Some(reading.await.map_err(broken)??))
}

/// What can't be measured is refused before anything is opened.
fn check(settings: &LoadSettings) -> Result<(), LoadError> {
    if settings.hostile > 0 {
        if settings.qos == QoS::AtMostOnce {
            return Err(LoadError::NothingToCompare);
        }
        settings.slices().ok_or(LoadError::Slices {
            slice: settings.slice,
        })?;
    }
    make_room(settings.clients + settings.idle + settings.hostile)
}

struct StopAtDrop(Arc<Control>);

impl Drop for StopAtDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

type DriverThread = std::thread::JoinHandle<io::Result<Harvest>>;

fn start_drivers(
    settings: &Arc<LoadSettings>,
    address: SocketAddr,
    schedule: Schedule,
    control: &Arc<Control>,
    run: u64,
) -> Result<Vec<DriverThread>, LoadError> {
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
