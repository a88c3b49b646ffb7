//! How much one client may publish.

use std::time::Duration;

use tokio::time::Instant;

use super::args::PublishArgs;
use super::token_bucket::{TokenBucket, TokenRate};

/// The part of its burst that a client must leave alone to count as calm again.
const CALM: f64 = 0.5;

/// What each client may publish.
#[derive(Clone, Copy, Debug)]
pub struct PublishLimits {
    messages: Option<TokenRate>,
    bytes: Option<TokenRate>,
    patience: Duration,
}

impl PublishLimits {
    /// From the options. Each second's worth may come at once.
    pub fn new(args: &PublishArgs) -> Self {
        let second = |rate: f64| TokenRate::new(rate, rate);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate of bytes needs no more than 52 bits"
        )]
        let bytes = args.publish_bytes_rate.map(|rate| second(rate as f64));
        Self {
            messages: args.publish_rate.map(|rate| second(rate.into())),
            bytes,
            patience: Duration::from_secs(args.publish_rate_patience),
        }
    }

    /// The account of one client; `None` when nothing is limited.
    pub fn account(&self, now: Instant) -> Option<PublishRate> {
        let account = |rate: Option<TokenRate>| rate.map(|r| (r, TokenBucket::full(r, now)));
        (self.messages.is_some() || self.bytes.is_some()).then(|| PublishRate {
            messages: account(self.messages),
            bytes: account(self.bytes),
            patience: self.patience,
            withholding_since: None,
        })
    }
}

/// What follows from publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Go on.
    Now,
    /// Read nothing from the client for so long: TCP tells it.
    Wait(Duration),
    /// It has been slowed down for longer than is bearable: close, with 0x97 (quota exceeded).
    TooLong,
}

/// One client's account: messages and payload bytes, by the second.
///
/// What has arrived is always taken, even if it is more than a second's worth: the client pays by
/// waiting. So a message larger than the byte rate passes too.
#[derive(Clone, Debug)]
pub struct PublishRate {
    messages: Option<(TokenRate, TokenBucket)>,
    bytes: Option<(TokenRate, TokenBucket)>,
    patience: Duration,
    withholding_since: Option<Instant>,
}

impl PublishRate {
    /// Takes the messages of one read, with the bytes of their payloads together.
    pub fn take(&mut self, messages: usize, bytes: usize, now: Instant) -> Taken {
        if self.is_calm(now) {
            self.withholding_since = None;
        }
        let owed = owe(&mut self.messages, messages, now).max(owe(&mut self.bytes, bytes, now));
        if owed <= 0.0 {
            return Taken::Now;
        }
        let since = *self.withholding_since.get_or_insert(now);
        if now.saturating_duration_since(since) > self.patience {
            return Taken::TooLong;
        }
        // A debt of years is one of a day: Duration has an end.
        Taken::Wait(Duration::from_secs_f64(owed.min(86_400.0)))
    }

    /// The client has been quiet for a while: half of its burst is back.
    fn is_calm(&mut self, now: Instant) -> bool {
        [&mut self.messages, &mut self.bytes]
            .into_iter()
            .flatten()
            .all(|(rate, bucket)| bucket.has(*rate, CALM, now))
    }
}

fn owe(account: &mut Option<(TokenRate, TokenBucket)>, count: usize, now: Instant) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "one read has far less than 2^52 of either"
    )]
    let count = count as f64;
    account
        .as_mut()
        .map_or(0.0, |(rate, bucket)| bucket.owe(*rate, count, now))
}
