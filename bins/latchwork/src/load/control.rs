//! What the threads of a load tell each other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// What the threads of a load tell each other.
#[derive(Debug)]
pub(super) struct Control {
    /// Set once all clients are connected: the schedule begins then.
    pub(super) start: OnceLock<Instant>,
    stop: AtomicBool,
    counts: Vec<Counts>,
    last_failure: Mutex<Option<String>>,
}

/// The counts of one thread. It alone writes them, once per round of its loop.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Clients that are connected now.
    pub(super) connected: AtomicU64,
    /// Connections that broke after they had stood.
    pub(super) broken: AtomicU64,
    /// Messages sent; repeats do not count.
    pub(super) sent: AtomicU64,
    /// Messages acknowledged, refusals included.
    pub(super) acknowledged: AtomicU64,
    /// Messages refused.
    pub(super) refused: AtomicU64,
}

/// The counts of all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) connected: u64,
    pub(super) broken: u64,
    pub(super) sent: u64,
    pub(super) acknowledged: u64,
    pub(super) refused: u64,
}

impl Control {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            start: OnceLock::new(),
            stop: AtomicBool::new(false),
            counts: std::iter::repeat_with(Counts::default)
                .take(threads)
                .collect(),
            last_failure: Mutex::default(),
        }
    }

    /// Tells the threads to leave, whatever is not acknowledged yet.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn store(&self, thread: usize, totals: Totals) {
        if let Some(counts) = self.counts.get(thread) {
            counts.connected.store(totals.connected, Ordering::Relaxed);
            counts.broken.store(totals.broken, Ordering::Relaxed);
            counts.sent.store(totals.sent, Ordering::Relaxed);
            counts
                .acknowledged
                .store(totals.acknowledged, Ordering::Relaxed);
            counts.refused.store(totals.refused, Ordering::Relaxed);
        }
    }

    pub(super) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for counts in &self.counts {
            totals.connected += counts.connected.load(Ordering::Relaxed);
            totals.broken += counts.broken.load(Ordering::Relaxed);
            totals.sent += counts.sent.load(Ordering::Relaxed);
            totals.acknowledged += counts.acknowledged.load(Ordering::Relaxed);
            totals.refused += counts.refused.load(Ordering::Relaxed);
        }
        totals
    }

    /// Remembers why a connection failed, for the person who waits for it.
    pub(super) fn note_failure(&self, failure: String) {
        *self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    pub(super) fn last_failure(&self) -> Option<String> {
        self.last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
