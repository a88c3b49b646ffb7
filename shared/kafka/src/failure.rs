//! What a failed delivery means for the record.

use rdkafka::types::RDKafkaErrorCode;

use crate::gate::HeldFor;

/// What to do with a record that Kafka did not take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meaning {
    /// Something is wrong with this record or with one that shared its message set: send each
    /// alone, and the one that fails alone too is refused with this code.
    Record(&'static str),
    /// The topic can't be written to: its records wait.
    Topic(HeldFor),
    /// The topic has no such partition, or it is not known yet.
    Partition,
    /// librdkafka's queue is full; the next flight that ends makes room.
    NoRoom,
    /// It may work later.
    Passing,
}

/// Reads an error code of a delivery report. Codes that are not known to be final are passing:
/// waiting with an alarm loses nothing.
pub(crate) fn meaning(code: RDKafkaErrorCode) -> Meaning {
    use RDKafkaErrorCode::{
        InvalidMessage, InvalidMessageSize, InvalidRecord, InvalidTimestamp, InvalidTopic,
        MessageBatchTooLarge, MessageSizeTooLarge, QueueFull, TopicAuthorizationFailed,
        UnknownPartition, UnknownTopic, UnknownTopicOrPartition,
    };
    match code {
        MessageSizeTooLarge | MessageBatchTooLarge | InvalidMessageSize => {
            Meaning::Record("kafka-too-large")
        }
        InvalidRecord | InvalidMessage => Meaning::Record("kafka-invalid-record"),
        InvalidTimestamp => Meaning::Record("kafka-timestamp"),
        InvalidTopic => Meaning::Record("kafka-topic"),
        UnknownTopic | UnknownTopicOrPartition => Meaning::Topic(HeldFor::Unknown),
        UnknownPartition => Meaning::Partition,
        TopicAuthorizationFailed => Meaning::Topic(HeldFor::Denied),
        QueueFull => Meaning::NoRoom,
        _ => Meaning::Passing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the codes that decide between dead letter, waiting for a topic and trying again.
    /// Guarantee: only what is wrong with the record itself can refuse it.
    #[test]
    fn only_the_record_itself_is_refused() {
        use RDKafkaErrorCode as Code;
        for code in [Code::MessageSizeTooLarge, Code::InvalidRecord] {
            assert!(matches!(meaning(code), Meaning::Record(_)), "{code}");
        }
        for code in [Code::UnknownTopic, Code::TopicAuthorizationFailed] {
            assert!(matches!(meaning(code), Meaning::Topic(_)), "{code}");
        }
        assert_eq!(meaning(Code::UnknownPartition), Meaning::Partition);
        for code in [
            Code::PurgeQueue,
            Code::PurgeInflight,
            Code::Fatal,
            Code::OutOfOrderSequenceNumber,
            Code::MessageTimedOut,
            Code::NotEnoughReplicas,
            Code::ClusterAuthorizationFailed,
            Code::PolicyViolation,
            Code::InvalidDifferentRecord,
        ] {
            assert_eq!(meaning(code), Meaning::Passing, "{code}");
        }
    }
}
