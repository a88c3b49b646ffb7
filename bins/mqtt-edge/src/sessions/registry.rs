//! Who is connected, and whose session waits: one session per client id.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::deadlines::Deadlines;
use super::state::Parked;

/// How long a new connection waits for the old one of the same client to end.
const TAKEOVER_DEADLINE: Duration = Duration::from_secs(5);

/// The sessions of this edge, by client id.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    slots: Mutex<HashMap<Bytes, Slot>>,
    /// The greatest epoch so far, of any client: a client that is forgotten can come back within
    /// the same microsecond, or after the clock was set back.
    last_epoch: AtomicU64,
    pub(super) deadlines: Deadlines,
}

#[derive(Debug)]
enum Slot {
    Connected(Seat),
    Parked { epoch: u64, parked: Box<Parked> },
}

/// One connection's place. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    epoch: u64,
    taken_over: CancellationToken,
    left: CancellationToken,
    /// What the connection leaves to the one that takes its place.
    bequest: Arc<Mutex<Option<Box<Parked>>>>,
    /// Whom to wait for instead: it has given up waiting itself.
    instead: Arc<Mutex<Option<Seat>>>,
}

impl Seat {
    /// Grows with each connection of the same client id, across restarts of the edge too: it
    /// starts from the clock, in microseconds.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Waits until another connection takes this client id.
    pub(crate) async fn taken_over(&self) {
        self.taken_over.cancelled().await;
    }

    fn new(epoch: u64) -> Self {
        Self {
            epoch,
            taken_over: CancellationToken::new(),
            left: CancellationToken::new(),
            bequest: Arc::default(),
            instead: Arc::default(),
        }
    }
}

/// The connection before this one has not ended in time: its last messages are not stored yet, and
/// nothing of this one may come before them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StillThere;

impl Registry {
    /// Takes the seat of a client, with the session that it left. A connection that has it is told
    /// to end, and is waited for: its last records must be in front of ours.
    pub(crate) async fn enter(
        &self,
        client_id: &Bytes,
    ) -> Result<(Seat, Option<Box<Parked>>), StillThere> {
        let (seat, previous) = self.replace(client_id);
        let mut previous = match previous {
            None => return Ok((seat, None)),
            Some(Slot::Parked { parked, .. }) => return Ok((seat, Some(parked))),
            Some(Slot::Connected(previous)) => previous,
        };
        previous.taken_over.cancel();
        let deadline = Instant::now() + TAKEOVER_DEADLINE;
        loop {
            let ended = timeout_at(deadline, previous.left.cancelled()).await;
            if ended.is_err() && self.give_up(client_id, &seat, &previous) {
                tracing::warn!("a connection that was taken over has not ended yet");
                return Err(StillThere);
            }
            let before = previous.instead.lock().take();
            match before {
                // It gave up waiting: so we wait for whom it waited for.
                Some(before) => previous = before,
                None => break,
            }
        }
        let bequest = previous.bequest.lock().take();
        Ok((seat, bequest))
    }

    /// Leaves the place to the connection that was waited for. False when it has just ended.
    fn give_up(&self, client_id: &Bytes, seat: &Seat, previous: &Seat) -> bool {
        let mut slots = self.slots.lock();
        // It ends under this lock.
        if previous.left.is_cancelled() {
            return false;
        }
        let current = slots.get(client_id);
        if matches!(current, Some(Slot::Connected(current)) if current.epoch == seat.epoch) {
            slots.insert(client_id.clone(), Slot::Connected(previous.clone()));
        } else {
            *seat.instead.lock() = Some(previous.clone());
        }
        seat.left.cancel();
        true
    }

    /// Gives the seat up, and leaves the session to the next connection.
    pub(crate) fn leave(&self, client_id: &Bytes, seat: &Seat, parked: Option<Box<Parked>>) {
        let mut slots = self.slots.lock();
        let current = slots.get(client_id);
        if matches!(current, Some(Slot::Connected(current)) if current.epoch == seat.epoch) {
            match parked {
                Some(parked) => self.park(&mut slots, client_id, seat.epoch, parked),
                None => {
                    slots.remove(client_id);
                }
            }
        } else {
            *seat.bequest.lock() = parked;
        }
        seat.left.cancel();
    }

    /// Adds a session that an earlier life of this edge has left.
    pub(super) fn restore(&self, client_id: &Bytes, epoch: u64, parked: Box<Parked>) {
        self.park(&mut self.slots.lock(), client_id, epoch, parked);
    }

    /// Takes the seat of a session whose deadline has come, unless a connection has it.
    pub(super) fn enter_parked(
        &self,
        client_id: &Bytes,
        epoch: u64,
    ) -> Option<(Seat, Box<Parked>)> {
        let mut slots = self.slots.lock();
        match slots.remove(client_id)? {
            Slot::Parked {
                epoch: current,
                parked,
            } if current == epoch => {
                let seat = Seat::new(self.next_epoch(epoch));
                slots.insert(client_id.clone(), Slot::Connected(seat.clone()));
                Some((seat, parked))
            }
            other => {
                slots.insert(client_id.clone(), other);
                None
            }
        }
    }

    /// Connections, and sessions that wait for one.
    pub(crate) fn len(&self) -> usize {
        self.slots.lock().len()
    }

    fn park(
        &self,
        slots: &mut HashMap<Bytes, Slot>,
        client_id: &Bytes,
        epoch: u64,
        parked: Box<Parked>,
    ) {
        if let Some(due) = parked.next_deadline() {
            self.deadlines.add(due, epoch, client_id.clone());
        }
        slots.insert(client_id.clone(), Slot::Parked { epoch, parked });
    }

    fn replace(&self, client_id: &Bytes) -> (Seat, Option<Slot>) {
        let mut slots = self.slots.lock();
        let before = match slots.get(client_id) {
            Some(Slot::Connected(seat)) => seat.epoch,
            Some(Slot::Parked { epoch, .. }) => *epoch,
            None => 0,
        };
        let seat = Seat::new(self.next_epoch(before));
        let previous = slots.insert(client_id.clone(), Slot::Connected(seat.clone()));
        if let Some(Slot::Parked { epoch, parked }) = &previous
            && let Some(due) = parked.next_deadline()
        {
            self.deadlines.remove(due, *epoch, client_id);
        }
        (seat, previous)
    }

    fn next_epoch(&self, before: u64) -> u64 {
        let least = now_us().max(before + 1);
        let next = |last: u64| Some(least.max(last + 1));
        let last = self
            .last_epoch
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        // It is never refused.
        let (Ok(last) | Err(last)) = last;
        least.max(last + 1)
    }
}

/// Microseconds since 1970.
fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX / 2)
    })
}
