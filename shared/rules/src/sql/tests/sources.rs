//! `FROM`.

use record::TopicFilter;

use crate::sql::{RuleEvent, parse};

/// Scenario: each event in both spellings, wildcards over events, topics that look like them.
/// Guarantee: all are read.
#[test]
fn known_events_are_read() {
    let topics = RuleEvent::ALL.into_iter().flat_map(RuleEvent::topics);
    let others = [
        "$events/#",
        "$events/session/+",
        "$events/+/dropped",
        "+/events",
        "#",
        "$SYS/#",
        "events/x",
        "$eventsx",
    ];
    for topic in topics.copied().chain(others) {
        let statement = parse(&format!("SELECT * FROM \"{topic}\", t"));
        assert_eq!(statement.unwrap().from, [topic, "t"]);
    }
}

/// Scenario: unknown and misspelt events, wildcards over none, filters that are none.
/// Guarantee: refused at their place, with the nearest known topic where there is one.
#[test]
fn unknown_sources_are_refused() {
    for (source, expected) in [
        (
            "$events/client_conected",
            "unknown event $events/client_conected; did you mean $events/client_connected?",
        ),
        (
            "$events/session/subscribe",
            "unknown event $events/session/subscribe; did you mean $events/session/subscribed?",
        ),
        (
            "$events/message_publish",
            "unknown event $events/message_publish; messages are selected by their topic filter",
        ),
        (
            "$events/nothing/of/that/kind",
            "unknown event $events/nothing/of/that/kind",
        ),
        ("$events/foo/#", "unknown event $events/foo/#"),
        ("$events", "unknown event $events"),
        ("", "a topic filter must not be empty"),
        (
            "a/#/b",
            "topic filter \"a/#/b\": `#` must be the whole last level",
        ),
        ("a/b+", "topic filter \"a/b+\": `+` must be a whole level"),
    ] {
        let error = parse(&format!("SELECT *\nFROM t, '{source}'")).unwrap_err();
        assert_eq!(error.to_string(), format!("line 2, column 9: {expected}"));
    }
}

/// Scenario: events by name, by topic and by filter.
/// Guarantee: each name and topic finds its event and no other; a filter gives each event once.
#[test]
fn events_are_found() {
    for event in RuleEvent::ALL {
        assert_eq!(RuleEvent::from_name(event.name()), Some(event));
        for topic in event.topics() {
            assert_eq!(RuleEvent::from_topic(topic), Some(event));
        }
    }
    assert_eq!(RuleEvent::from_name("client.unknown"), None);
    assert_eq!(RuleEvent::from_topic("$events/#"), None);
    let matching = |filter: &str| {
        let filter: TopicFilter = filter.parse().unwrap();
        RuleEvent::matching(&filter).collect::<Vec<_>>()
    };
    assert_eq!(
        matching("$events/session/+"),
        [RuleEvent::SessionSubscribed, RuleEvent::SessionUnsubscribed]
    );
    assert_eq!(
        matching("$events/client_connected"),
        [RuleEvent::ClientConnected]
    );
    assert_eq!(matching("$events/#").len(), RuleEvent::ALL.len() - 1);
    assert_eq!(matching("#"), []);
}
