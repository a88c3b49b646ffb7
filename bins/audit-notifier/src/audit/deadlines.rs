//! Which lock's timers are due next.

use std::collections::BTreeSet;
use std::sync::Arc;

/// At most one deadline per lock, in milliseconds since 1970.
///
/// A deadline that moves away is left where it is and looked at again when it comes: an
/// unremarkable report moves its lock's deadline and must not pay for that.
#[derive(Debug, Default)]
pub(super) struct Deadlines(BTreeSet<(u64, Arc<str>)>);

/// No deadline.
pub(super) const NEVER: u64 = u64::MAX;

impl Deadlines {
    /// Moves a lock's deadline nearer; `scheduled` is where the lock stands, [`NEVER`] if nowhere.
    pub(super) fn schedule(&mut self, id: &Arc<str>, scheduled: &mut u64, at_ms: u64) {
        if at_ms >= *scheduled {
            return;
        }
        if *scheduled != NEVER {
            self.0.remove(&(*scheduled, Arc::clone(id)));
        }
        self.0.insert((at_ms, Arc::clone(id)));
        *scheduled = at_ms;
    }

    /// Takes the lock whose deadline is the earliest, if that is over. Locks with the same deadline
    /// come in the order of their ids.
    pub(super) fn pop(&mut self, now_ms: u64) -> Option<(u64, Arc<str>)> {
        let (at_ms, _) = self.0.first()?;
        (*at_ms <= now_ms).then(|| self.0.pop_first())?
    }
}
