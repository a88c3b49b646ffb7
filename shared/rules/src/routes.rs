//! Which rules and hooks are about a message or event.

use std::ops::ControlFlow;
use std::str::FromStr;

use record::{Kind, TopicFilter, TopicFilterMap};

use crate::sql::RuleEvent;
use crate::sql::ast::Statement;

/// The event that a record of a kind is; `None` for records that rules never see.
pub fn rule_event(kind: Kind) -> Option<RuleEvent> {
    Some(match kind {
        Kind::Publish => RuleEvent::MessagePublish,
        Kind::Delivered => RuleEvent::MessageDelivered,
        Kind::Acked => RuleEvent::MessageAcked,
        Kind::Dropped => RuleEvent::DeliveryDropped,
        Kind::Connected => RuleEvent::ClientConnected,
        Kind::Disconnected => RuleEvent::ClientDisconnected,
        Kind::Subscribed => RuleEvent::SessionSubscribed,
        Kind::Unsubscribed => RuleEvent::SessionUnsubscribed,
        Kind::LoginFailed | Kind::LoggedIn => RuleEvent::ClientCheckAuthnComplete,
        Kind::Rejected => RuleEvent::SchemaValidationFailed,
        Kind::Connack => RuleEvent::ClientConnack,
        Kind::AccessChecked => RuleEvent::ClientCheckAuthzComplete,
        Kind::Unrouted => RuleEvent::MessageDropped,
        Kind::Unspecified | Kind::Operator => return None,
    })
}

/// What somebody wants to see.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Events, with the filter that their topic must match if they have one.
    pub events: Vec<(RuleEvent, Option<TopicFilter>)>,
}

impl Selector {
    /// What `FROM` names.
    pub(crate) fn of(statement: &Statement) -> Self {
        let mut events = Vec::new();
        for from in &statement.from {
            // The parser has checked it.
            let Ok(filter) = TopicFilter::from_str(from) else {
                continue;
            };
            if from.starts_with("$events") {
                events.extend(RuleEvent::matching(&filter).map(|event| (event, None)));
            } else {
                events.push((RuleEvent::MessagePublish, Some(filter)));
            }
        }
        Self { events }
    }

    /// Whether an event of this topic (empty where it has none) is wanted.
    pub fn wants(&self, event: RuleEvent, topic: &str) -> bool {
        self.events.iter().any(|(wanted, filter)| {
            let matches = |filter: &TopicFilter| topic.is_empty() || filter.matches(topic);
            *wanted == event && filter.as_ref().is_none_or(matches)
        })
    }
}

/// Finds by event and topic who is about it, without asking each.
#[derive(Debug, Default)]
pub struct Routes {
    events: [Destinations; RuleEvent::ALL.len()],
}

/// Who is about one event.
#[derive(Debug, Default)]
struct Destinations {
    always: Vec<usize>,
    by_topic: TopicFilterMap<Vec<usize>>,
}

impl Routes {
    /// Adds who has this number.
    pub fn add(&mut self, selector: &Selector, number: usize) {
        for (event, filter) in &selector.events {
            let Some(destinations) = self.events.get_mut(*event as usize) else {
                continue;
            };
            let list = match filter {
                Some(filter) => destinations.by_topic.entry(filter.as_str()),
                None => &mut destinations.always,
            };
            if !list.contains(&number) {
                list.push(number);
            }
        }
    }

    /// The numbers of those who are about an event of this topic (empty where it has none), each
    /// once, in their order.
    pub fn find(&self, event: RuleEvent, topic: &str, found: &mut Vec<usize>) {
        found.clear();
        let Some(destinations) = self.events.get(event as usize) else {
            return;
        };
        found.extend(&destinations.always);
        destinations
            .by_topic
            .visit(topic, |numbers| found.extend(numbers));
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
    }

    /// Whether anybody is about an event of this topic (empty where it has none). Nothing is allocated.
    pub fn any(&self, event: RuleEvent, topic: &str) -> bool {
        self.events.get(event as usize).is_some_and(|destinations| {
            let by_topic = &destinations.by_topic;
            !destinations.always.is_empty()
                || by_topic.named(topic).is_some()
                || by_topic
                    .visit_wildcards(topic, &mut |_| ControlFlow::Break(()))
                    .is_break()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(from: &str) -> Selector {
        let sql = format!("SELECT * FROM {from}");
        Selector::of(&crate::sql::parse(&sql).unwrap())
    }

    /// Scenario: rules about single topics, wildcards, both at once, and events.
    /// Guarantee: each is found once, in order, for what it names and for nothing else.
    #[test]
    fn who_is_about_it_is_found() {
        let mut routes = Routes::default();
        for (number, from) in [
            r#""devices/+/state""#,
            r##""#", "devices/1/state""##,
            r#""$events/client/connected", "other""#,
            r#""$events/#""#,
        ]
        .into_iter()
        .enumerate()
        {
            routes.add(&selector(from), number);
        }
        for (event, topic, expected) in [
            (RuleEvent::MessagePublish, "devices/1/state", vec![0, 1]),
            (RuleEvent::MessagePublish, "devices/2/state", vec![0, 1]),
            (RuleEvent::MessagePublish, "other", vec![1, 2]),
            (RuleEvent::MessagePublish, "$SYS/x", vec![]),
            (RuleEvent::DeliveryDropped, "x", vec![3]),
            (RuleEvent::ClientConnected, "", vec![2, 3]),
            (RuleEvent::MessageAcked, "devices/1/state", vec![3]),
        ] {
            let mut found = vec![99];
            routes.find(event, topic, &mut found);
            assert_eq!(found, expected, "{event:?} {topic}");
            let any = routes.any(event, topic);
            assert_eq!(any, !expected.is_empty(), "{event:?} {topic}");
        }
    }
}
