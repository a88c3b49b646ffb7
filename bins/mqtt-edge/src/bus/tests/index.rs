//! The index and the router against the definition of matching.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use record::TopicFilter;

use super::{at, bus, payloads_until_mark, publish};
use crate::bus::index::{Matcher, TopicIndex};
use crate::bus::{Bus, BusLink, RouterBus};

/// Levels from a small alphabet, so that filters and topics often meet; empty ones and `$` too.
fn level() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "", "$s", "\u{9501}"])
}

fn topic() -> impl Strategy<Value = String> {
    vec(level(), 1..5)
        .prop_map(|levels| levels.join("/"))
        .prop_filter("not empty", |t| !t.is_empty())
}

fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![3 => level(), 1 => Just("+")];
    (vec(level, 0..4), any::<bool>())
        .prop_map(|(mut levels, rest)| {
            if rest {
                levels.push("#");
            }
            levels.join("/")
        })
        .prop_filter("not empty", |filter| !filter.is_empty())
}

fn matching(filters: &BTreeSet<String>, topic: &str) -> usize {
    let matches = |filter: &&String| filter.parse::<TopicFilter>().unwrap().matches(topic);
    filters.iter().filter(matches).count()
}

fn wildcards(index: &TopicIndex, topic: &str) -> usize {
    let mut counts = [0];
    index.match_wildcards(topic, &mut counts, |_| {});
    counts[0]
}

proptest! {
    /// Scenario: random filters are added, some taken away again, and random topics asked for.
    /// Guarantee: `wants` and the number of matches are those of `TopicFilter::matches`.
    #[test]
    fn index_matches_as_filters_do(
        kept in btree_set(filter(), 0..20),
        removed in btree_set(filter(), 0..20),
        topics in vec(topic(), 20),
    ) {
        let mut index = TopicIndex::default();
        for filter in kept.iter().chain(&removed) {
            index.insert(filter, Matcher::Router(0));
        }
        for filter in removed.difference(&kept) {
            index.remove(filter);
        }
        for topic in &topics {
            let expected = matching(&kept, topic);
            let found = usize::from(index.has_name(topic)) + wildcards(&index, topic);
            prop_assert_eq!(found, expected, "{} {:?}", topic, &kept);
            prop_assert_eq!(index.wants(topic), expected > 0);
        }
        for filter in &kept {
            index.remove(filter);
        }
        prop_assert_eq!(format!("{index:?}"), format!("{:?}", TopicIndex::default()));
    }
}

/// Scenario: for 200 random sets of filters, one session subscribes to all of them and random
/// messages are published; then it unsubscribes.
/// Guarantee: it gets each message once when a filter matches by `TopicFilter::matches`, and no
/// other: router, index and definition agree.
#[tokio::test]
async fn router_matches_as_filters_do() {
    let bus = bus();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let cases = (btree_set(filter(), 1..12), vec(topic(), 12));
    for _ in 0..200 {
        let (filters, topics) = cases.new_tree(&mut runner).unwrap().current();
        check_router(&bus, &filters, &topics).await;
    }
}

async fn check_router(bus: &RouterBus, filters: &BTreeSet<String>, topics: &[String]) {
    let mut link = bus.connect(&Bytes::from_static(b"property")).await.unwrap();
    link.subscribe("mark", at(1)).await.unwrap();
    for filter in filters {
        link.subscribe(filter, at(1)).await.unwrap();
    }
    let mut expected = HashMap::new();
    for (n, topic) in topics.iter().enumerate() {
        let payload = n.to_string();
        publish(bus, topic, &payload).await;
        let copies = matching(filters, topic);
        assert_eq!(bus.wants(topic), copies > 0, "{topic}");
        if copies > 0 {
            expected.insert(payload, 1);
        }
    }
    let mut got = HashMap::new();
    for payload in payloads_until_mark(bus, &mut link, "mark").await {
        *got.entry(String::from_utf8(payload.to_vec()).unwrap())
            .or_insert(0) += 1;
    }
    assert_eq!(got, expected, "{filters:?} {topics:?}");
    link.close().await;
    assert!(topics.iter().all(|topic| !bus.wants(topic)));
}
