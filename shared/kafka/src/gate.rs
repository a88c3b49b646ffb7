//! Which topics can be written to.
//!
//! A topic is looked up before its first record is enqueued: a missing or denied topic then costs
//! one metadata request, where librdkafka would hold its records for ten seconds and fail them one
//! by one. Records of a held topic wait in their lane, in order, while others pass.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;
use rdkafka::producer::Producer;
use rdkafka::types::RDKafkaErrorCode;

use crate::answers::{ANSWER_KEEPS, Answer, REFUSAL_KEEPS, remember};
use crate::client_log::OncePerMinute;
use crate::error::KafkaError;
use crate::expected::ExpectedTopics;
use crate::producer::NativeProducer;

/// A metadata request takes a millisecond; without an answer it is tried again.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);

/// Held topics that are remembered. Topics that come from templates could be without end.
const MOST_HELD: usize = 10_000;

/// Why records of a topic wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeldFor {
    /// The topic does not exist. Creating it heals.
    Unknown,
    /// We may not write to it. An ACL heals.
    Denied,
}

/// A topic whose records wait.
#[derive(Clone, Debug)]
pub struct HeldTopic {
    /// The topic.
    pub topic: String,
    /// Why.
    pub why: HeldFor,
    /// Since when.
    pub since: SystemTime,
}

/// What a look-up found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Records can be sent, to so many partitions.
    Open { partitions: i32 },
    /// Records can't be sent.
    Shut(HeldFor),
    /// Kafka says that there can be no such topic.
    Invalid,
    /// Kafka did not answer.
    NoAnswer,
}

/// The held topics of one process.
#[derive(Default)]
pub(crate) struct Gate {
    held: Mutex<HashMap<Bytes, Held>>,
    expected: ExpectedTopics,
    /// One look-up at a time: after a start every lane asks for the same topics.
    awaited: tokio::sync::Mutex<HashMap<Bytes, Answer>>,
    /// The same for topics that nobody waits for: a device that makes up names delays no other's.
    made_up: tokio::sync::Mutex<HashMap<Bytes, Answer>>,
    alarms: OncePerMinute,
}

struct Held {
    why: HeldFor,
    since: SystemTime,
    start: Instant,
}

impl Gate {
    /// Asks Kafka about a topic. How many partitions it has is never known from before `since`:
    /// they can become more, and a record that came later may be for one of these. That a topic is
    /// not there is known for longer if it is not awaited.
    pub(crate) async fn look_up(
        &self,
        topic: &Bytes,
        producer: Arc<NativeProducer>,
        since: Instant,
        is_awaited: bool,
    ) -> Result<Found, KafkaError> {
        let (answers, refusal_keeps) = if is_awaited {
            (&self.awaited, ANSWER_KEEPS)
        } else {
            (&self.made_up, REFUSAL_KEEPS)
        };
        let mut answers = answers.lock().await;
        if let Some(answer) = answers.get(topic)
            && answer.holds(since, refusal_keeps)
        {
            return Ok(answer.found);
        }
        let name = String::from_utf8_lossy(topic).into_owned();
        let asked = Instant::now();
        let found = tokio::task::spawn_blocking(move || ask(&producer, &name))
            .await
            .map_err(|_| KafkaError::ShuttingDown)?;
        if let Found::Open { .. } = found {
            self.release(topic);
            self.expected.found(topic);
        }
        let answer = Answer {
            asked,
            came: Instant::now(),
            found,
        };
        remember(&mut answers, topic, answer, refusal_keeps);
        Ok(found)
    }

    /// Holds a topic back and raises the alarm; returns for how long it is held already.
    pub(crate) fn hold(&self, topic: &Bytes, why: HeldFor) -> Duration {
        let mut topics = self.held.lock();
        if topics.len() >= MOST_HELD && !topics.contains_key(topic) {
            topics.clear();
        }
        // A slice would keep the whole frame.
        let name = Bytes::copy_from_slice(topic);
        let held = topics.entry(name).or_insert_with(|| Held {
            why,
            since: SystemTime::now(),
            start: Instant::now(),
        });
        held.why = why;
        let duration = held.start.elapsed();
        drop(topics);
        let topic = String::from_utf8_lossy(topic);
        if self.alarms.due(&topic).is_some() {
            alarm(&topic, why, duration);
        }
        duration
    }

    /// Topics that are worth a wait.
    pub(crate) fn expected(&self) -> &ExpectedTopics {
        &self.expected
    }

    fn release(&self, topic: &Bytes) {
        let Some(held) = self.held.lock().remove(topic) else {
            return;
        };
        // A denied topic may still be denied: metadata shows only whether we may describe it.
        if held.why == HeldFor::Unknown {
            let topic = String::from_utf8_lossy(topic);
            self.alarms.forget(&topic);
            let for_s = held.start.elapsed().as_secs();
            tracing::info!(%topic, for_s, "the Kafka topic exists now: its records go on");
        }
    }

    pub(crate) fn held_topics(&self) -> Vec<HeldTopic> {
        let topics = self.held.lock();
        topics
            .iter()
            .map(|(topic, held)| HeldTopic {
                topic: String::from_utf8_lossy(topic).into_owned(),
                why: held.why,
                since: held.since,
            })
            .collect()
    }
}

/// What a name must be to be a topic's, by Kafka's own rule (`Topic.validate`): 1 to 249 of
/// `[a-zA-Z0-9._-]`, and neither `.` nor `..`.
pub(crate) fn is_topic_name(name: &[u8]) -> bool {
    (1..=249).contains(&name.len())
        && !matches!(name, b"." | b"..")
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// Blocks until Kafka answers.
fn ask(producer: &NativeProducer, topic: &str) -> Found {
    use RDKafkaErrorCode::{
        InvalidTopic, LeaderNotAvailable, TopicAuthorizationFailed, UnknownTopic,
        UnknownTopicOrPartition,
    };
    let metadata = match producer
        .client()
        .fetch_metadata(Some(topic), LOOK_UP_WITHIN)
    {
        Ok(metadata) => metadata,
        Err(error) => {
            tracing::debug!(topic, %error, "no answer about the Kafka topic");
            return Found::NoAnswer;
        }
    };
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Found::Shut(HeldFor::Unknown);
    };
    match found.error().map(RDKafkaErrorCode::from) {
        None | Some(LeaderNotAvailable) if found.partitions().is_empty() => Found::NoAnswer,
        // Without a leader it exists all the same, and librdkafka holds its records.
        None | Some(LeaderNotAvailable) => Found::Open {
            partitions: i32::try_from(found.partitions().len()).unwrap_or(i32::MAX),
        },
        Some(UnknownTopicOrPartition | UnknownTopic) => Found::Shut(HeldFor::Unknown),
        Some(TopicAuthorizationFailed) => Found::Shut(HeldFor::Denied),
        Some(InvalidTopic) => Found::Invalid,
        Some(code) => {
            tracing::debug!(topic, %code, "Kafka can't say yet whether the topic exists");
            Found::NoAnswer
        }
    }
}

fn alarm(topic: &str, why: HeldFor, held: Duration) {
    let for_s = held.as_secs();
    match why {
        HeldFor::Unknown => tracing::error!(
            topic,
            for_s,
            "the Kafka topic does not exist: its records wait; create it (kafka-topics.sh --create \
             --topic {topic}) or start with --ensure-topics"
        ),
        HeldFor::Denied => tracing::error!(
            topic,
            for_s,
            "Kafka denies writing to the topic: its records wait; allow this client DESCRIBE and \
             WRITE on it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: names at the edges of Kafka's rule.
    /// Guarantee: those that a broker would refuse are found out without asking it.
    #[test]
    fn topic_names_are_checked() {
        for good in ["a", "message_state", "a.b-c_D9", &"x".repeat(249), "..."] {
            assert!(is_topic_name(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a b",
            "a/b",
            "a*",
            "t\u{e9}",
            "a\0",
            &"x".repeat(250),
        ] {
            assert!(!is_topic_name(bad.as_bytes()), "{bad}");
        }
    }
}
