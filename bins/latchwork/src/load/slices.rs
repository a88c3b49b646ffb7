//! The measured part in slices: quiet, with hostile traffic, quiet, and so on.
//!
//! A machine does not stay the same for minutes. What hostile traffic costs others is therefore
//! found by comparing neighbouring slices of one run, never two runs.

use std::time::Duration;

use super::schedule::nanoseconds;

/// The part at the beginning of a slice that is not compared: what the slice before has left
/// behind is still on its way.
const SETTLING: u64 = 8;

/// Slices of equal length, quiet and hostile in turn, as many of the one as of the other. Times
/// are nanoseconds after the start of the load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slices {
    begin: u64,
    length: u64,
    count: u64,
}

impl Slices {
    /// `None` when there is no room for one of each.
    pub(super) fn new(warmup: Duration, duration: Duration, length: Duration) -> Option<Self> {
        let length = nanoseconds(length);
        let pairs = nanoseconds(duration).checked_div(length)? / 2;
        (pairs > 0).then_some(Self {
            begin: nanoseconds(warmup),
            length,
            count: pairs * 2,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    /// The slice in which a message that is due then is compared.
    pub(super) fn compared(&self, due: u64) -> Option<usize> {
        let since = due.checked_sub(self.begin)?;
        let settled = since % self.length >= self.length / SETTLING;
        let number = since / self.length;
        (settled && number < self.count)
            .then(|| usize::try_from(number).ok())
            .flatten()
    }

    /// The earliest moment from `now` on that is in a hostile slice; `None` when there is none.
    pub(super) fn next_hostile(&self, now: u64) -> Option<u64> {
        let number = now.saturating_sub(self.begin) / self.length;
        if number % 2 == 1 {
            return (number < self.count).then_some(now);
        }
        let next = number + 1;
        (next < self.count).then_some(self.begin + next * self.length)
    }

    /// Time in hostile slices, all together.
    pub(super) fn hostile_time(&self) -> Duration {
        Duration::from_nanos(self.length * (self.count / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: five seconds in slices of one, after a second of warm-up.
    /// Guarantee: there are two of each kind, in turn; the rest and the beginnings of slices are not
    /// compared; hostile traffic stays in the hostile ones.
    #[test]
    fn quiet_and_hostile_take_turns() {
        let second = Duration::from_secs(1);
        let slices = Slices::new(second, 5 * second, second).unwrap();
        assert_eq!(slices.count(), 4);
        assert_eq!(slices.hostile_time(), 2 * second);
        let at = |ms: u64| ms * 1_000_000;
        for (ms, slice) in [
            (900, None),
            (1_100, None),
            (1_125, Some(0)),
            (1_999, Some(0)),
            (2_124, None),
            (2_500, Some(1)),
            (4_999, Some(3)),
            (5_500, None),
        ] {
            assert_eq!(slices.compared(at(ms)), slice, "{ms}");
        }
        for (ms, next) in [
            (0, Some(2_000)),
            (1_999, Some(2_000)),
            (2_000, Some(2_000)),
            (2_700, Some(2_700)),
            (3_000, Some(4_000)),
            (4_999, Some(4_999)),
            (5_000, None),
            (6_100, None),
        ] {
            assert_eq!(slices.next_hostile(at(ms)), next.map(at), "{ms}");
        }
        assert!(Slices::new(second, second, second).is_none());
        assert!(Slices::new(second, second, Duration::ZERO).is_none());
    }
}
