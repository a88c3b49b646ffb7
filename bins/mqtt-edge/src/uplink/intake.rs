//! Where sessions put records: the lane's open frame, and a few full ones behind it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};
use record::Record;
use tokio::sync::Notify;

use super::frame::{Entry, FillingFrame};

/// Full frames that may wait. Beyond them sessions stop reading from their sockets: this is what
/// bounds the edge's memory when the store is slow or away.
const FULL_FRAMES: usize = 3;

/// Bytes of messages that go to subscribers, too, in one frame: their properties are in memory and
/// not in the records.
const MAX_ROUTED_BYTES: usize = 2 * 1024 * 1024;

/// The lane takes no more records now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// The lane takes no more records at all: the edge stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the edge stops")]
pub struct Closed;

/// One lane's side towards the sessions.
#[derive(Debug)]
pub struct Intake {
    /// Bytes of the largest frame that the store takes.
    frame_limit: usize,
    frames: Mutex<Frames>,
    filled: Notify,
    room: Notify,
    stalled: AtomicBool,
}

#[derive(Debug, Default)]
struct Frames {
    open: FillingFrame,
    full: VecDeque<FillingFrame>,
    spare: Vec<FillingFrame>,
    closed: bool,
}

impl Intake {
    /// An empty lane whose frames have at most so many bytes: one that NATS can't take would
    /// stall the lane for ever.
    pub fn new(frame_limit: usize) -> Self {
        Self {
            frame_limit,
            frames: Mutex::default(),
            filled: Notify::new(),
            room: Notify::new(),
            stalled: AtomicBool::new(false),
        }
    }

    /// Takes the lane's lock, once for all records of a read.
    pub fn begin(&self) -> Pushing<'_> {
        Pushing {
            intake: self,
            frames: self.frames.lock(),
            pushed: false,
        }
    }

    /// Waits until there may be room again.
    pub async fn wait_for_room(&self) {
        let room = self.room.notified();
        if self.frames.lock().has_room() {
            return;
        }
        room.await;
    }

    /// Pushes one record with what it brings along, waiting for room.
    pub async fn push(&self, record: &Record, mut entry: Entry<'_>) {
        loop {
            let pushed = self.begin().push(record, &mut entry);
            match pushed {
                Ok(()) => return,
                Err(Full) => self.wait_for_room().await,
            }
        }
    }

    /// The same for who can come again later: nobody takes what is put into a closed lane.
    pub async fn push_unless_closed(
        &self,
        record: &Record,
        mut entry: Entry<'_>,
    ) -> Result<(), Closed> {
        loop {
            {
                let mut pushing = self.begin();
                if pushing.frames.closed {
                    return Err(Closed);
                }
                if pushing.push(record, &mut entry).is_ok() {
                    return Ok(());
                }
            }
            self.wait_for_room().await;
        }
    }

    /// Whether the store refuses or does not answer: then `QoS` 0 is dropped instead of waiting.
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    pub(super) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    pub(super) fn close(&self) {
        self.frames.lock().closed = true;
        self.filled.notify_one();
    }

    /// The next frame; `None` when the lane is closed and empty.
    pub(super) async fn next_frame(&self) -> Option<FillingFrame> {
        loop {
            {
                let mut frames = self.frames.lock();
                if let Some(frame) = frames.take() {
                    self.room.notify_waiters();
                    return Some(frame);
                }
                if frames.closed {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    /// Gives a frame's memory back.
    pub(super) fn recycle(&self, mut frame: FillingFrame) {
        frame.recycle();
        self.frames.lock().spare.push(frame);
    }
}

impl Frames {
    /// Whoever was refused waits until the lane has taken a frame: the open one may have room
    /// for others and not for it.
    fn has_room(&self) -> bool {
        self.full.len() < FULL_FRAMES
    }

    fn take(&mut self) -> Option<FillingFrame> {
        if let Some(frame) = self.full.pop_front() {
            return Some(frame);
        }
        (!self.open.records.is_empty()).then(|| self.next_open())
    }

    /// Puts an empty frame in the open one's place.
    fn next_open(&mut self) -> FillingFrame {
        let mut next = self.spare.pop().unwrap_or_default();
        next.number = self.open.number + 1;
        std::mem::replace(&mut self.open, next)
    }
}

/// The lane's lock, held while one session pushes what it has read.
pub struct Pushing<'a> {
    intake: &'a Intake,
    frames: MutexGuard<'a, Frames>,
    pushed: bool,
}

impl Pushing<'_> {
    /// Adds a record. What it brings along is taken out of the entry, unless the lane is full.
    pub fn push(&mut self, record: &Record, entry: &mut Entry<'_>) -> Result<(), Full> {
        let open = &self.frames.open;
        let has_room = open.records.has_room_for(record, self.intake.frame_limit);
        if !has_room || open.routed_bytes >= MAX_ROUTED_BYTES {
            if self.frames.full.len() >= FULL_FRAMES {
                return Err(Full);
            }
            let full = self.frames.next_open();
            self.frames.full.push_back(full);
        }
        self.frames.open.push(record, entry);
        self.pushed = true;
        Ok(())
    }
}

impl Drop for Pushing<'_> {
    fn drop(&mut self) {
        if self.pushed {
            self.intake.filled.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use record::{Frame, MAX_FRAME_RECORDS};

    use super::*;

    fn record(number: usize) -> Record {
        Record {
            payload: Bytes::from(number.to_string()),
            ..Record::default()
        }
    }

    async fn numbers(intake: &Intake) -> Vec<usize> {
        let mut frame = intake.next_frame().await.unwrap();
        let read = Frame::<Record>::read(frame.records.take()).unwrap();
        let number = |record: &Record| {
            std::str::from_utf8(&record.payload)
                .unwrap()
                .parse()
                .unwrap()
        };
        read.items.iter().map(number).collect()
    }

    /// Scenario: sessions push more than the lane may hold, and the lane takes one frame.
    /// Guarantee: the lane says that it is full at its bound, whoever waits for room goes on, and
    /// every record comes out once, in order.
    #[tokio::test]
    async fn a_full_lane_makes_sessions_wait() {
        let intake = Arc::new(Intake::new(usize::MAX));
        let room = (FULL_FRAMES + 1) * MAX_FRAME_RECORDS;
        for number in 0..room {
            intake
                .begin()
                .push(&record(number), &mut Entry::default())
                .unwrap();
        }
        assert_eq!(
            intake.begin().push(&record(room), &mut Entry::default()),
            Err(Full)
        );
        let waiting = tokio::spawn({
            let intake = Arc::clone(&intake);
            async move { intake.push(&record(room), Entry::default()).await }
        });
        let mut taken = numbers(&intake).await;
        waiting.await.unwrap();
        while taken.len() <= room {
            taken.extend(numbers(&intake).await);
        }
        assert_eq!(taken, (0..=room).collect::<Vec<_>>());
    }

    /// Scenario: the edge drains: the lane is closed while it still holds a record, and another comes.
    /// Guarantee: who can come again is told that the lane is closed; the record comes out, and then
    /// the end.
    #[tokio::test]
    async fn a_closed_lane_gives_what_it_has() {
        let intake = Intake::new(usize::MAX);
        intake.push(&record(7), Entry::default()).await;
        intake.close();
        let late = record(8);
        let pushed = intake.push_unless_closed(&late, Entry::default()).await;
        assert_eq!(pushed, Err(Closed));
        assert_eq!(numbers(&intake).await, [7]);
        assert!(intake.next_frame().await.is_none());
    }

    /// Scenario: two records that fit into a frame each, and not together.
    /// Guarantee: each gets a frame of its own, within the limit.
    #[tokio::test]
    async fn a_frame_stays_within_what_the_store_takes() {
        let intake = Intake::new(1000);
        for _ in 0..2 {
            let large = Record {
                payload: vec![b'1'; 600].into(),
                ..Record::default()
            };
            intake.push(&large, Entry::default()).await;
        }
        for _ in 0..2 {
            let mut frame = intake.next_frame().await.unwrap();
            assert!(frame.records.take().len() <= 1000);
        }
    }
}
