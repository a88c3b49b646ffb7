//! The sink of one lane: a batch of records, stored in Kafka in order.

mod failures;
mod opening;

use std::time::{Duration, Instant};

use record::KafkaRecord;
use stage::{Backoff, Refused, Sink, Unavailable};
use telemetry::Tracer;
use tokio::sync::watch;

use crate::delivery::{Failure, MAX_LANES, OwnLane};
use crate::enqueue::{NotQueued, enqueue};
use crate::error::KafkaError;
use crate::failure::{Meaning, meaning};
use crate::latency::record_latency;
use crate::open_topics::OpenTopics;
use crate::plan::Plan;
use crate::producer::{KafkaProducer, NativeProducer};
use crate::spans::BatchSpans;

/// When librdkafka's queue is full although the window should prevent it, any flight that ends
/// makes room; this only covers one that ended in the moment before the wait.
const LOOK_FOR_ROOM: Duration = Duration::from_millis(20);

/// The longest wait before Kafka is asked again about a topic or given refused records again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How often Kafka must refuse a record that goes alone. Once could be the fault of another lane's
/// record that came into the same message set.
const REFUSALS: u8 = 3;

/// Stores the batches of one lane in Kafka, over the producer that all lanes share.
///
/// [`send`](Sink::send) waits as long as it takes: Kafka being away is no error, the wait is the
/// back-pressure. Records of one topic keep their order through every retry. What is refused:
///
/// | code | when |
/// |---|---|
/// | `kafka-too-large` | above `message.max.bytes`, or above the topic's limit even alone |
/// | `kafka-invalid-record`, `kafka-timestamp` | the broker refuses this record, even alone |
/// | `kafka-topic` | the topic's name can't be one |
/// | `kafka-header` | a header's name is not UTF-8 |
/// | `unknown-topic` | the topic is missing, and [`UnknownTopic::DeadLetter`] was chosen or the topic is dynamic |
/// | `denied-topic` | Kafka denies writing to the topic, and the topic is dynamic |
/// | `unknown-partition` | the topic does not have the partition that the record must go to |
///
/// [`UnknownTopic::DeadLetter`]: crate::UnknownTopic::DeadLetter
///
/// A record for a dynamic topic ([`KafkaRecord::topic_is_dynamic`]) does not wait for it: it is
/// refused with the first answer that the topic is missing or denied, be it ten seconds old. But a
/// topic that was open before in this process, or that [`KafkaProducer::expect_topics`] names, may
/// be missing for ten seconds, or for as long as [`UnknownTopic::DeadLetter`] says, before that.
///
/// A record for a random partition ([`KafkaRecord::random_partition`]) that is sent again, after a
/// failure or in a repeated batch, may come to another one, so that a repeat of it can be in two.
/// Records without a key are spread by librdkafka itself, some milliseconds' worth to each.
///
/// One limit to the order: a broker that finds a message set too large refuses all of it, while
/// later sets of that partition pass. Its records are sent again, alone, and so come after those.
/// It can't happen while the topic's `max.message.bytes` is at least our `batch.size`
/// (1,000,000; Kafka's default is 1,048,588).
///
/// When a call is dropped half way, its records may be stored or not; the next call first waits
/// for their fate, then sends what it was given.
pub struct KafkaSink {
    producer: KafkaProducer,
    lane: OwnLane,
    fatal_errors: watch::Receiver<u64>,
    open: OpenTopics,
    plan: Plan,
    /// When the batch came.
    began: Instant,
    failures: Vec<Failure>,
    scratch: Vec<u8>,
    spans: BatchSpans,
}

/// How the enqueueing of a flight went.
struct Enqueued {
    /// Records in the queue.
    count: usize,
    /// The flight from this position on was not tried.
    end: usize,
    /// A record that librdkafka did not take, for a reason that may pass.
    failure: Option<Failure>,
}

impl KafkaSink {
    pub(crate) fn new(producer: KafkaProducer) -> Result<Self, KafkaError> {
        let lane = producer.lanes().take();
        Ok(Self {
            lane: lane.ok_or(KafkaError::TooManyLanes(MAX_LANES))?,
            fatal_errors: producer.fatal_errors(),
            producer,
            open: OpenTopics::default(),
            plan: Plan::default(),
            began: Instant::now(),
            failures: Vec::new(),
            scratch: Vec::new(),
            spans: BatchSpans::new(Tracer::default()),
        })
    }

    /// Records a span of each batch that has sampled records in it.
    #[must_use]
    pub fn traced_by(mut self, tracer: Tracer) -> Self {
        self.spans = BatchSpans::new(tracer);
        self
    }

    async fn store(&mut self, items: &[KafkaRecord]) -> Result<Vec<Refused>, KafkaError> {
        // Records of a call that was dropped may still be under way.
        self.land(self.producer.live().generation).await?;
        self.plan.reset(items.len());
        self.began = Instant::now();
        self.spans.begin();
        let mut refused = Vec::new();
        let mut backoff = Backoff::up_to(LONGEST_WAIT);
        loop {
            if self
                .plan
                .next_flight(items, self.producer.window(), &self.open)
            {
                if self.fly(items, &mut refused).await? {
                    backoff.wait().await;
                }
            } else if self.plan.is_done() {
                refused.sort_unstable_by_key(|refused| refused.index);
                if let Some(latency) = self.producer.latency() {
                    record_latency(latency, items, &refused);
                }
                self.spans.record(items, &refused);
                return Ok(refused);
            } else if !self.open_topics(items, &mut refused).await? {
                backoff.wait().await;
            }
        }
    }

    /// Sends the planned flight and waits for its fate. `true` when something failed that is to be
    /// tried again, but not at once.
    async fn fly(
        &mut self,
        items: &[KafkaRecord],
        refused: &mut Vec<Refused>,
    ) -> Result<bool, KafkaError> {
        let _one_at_a_time = if self.plan.flight_is_alone() {
            Some(self.producer.alone().await)
        } else {
            None
        };
        let live = self.producer.live();
        let length = self.plan.flight().len();
        self.lane.start(length);
        let enqueued = self.enqueue_flight(&live.producer, items, refused);
        self.open.forget_aged();
        // Not kept over the wait: a producer that is replaced must end on its own thread.
        let generation = live.generation;
        drop(live);
        self.lane.withdraw(length - enqueued.count);
        self.land(generation).await?;
        self.lane.take_failures(&mut self.failures);
        self.spans.landed(&self.lane, self.plan.flight());
        if self.failures.len() < enqueued.count && !self.producer.hub().reach.is_up() {
            self.producer.hub().reach.found();
        }
        if enqueued.end == length && self.failures.is_empty() && enqueued.failure.is_none() {
            return Ok(false);
        }
        self.plan.put_back_from(enqueued.end);
        self.failures.extend(enqueued.failure);
        self.producer.renew_if_fatal(generation).await?;
        if self
            .failures
            .iter()
            .any(|failure| meaning(failure.code) == Meaning::NoRoom)
        {
            self.wait_for_room().await;
        }
        Ok(self.sort_out_failures(items, refused))
    }

    /// Stops at the first failure, so that no later record of a topic overtakes it.
    fn enqueue_flight(
        &mut self,
        producer: &NativeProducer,
        items: &[KafkaRecord],
        refused: &mut Vec<Refused>,
    ) -> Enqueued {
        let mut count = 0;
        for (position, &index) in self.plan.flight().iter().enumerate() {
            let Some(record) = items.get(index) else {
                continue;
            };
            if self.lane.has_failed() {
                let failure = None;
                let end = position;
                return Enqueued {
                    count,
                    end,
                    failure,
                };
            }
            let opaque = if self.spans.wants(record) {
                self.lane.opaque_with_place(position)
            } else {
                self.lane.opaque(position)
            };
            let queued = match self.open.partition_of(record, self.began) {
                Ok(partition) => enqueue(producer, record, partition, opaque, &mut self.scratch),
                Err(code) => Err(NotQueued::Code(code)),
            };
            match queued {
                Ok(()) => count += 1,
                Err(NotQueued::Refused(reject)) => refused.push(Refused { index, reject }),
                Err(NotQueued::Code(code)) => {
                    let failure = Some(Failure { position, code });
                    let end = position + 1;
                    return Enqueued {
                        count,
                        end,
                        failure,
                    };
                }
            }
        }
        let end = self.plan.flight().len();
        let failure = None;
        Enqueued {
            count,
            end,
            failure,
        }
    }

    /// Waits until the last flight has landed. A producer that met a fatal error may never report
    /// the rest, so it is replaced and ended meanwhile.
    async fn land(&mut self, generation: u64) -> Result<(), KafkaError> {
        loop {
            tokio::select! {
                biased;
                () = self.lane.landed() => return Ok(()),
                changed = self.fatal_errors.changed() => {
                    changed.map_err(|_| KafkaError::ShuttingDown)?;
                    self.producer.renew_if_fatal(generation).await?;
                }
            }
        }
    }

    async fn wait_for_room(&self) {
        let room = self.producer.lanes().room().notified();
        if tokio::time::timeout(LOOK_FOR_ROOM, room).await.is_err() {
            tracing::debug!("the Kafka queue is full");
        }
    }
}

impl Sink for KafkaSink {
    type Item = KafkaRecord;

    async fn send(
        &mut self,
        _batch: &str,
        items: &[KafkaRecord],
    ) -> Result<Vec<Refused>, Unavailable> {
        self.store(items)
            .await
            .map_err(|error| Unavailable::new("Kafka", error))
    }
}
