//! Hooks: which events become which Kafka records.

use std::sync::Arc;

use record::{EventKind, Kind, TopicFilter};
use rules::{Rule, Selector, rule_event};

use crate::audit::AuditSettings;

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
pub struct WantedEvents {
    hooks: Arc<[Hook]>,
    rules: Arc<[Selector]>,
    audit: Option<Arc<AuditSettings>>,
}

impl WantedEvents {
    pub(crate) fn new(hooks: &[Hook], rules: &[Arc<Rule>], audit: Option<&AuditSettings>) -> Self {
        Self {
            rules: rules.iter().map(|rule| rule.selector()).collect(),
            hooks: hooks
                .iter()
                .filter(|hook| hook.event != EventKind::MessagePublish)
                .cloned()
                .collect(),
            audit: audit.cloned().map(Arc::new),
        }
    }

    /// Whether some hook or rule, or the audit, wants an event of this kind on this topic.
    pub fn wants(&self, kind: Kind, topic: &str) -> bool {
        let audit = self.audit.as_ref();
        kind == Kind::Publish
            || self.hooks.iter().any(|hook| hook.wants(kind, topic))
            || rule_event(kind)
                .is_some_and(|event| self.rules.iter().any(|rule| rule.wants(event, topic)))
            || audit.is_some_and(|audit| audit.wants(kind, topic))
    }
}
