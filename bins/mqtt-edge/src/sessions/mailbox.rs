//! The queue of a session that outlives its connections.
//!
//! The queue itself is in JetStream (`down.<client id>`), where a message stays until the client
//! has it. Here is only its end: while a connection is open, a lane hands over what it has stored,
//! and the client need not wait for a read. A connection first reads what was stored before it
//! came, in the order of storing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::window::Place;
use crate::bus::Delivery;

/// Bytes of messages that may wait here for one client. What is more is read from JetStream when
/// the client has taken these.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// Removed entries that are remembered: more than one read brings.
const REMOVED_KEPT: usize = 64;

/// One session's end of its queue, filled by lanes and emptied by its connection.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    waiting: VecDeque<(Option<Place>, Delivery)>,
    waiting_bytes: usize,
    /// Where the connection reads on: behind this sequence.
    read_after: u64,
    /// First entry that was stored while too much waited: it has to be read.
    missed: Option<u64>,
    /// Entries that are known and not removed from JetStream yet.
    entries: BTreeMap<u64, Entry>,
    /// Some that were: a read that began before may still bring them, and so may a copy of the
    /// stream that lags.
    removed: BTreeSet<u64>,
}

/// What the connection knows of the queue.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Mode {
    /// There is no connection.
    #[default]
    Away,
    /// The connection reads what is in JetStream.
    Reading,
    /// All that is in JetStream is here or with the client.
    Complete,
}

/// One NATS message of the queue: messages that were stored together.
#[derive(Debug, Default)]
struct Entry {
    messages: u32,
    done: BTreeSet<u32>,
}

/// What the connection finds.
#[derive(Debug)]
pub(crate) enum Next {
    /// A message, with its place when it is in JetStream.
    Message(Option<Place>, Delivery),
    /// There is more in JetStream than here: read on behind this sequence.
    Read(u64),
}

impl Mailbox {
    /// A connection opens: it has to read.
    pub(crate) fn open(&self) {
        self.state.lock().read_again();
    }

    /// The connection is gone; what waits is in JetStream.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.read_again();
        state.mode = Mode::Away;
    }

    /// A lane has stored an entry.
    pub(crate) fn stored(&self, seq: u64, deliveries: Vec<Delivery>) {
        let mut state = self.state.lock();
        if state.mode == Mode::Away {
            return;
        }
        // Behind one that is to be read, all are: they come in the order of storing.
        if state.missed.is_some() || state.waiting_bytes > MAX_WAITING_BYTES {
            state.miss(seq);
            return;
        }
        if !state.note(seq, deliveries.len()) {
            return;
        }
        for (index, delivery) in (0..).zip(deliveries) {
            state.push(Some(Place { seq, index }), delivery);
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// A message of `QoS` 0 for the session, which is not stored.
    pub(crate) fn passing(&self, delivery: Delivery) -> bool {
        let mut state = self.state.lock();
        if state.mode == Mode::Away || state.waiting_bytes > MAX_WAITING_BYTES {
            return false;
        }
        state.push(None, delivery);
        drop(state);
        self.arrived.notify_one();
        true
    }

    /// The connection has read an entry. Which of its messages are not done with. What a lane has
    /// handed over of it comes with the read: what was stored before it may come by reads only.
    pub(crate) fn read(&self, seq: u64, messages: usize) -> Vec<u32> {
        let mut state = self.state.lock();
        state.read_after = seq;
        if state.removed.contains(&seq) {
            return Vec::new();
        }
        state.take_back(seq);
        state.note(seq, messages);
        let Some(entry) = state.entries.get(&seq) else {
            return Vec::new();
        };
        let done = |index: &u32| entry.done.contains(index);
        (0..entry.messages).filter(|index| !done(index)).collect()
    }

    /// There is nothing more to read, unless something was stored meanwhile.
    pub(crate) fn read_to_the_end(&self) {
        let mut state = self.state.lock();
        let read_after = state.read_after;
        let is_behind = state.missed.take().is_some_and(|seq| seq > read_after);
        if state.mode == Mode::Reading && !is_behind {
            state.mode = Mode::Complete;
        }
    }

    /// The next thing for the connection. Cancel-safe: what it takes, it returns.
    pub(crate) async fn next(&self) -> Next {
        loop {
            let taken = self.state.lock().take();
            match taken {
                Some(next) => return next,
                None => self.arrived.notified().await,
            }
        }
    }

    /// The client has a message. True when all of its entry are done: it can be removed.
    pub(crate) fn done(&self, place: Place) -> bool {
        let mut state = self.state.lock();
        let Some(entry) = state.entries.get_mut(&place.seq) else {
            return false;
        };
        entry.done.insert(place.index);
        entry.done.len() >= usize::try_from(entry.messages).unwrap_or(usize::MAX)
    }

    /// An entry is removed from JetStream.
    pub(crate) fn removed(&self, seq: u64) {
        let mut state = self.state.lock();
        state.entries.remove(&seq);
        state.removed.insert(seq);
        if state.removed.len() > REMOVED_KEPT {
            state.removed.pop_first();
        }
    }

    /// Whether an entry is in JetStream, as far as is known here.
    pub(crate) fn has(&self, seq: u64) -> bool {
        self.state.lock().entries.contains_key(&seq)
    }
}

impl State {
    /// Remembers an entry. False when it is known.
    fn note(&mut self, seq: u64, messages: usize) -> bool {
        let mut new = false;
        self.entries.entry(seq).or_insert_with(|| {
            new = true;
            Entry {
                messages: u32::try_from(messages).unwrap_or(u32::MAX),
                done: BTreeSet::new(),
            }
        });
        new
    }

    /// Takes an entry out of what waits.
    fn take_back(&mut self, seq: u64) {
        let is_of = |place: &Option<Place>| place.is_some_and(|place| place.seq == seq);
        let Self {
            waiting,
            waiting_bytes,
            ..
        } = self;
        waiting.retain(|(place, delivery)| {
            let is_of = is_of(place);
            if is_of {
                *waiting_bytes -= delivery.message.weight();
            }
            !is_of
        });
    }

    fn push(&mut self, place: Option<Place>, delivery: Delivery) {
        self.waiting_bytes += delivery.message.weight();
        self.waiting.push_back((place, delivery));
    }

    /// An entry has to be read.
    fn miss(&mut self, seq: u64) {
        self.missed = Some(self.missed.map_or(seq, |first| first.min(seq)));
    }

    /// Forgets what waits: it is read from JetStream.
    fn read_again(&mut self) {
        self.mode = Mode::Reading;
        self.waiting = VecDeque::new();
        self.waiting_bytes = 0;
        self.read_after = 0;
        self.missed = None;
    }

    fn take(&mut self) -> Option<Next> {
        if self.mode == Mode::Complete
            && self.waiting.is_empty()
            && let Some(seq) = self.missed.take()
        {
            self.mode = Mode::Reading;
            self.read_after = seq.saturating_sub(1);
        }
        if self.mode == Mode::Reading {
            return Some(Next::Read(self.read_after));
        }
        let (place, delivery) = self.waiting.pop_front()?;
        self.waiting_bytes -= delivery.message.weight();
        Some(Next::Message(place, delivery))
    }
}
