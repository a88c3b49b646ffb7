//! What happens to sessions without a connection: their wills, and their end.

use std::collections::BTreeSet;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// When to look at which session: one entry for each that waits.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    due: Mutex<BTreeSet<(Instant, u64, Bytes)>>,
    sooner: Notify,
}

impl Deadlines {
    pub(super) fn add(&self, due: Instant, epoch: u64, client_id: Bytes) {
        let mut all = self.due.lock();
        let is_first = all.first().is_none_or(|(first, ..)| due < *first);
        all.insert((due, epoch, client_id));
        drop(all);
        if is_first {
            self.sooner.notify_one();
        }
    }

    /// A connection has come.
    pub(super) fn remove(&self, due: Instant, epoch: u64, client_id: &Bytes) {
        self.due.lock().remove(&(due, epoch, client_id.clone()));
    }

    /// The next session whose time has come, with its epoch.
    pub(super) async fn next(&self) -> (Bytes, u64) {
        loop {
            let first = self.due.lock().first().map(|(due, ..)| *due);
            let sooner = self.sooner.notified();
            let Some(due) = first else {
                sooner.await;
                continue;
            };
            tokio::select! {
                () = sleep_until(due) => {}
                () = sooner => continue,
            }
            let mut all = self.due.lock();
            // It may have been removed while we slept, and the first one now be a later one.
            if all.first().is_some_and(|(first, ..)| *first <= due)
                && let Some((_, epoch, client_id)) = all.pop_first()
            {
                return (client_id, epoch);
            }
        }
    }
}
