//! What Kafka has answered about topics, for a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::gate::Found;

/// Lanes that wait for the same topic share the answer for this long.
pub(crate) const ANSWER_KEEPS: Duration = Duration::from_millis(100);

/// The same for a topic that nobody waits for and that is not there: a device may ask for it with
/// every message.
pub(crate) const REFUSAL_KEEPS: Duration = Duration::from_secs(10);

/// Answers that are remembered. A device can name ever new topics.
const MOST_ANSWERS: usize = 10_000;

/// One answer.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) asked: Instant,
    pub(crate) came: Instant,
    pub(crate) found: Found,
}

impl Answer {
    /// Whether it need not be asked again by a batch that came at `since`.
    pub(crate) fn holds(&self, since: Instant, refusal_keeps: Duration) -> bool {
        let age = self.came.elapsed();
        match self.found {
            Found::Open { .. } => age < ANSWER_KEEPS && self.asked >= since,
            Found::Shut(_) | Found::Invalid => age < refusal_keeps,
            Found::NoAnswer => age < ANSWER_KEEPS,
        }
    }
}

/// Keeps an answer in place of those that are too old, and of all others when there are too many.
pub(crate) fn remember(
    answers: &mut HashMap<Bytes, Answer>,
    topic: &Bytes,
    answer: Answer,
    keeps: Duration,
) {
    answers.retain(|_, answer| answer.came.elapsed() < keeps);
    if answers.len() >= MOST_ANSWERS {
        answers.clear();
    }
    // A slice would keep the whole frame.
    answers.insert(Bytes::copy_from_slice(topic), answer);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::HeldFor;

    fn missing(came: Instant) -> Answer {
        Answer {
            asked: came,
            came,
            found: Found::Shut(HeldFor::Unknown),
        }
    }

    /// Scenario: answers of now, of a second ago and of eleven seconds ago, about topics that are
    /// missing and open, awaited and not; and more of them than are remembered.
    /// Guarantee: only that a topic is missing that nobody waits for holds for seconds; their number
    /// is bounded.
    #[test]
    fn what_is_not_there_is_remembered() {
        let now = Instant::now() + Duration::from_mins(1);
        let ago = |seconds| {
            Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap()
        };
        assert!(missing(now).holds(now, ANSWER_KEEPS));
        assert!(!missing(ago(1)).holds(now, ANSWER_KEEPS));
        assert!(missing(ago(1)).holds(now, REFUSAL_KEEPS));
        assert!(!missing(ago(11)).holds(now, REFUSAL_KEEPS));
        let found = Found::Open { partitions: 1 };
        let open = |came| Answer {
            found,
            ..missing(came)
        };
        assert!(open(now).holds(now, REFUSAL_KEEPS));
        assert!(!open(ago(1)).holds(ago(2), REFUSAL_KEEPS));
        let mut answers = HashMap::new();
        remember(&mut answers, &"old".into(), missing(ago(11)), REFUSAL_KEEPS);
        for number in 0..=100 {
            let topic = Bytes::from(number.to_string());
            remember(&mut answers, &topic, missing(now), REFUSAL_KEEPS);
        }
        assert_eq!(answers.len(), 101, "the old one is forgotten");
        let filler = |number: usize| (Bytes::from(format!("f{number}")), missing(now));
        answers.extend((0..MOST_ANSWERS).map(filler));
        remember(&mut answers, &"one".into(), missing(now), REFUSAL_KEEPS);
        assert_eq!(answers.len(), 1);
    }
}
