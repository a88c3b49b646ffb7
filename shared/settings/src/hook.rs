//! Hooks: which events become which Kafka records.

use std::sync::Arc;

use record::{EventKind, Kind, TopicFilter};
use rules::{Routes, Rule, Selector, rule_event};

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
    /// The event that it is about, with its filter where the event has a topic.
    pub fn selector(&self) -> Selector {
        let kind = self.event.kind();
        let has_topic = !matches!(kind, Kind::Connected | Kind::Disconnected);
        let filter = self.filter.clone().filter(|_| has_topic);
        Selector {
            events: rule_event(kind)
                .map(|event| (event, filter))
                .into_iter()
                .collect(),
        }
    }
}

/// Which events the edge must store at all. Publishes always are.
#[derive(Clone, Debug)]
pub struct WantedEvents {
    /// Of hooks and rules together: nobody asks here which of them it is.
    routes: Arc<Routes>,
    audit: Option<Arc<AuditSettings>>,
}

impl WantedEvents {
    pub(crate) fn new(hooks: &[Hook], rules: &[Arc<Rule>], audit: Option<&AuditSettings>) -> Self {
        let rules = rules.iter().map(|rule| rule.selector());
        let mut routes = Routes::default();
        for selector in rules.chain(hooks.iter().map(Hook::selector)) {
            routes.add(&selector, 0);
        }
        Self {
            routes: Arc::new(routes),
            audit: audit.cloned().map(Arc::new),
        }
    }

    /// Whether some hook or rule, or the audit, wants an event of this kind on this topic.
    pub fn wants(&self, kind: Kind, topic: &str) -> bool {
        let audit = self.audit.as_ref();
        kind == Kind::Publish
            || rule_event(kind).is_some_and(|event| self.routes.any(event, topic))
            || audit.is_some_and(|audit| audit.wants(kind, topic))
    }
}
