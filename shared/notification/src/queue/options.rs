//! How one channel sends.

use super::rate::{Backoff, Rate};

/// How one channel sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueOptions {
    /// When more than this many are due for one address, they become one digest.
    pub digest_over: usize,
    /// Deliveries in one digest at most; the rest is the next one.
    pub digest_limit: usize,
    /// Messages to one address.
    pub address_rate: Rate,
    /// Messages in all.
    pub channel_rate: Rate,
    /// Pauses after failures: of one address, and of the whole channel.
    pub backoff: Backoff,
    /// A delivery that comes again within this many milliseconds after it was sent is not sent again.
    pub sent_window_ms: u64,
    /// Sent deliveries remembered for that at most, about 150 bytes each.
    pub sent_limit: usize,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            digest_over: 5,
            digest_limit: 500,
            address_rate: Rate {
                per_minute: 10,
                burst: 5,
            },
            channel_rate: Rate {
                per_minute: 600,
                burst: 50,
            },
            backoff: Backoff {
                first_ms: 1000,
                most_ms: 15 * 60 * 1000,
            },
            sent_window_ms: 3600 * 1000,
            sent_limit: 100_000,
        }
    }
}
