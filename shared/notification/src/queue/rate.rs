//! How fast, and how soon again.

/// So many per minute, and so many at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Sustained; 0 counts as 1.
    pub per_minute: u32,
    /// At once after a pause; 0 counts as 1. Within any time t, no more than this plus t at the
    /// sustained rate.
    pub burst: u32,
}

/// A token bucket in one number (the generic cell rate algorithm of ITU-T I.371): when the bucket
/// is full again, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    full_at_us: u64,
}

impl Rate {
    /// Microseconds of one token, rounded so that the rate is never exceeded.
    fn token_us(self) -> u64 {
        60_000_000_u64.div_ceil(u64::from(self.per_minute.max(1)))
    }

    fn depth_us(self) -> u64 {
        self.token_us() * (u64::from(self.burst.max(1)) - 1)
    }
}

impl Bucket {
    /// The first millisecond with a token.
    pub(super) fn ready_ms(self, rate: Rate) -> u64 {
        self.full_at_us
            .saturating_sub(rate.depth_us())
            .div_ceil(1000)
    }

    /// Takes a token; call it no sooner than `ready_ms` says.
    pub(super) fn take(&mut self, rate: Rate, now_ms: u64) {
        let now_us = now_ms.saturating_mul(1000);
        self.full_at_us = self.full_at_us.max(now_us).saturating_add(rate.token_us());
    }

    pub(super) fn is_full(self, now_ms: u64) -> bool {
        self.full_at_us <= now_ms.saturating_mul(1000)
    }
}

/// How long after the nth failure in a row: doubling, between half of it and all of it by chance,
/// so that what failed together does not come back together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// Milliseconds after the first failure.
    pub first_ms: u64,
    /// Milliseconds at most.
    pub most_ms: u64,
}

impl Backoff {
    pub(super) fn delay_ms(self, failures: u32, random: &mut fastrand::Rng) -> u64 {
        let doublings = failures.saturating_sub(1).min(32);
        let full = self
            .first_ms
            .saturating_mul(1 << doublings)
            .min(self.most_ms)
            .max(1);
        full.div_ceil(2) + random.u64(0..=full / 2)
    }
}
