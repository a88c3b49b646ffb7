//! So much per second, and some of it at once.

use tokio::time::Instant;

/// A balance that grows with time up to a burst. The rates are the owner's: a table of many
/// buckets keeps them once.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenBucket {
    balance: f64,
    at: Instant,
}

/// What a bucket gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenRate {
    per_second: f64,
    burst: f64,
}

impl TokenRate {
    /// At least one at once, and something each second: else nothing would ever pass.
    pub(super) fn new(per_second: f64, burst: f64) -> Self {
        Self {
            per_second: per_second.max(1.0),
            burst: burst.max(1.0),
        }
    }
}

impl TokenBucket {
    pub(super) fn full(rate: TokenRate, now: Instant) -> Self {
        Self {
            balance: rate.burst,
            at: now,
        }
    }

    /// Takes one if there is one.
    pub(super) fn take_one(&mut self, rate: TokenRate, now: Instant) -> bool {
        let enough = self.balance(rate, now) >= 1.0;
        if enough {
            self.balance -= 1.0;
        }
        enough
    }

    /// Takes in any case; the seconds until the debt is paid, 0 without one.
    pub(super) fn owe(&mut self, rate: TokenRate, count: f64, now: Instant) -> f64 {
        self.balance = self.balance(rate, now) - count;
        (-self.balance / rate.per_second).max(0.0)
    }

    /// Whether this share of the burst is there.
    pub(super) fn has(&mut self, rate: TokenRate, share: f64, now: Instant) -> bool {
        self.balance(rate, now) >= rate.burst * share
    }

    fn balance(&mut self, rate: TokenRate, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.balance = (self.balance + passed * rate.per_second).min(rate.burst);
        self.balance
    }
}
