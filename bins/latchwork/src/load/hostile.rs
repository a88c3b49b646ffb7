//! Connections that send malformed packets, each time on a new connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::LoadError;
use super::greeting::connect_packet;
use super::malformed::{KINDS, Malformed};
use super::origin;
use super::schedule::nanoseconds;
use super::settings::LoadSettings;
use super::slices::Slices;

/// Client id of the first hostile connection; the others follow. Apart from the load's clients and
/// the idle ones, so that nobody is taken over.
const FIRST_HOSTILE: u64 = 22_000_000_000_000_000;

/// A server that has not closed the connection after so long does not mind the packet. Far more
/// than a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(2);

/// What became of the attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) attempts: u64,
    /// The server closed the connection, or refused it.
    pub(super) closed: u64,
    /// No connection came about.
    pub(super) unreachable: u64,
    /// By the name of the packet.
    pub(super) left_open: BTreeMap<&'static str, u64>,
}

/// The hostile connections of a load, none perhaps.
#[derive(Debug)]
pub(super) struct Flood {
    tasks: JoinSet<Tally>,
    stop: DropGuard,
}

impl Flood {
    /// From now on there is hostile traffic in each hostile slice of the load that began at `start`.
    pub(super) fn start(
        settings: &Arc<LoadSettings>,
        address: SocketAddr,
        start: Instant,
    ) -> Result<Self, LoadError> {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for (number, slices) in (0..settings.hostile).zip(settings.slices().into_iter().cycle()) {
            let options = settings.connection(FIRST_HOSTILE + number as u64);
            let connect = connect_packet(settings, &options).map_err(LoadError::System)?;
            let hostile = Hostile {
                settings: Arc::clone(settings),
                address,
                start,
                slices,
                number,
                connect: connect.to_vec(),
                tally: Tally::default(),
            };
            tasks.spawn(hostile.run(stop.clone()));
        }
        Ok(Self {
            tasks,
            stop: stop.drop_guard(),
        })
    }

    /// Ends it. `None` when there was none.
    pub(super) async fn stop(self) -> Option<Tally> {
        drop(self.stop);
        let had_any = !self.tasks.is_empty();
        let tallies = self.tasks.join_all().await;
        had_any.then(|| tallies.into_iter().fold(Tally::default(), Tally::and))
    }
}

impl Tally {
    fn and(mut self, other: Self) -> Self {
        self.attempts += other.attempts;
        self.closed += other.closed;
        self.unreachable += other.unreachable;
        for (name, count) in other.left_open {
            *self.left_open.entry(name).or_default() += count;
        }
        self
    }
}

/// One hostile connection after another.
struct Hostile {
    settings: Arc<LoadSettings>,
    address: SocketAddr,
    start: Instant,
    slices: Slices,
    number: usize,
    connect: Vec<u8>,
    tally: Tally,
}

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Unreachable,
    LeftOpen,
}

impl Hostile {
    async fn run(mut self, stop: CancellationToken) -> Tally {
        let gap = Duration::from_secs(1) / self.settings.hostile_rate.max(1);
        // They begin at different kinds, so that each kind is tried in a short slice, too, and at
        // different times.
        let kinds = KINDS.iter().cycle().skip(self.number % KINDS.len());
        let phase = gap.min(self.settings.slice).mul_f64(fastrand::f64());
        let mut next = self.start;
        for kind in kinds {
            let earliest = nanoseconds(next.max(Instant::now()) - self.start);
            let Some(at) = self.slices.next_hostile(earliest) else {
                break;
            };
            let is_first = at > earliest;
            let at = self.start + Duration::from_nanos(at);
            let at = if is_first { at + phase } else { at };
            let attempt = async {
                tokio::time::sleep_until(at.into()).await;
                self.attempt(kind).await
            };
            // What was cut off is no attempt.
            let Some(end) = stop.run_until_cancelled(attempt).await else {
                break;
            };
            next = at + gap;
            self.tally.enter(kind, &end);
        }
        self.tally
    }

    async fn attempt(&self, kind: &Malformed) -> End {
        let conversation = async {
            let from = origin::of_hostile(self.address, self.number);
            let Ok(mut stream) = origin::connect(self.address, from).await else {
                return End::Unreachable;
            };
            let packet = kind.bytes(self.settings.version);
            let bytes = if kind.after_connect {
                [&self.connect, packet].concat()
            } else {
                packet.to_vec()
            };
            let mut answer = [0; 512];
            // An error is a connection that the server has closed already.
            if stream.write_all(&bytes).await.is_ok() {
                while !matches!(stream.read(&mut answer).await, Ok(0) | Err(_)) {}
            }
            End::Closed
        };
        let end = tokio::time::timeout(PATIENCE, conversation).await;
        end.unwrap_or(End::LeftOpen)
    }
}

impl Tally {
    fn enter(&mut self, kind: &Malformed, end: &End) {
        self.attempts += 1;
        match end {
            End::Closed => self.closed += 1,
            End::Unreachable => self.unreachable += 1,
            End::LeftOpen => *self.left_open.entry(kind.name).or_default() += 1,
        }
    }
}
