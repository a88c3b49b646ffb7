//! Delivery reports: from librdkafka's poll thread to the lane that waits for them.
//!
//! A lane enqueues a flight of records and waits until each was reported. The report of a success
//! is one atomic decrement; only the last one of a flight wakes the lane.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Notify;

/// Lanes that one producer serves at a time; far above the 256 partitions there can be.
pub(crate) const MAX_LANES: usize = 1024;

/// Bits of the opaque value for the position in the flight; the lane's number is above them.
const POSITION_BITS: u32 = 16;

/// Records that one flight can hold.
pub(crate) const MAX_FLIGHT: usize = 1 << POSITION_BITS;

/// Bit of the opaque value that asks for the record's place in Kafka.
const WANTS_PLACE: usize = 1 << (usize::BITS - 1);

/// The lanes of one process. They outlive the producers, which are replaced after a fatal error.
pub(crate) struct Lanes {
    slots: Box<[OnceLock<Arc<Lane>>]>,
    taken: AtomicUsize,
    /// Wakes those who found librdkafka's queue full.
    room: Notify,
    start: Instant,
}

/// One lane's reports.
#[derive(Default)]
pub(crate) struct Lane {
    number: usize,
    taken: AtomicBool,
    /// Records that were enqueued and not yet reported.
    outstanding: AtomicUsize,
    /// Whether a failure was reported; read for every record, so it is not behind the lock.
    failed: AtomicBool,
    failures: Mutex<Vec<Failure>>,
    /// Where the records are that were asked for, by position in the flight.
    places: Mutex<Vec<(usize, Place)>>,
    landed: Notify,
    /// Start of the last flight in milliseconds since `Lanes::start`.
    since: AtomicU64,
}

/// A record that Kafka did not take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    /// Position in the flight.
    pub(crate) position: usize,
    /// Why.
    pub(crate) code: RDKafkaErrorCode,
}

/// Where Kafka has put a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) partition: i32,
    /// Negative when Kafka does not tell it.
    pub(crate) offset: i64,
}

/// A lane that belongs to one sink. Dropping it gives it back.
pub(crate) struct OwnLane(Arc<Lane>, Arc<Lanes>);

impl Lanes {
    pub(crate) fn new() -> Self {
        Self {
            slots: (0..MAX_LANES).map(|_| OnceLock::new()).collect(),
            taken: AtomicUsize::new(0),
            room: Notify::new(),
            start: Instant::now(),
        }
    }

    /// A free lane; `None` when all are taken. A lane whose last owner left with records in
    /// flight stays unused until these are reported: they would be taken for the new owner's.
    pub(crate) fn take(self: &Arc<Self>) -> Option<OwnLane> {
        for (number, slot) in self.slots.iter().enumerate() {
            let lane = slot.get_or_init(|| {
                Arc::new(Lane {
                    number,
                    ..Lane::default()
                })
            });
            let idle = lane.outstanding.load(Ordering::Acquire) == 0;
            if idle && !lane.taken.swap(true, Ordering::AcqRel) {
                self.taken.fetch_add(1, Ordering::Relaxed);
                return Some(OwnLane(Arc::clone(lane), Arc::clone(self)));
            }
        }
        None
    }

    /// Lanes in use.
    pub(crate) fn count(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes the report of one record. Called on librdkafka's poll thread.
    pub(crate) fn reported(&self, opaque: usize, result: Result<Place, RDKafkaErrorCode>) {
        let slot = self.slots.get((opaque & !WANTS_PLACE) >> POSITION_BITS);
        let Some(lane) = slot.and_then(OnceLock::get) else {
            return;
        };
        let position = opaque & (MAX_FLIGHT - 1);
        match result {
            Ok(place) if opaque & WANTS_PLACE != 0 => lane.places.lock().push((position, place)),
            Ok(_) => {}
            Err(code) => {
                lane.failures.lock().push(Failure { position, code });
                lane.failed.store(true, Ordering::Release);
            }
        }
        lane.done(1, &self.room);
    }

    /// Waits until any flight ends; call [`Notified::enable`](tokio::sync::futures::Notified) on
    /// it before the attempt that may find the queue full.
    pub(crate) fn room(&self) -> &Notify {
        &self.room
    }

    /// Records in flight, and how long the oldest flight has lasted.
    pub(crate) fn in_flight(&self) -> (usize, Option<Duration>) {
        let mut records = 0;
        let mut oldest = None;
        for lane in self.slots.iter().filter_map(OnceLock::get) {
            let outstanding = lane.outstanding.load(Ordering::Relaxed);
            if outstanding > 0 {
                records += outstanding;
                let since = Duration::from_millis(lane.since.load(Ordering::Relaxed));
                oldest = oldest.max(Some(self.start.elapsed().saturating_sub(since)));
            }
        }
        (records, oldest)
    }
}

impl Lane {
    fn done(&self, count: usize, room: &Notify) {
        if count > 0 && self.outstanding.fetch_sub(count, Ordering::AcqRel) == count {
            self.landed.notify_one();
            room.notify_waiters();
        }
    }
}

impl OwnLane {
    /// Starts a flight of `count` records. The last one must have landed.
    pub(crate) fn start(&self, count: usize) {
        let Self(lane, lanes) = self;
        lane.failures.lock().clear();
        lane.places.lock().clear();
        lane.failed.store(false, Ordering::Relaxed);
        let now = u64::try_from(lanes.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        lane.since.store(now, Ordering::Relaxed);
        lane.outstanding.store(count, Ordering::Release);
    }

    /// What the delivery report of this record will carry.
    pub(crate) fn opaque(&self, position: usize) -> usize {
        (self.0.number << POSITION_BITS) | position
    }

    /// The same for a record whose place in Kafka is to be told.
    pub(crate) fn opaque_with_place(&self, position: usize) -> usize {
        self.opaque(position) | WANTS_PLACE
    }

    /// Whether a record of this flight has failed already.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Acquire)
    }

    /// Takes back `count` records of the flight that were not enqueued after all.
    pub(crate) fn withdraw(&self, count: usize) {
        self.0.done(count, &self.1.room);
    }

    /// Waits until every record of the flight was reported. Cancel-safe.
    pub(crate) async fn landed(&self) {
        while self.0.outstanding.load(Ordering::Acquire) > 0 {
            self.0.landed.notified().await;
        }
    }

    /// The places that were asked for, by position in the flight.
    pub(crate) fn take_places(&self) -> Vec<(usize, Place)> {
        std::mem::take(&mut *self.0.places.lock())
    }

    /// The flight's failures, in the order of the flight.
    pub(crate) fn take_failures(&self, out: &mut Vec<Failure>) {
        out.clear();
        if self.has_failed() {
            out.append(&mut self.0.failures.lock());
            out.sort_unstable_by_key(|failure| failure.position);
        }
    }
}

impl Drop for OwnLane {
    fn drop(&mut self) {
        self.1.taken.fetch_sub(1, Ordering::Relaxed);
        self.0.taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        partition: 3,
        offset: 7,
    };

    /// Scenario: a flight of three, reported out of order, one of them failed.
    /// Guarantee: it lands with the last report and not before, and the failure is told.
    #[tokio::test]
    async fn a_flight_lands_with_its_last_report() {
        let lanes = Arc::new(Lanes::new());
        let lane = lanes.take().unwrap();
        lane.start(3);
        lanes.reported(lane.opaque(2), Err(RDKafkaErrorCode::PurgeQueue));
        lanes.reported(lane.opaque(0), Ok(PLACE));
        assert!(lane.has_failed());
        assert_eq!(lanes.in_flight().0, 1);
        assert!(
            tokio::time::timeout(Duration::from_millis(20), lane.landed())
                .await
                .is_err()
        );
        lanes.reported(lane.opaque(1), Ok(PLACE));
        lane.landed().await;
        let mut failures = Vec::new();
        lane.take_failures(&mut failures);
        let code = RDKafkaErrorCode::PurgeQueue;
        assert_eq!(failures, [Failure { position: 2, code }]);
        assert_eq!(lanes.in_flight(), (0, None));
    }

    /// Scenario: records that were counted but not enqueued are taken back.
    /// Guarantee: the flight lands without their reports.
    #[tokio::test]
    async fn withdrawn_records_are_not_waited_for() {
        let lanes = Arc::new(Lanes::new());
        let lane = lanes.take().unwrap();
        lane.start(5);
        lanes.reported(lane.opaque(0), Ok(PLACE));
        lane.withdraw(4);
        lane.landed().await;
        lane.start(2);
        lane.withdraw(2);
        lane.landed().await;
    }

    /// Scenario: a sink goes away while two of its records are in flight; another one comes.
    /// Guarantee: the new sink gets another lane, and the late reports do not touch its flight;
    /// once they are in, the first lane can be used again.
    #[test]
    fn late_reports_do_not_reach_another_owner() {
        let lanes = Arc::new(Lanes::new());
        let first = lanes.take().unwrap();
        let opaques = [first.opaque(0), first.opaque(1)];
        first.start(2);
        drop(first);
        let second = lanes.take().unwrap();
        assert_ne!(second.opaque(0), opaques[0]);
        second.start(1);
        for opaque in opaques {
            lanes.reported(opaque, Ok(PLACE));
        }
        assert_eq!(lanes.in_flight().0, 1);
        assert_eq!(lanes.take().unwrap().opaque(0), opaques[0]);
        assert_eq!(lanes.count(), 1);
    }
    /// Scenario: of one record in a flight of two the place is asked for.
    /// Guarantee: that one's is told, and only that one's; the next flight begins without it.
    #[tokio::test]
    async fn a_place_is_told_to_who_asks() {
        let lanes = Arc::new(Lanes::new());
        let lane = lanes.take().unwrap();
        lane.start(2);
        lanes.reported(lane.opaque(0), Ok(PLACE));
        lanes.reported(lane.opaque_with_place(1), Ok(PLACE));
        lane.landed().await;
        assert_eq!(lane.take_places(), [(1, PLACE)]);
        lane.start(1);
        lanes.reported(lane.opaque_with_place(0), Err(RDKafkaErrorCode::PurgeQueue));
        assert_eq!(lane.take_places(), []);
    }
}
