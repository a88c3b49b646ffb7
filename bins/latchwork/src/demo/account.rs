//! The account: what was published, acknowledged, and found again.

use std::collections::HashMap;
use std::time::Instant;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::load::latency_histogram;
use crate::simulate::{MessageId, MessageKind};

/// Whose messages are numbered together: a lock's states, or the commands to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Stream {
    /// From a lock.
    State,
    /// To a lock.
    Command,
}

impl From<MessageKind> for Stream {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::State | MessageKind::Broken(_) => Self::State,
            MessageKind::Command => Self::Command,
        }
    }
}

/// Where a message has been seen.
#[derive(Debug, Default)]
struct Entry {
    published: Option<Instant>,
    acknowledged: bool,
    in_kafka: u32,
    dead: bool,
}

/// Follows every message from its PUBLISH to its end.
#[derive(Debug)]
pub(crate) struct Account {
    entries: HashMap<(Stream, MessageId), Entry>,
    newest: HashMap<(Stream, u64), u64>,
    out_of_order: u64,
    refused: u64,
    latency_us: Histogram<u64>,
}

/// The account's figures.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) published: u64,
    pub(crate) acked: u64,
    pub(crate) in_kafka: u64,
    pub(crate) dead_letters: u64,
    pub(crate) lost: u64,
    pub(crate) duplicates: u64,
    pub(crate) out_of_order: u64,
    /// PUBLISH to Kafka, median, in milliseconds.
    pub(crate) p50_ms: f64,
    /// PUBLISH to Kafka, 99th percentile, in milliseconds.
    pub(crate) p99_ms: f64,
    /// Commands that the edge refused, as it must; they are none of the messages above.
    pub(crate) refused_commands: u64,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            newest: HashMap::new(),
            out_of_order: 0,
            refused: 0,
            latency_us: latency_histogram(),
        }
    }
}

impl Account {
    pub(crate) fn published(&mut self, stream: Stream, id: MessageId, at: Instant) {
        self.entry(stream, id).published = Some(at);
    }

    pub(crate) fn acknowledged(&mut self, stream: Stream, id: MessageId) {
        self.entry(stream, id).acknowledged = true;
    }

    pub(crate) fn in_kafka(&mut self, stream: Stream, id: MessageId, at: Instant) {
        let entry = self.entry(stream, id);
        entry.in_kafka += 1;
        if entry.in_kafka > 1 {
            return;
        }
        if let Some(published) = entry.published {
            let micros = (at - published).as_micros();
            self.latency_us
                .saturating_record(u64::try_from(micros).unwrap_or(u64::MAX));
        }
        let newest = self.newest.entry((stream, id.lock)).or_default();
        if id.process_id < *newest {
            self.out_of_order += 1;
        }
        *newest = id.process_id.max(*newest);
    }

    pub(crate) fn dead_letter(&mut self, stream: Stream, id: MessageId) {
        self.entry(stream, id).dead = true;
    }

    /// A command was refused: nothing of it is to be found anywhere.
    pub(crate) fn refused(&mut self) {
        self.refused += 1;
    }

    /// Acknowledged, and nowhere to be found yet.
    pub(crate) fn missing(&self) -> usize {
        self.entries
            .values()
            .filter(|entry| entry.is_missing())
            .count()
    }

    pub(crate) fn figures(&self) -> Figures {
        let count =
            |is: fn(&Entry) -> bool| self.entries.values().filter(|one| is(one)).count() as u64;
        let repeats = self
            .entries
            .values()
            .map(|entry| u64::from(entry.in_kafka.saturating_sub(1)));
        #[expect(
            clippy::cast_precision_loss,
            reason = "latencies are far below 2^52 us"
        )]
        let ms = |quantile| self.latency_us.value_at_quantile(quantile) as f64 / 1000.0;
        Figures {
            published: count(|entry| entry.published.is_some()),
            acked: count(|entry| entry.acknowledged),
            in_kafka: count(|entry| entry.in_kafka > 0),
            dead_letters: count(|entry| entry.dead),
            lost: self.missing() as u64,
            duplicates: repeats.sum(),
            out_of_order: self.out_of_order,
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            refused_commands: self.refused,
        }
    }

    fn entry(&mut self, stream: Stream, id: MessageId) -> &mut Entry {
        self.entries.entry((stream, id)).or_default()
    }
}

impl Entry {
    fn is_missing(&self) -> bool {
        self.acknowledged && self.in_kafka == 0 && !self.dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: of five messages one comes twice, one late, one is dead, one is not found, and one
    /// was never acknowledged; a command is refused.
    /// Guarantee: the account says exactly that, and what was refused is not lost.
    #[test]
    fn every_fate_is_counted() {
        let id = |process_id| MessageId {
            lock: 1,
            process_id,
        };
        let mut account = Account::default();
        let now = Instant::now();
        for number in 1..=5 {
            account.published(Stream::State, id(number), now);
        }
        for number in 1..=4 {
            account.acknowledged(Stream::State, id(number));
        }
        for number in [2, 1, 2] {
            account.in_kafka(Stream::State, id(number), now);
        }
        account.dead_letter(Stream::State, id(3));
        account.refused();
        let figures = account.figures();
        assert_eq!((figures.published, figures.acked), (5, 4));
        assert_eq!(
            (figures.in_kafka, figures.dead_letters, figures.lost),
            (2, 1, 1)
        );
        assert_eq!((figures.duplicates, figures.out_of_order), (1, 1));
        assert_eq!(figures.refused_commands, 1);
        account.in_kafka(Stream::State, id(4), now);
        assert_eq!(account.missing(), 0);
    }
}
