//! How long to wait before trying again.

use std::time::Duration;

/// Exponential backoff with full jitter, so that lanes that failed together do not return
/// together.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(20);

    /// Starts at 20 ms and doubles up to `longest`.
    pub fn up_to(longest: Duration) -> Self {
        Self {
            next: Self::FIRST,
            longest,
        }
    }

    /// Waits, and doubles the next wait. Cancel-safe.
    pub async fn wait(&mut self) {
        let wait = self.next.mul_f64(fastrand::f64().mul_add(0.5, 0.5));
        self.next = (self.next * 2).min(self.longest);
        tokio::time::sleep(wait).await;
    }

    /// Starts over, after a success.
    pub fn reset(&mut self) {
        self.next = Self::FIRST;
    }
}
