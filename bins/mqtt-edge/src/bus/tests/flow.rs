//! Slow readers, full queues, order.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;

use super::{
    PATIENCE, at, bus, message, next, next_undone, payloads, payloads_until_mark, publish,
    subscriber,
};
use crate::bus::queue::MAX_UNDONE;
use crate::bus::{Bus, BusError, BusLink, Forwarded, SubscriptionOptions};

fn number(payload: &Bytes) -> usize {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// Scenario: 10,000 messages of 200 bytes come while the subscriber takes none; then it takes them
/// and acknowledges each only 50 messages later. The router's logs hold about 50 messages.
/// Guarantee: it gets all, in order.
#[tokio::test]
async fn slow_subscriber_loses_nothing() {
    let bus = bus();
    let mut link = subscriber(&bus, &["devices/+/command"], 1).await;
    for n in 0..10_000 {
        publish(&bus, "devices/1/command", &format!("{n:0200}")).await;
    }
    let mut undone = Vec::new();
    for n in 0..10_000 {
        let forwarded = next_undone(&mut link).await;
        assert_eq!(number(&forwarded.delivery.message.payload), n);
        undone.push(forwarded.token);
        if undone.len() > 50 {
            link.done(undone.remove(0)).await.unwrap();
        }
    }
}

/// Scenario: four publishers at once, each with its own topic, 20,000 messages in all; one
/// subscriber for all and one for each topic.
/// Guarantee: nobody misses one, and each topic's messages keep their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_holds_for_each_topic() {
    const EACH: usize = 5000;
    let bus = bus();
    let mut all = subscriber(&bus, &["#"], 1).await;
    let mut readers = Vec::new();
    for publisher in 0..4 {
        let topic = format!("from/{publisher}");
        let mut link = subscriber(&bus, &[&topic], 1).await;
        readers.push(tokio::spawn(async move {
            for n in 0..EACH {
                assert_eq!(number(&next(&mut link).await.0.payload), n);
            }
        }));
        let bus = bus.clone();
        tokio::spawn(async move {
            for n in 0..EACH {
                publish(&bus, &topic, &n.to_string()).await;
            }
        });
    }
    let mut counts = std::collections::HashMap::new();
    for _ in 0..4 * EACH {
        let (message, _) = next(&mut all).await;
        let count = counts.entry(message.topic.clone()).or_insert(0);
        assert_eq!(number(&message.payload), *count);
        *count += 1;
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

/// Scenario: 150 filters of one session match each message: more forwards for one message than the
/// router's buffer for a link takes.
/// Guarantee: each message arrives once, with all 150 subscription identifiers.
#[tokio::test]
async fn many_matching_filters() {
    let bus = bus();
    let mut link = bus.connect(&Bytes::from_static(b"many")).await.unwrap();
    for n in 0..150_u32 {
        // All ways to write eight levels with `+` or as they are.
        let level = |bit: u32| if n >> bit & 1 == 1 { "+" } else { "x" };
        let filter: Vec<_> = (0..8).map(level).collect();
        let options = SubscriptionOptions {
            id: NonZeroU32::new(n + 1),
            ..at(1)
        };
        link.subscribe(&filter.join("/"), options).await.unwrap();
    }
    for payload in ["1", "2", "3", "4", "5"] {
        publish(&bus, "x/x/x/x/x/x/x/x", payload).await;
    }
    for payload in ["1", "2", "3", "4", "5"] {
        let Forwarded { delivery, token } = next_undone(&mut link).await;
        assert_eq!(delivery.message.payload, payload);
        let ids: BTreeSet<_> = delivery.subscription_ids.iter().collect();
        assert_eq!((ids.len(), delivery.subscription_ids.len()), (150, 150));
        link.done(token).await.unwrap();
    }
}

/// Scenario: a subscriber acknowledges in the reverse order, hundreds at a time.
/// Guarantee: messages go on coming, in order.
#[tokio::test]
async fn acknowledgements_in_any_order() {
    let bus = bus();
    let mut link = subscriber(&bus, &["a"], 1).await;
    for round in 0..5 {
        for n in 0..300 {
            publish(&bus, "a", &(300 * round + n).to_string()).await;
        }
        let mut tokens = Vec::new();
        for n in 0..300 {
            let forwarded = next_undone(&mut link).await;
            assert_eq!(number(&forwarded.delivery.message.payload), 300 * round + n);
            tokens.push(forwarded.token);
        }
        for token in tokens.into_iter().rev() {
            link.done(token).await.unwrap();
        }
    }
}

/// Scenario: a session gives up waiting for its next message again and again (a `select!` that
/// another branch wins), while messages come.
/// Guarantee: none is lost.
#[tokio::test]
async fn next_is_cancel_safe() {
    let bus = bus();
    let mut link = subscriber(&bus, &["a"], 1).await;
    let publisher = {
        let bus = bus.clone();
        tokio::spawn(async move {
            for n in 0..2000 {
                publish(&bus, "a", &n.to_string()).await;
            }
        })
    };
    let mut expected = 0;
    while expected < 2000 {
        let forwarded = tokio::select! {
            biased;
            forwarded = link.next() => forwarded.unwrap(),
            () = tokio::task::yield_now() => continue,
        };
        assert_eq!(number(&forwarded.delivery.message.payload), expected);
        expected += 1;
    }
    publisher.await.unwrap();
}

/// Scenario: a subscriber takes nothing while more comes than it may leave undone: large messages
/// of `QoS` 1 and then some of `QoS` 0. Another subscriber of the same topic reads on.
/// Guarantee: the slow one gets what came first, then is told how much is missing, then goes on;
/// the other misses nothing.
#[tokio::test]
async fn lag_is_told_and_hurts_nobody_else() {
    const SIZE: usize = 1024 * 1024;
    let bus = bus();
    let mut slow = subscriber(&bus, &["a", "mark"], 1).await;
    let mut fast = subscriber(&bus, &["a"], 1).await;
    let payload = Bytes::from(vec![0; SIZE]);
    let fits = MAX_UNDONE / (SIZE + 300);
    for qos in [vec![1; fits + 5], vec![0; 3]].concat() {
        bus.publish(message("a", payload.clone(), qos))
            .await
            .unwrap();
        next(&mut fast).await;
    }
    // This one would fit, but it comes after the gap.
    publish(&bus, "a", "small").await;
    next(&mut fast).await;
    let mut tokens = Vec::new();
    for _ in 0..fits {
        tokens.push(next_undone(&mut slow).await.token);
    }
    let lag = tokio::time::timeout(PATIENCE, slow.next()).await.unwrap();
    assert!(
        matches!(lag, Err(BusError::Lagged { qos0: 3, qos1: 6 })),
        "{lag:?}"
    );
    // Nothing is acknowledged yet, so even now there is no room for a large one.
    bus.publish(message("a", payload.clone(), 1)).await.unwrap();
    let lag = tokio::time::timeout(PATIENCE, slow.next()).await.unwrap();
    assert!(
        matches!(lag, Err(BusError::Lagged { qos0: 0, qos1: 1 })),
        "{lag:?}"
    );
    for token in tokens {
        slow.done(token).await.unwrap();
    }
    publish(&bus, "a", "again").await;
    assert_eq!(
        payloads_until_mark(&bus, &mut slow, "mark").await,
        ["again"]
    );
}

/// Scenario: one of two sessions that share a filter takes nothing, until its queue is full.
/// Guarantee: the other one gets everything that the first has no room for.
#[tokio::test]
async fn shared_subscription_passes_a_full_member_over() {
    const SIZE: usize = 1024 * 1024;
    let bus = bus();
    let mut stuck = subscriber(&bus, &["$share/g/a"], 1).await;
    let mut free = subscriber(&bus, &["$share/g/a", "mark"], 1).await;
    let fits = MAX_UNDONE / (SIZE + 300);
    let payload = Bytes::from(vec![0; SIZE]);
    let total = 3 * fits;
    for _ in 0..total {
        bus.publish(message("a", payload.clone(), 1)).await.unwrap();
        publish(&bus, "mark", "x").await;
        // Keeps up: either the message or only the mark.
        while next(&mut free).await.0.payload != "x" {}
    }
    assert_eq!(payloads(&mut stuck, fits).await.len(), fits);
    publish(&bus, "mark", "x").await;
    let stopped = tokio::select! {
        biased;
        more = stuck.next() => Err(more),
        _ = next(&mut free) => Ok(()),
    };
    assert!(stopped.is_ok(), "{stopped:?}");
}

/// Scenario: 500 messages wait for a session alone, and the session keeps one.
/// Guarantee: no copy is made of a message that only one session gets.
#[tokio::test]
async fn a_lone_message_is_moved() {
    let bus = bus();
    let mut link = subscriber(&bus, &["a"], 1).await;
    let payload = Bytes::from_owner(Arc::new([1_u8; 64]).as_slice().to_vec());
    bus.publish(message("a", payload.clone(), 1)).await.unwrap();
    let (got, _) = next(&mut link).await;
    assert_eq!(got.payload.as_ptr(), payload.as_ptr());
}
