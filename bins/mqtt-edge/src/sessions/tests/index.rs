//! Who must get a message.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;

use super::message;
use crate::bus::{Message, SubscriptionOptions};
use crate::sessions::durable::DurableSession;
use crate::sessions::index::DurableIndex;

fn session(client_id: &'static str) -> Arc<DurableSession> {
    DurableSession::new(Bytes::from_static(client_id.as_bytes()))
}

fn options(qos: u8, id: u32) -> SubscriptionOptions {
    SubscriptionOptions {
        qos,
        id: NonZeroU32::new(id),
        ..SubscriptionOptions::default()
    }
}

/// Client, `QoS` and subscription identifiers of each who gets the message.
fn found(index: &DurableIndex, message: &Arc<Message>) -> Vec<String> {
    let mut found: Vec<_> = index
        .addressed(message)
        .into_iter()
        .map(|addressed| {
            let ids: Vec<_> = addressed.delivery.subscription_ids.iter().collect();
            let client_id = addressed.session.client_id_text().to_owned();
            format!("{client_id} {} {ids:?}", addressed.delivery.qos)
        })
        .collect();
    found.sort();
    found
}

/// Scenario: sessions with one, several and no filters that match, one of which is changed.
/// Guarantee: each gets the message once, with the highest `QoS` and all identifiers; the new
/// options count after a change; nobody gets it after unsubscribing.
#[test]
fn each_session_once() {
    let index = DurableIndex::default();
    let (one, two) = (session("one"), session("two"));
    assert!(!index.wants("a/b") && index.addressed(&message("a/b", 1)).is_empty());
    index.subscribe(&one, "a/b", options(1, 1));
    index.subscribe(&one, "a/+", options(2, 2));
    index.subscribe(&two, "#", options(0, 0));
    index.subscribe(&two, "c", options(2, 9));
    let sent = message("a/b", 1);
    assert_eq!(found(&index, &sent), ["one 2 [1, 2]", "two 0 []"]);
    index.subscribe(&one, "a/+", options(0, 3));
    assert_eq!(found(&index, &sent), ["one 1 [1, 3]", "two 0 []"]);
    index.unsubscribe(&one, "a/b");
    index.unsubscribe(&one, "a/+");
    index.unsubscribe(&one, "never/had");
    assert_eq!(found(&index, &sent), ["two 0 []"]);
    index.unsubscribe(&two, "#");
    assert!(!index.wants("a/b") && index.wants("c"));
}

/// Scenario: a session that wants no messages of its own publishes to its topic; so does another.
/// Guarantee: it gets the other's only (MQTT-3.8.3-3).
#[test]
fn no_local_leaves_the_own_out() {
    let index = DurableIndex::default();
    let one = session("one");
    let no_local = SubscriptionOptions {
        no_local: true,
        ..options(1, 0)
    };
    index.subscribe(&one, "a", no_local);
    let mut sent = message("a", 1);
    Arc::make_mut(&mut sent).from_client_id = Bytes::from_static(b"one");
    assert!(found(&index, &sent).is_empty());
    Arc::make_mut(&mut sent).from_client_id = Bytes::from_static(b"two");
    assert_eq!(found(&index, &sent), ["one 1 []"]);
}
