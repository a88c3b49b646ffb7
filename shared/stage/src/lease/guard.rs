//! Whether a lane may go on.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::HELD_FOR;

/// Instants as numbers count from here.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Instead of a time: it has run out for good.
const RUN_OUT: u64 = 0;

/// How often somebody who waits for a renewal looks for it.
const CONFIRMATION_CHECK: Duration = Duration::from_millis(20);

/// The right to store and settle what a lane has taken, until it runs out.
///
/// It runs out by this process' own monotonic clock, without a word from anybody: a process that
/// was stopped for a while finds it gone before it does anything else. (A machine that sleeps stops
/// this clock, too: after that, the server's refusals are what counts.) Clones are the same lease.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Microseconds since [`START`], or [`RUN_OUT`].
    until: Arc<AtomicU64>,
}

impl Lease {
    /// A lease that never runs out: for lanes that nobody else can have.
    pub fn unlimited() -> Self {
        Self {
            until: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// A lease that was good at some instant, for a time from then on.
    pub(crate) fn from(good: Instant, held_for: Duration) -> Self {
        Self {
            until: Arc::new(AtomicU64::new(micros(good + held_for))),
        }
    }

    /// Makes it last from an instant on; that is the one before the renewal was asked for. One that
    /// has run out stays so: the lane may have stopped at it, and must be opened anew.
    pub(crate) fn renew(&self, good: Instant, held_for: Duration) {
        let (now, until) = (micros(Instant::now()), micros(good + held_for));
        let extend = |old: u64| (now < old && old < until).then_some(until);
        // An error says that it has run out, or lasts longer already.
        self.until
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, extend)
            .ok();
    }

    /// Whether it has not run out. Once it has, nothing brings it back.
    pub fn is_held(&self) -> bool {
        loop {
            let until = self.until.load(Ordering::Acquire);
            if until == RUN_OUT || micros(Instant::now()) < until {
                return until != RUN_OUT;
            }
            // A renewal may have come in between: then look again.
            let run_out =
                self.until
                    .compare_exchange(until, RUN_OUT, Ordering::AcqRel, Ordering::Acquire);
            if run_out.is_ok() {
                return false;
            }
        }
    }

    /// Waits until the lease was renewed after this instant: until the server has said again that the
    /// lane is this replica's.
    pub(crate) async fn confirmed_after(&self, instant: Instant) {
        let confirmed = micros(instant + HELD_FOR);
        while self.until.load(Ordering::Acquire) <= confirmed {
            self.hold().await;
            tokio::time::sleep(CONFIRMATION_CHECK).await;
        }
    }

    /// Goes on at once while the lease is held. Afterwards never: the lane is about to be ended.
    pub async fn hold(&self) {
        if !self.is_held() {
            std::future::pending::<()>().await;
        }
    }
}

fn micros(instant: Instant) -> u64 {
    let since = instant.saturating_duration_since(*START);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    /// Scenario: a lease is renewed, and another one is not.
    /// Guarantee: who holds it goes on; who does not never does, and a late renewal is too late.
    #[test]
    fn it_runs_out_unless_renewed() {
        let now = Instant::now();
        let minute = Duration::from_mins(1);
        let lease = Lease::from(now, minute);
        assert!(lease.is_held() && lease.hold().now_or_never().is_some());

        let hung = Lease::from(now, Duration::ZERO);
        assert!(!hung.is_held() && hung.hold().now_or_never().is_none());
        hung.renew(Instant::now(), minute);
        assert!(!hung.is_held());
        assert!(Lease::unlimited().is_held());
    }
}
