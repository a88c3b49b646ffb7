//! What the edge must know of a topic at once: how it is traced.

use record::TopicFilter;
use telemetry::{Operation, SpanShape};

/// Topics of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct TopicClass {
    /// Commands are rare and always worth a trace.
    pub(crate) always_traced: bool,
    /// Index of the span shape.
    pub(crate) shape: usize,
}

/// What happens to clients: these records have no topic of their own to be named by.
pub(crate) const CLIENT_EVENT: TopicClass = TopicClass {
    always_traced: false,
    shape: 1,
};

/// The classes of topics, by filter; the first match wins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics {
    classes: Vec<(TopicFilter, TopicClass)>,
}

impl Topics {
    /// One class per filter, and their span shapes. Shape 0 is for topics that none matches: a topic
    /// itself is never in a span's name. Shape 1 is that of [`CLIENT_EVENT`].
    pub(crate) fn new(
        filters: impl IntoIterator<Item = (TopicFilter, bool)>,
    ) -> (Self, Vec<SpanShape>) {
        let create = |template: &str| SpanShape::new(Operation::Create, "mqtt", template);
        let mut shapes = vec![create("{topic}"), create("$events/{event}")];
        let mut classes = Vec::new();
        for (filter, always_traced) in filters {
            let template = filter.as_str().replacen('+', "{client_id}", 1);
            let class = TopicClass {
                always_traced,
                shape: shapes.len(),
            };
            shapes.push(create(&template));
            classes.push((filter, class));
        }
        (Self { classes }, shapes)
    }

    /// The class of a topic.
    pub(crate) fn class_of(&self, topic: &str) -> TopicClass {
        let found = self
            .classes
            .iter()
            .find(|(filter, _)| filter.matches(topic));
        found.map(|(_, class)| *class).unwrap_or_default()
    }
}
