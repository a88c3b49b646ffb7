//! Slow hashes, few at a time: off the runtime's threads, and never so many that nothing else runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many hashes are computed at once, and how many logins may wait for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HashLimits {
    /// Hashes at once; each takes a core, and with Argon2 some 19 MiB.
    pub at_once: usize,
    /// Logins that wait; more are refused as busy.
    pub waiting: usize,
}

impl Default for HashLimits {
    /// 2 at once: they leave room on small machines. 512 wait: some 10 seconds of work.
    fn default() -> Self {
        Self {
            at_once: 2,
            waiting: 512,
        }
    }
}

/// The door to the hashes.
#[derive(Debug)]
pub(crate) struct Hashing {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    limit: usize,
}

/// Leaves the queue, however the wait ends.
struct Waiting<'h>(&'h AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Hashing {
    pub(crate) fn new(limits: HashLimits) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(limits.at_once.max(1))),
            waiting: AtomicUsize::new(0),
            limit: limits.waiting,
        }
    }

    /// Waits for a turn, which lasts until the permit is dropped; `None` when too many wait already.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Some(turn);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.limit {
            return None;
        }
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }
}
