//! Topic aliases.

use std::num::NonZeroU16;

use crate::codec::{Publish, PublishProperties, ReasonCode};
use crate::connection::aliases::{Aliases, Written};

fn publish(topic: &str, alias: u16) -> Publish {
    let properties = PublishProperties {
        topic_alias: NonZeroU16::new(alias),
        ..PublishProperties::default()
    };
    Publish {
        dup: false,
        qos: 0,
        retain: false,
        topic: topic.into(),
        packet_id: None,
        payload: bytes::Bytes::new(),
        properties: Some(Box::new(properties)),
    }
}

/// Scenario: a client gives an alias a topic, uses it, gives it another one, and uses one that it
/// never gave.
/// Guarantee: each publish has the topic that its alias has at that time; the last one ends the
/// connection (MQTT 5.0, section 3.3.4).
#[test]
fn the_clients_aliases() {
    let mut aliases = Aliases::new(0);
    let mut topic_of = |topic: &str, alias: u16| {
        let mut publish = publish(topic, alias);
        aliases
            .resolve(&mut publish)
            .map(|()| publish.topic.to_string())
    };
    assert_eq!(topic_of("a", 1).unwrap(), "a");
    assert_eq!(topic_of("b", 2).unwrap(), "b");
    assert_eq!(topic_of("", 1).unwrap(), "a");
    assert_eq!(topic_of("c", 1).unwrap(), "c");
    assert_eq!(topic_of("", 1).unwrap(), "c");
    let end = topic_of("", 3).unwrap_err();
    assert_eq!(end.code, Some(ReasonCode::PROTOCOL_ERROR));
}

/// Scenario: a client that takes two aliases gets messages of three topics, one of which was too
/// large for it at first.
/// Guarantee: two topics get an alias, with their text only until the client knows it; the third
/// one is always written out.
#[test]
fn the_servers_aliases() {
    let mut aliases = Aliases::new(2);
    let written = |topic, alias| Written {
        topic,
        alias: NonZeroU16::new(alias),
    };
    assert_eq!(aliases.write("a"), written("a", 1));
    aliases.take_back("a");
    assert_eq!(aliases.write("b"), written("b", 1));
    assert_eq!(aliases.write("a"), written("a", 2));
    assert_eq!(aliases.write("b"), written("", 1));
    assert_eq!(aliases.write("c"), written("c", 0));
    assert_eq!(aliases.write("a"), written("", 2));
    assert_eq!(Aliases::new(0).write("a"), written("a", 0));
}
