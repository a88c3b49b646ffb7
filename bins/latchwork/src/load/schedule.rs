//! When each message is due.

use std::time::Duration;

/// The clients take turns: message `sequence` of client `client` is number `sequence * clients +
/// client` of the whole load, and number `n` is due `n / rate` seconds after the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    clients: u64,
    /// Messages per second, all clients together.
    rate: u64,
    /// Number of messages in the whole load.
    total: u64,
    /// The measured part, in nanoseconds after the start.
    measured: (u64, u64),
}

const SECOND: u64 = 1_000_000_000;

impl Schedule {
    /// Messages for `warmup`, which is not measured, and then for `duration`.
    pub(super) fn new(clients: usize, rate: u32, warmup: Duration, duration: Duration) -> Self {
        let end = nanoseconds(warmup + duration);
        let total = u128::from(end) * u128::from(rate) / u128::from(SECOND);
        Self {
            clients: clients.max(1) as u64,
            rate: u64::from(rate.max(1)),
            // Keeps `due` within 64 bits; ten billion messages are a day at 100,000 a second.
            total: u64::try_from(total).unwrap_or(u64::MAX).min(10_000_000_000),
            measured: (nanoseconds(warmup), end),
        }
    }

    /// When a message is due, in nanoseconds after the start.
    pub(super) fn due(&self, client: usize, sequence: u64) -> u64 {
        self.due_of_number(sequence * self.clients + client as u64)
    }

    /// When message number `number` of the load is due, in nanoseconds after the start.
    pub(super) fn due_of_number(&self, number: u64) -> u64 {
        number * SECOND / self.rate
    }

    /// How many messages are due so many nanoseconds after the start: those with a smaller number.
    pub(super) fn due_by(&self, nanoseconds: u64) -> u64 {
        let whole = nanoseconds / SECOND * self.rate;
        let part = (nanoseconds % SECOND * self.rate).div_ceil(SECOND);
        (whole + part).min(self.total)
    }

    /// Who sends message number `number`.
    pub(super) fn client(&self, number: u64) -> u64 {
        number % self.clients
    }

    /// How many messages a client sends in the whole load.
    pub(super) fn messages_of(&self, client: usize) -> u64 {
        (self.total + self.clients - 1).saturating_sub(client as u64) / self.clients
    }

    /// True when a message that is due then is measured.
    pub(super) fn is_measured(&self, due: u64) -> bool {
        (self.measured.0..self.measured.1).contains(&due)
    }
}

/// Nanoseconds, as far as 64 bits go: 584 years.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: rates and client numbers that divide each other and that do not.
    /// Guarantee: exactly the numbers below `due_by(t)` are due before `t`; the clients' shares add
    /// up to the whole.
    #[test]
    fn every_message_is_due_once() {
        for (clients, rate) in [(500, 50_000), (7, 1_000), (3, 999), (500, 33)] {
            let schedule = Schedule::new(
                clients,
                rate,
                Duration::from_secs(1),
                Duration::from_secs(2),
            );
            let total = schedule.due_by(u64::MAX / 4);
            assert_eq!(total, u64::from(rate) * 3);
            let shares: u64 = (0..clients)
                .map(|client| schedule.messages_of(client))
                .sum();
            assert_eq!(shares, total);
            for time in [0, 1, 999_999, 1_000_000, 1_234_567_891, 2_999_999_999] {
                let due = schedule.due_by(time);
                assert!(
                    due == 0 || schedule.due_of_number(due - 1) < time.max(1),
                    "{time}"
                );
                assert!(
                    due == total || schedule.due_of_number(due) >= time,
                    "{time}"
                );
            }
        }
    }

    /// Scenario: a second of warm-up and two that count.
    /// Guarantee: what is due in those two is measured, and nothing else.
    #[test]
    fn warm_up_is_not_measured() {
        let schedule = Schedule::new(10, 100, Duration::from_secs(1), Duration::from_secs(2));
        assert!(!schedule.is_measured(schedule.due(9, 9)));
        assert!(schedule.is_measured(schedule.due(0, 10)));
        assert!(schedule.is_measured(schedule.due(9, 29)));
        assert_eq!(schedule.messages_of(9), 30);
    }
}
