//! Can Kafka take the pipeline's records, and how safely does it keep them?

use std::sync::Arc;
use std::time::Duration;

use ::kafka::{
    KafkaConnection, KafkaReport, TopicReport, TopicSafety, TopicState, connection_test,
    topic_safety,
};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::finding::Finding;

/// One look at Kafka that every test of it waits for, or the row that tells why there is none.
pub(super) type Looked = Shared<BoxFuture<'static, Result<Arc<KafkaReport>, Arc<Finding>>>>;

/// Connects, and looks for the topics, once for all tests.
pub(super) fn look(connection: KafkaConnection, topics: Vec<String>, within: Duration) -> Looked {
    let looking = async move {
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        match connection_test(&connection, &topics, within).await {
            Ok(report) => Ok(Arc::new(report)),
            Err(error) => {
                let fix = "check --kafka and [kafka.librdkafka]";
                Err(Arc::new(Finding::failed_by("Kafka", error, fix)))
            }
        }
    };
    looking.boxed().shared()
}

/// What to say of a topic that can't be written to, and what to do; `None` for one that can.
pub(crate) fn topic_fault(state: TopicState) -> Option<(&'static str, &'static str)> {
    match state {
        TopicState::Exists { .. } => None,
        TopicState::Missing => Some(("missing", "make it, or run kafka-sink --ensure-topics")),
        TopicState::Denied => Some(("denied", "allow this user to write to it")),
        TopicState::Invalid => Some(("no legal name", "give it another in the pipeline file")),
        TopicState::Unclear => Some((
            "has no leader now",
            "look whether its brokers are up; Kafka elects a leader when one is",
        )),
    }
}

/// The brokers, and each topic with its copies.
pub(super) async fn examine(
    looked: Looked,
    connection: KafkaConnection,
    within: Duration,
) -> Vec<Finding> {
    let report = match looked.await {
        Ok(report) => report,
        Err(failed) => return vec![Finding::clone(&failed)],
    };
    let brokers = report.brokers.len();
    let mut findings = vec![Finding::ok(
        "Kafka",
        format!(
            "reached and logged in; brokers: {}",
            report.brokers.join(", ")
        ),
    )];
    let exists = |topic: &&TopicReport| topic_fault(topic.state).is_none();
    let there = report.topics.iter().filter(exists);
    let there: Vec<&str> = there.map(|topic| topic.topic.as_str()).collect();
    let safety = match topic_safety(&connection, &there, within).await {
        Ok(safety) => safety,
        Err(error) => {
            let fix = "look whether all brokers can be reached from here (advertised.listeners)";
            findings.push(Finding::failed_by("Kafka topics", error, fix));
            Vec::new()
        }
    };
    for topic in &report.topics {
        let safety = safety.iter().find(|safety| safety.topic == topic.topic);
        findings.push(judge(topic, safety, brokers));
    }
    findings
}

fn judge(topic: &TopicReport, safety: Option<&TopicSafety>, brokers: usize) -> Finding {
    let what = format!("topic {}", topic.topic);
    if let Some((detail, fix)) = topic_fault(topic.state) {
        return Finding::failed(what, detail, fix);
    }
    let TopicState::Exists { partitions } = topic.state else {
        return Finding::ok(what, "is there");
    };
    let Some(safety) = safety else {
        return Finding::ok(what, format!("partitions {partitions}"));
    };
    let TopicSafety {
        replicas,
        in_sync,
        min_in_sync,
        ..
    } = *safety;
    let minimum = min_in_sync.map_or_else(|| "not told".to_owned(), |minimum| minimum.to_string());
    let detail = format!(
        "partitions {partitions}, copies {replicas}, in sync {in_sync}, min.insync.replicas {minimum}"
    );
    if min_in_sync.is_some_and(|minimum| in_sync < minimum) {
        let fix =
            "bring the missing brokers back: until then Kafka refuses every record (acks=all)";
        return Finding::failed(what, format!("too few copies in sync: {detail}"), fix);
    }
    if replicas == 1 && brokers > 1 {
        let fix = "give it three copies (kafka-reassign-partitions): one is lost with its disk";
        return Finding::warning(what, detail, fix);
    }
    if replicas > 1 && min_in_sync == Some(1) {
        let fix = "set its min.insync.replicas to 2: acks=all is content with one copy now";
        return Finding::warning(what, detail, fix);
    }
    Finding::ok(what, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn verdict(copies: (usize, usize, Option<usize>), brokers: usize) -> Verdict {
        let topic = TopicReport {
            topic: "lock".to_owned(),
            state: TopicState::Exists { partitions: 12 },
        };
        let (replicas, in_sync, min_in_sync) = copies;
        let safety = TopicSafety {
            topic: "lock".to_owned(),
            replicas,
            in_sync,
            min_in_sync,
            broker_time: false,
        };
        judge(&topic, Some(&safety), brokers).verdict
    }

    /// Scenario: topics with enough copies, too few of them in sync, one copy beside other brokers,
    /// and three of which one is enough.
    /// Guarantee: only what Kafka would refuse has failed; what may be lost is a warning; on a single
    /// broker one copy is all there can be.
    #[test]
    fn copies_are_judged() {
        assert_eq!(verdict((3, 3, Some(2)), 3), Verdict::Ok);
        assert_eq!(verdict((3, 1, Some(2)), 3), Verdict::Failed);
        assert_eq!(verdict((1, 1, Some(1)), 3), Verdict::Warning);
        assert_eq!(verdict((3, 3, Some(1)), 3), Verdict::Warning);
        assert_eq!(verdict((3, 3, None), 3), Verdict::Ok);
        assert_eq!(verdict((1, 1, Some(1)), 1), Verdict::Ok);
    }
}
