//! The one producer of a process, shared by its lanes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;
use rdkafka::producer::{Producer, PurgeConfig, ThreadedProducer};
use telemetry::LatencyHistogram;
use tokio::sync::watch;

use crate::delivery::{Lanes, MAX_FLIGHT};
use crate::error::KafkaError;
use crate::events::{Events, Hub};
use crate::gate::{Gate, HeldTopic};
use crate::settings::{KafkaConnection, client_error};
use crate::sink::KafkaSink;

pub(crate) type NativeProducer = ThreadedProducer<Events>;

/// Records of all lanes together that may be in flight. Covers a million records per second at
/// 20 ms; more only fills memory while Kafka is away, when JetStream should hold the backlog.
const WINDOW_RECORDS: usize = 20_000;

/// Bytes of all lanes together that may be in flight.
const WINDOW_BYTES: usize = 32 * 1024 * 1024;

/// What a lane may have in flight however many lanes there are.
const LANE_RECORDS: usize = 256;
const LANE_BYTES: usize = 256 * 1024;

/// How long a producer with a fatal error has to learn the fate of its transmitted records: what
/// is purged instead may be stored twice.
const RETIRE_WITHIN: Duration = Duration::from_secs(2);

/// How long an expected topic may be missing where others are waited for without end, see
/// [`KafkaProducer::expect_topics`]. A topic that was just made is not known to every broker at once.
const MISSING_FOR: Duration = Duration::from_secs(10);

/// What to do with records for a topic that does not exist. Those of a dynamic one only wait when it
/// is expected, see [`KafkaProducer::expect_topics`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UnknownTopic {
    /// They wait, with an alarm, until the topic is there.
    #[default]
    Wait,
    /// They are refused with code `unknown-topic` once the topic has been missing for so long.
    /// A topic that was just made is not known to every broker at once: give it some seconds.
    DeadLetter {
        /// How long it may be missing.
        after: Duration,
    },
}

/// The Kafka producer of a process. Cheap to clone; all clones share it.
///
/// librdkafka keeps one thread per broker and one for delivery reports, whatever the number of
/// lanes. After a fatal error it is replaced, and the lanes send again what was not confirmed.
#[derive(Clone)]
pub struct KafkaProducer {
    shared: Arc<Shared>,
}

struct Shared {
    connection: KafkaConnection,
    unknown_topic: UnknownTopic,
    hub: Arc<Hub>,
    gate: Gate,
    live: Mutex<Live>,
    renewing: tokio::sync::Mutex<()>,
    alone: Arc<tokio::sync::Mutex<()>>,
    renewed: AtomicU64,
    latency: OnceLock<LatencyHistogram>,
}

/// The producer of now. The generation tells a lane whether another one replaced it already.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) generation: u64,
    pub(crate) producer: Arc<NativeProducer>,
}

/// How much one lane may have in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

/// What a stage shows of its Kafka producer.
#[derive(Clone, Debug)]
pub struct KafkaStatus {
    /// Kafka has answered and is not known to be away.
    pub up: bool,
    /// Since when no broker can be reached, if so, and what the connections met.
    pub unreachable: Option<(SystemTime, String)>,
    /// Topics whose records wait.
    pub held_topics: Vec<HeldTopic>,
    /// Records that were given to Kafka and not yet confirmed.
    pub in_flight: usize,
    /// How long the oldest of them has waited. Rises too when a broker hangs without a word.
    pub oldest_in_flight: Option<Duration>,
    /// How often a fatal error made a new producer necessary.
    pub renewed: u64,
}

impl KafkaProducer {
    /// Makes the producer. It connects in the background, and for ever.
    pub fn new(
        connection: &KafkaConnection,
        unknown_topic: UnknownTopic,
    ) -> Result<Self, KafkaError> {
        for broken in connection.broken_promises() {
            tracing::warn!("[kafka.librdkafka] {broken}");
        }
        let hub = Arc::new(Hub::new());
        let producer = make(connection, &hub)?;
        Ok(Self {
            shared: Arc::new(Shared {
                connection: connection.clone(),
                unknown_topic,
                hub,
                gate: Gate::default(),
                live: Mutex::new(Live {
                    generation: 0,
                    producer: Arc::new(producer),
                }),
                renewing: tokio::sync::Mutex::new(()),
                alone: Arc::default(),
                renewed: AtomicU64::new(0),
                latency: OnceLock::new(),
            }),
        })
    }

    /// A sink for one lane.
    pub fn sink(&self) -> Result<KafkaSink, KafkaError> {
        KafkaSink::new(self.clone())
    }

    /// Records how long each record took from its timestamp to Kafka's confirmation of its batch.
    /// The first histogram that is given stays.
    pub fn measure(&self, latency: LatencyHistogram) {
        self.shared.latency.get_or_init(|| latency);
    }

    pub(crate) fn latency(&self) -> Option<&LatencyHistogram> {
        self.shared.latency.get()
    }

    /// Names the topics that the pipeline knows, in place of those named before. Where a message had
    /// a part in the name of such a topic, or of one that was open before, and it is missing, the
    /// record waits for some seconds before it is refused.
    pub fn expect_topics(&self, names: impl IntoIterator<Item = String>) {
        self.shared.gate.expected().name(names);
    }

    /// Whether a topic is named so or was open before.
    pub fn expects(&self, topic: &str) -> bool {
        let topic = Bytes::copy_from_slice(topic.as_bytes());
        self.shared.gate.expected().contains(&topic)
    }

    /// How long an expected topic may be missing for records of dynamic topics.
    pub(crate) fn missing_for(&self) -> Duration {
        match self.shared.unknown_topic {
            UnknownTopic::Wait => MISSING_FOR,
            UnknownTopic::DeadLetter { after } => after,
        }
    }

    /// Waits until Kafka answers: what a stage's readiness waits for. Cancel-safe.
    pub async fn connected(&self) -> Result<(), KafkaError> {
        while !self.shared.hub.reach.is_up() {
            let live = self.live();
            let ask = move || {
                let id = live.producer.client().fetch_cluster_id(ANSWER_WITHIN);
                id.is_some()
            };
            if tokio::task::spawn_blocking(ask)
                .await
                .map_err(|_| KafkaError::ShuttingDown)?
            {
                self.shared.hub.reach.found();
            }
        }
        Ok(())
    }

    /// What there is to show.
    pub fn status(&self) -> KafkaStatus {
        let hub = &self.shared.hub;
        let (in_flight, oldest_in_flight) = hub.lanes.in_flight();
        KafkaStatus {
            up: hub.reach.is_up(),
            unreachable: hub
                .reach
                .outage()
                .map(|outage| (outage.since, outage.reason)),
            held_topics: self.shared.gate.held_topics(),
            in_flight,
            oldest_in_flight,
            renewed: self.shared.renewed.load(Ordering::Relaxed),
        }
    }

    /// Waits until everything in flight is confirmed. After it, nothing is left to lose by
    /// ending the process.
    pub async fn flush(&self, within: Duration) -> Result<(), KafkaError> {
        let live = self.live();
        let flush = move || match live.producer.flush(within) {
            Ok(()) => Ok(()),
            Err(_) => Err(usize::try_from(live.producer.in_flight_count()).unwrap_or(0)),
        };
        tokio::task::spawn_blocking(flush)
            .await
            .map_err(|_| KafkaError::ShuttingDown)?
            .map_err(|left| KafkaError::Flush { left, within })
    }

    pub(crate) fn live(&self) -> Live {
        self.shared.live.lock().clone()
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.shared.hub
    }

    pub(crate) fn lanes(&self) -> &Arc<Lanes> {
        &self.shared.hub.lanes
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    pub(crate) fn unknown_topic(&self) -> UnknownTopic {
        self.shared.unknown_topic
    }

    /// The right to send a record alone: two lanes that do it at once could share a message set.
    pub(crate) async fn alone(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.shared.alone).lock_owned().await
    }

    /// Changes with each fatal error.
    pub(crate) fn fatal_errors(&self) -> watch::Receiver<u64> {
        self.shared.hub.fatal.subscribe()
    }

    pub(crate) fn window(&self) -> Window {
        let lanes = self.lanes().count().max(1);
        Window {
            records: (WINDOW_RECORDS / lanes).clamp(LANE_RECORDS, MAX_FLIGHT),
            bytes: (WINDOW_BYTES / lanes).max(LANE_BYTES),
        }
    }

    /// Replaces the producer when it has met a fatal error and no other lane did it yet.
    pub(crate) async fn renew_if_fatal(&self, generation: u64) -> Result<(), KafkaError> {
        let one_at_a_time = self.shared.renewing.lock().await;
        let old = self.live();
        if old.generation != generation {
            return Ok(());
        }
        let Some((code, reason)) = old.producer.client().fatal_error() else {
            return Ok(());
        };
        let (connection, hub) = (self.shared.connection.clone(), Arc::clone(&self.shared.hub));
        let fresh = tokio::task::spawn_blocking(move || make(&connection, &hub))
            .await
            .map_err(|_| KafkaError::ShuttingDown)??;
        *self.shared.live.lock() = Live {
            generation: generation + 1,
            producer: Arc::new(fresh),
        };
        self.shared.renewed.fetch_add(1, Ordering::Relaxed);
        retire(old);
        drop(one_at_a_time);
        if let Some(suppressed) = self.hub().alarms.due("fatal") {
            tracing::warn!(
                %code,
                suppressed,
                "the Kafka producer met a fatal error ({reason}); a new one sends again, in order, \
                 what was not confirmed{}",
                advice(code)
            );
        }
        Ok(())
    }
}

/// An answer takes milliseconds; the wait is short so that a stop is not held up.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

fn make(connection: &KafkaConnection, hub: &Arc<Hub>) -> Result<NativeProducer, KafkaError> {
    connection
        .producer()
        .create_with_context(Events::new(Arc::clone(hub)))
        .map_err(client_error)
}

/// Ends a producer with a fatal error on a thread of its own. It sends nothing any more, but
/// records that were under way may come back into its queue, and would stay there for ever.
fn retire(old: Live) {
    let end = move || {
        if old.producer.flush(RETIRE_WITHIN).is_err() {
            old.producer
                .purge(PurgeConfig::default().queue().inflight());
        }
        drop(old);
    };
    let spawned = std::thread::Builder::new()
        .name("kafka-retire".into())
        .spawn(end);
    if let Err(error) = spawned {
        tracing::error!(%error, "no thread to end the old Kafka producer; it was ended at once");
    }
}

fn advice(code: rdkafka::types::RDKafkaErrorCode) -> &'static str {
    if code == rdkafka::types::RDKafkaErrorCode::ClusterAuthorizationFailed {
        "; allow this client IDEMPOTENT_WRITE on the cluster"
    } else {
        ""
    }
}
