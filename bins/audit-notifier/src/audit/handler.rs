//! The handler: which lock, which timer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use audit::{Chain, CheckpointKey, Draft, EntryKind, Place};
use record::{Kind, MAX_FRAME_BYTES, MAX_FRAME_RECORDS, Origin, Record};
use serde_json::Value;
use settings::AuditSettings;
use stage::{Handler, Outputs, Reject};

use super::clock::Clock;
use super::command::text;
use super::deadlines::{Deadlines, NEVER};
use super::lock::Lock;
use super::log::{Log, OWN_NODE};
use super::output::Output;
use super::repeats::Repeats;
use super::rules::Event;
use super::saved::RestoreError;
use super::scene::{Moment, Scene, data};
use super::text::clean;

/// Clients that never reported and are remembered at a time: anybody can make names up.
const MOST_STRANGERS: usize = 10_000;

/// Entries and bytes of one tick: they must fit one frame, whose storing is all or nothing, since
/// [`AuditHandler::recover`] reads one. What is left over waits for the next tick.
const TICK_ENTRIES: usize = MAX_FRAME_RECORDS - 64;
const TICK_BYTES: usize = MAX_FRAME_BYTES - 128 * 1024;

/// Bytes of an operator's JSON that the log takes.
const OPERATOR_BYTES: usize = 4096;

/// The audit of one partition of the stream EV: all records of a lock, and of commands to it, come
/// here in order.
///
/// Start: [`new`](Self::new) with the chain as it is stored, [`restore`](Self::restore) for every
/// stored lock, then [`recover`](Self::recover), whose outputs are stored before the first record.
#[derive(Debug)]
pub struct AuditHandler {
    settings: Arc<AuditSettings>,
    log: Log,
    locks: HashMap<Arc<str>, Lock>,
    deadlines: Deadlines,
    clock: Clock,
    /// When the watch began: a restored lock is not silent for what nobody watched.
    watched_ms: u64,
    /// The next free place for what no record is behind.
    tail: Place,
    strangers: usize,
    repeats: Repeats,
}

impl AuditHandler {
    /// Goes on where the chain ends.
    pub fn new(settings: Arc<AuditSettings>, chain: Chain) -> Self {
        let last = chain.head().last;
        Self {
            log: Log::new(&settings.log_topic, chain),
            settings,
            locks: HashMap::new(),
            deadlines: Deadlines::default(),
            clock: Clock::new(last),
            watched_ms: 0,
            tail: Place {
                output: last.output + 1,
                ..last
            },
            strangers: 0,
            repeats: Repeats::default(),
        }
    }

    /// Signs a checkpoint every thousand entries and, when there are new ones, every minute.
    /// Without a key there are no checkpoints.
    #[must_use]
    pub fn with_checkpoints(mut self, key: CheckpointKey) -> Self {
        self.log.sign_with(key);
        self
    }

    /// Takes a lock's stored state: key and value of an [`Output::State`].
    pub fn restore(&mut self, lock: &str, value: &[u8]) -> Result<(), RestoreError> {
        let mut lock = Lock::restore(lock, value)?;
        if let Some(rare) = &mut lock.rare {
            let rules = &self.settings.rules;
            rare.matters
                .retain(|matter| !rules.get(&matter.kind).is_some_and(|rule| rule.off));
        }
        self.strangers += usize::from(!lock.has_reported());
        self.tail = self.tail.max(lock.place);
        schedule(
            &mut self.deadlines,
            &mut lock,
            &self.settings,
            self.watched_ms,
        );
        self.locks.insert(Arc::clone(&lock.id), lock);
        Ok(())
    }

    /// Locks in memory.
    pub fn locks(&self) -> usize {
        self.locks.len()
    }

    /// Sequence in EV up to which something was applied. An EV that ends before it is another
    /// stream than before the restart, whose first records would be taken for old ones.
    pub fn applied_until(&self) -> u64 {
        self.tail.sequence
    }

    fn apply(
        &mut self,
        id: &str,
        event: Event<'_>,
        record: &Record,
        place: Place,
        out: &mut Outputs<Output>,
    ) {
        let has_room = self.strangers < MOST_STRANGERS || event.is_report();
        let mut spare = None;
        let lock = match self.locks.get_mut(id) {
            Some(lock) if place <= lock.place => return,
            Some(lock) => lock,
            None if !event.introduces() => return,
            None if !has_room => spare.insert(Lock::new(Arc::from(id))),
            None => {
                self.strangers += 1;
                let id: Arc<str> = Arc::from(id);
                let lock = Lock::new(Arc::clone(&id));
                self.locks.entry(id).or_insert(lock)
            }
        };
        let is_kept = has_room || lock.place != Place::default();
        let was_stranger = !lock.has_reported();
        let at = Moment {
            ts_ms: record.received_at_ms,
            place,
            node: &record.node,
            by_clock: false,
        };
        let mut scene = Scene::new(&self.settings, lock, at, &mut self.log, out);
        scene.fire_due(record.received_at_ms, self.watched_ms);
        scene.lock.place = place;
        scene.lock.touched_ms = scene.lock.touched_ms.max(record.received_at_ms);
        scene.apply(event, record);
        let is_new_lock = was_stranger && scene.lock.has_reported();
        let next = scene.finish(is_kept);
        self.strangers -= usize::from(is_new_lock);
        self.settle(id, next);
    }

    /// What an operator did is logged, whatever it was.
    fn operator(&mut self, id: &str, record: &Record, place: Place, out: &mut Outputs<Output>) {
        let payload = Some(&record.payload).filter(|payload| payload.len() <= OPERATOR_BYTES);
        let payload = payload.and_then(|payload| serde_json::from_slice(payload).ok());
        let draft = Draft {
            kind: EntryKind::Operator,
            ts_ms: record.received_at_ms,
            lock: id.to_owned(),
            origin: place,
            data: data([
                ("by_user", clean(text(&record.username)).into()),
                (
                    "operation",
                    payload.unwrap_or_else(|| Value::from(clean(text(&record.payload)))),
                ),
            ]),
        };
        self.log.append(&draft, &record.node, out);
        self.tail = self.tail.max(Place { output: 1, ..place });
    }

    /// Looks at the lock whose deadline came: it may have moved.
    fn look_at(&mut self, id: &Arc<str>, at_ms: u64, until_ms: u64, out: &mut Outputs<Output>) {
        let watched_ms = self.watched_ms;
        let Some(mut scene) = self.scene_of(id, at_ms, out) else {
            return;
        };
        scene.lock.scheduled = NEVER;
        let timer = scene.lock.next_timer(scene.settings, watched_ms);
        let timer = timer.filter(|(due_ms, _)| *due_ms <= at_ms);
        let forget_ms = scene.lock.forget_ms();
        let leaves = timer.is_none() && forget_ms.is_some_and(|forget_ms| forget_ms <= at_ms);
        if let Some((due_ms, timer)) = timer {
            scene.fire(timer, due_ms, until_ms);
        }
        if leaves {
            let next = scene.leave();
            self.tail = self.tail.max(next);
            self.forget(id);
        } else {
            let next = scene.finish(true);
            self.settle(id, next);
        }
    }

    fn forget(&mut self, id: &Arc<str>) {
        if let Some(lock) = self.locks.remove(id) {
            self.strangers -= usize::from(!lock.has_reported());
        }
    }

    /// A scene that no record began.
    pub(super) fn scene_of<'s>(
        &'s mut self,
        id: &str,
        ts_ms: u64,
        out: &'s mut Outputs<Output>,
    ) -> Option<Scene<'s>> {
        let at = Moment {
            ts_ms,
            place: self.tail,
            node: &OWN_NODE,
            by_clock: true,
        };
        let lock = self.locks.get_mut(id)?;
        Some(Scene::new(&self.settings, lock, at, &mut self.log, out))
    }

    /// Ends such a scene: what it put out took places, and its lock has other deadlines.
    pub(super) fn settle(&mut self, id: &str, next: Place) {
        self.tail = self.tail.max(next);
        if let Some(lock) = self.locks.get_mut(id) {
            schedule(&mut self.deadlines, lock, &self.settings, self.watched_ms);
        }
    }
}

impl Handler for AuditHandler {
    type In = Record;
    type Out = Output;

    fn handle(
        &mut self,
        record: &Record,
        origin: Origin,
        out: &mut Outputs<Output>,
    ) -> Result<(), Reject> {
        let place = Place {
            sequence: origin.sequence,
            index: origin.index,
            output: 0,
        };
        self.clock.record(record.received_at_ms, place);
        self.tail = self.tail.max(place);
        if self.watched_ms == 0 {
            self.watched_ms = record.received_at_ms;
        }
        let settings = Arc::clone(&self.settings);
        let Some(id) = settings.lock_of(record) else {
            return Ok(());
        };
        if self.repeats.is_repeat(record) {
            return Ok(());
        }
        if record.kind() == Kind::Operator {
            self.operator(id, record, place, out);
        } else if let Some(event) = Event::of(record, id, &settings) {
            self.apply(id, event, record, place, out);
        }
        Ok(())
    }

    const TICK: Option<Duration> = Some(Duration::from_secs(1));

    fn tick(&mut self, now_ms: u64, out: &mut Outputs<Output>) {
        self.log.take_appended();
        self.log.tick(now_ms, out);
        let until_ms = self.clock.tick(now_ms);
        if self.watched_ms == 0 {
            self.watched_ms = until_ms;
        }
        while let (entries, bytes) = self.log.appended()
            && entries < TICK_ENTRIES
            && bytes < TICK_BYTES
            && let Some((at_ms, id)) = self.deadlines.pop(until_ms)
        {
            self.look_at(&id, at_ms, until_ms, out);
        }
    }
}

fn schedule(deadlines: &mut Deadlines, lock: &mut Lock, settings: &AuditSettings, watched_ms: u64) {
    let timer = lock
        .next_timer(settings, watched_ms)
        .map(|(at_ms, _)| at_ms);
    if let Some(at_ms) = timer.into_iter().chain(lock.forget_ms()).min() {
        deadlines.schedule(&lock.id, &mut lock.scheduled, at_ms);
    }
}
