//! What the edge must know of a topic at once: how it is traced.

use std::sync::Arc;

use record::TopicFilter;
use telemetry::{Operation, SpanShape};

/// Topics of one kind.
#[derive(Clone, Debug)]
pub(crate) struct TopicClass {
    /// Commands are rare and always worth a trace.
    pub(crate) always_traced: bool,
    /// What the spans of their messages look like.
    pub(crate) shape: Arc<SpanShape>,
}

impl TopicClass {
    fn new(template: &str, always_traced: bool) -> Self {
        let shape = SpanShape::new(Operation::Create, "mqtt", template);
        Self {
            always_traced,
            shape: Arc::new(shape),
        }
    }
}

/// The classes of topics, by filter; the first match wins.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    classes: Vec<(TopicFilter, TopicClass)>,
    /// Topics that no filter matches: a topic itself is never in a span's name.
    others: TopicClass,
    /// What happens to clients: these records have no topic of their own to be named by.
    pub(crate) client_event: TopicClass,
}

impl Topics {
    /// One class per filter, and whether its messages are always traced.
    pub(crate) fn new(filters: impl IntoIterator<Item = (TopicFilter, bool)>) -> Self {
        let class = |(filter, always_traced): (TopicFilter, bool)| {
            let template = filter.as_str().replacen('+', "{client_id}", 1);
            (filter, TopicClass::new(&template, always_traced))
        };
        Self {
            classes: filters.into_iter().map(class).collect(),
            others: TopicClass::new("{topic}", false),
            client_event: TopicClass::new("$events/{event}", false),
        }
    }

    /// The class of a topic.
    pub(crate) fn class_of(&self, topic: &str) -> &TopicClass {
        let mut classes = self.classes.iter();
        let found = classes.find(|(filter, _)| filter.matches(topic));
        found.map_or(&self.others, |(_, class)| class)
    }
}
