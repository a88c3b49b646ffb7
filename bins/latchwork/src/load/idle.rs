//! Connections that only connect and stay.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use hdrhistogram::Histogram;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::LoadError;
use super::frame;
use super::idle_handshake::{KEEP_ALIVE, Shaken, shake_hands};
use super::report::LatencyReport;
use super::settings::LoadSettings;
use super::side_reports::{IdleMemory, IdleReport};
use super::summary::Usages;
use super::verdict::{float, per_second};

/// Handshakes at the same time: enough to keep two cores busy, and far from the half-open
/// connections that servers allow.
const AT_ONCE: usize = 64;

/// Between two attempts of one connection.
const RETRY: Duration = Duration::from_millis(200);

/// What servers do after a handshake (tell others, tidy up) may take so long, and belongs to the
/// memory of a connection.
const SETTLED: Duration = Duration::from_secs(1);

/// Pings are spread: each connection has its turn in one of so many rounds, which together take
/// half of the keep-alive.
const ROUNDS: usize = 300;
const EACH_ROUND: Duration = Duration::from_millis(KEEP_ALIVE as u64 * 1000 / 2 / ROUNDS as u64);

/// The idle connections of a load, none perhaps.
#[derive(Debug)]
pub(super) struct IdleCrowd {
    /// What is known once they stand; and those that stay, until told to leave.
    staying: Option<(IdleReport, JoinHandle<usize>)>,
    leave: DropGuard,
}

impl IdleCrowd {
    /// Opens them as fast as the server takes them.
    pub(super) async fn open(
        settings: &Arc<LoadSettings>,
        address: SocketAddr,
    ) -> Result<Self, LoadError> {
        let leave = CancellationToken::new();
        let staying = if settings.idle > 0 {
            let (report, streams) = open_all(settings, address).await?;
            let stay = stay(streams, leave.clone());
            Some((report, tokio::spawn(stay)))
        } else {
            None
        };
        Ok(Self {
            staying,
            leave: leave.drop_guard(),
        })
    }

    /// Closes them, and tells how many were gone already.
    pub(super) async fn close(self) -> Result<Option<IdleReport>, LoadError> {
        drop(self.leave);
        let Some((mut report, task)) = self.staying else {
            return Ok(None);
        };
        let broken = |error: tokio::task::JoinError| LoadError::System(error.to_string());
        report.gone = task.await.map_err(broken)?;
        Ok(Some(report))
    }
}

async fn open_all(
    settings: &Arc<LoadSettings>,
    address: SocketAddr,
) -> Result<(IdleReport, Vec<TcpStream>), LoadError> {
    let before = Usages::take(settings);
    let begin = Instant::now();
    let failed = AtomicU64::new(0);
    let mut handshakes = super::latency_histogram();
    let mut streams = Vec::with_capacity(settings.idle);
    let opening = (0..settings.idle).map(|number| open_one(settings, address, number, &failed));
    let mut opening = futures::stream::iter(opening).buffer_unordered(AT_ONCE);
    loop {
        let refused = |reason| LoadError::Idle {
            open: streams.len(),
            wanted: settings.idle,
            reason,
        };
        let Some(Shaken { stream, took }) = opening.try_next().await.map_err(refused)? else {
            break;
        };
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        handshakes.saturating_record(microseconds);
        streams.push(stream);
    }
    drop(opening);
    let opening_s = begin.elapsed().as_secs_f64();
    tokio::time::sleep(SETTLED).await;
    let memory = memory(settings, &before, &Usages::take(settings));
    let failed = failed.into_inner();
    Ok((
        report(settings, opening_s, &handshakes, failed, memory),
        streams,
    ))
}

/// Tries until it has a connection, or the time for that is over.
async fn open_one(
    settings: &LoadSettings,
    address: SocketAddr,
    number: usize,
    failed: &AtomicU64,
) -> Result<Shaken, String> {
    let deadline = Instant::now() + settings.connect;
    loop {
        match shake_hands(settings, address, number).await {
            Err(reason) if Instant::now() > deadline => return Err(reason),
            Err(_) => failed.fetch_add(1, Ordering::Relaxed),
            shaken => return shaken,
        };
        tokio::time::sleep(RETRY).await;
    }
}

fn report(
    settings: &LoadSettings,
    opening_s: f64,
    handshakes: &Histogram<u64>,
    failed_attempts: u64,
    memory: Vec<IdleMemory>,
) -> IdleReport {
    IdleReport {
        connections: settings.idle,
        subscribed: settings.idle_subscribe,
        opening_s,
        handshakes_per_s: per_second(handshakes.len(), opening_s),
        at_once: AT_ONCE,
        handshake: LatencyReport::new(handshakes),
        failed_attempts,
        gone: 0,
        memory,
    }
}

/// Of the processes that were named; the generator is not of interest.
fn memory(settings: &LoadSettings, before: &Usages, after: &Usages) -> Vec<IdleMemory> {
    const MIB: f64 = 1_048_576.0;
    let grown = |process: &super::cpu::NamedProcess| {
        let of = |usages: &Usages| {
            let mut resident = usages.resident();
            let (_, bytes) = resident.find(|(name, _)| *name == process.name)?;
            Some(float(bytes))
        };
        let (before, after) = (of(before)?, of(after)?);
        Some(IdleMemory {
            name: process.name.clone(),
            before_mib: before / MIB,
            after_mib: after / MIB,
            bytes_per_connection: (after - before) / float(settings.idle as u64),
        })
    };
    settings.processes.iter().filter_map(grown).collect()
}

/// Pings each connection twice in its keep-alive, until told to leave. Gives the number of those
/// that the server closed.
async fn stay(streams: Vec<TcpStream>, leave: CancellationToken) -> usize {
    let mut streams: Vec<_> = streams.into_iter().map(Some).collect();
    let share = streams.len().div_ceil(ROUNDS);
    let mut ticks = tokio::time::interval(EACH_ROUND);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut rounds = (0..ROUNDS).cycle();
    while let Some((_, Some(round))) = leave
        .run_until_cancelled(ticks.tick())
        .await
        .map(|tick| (tick, rounds.next()))
    {
        for place in streams.iter_mut().skip(round * share).take(share) {
            look(place, &[frame::PINGREQ, 0]);
        }
    }
    for place in &mut streams {
        look(place, &[frame::DISCONNECT, 0]);
    }
    streams.iter().filter(|stream| stream.is_none()).count()
}

/// Reads what has come, which is of no interest, and writes; empties the place of a connection
/// that is gone.
fn look(place: &mut Option<TcpStream>, packet: &[u8]) {
    let Some(stream) = place else {
        return;
    };
    let mut buffer = [0; 512];
    let is_gone = loop {
        match stream.try_read(&mut buffer) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) => break error.kind() != std::io::ErrorKind::WouldBlock,
        }
    };
    // A full buffer of a connection that says nothing else: the next ping will do.
    let written = stream.try_write(packet);
    if is_gone || written.is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock) {
        *place = None;
    }
}
