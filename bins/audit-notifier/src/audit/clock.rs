//! How far timers may go.

use audit::Place;

/// Records this old are a backlog: then the time is that of the newest record.
const BACKLOG_MS: u64 = 10_000;
/// Without records for so long there is no backlog.
const QUIET_MS: u64 = 10_000;
/// At the start what was handed out before the crash may come again until the ack wait of a minute
/// is over; a timer that fires before it would get a place behind entries that are still missing.
const QUIET_AT_START_MS: u64 = 75_000;
/// Ticks that are further apart mean that the stage itself stood still.
const STALL_MS: u64 = 5_000;

/// The time by which timers fire.
///
/// After a stop or an outage the wall clock runs ahead of the records that are still to be read: by
/// it every lock would count as offline. So it is believed when the records have come near it, or
/// when none came for a while.
#[derive(Debug)]
pub(super) struct Clock {
    time_ms: u64,
    last_tick_ms: u64,
    /// Newest record since the last tick.
    newest_ms: Option<u64>,
    quiet_ms: u64,
    /// Records up to here may come again; `None` when they have.
    again_until: Option<Place>,
}

impl Clock {
    /// `logged` is the place of the newest entry of the log.
    pub(super) fn new(logged: Place) -> Self {
        Self {
            time_ms: 0,
            last_tick_ms: 0,
            newest_ms: None,
            quiet_ms: 0,
            again_until: (logged != Place::default()).then_some(logged),
        }
    }

    /// A record came.
    pub(super) fn record(&mut self, at_ms: u64, place: Place) {
        self.newest_ms = self.newest_ms.max(Some(at_ms));
        let again = |until: &Place| (place.sequence, place.index) < (until.sequence, until.index);
        self.again_until = self.again_until.filter(again);
    }

    /// Up to when timers may fire.
    pub(super) fn tick(&mut self, now_ms: u64) -> u64 {
        let passed = now_ms.saturating_sub(self.last_tick_ms);
        self.last_tick_ms = now_ms;
        self.quiet_ms = match self.newest_ms {
            None if passed <= STALL_MS => self.quiet_ms + passed,
            _ => 0,
        };
        let believed = match self.newest_ms.take() {
            Some(_) if self.again_until.is_some() => 0,
            Some(newest) if newest + BACKLOG_MS >= now_ms => now_ms,
            Some(newest) => newest,
            None if self.is_quiet() => now_ms,
            None => 0,
        };
        self.time_ms = self.time_ms.max(believed);
        self.time_ms
    }

    fn is_quiet(&mut self) -> bool {
        if self.quiet_ms >= QUIET_AT_START_MS {
            self.again_until = None;
        }
        self.quiet_ms >= QUIET_MS && self.again_until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(sequence: u64) -> Place {
        Place {
            sequence,
            ..Place::default()
        }
    }

    /// Scenario: a backlog of an hour is read, then the records are up to date.
    /// Guarantee: timers follow the records through the backlog, and the wall clock after it.
    #[test]
    fn a_backlog_holds_the_time_back() {
        let (mut clock, hour) = (Clock::new(Place::default()), 3_600_000);
        clock.record(1000, place(1));
        assert_eq!(clock.tick(hour), 1000);
        assert_eq!(clock.tick(hour + 1000), 1000, "it may only be slow");
        clock.record(2000, place(2));
        assert_eq!(clock.tick(hour + 2000), 2000);
        clock.record(hour, place(3));
        assert_eq!(clock.tick(hour + 3000), hour + 3000);
    }

    /// Scenario: nothing comes; then the stage stands still for an hour.
    /// Guarantee: quiet seconds let the time go on; a stall is not quiet.
    #[test]
    fn a_stall_is_not_quiet() {
        let mut clock = Clock::new(Place::default());
        let mut last = 0;
        for second in 1..=12 {
            last = clock.tick(second * 1000);
        }
        assert_eq!(last, 12_000);
        assert_eq!(clock.tick(3_600_000), 12_000);
        assert_eq!(clock.tick(3_601_000), 12_000);
    }

    /// Scenario: a start after a crash in the middle of a batch.
    /// Guarantee: no timer fires before the batch came again.
    #[test]
    fn nothing_fires_before_the_replay() {
        let mut clock = Clock::new(place(7));
        clock.record(1000, place(6));
        assert_eq!(clock.tick(1000), 0);
        for second in 2..=60 {
            assert_eq!(clock.tick(second * 1000), 0);
        }
        clock.record(61_000, place(7));
        assert_eq!(clock.tick(61_000), 61_000);
    }
}
