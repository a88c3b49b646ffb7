//! Unsubscribing, closing, dying.

use std::sync::Arc;

use bytes::Bytes;

use rumqttd::Router;
use rumqttd::local::{LinkBuilder, LinkTx};

use super::{PATIENCE, at, bus, message, next, payloads_until_mark, publish, subscriber};
use crate::bus::trunk::{self, Trunk};
use crate::bus::{Bus, BusError, BusLink, RouterBus};

/// Waits until a condition holds.
async fn until(mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it never came true");
}

/// Scenario: a session unsubscribes one of two filters, and one that it never had.
/// Guarantee: the first brings nothing more and is not wanted; the second goes on.
#[tokio::test]
async fn unsubscribing_stops() {
    let bus = bus();
    let mut link = subscriber(&bus, &["a/#", "b"], 1).await;
    publish(&bus, "a/1", "1").await;
    assert_eq!(next(&mut link).await.0.payload, "1");
    link.unsubscribe("a/#").await.unwrap();
    link.unsubscribe("never/had").await.unwrap();
    link.unsubscribe("b/+").await.unwrap();
    assert!(!bus.wants("a/1"));
    publish(&bus, "a/1", "2").await;
    assert!(payloads_until_mark(&bus, &mut link, "b").await.is_empty());
    link.subscribe("a/#", at(1)).await.unwrap();
    publish(&bus, "a/1", "3").await;
    assert_eq!(next(&mut link).await.0.payload, "3");
}

/// Scenario: three sessions have the same filter; one unsubscribes, one closes, one is dropped.
/// Guarantee: the topic is wanted until the last one is gone.
#[tokio::test]
async fn wanted_until_the_last_one_leaves() {
    let bus = bus();
    let (exact, wild) = ("devices/1/command", "devices/1/+");
    let mut first = subscriber(&bus, &[exact, wild], 1).await;
    let second = subscriber(&bus, &[exact, wild], 1).await;
    let third = subscriber(&bus, &[exact, wild, exact], 1).await;
    assert!(bus.wants(exact) && bus.wants("devices/1/x") && !bus.wants("devices/2/command"));
    first.unsubscribe(exact).await.unwrap();
    first.unsubscribe(wild).await.unwrap();
    assert!(bus.wants(exact) && bus.wants("devices/1/x"));
    second.close().await;
    assert!(bus.wants(exact) && bus.wants("devices/1/x"));
    drop(third);
    until(|| !bus.wants(exact) && !bus.wants("devices/1/x")).await;
}

/// Scenario: sessions are dropped while their subscriptions are still being made.
/// Guarantee: nothing of them stays.
#[tokio::test]
async fn dropping_while_subscribing_leaves_nothing() {
    let bus = bus();
    for _ in 0..500 {
        let mut link = bus.connect(&Bytes::from_static(b"hasty")).await.unwrap();
        // Polled once: the order is out, its answer is not awaited.
        tokio::select! {
            biased;
            _ = link.subscribe("hasty/topic", at(1)) => {}
            () = std::future::ready(()) => {}
        }
        drop(link);
    }
    // Orders are carried out in turn, so after this one all of those are done.
    subscriber(&bus, &["later"], 1).await.close().await;
    assert!(!bus.wants("hasty/topic"));
}

/// Scenario: twenty subscribers in a row are flooded, take nothing and leave, by closing or by
/// being dropped, while the flood goes on. (This kills rumqttd's own listeners within six.)
/// Guarantee: the bus lives, and a patient subscriber misses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flooded_subscribers_may_leave() {
    let bus = bus();
    let mut patient = subscriber(&bus, &["flood/#"], 1).await;
    let flood = {
        let bus = bus.clone();
        tokio::spawn(async move {
            for n in 0..20_000 {
                publish(&bus, "flood/x", &n.to_string()).await;
            }
        })
    };
    for n in 0..20 {
        let mut link = subscriber(&bus, &["flood/+"], u8::from(n % 2 == 0)).await;
        // It has at least this one, even when the flood is over.
        publish(&bus, "flood/x", "more").await;
        next(&mut link).await;
        if n % 3 == 0 {
            drop(link);
        } else {
            link.close().await;
        }
    }
    flood.await.unwrap();
    let mut numbers = (0..20_000).map(|n: u32| n.to_string());
    for payload in payloads_until_mark(&bus, &mut patient, "flood/mark").await {
        if payload != "more" {
            assert_eq!(Some(payload), numbers.next().map(Into::into));
        }
    }
    assert_eq!(numbers.next(), None);
}

/// A router with a second link, which can do to it what the bus never does.
fn router_and_intruder() -> (Trunk, LinkTx) {
    let mut config = trunk::config();
    config.max_connections = 2;
    let router = Router::new(0, config).spawn();
    let (to_router, from_router, _) = LinkBuilder::new("trunk", router.clone()).build().unwrap();
    let (intruder, _, _) = LinkBuilder::new("intruder", router).build().unwrap();
    (
        Trunk::over(0, to_router, from_router).unwrap_or_else(|_| panic!("no router")),
        intruder,
    )
}

/// Scenario: the router's thread panics, on a topic that the bus would never give to it, while one
/// session waits for a message and others publish and subscribe.
/// Guarantee: everyone is told, and the watch resolves.
#[tokio::test]
async fn a_dead_router_is_noticed_by_all() {
    let (trunk, mut intruder) = router_and_intruder();
    let (bus, watch) = RouterBus::over(trunk).unwrap();
    let mut link = subscriber(&bus, &["a"], 1).await;
    publish(&bus, "a", "1").await;
    assert_eq!(next(&mut link).await.0.payload, "1");
    let waiting = tokio::spawn(async move { link.next().await });

    intruder.publish("\u{95e8}", "x").unwrap();
    let mut asking = bus.connect(&Bytes::from_static(b"asking")).await.unwrap();
    let refused = tokio::time::timeout(PATIENCE, asking.subscribe("b/+", at(1)))
        .await
        .unwrap();
    assert!(matches!(refused, Err(BusError::RouterDead)), "{refused:?}");
    tokio::time::timeout(PATIENCE, watch.died()).await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Err(BusError::RouterDead)));
    assert!(matches!(
        bus.publish(message("a", "2", 1)).await,
        Err(BusError::RouterDead)
    ));
    assert!(matches!(
        asking.unsubscribe("b").await,
        Err(BusError::RouterDead)
    ));
    asking.close().await;
}

/// Scenario: the bus and all links are dropped.
/// Guarantee: the dispatcher ends: the watch resolves and a waiting message is freed.
#[tokio::test]
async fn dropping_everything_ends_the_dispatcher() {
    let (bus, watch) = RouterBus::start().unwrap();
    let owner = Arc::new(());
    let link = subscriber(&bus, &["a"], 1).await;
    let payload = bytes::Bytes::from_owner(Held(Arc::clone(&owner)));
    bus.publish(message("a", payload, 1)).await.unwrap();
    drop((bus, link));
    tokio::time::timeout(PATIENCE, watch.died()).await.unwrap();
    until(|| Arc::strong_count(&owner) == 1).await;
}

struct Held(#[expect(dead_code, reason = "counts")] Arc<()>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        b"held"
    }
}
