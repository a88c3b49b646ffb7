//! Hooks: which events become which Kafka records.

use std::sync::Arc;

use record::{EventKind, Kind, TopicFilter};

/// `[[hook]]`: an event that becomes a Kafka record with its envelope as the value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hook {
    /// The event.
    pub event: EventKind,
    /// Topics it is wanted for; events without a topic are always wanted.
    pub filter: Option<TopicFilter>,
    /// The Kafka topic.
    pub kafka_topic: String,
}

impl Hook {
    /// Whether it wants an event of this kind on this topic (empty where the event has none).
    pub fn wants(&self, kind: Kind, topic: &str) -> bool {
        let has_topic = !matches!(kind, Kind::Connected | Kind::Disconnected);
        self.event.kind() == kind
            && self
                .filter
                .as_ref()
                .is_none_or(|filter| !has_topic || filter.matches(topic))
    }
}

/// Which events the edge must store at all. Publishes always are.
#[derive(Clone, Debug)]
pub struct WantedEvents(Arc<[Hook]>);

impl WantedEvents {
    pub(crate) fn new(hooks: &[Hook]) -> Self {
        Self(
            hooks
                .iter()
                .filter(|hook| hook.event != EventKind::MessagePublish)
                .cloned()
                .collect(),
        )
    }

    /// Whether some hook wants an event of this kind on this topic.
    pub fn wants(&self, kind: Kind, topic: &str) -> bool {
        kind == Kind::Publish || self.0.iter().any(|hook| hook.wants(kind, topic))
    }
}
