//! The tree against a list that is searched from end to end.

use std::collections::BTreeMap;
use std::time::Instant;

use proptest::prelude::*;

use super::*;

const ROOMY: RetainedLimits = RetainedLimits {
    topics: 1_000_000,
    bytes: usize::MAX,
};

fn message(topic: &str, payload: &str, expires_at_ms: u64) -> Arc<StoredMessage> {
    Arc::new(StoredMessage {
        topic: topic.to_owned().into(),
        payload: payload.to_owned().into(),
        expires_at_ms,
        ..StoredMessage::default()
    })
}

fn found(tree: &RetainedTree, filter: &str, now_ms: u64) -> Vec<String> {
    let mut found = Vec::new();
    tree.matching(&filter.parse().unwrap(), now_ms, |message| {
        found.push(message.topic().to_owned());
    });
    found
}

fn tree_of(topics: &[&str]) -> RetainedTree {
    let mut tree = RetainedTree::new(ROOMY);
    for (number, topic) in topics.iter().enumerate() {
        let revision = Revision(number as u64 + 1);
        let inserted = tree.insert(topic, message(topic, "x", 0), revision, 0);
        assert_eq!(inserted, Inserted::Stored);
    }
    tree
}

/// Scenario: topics with empty levels, levels that begin alike, and `$`.
/// Guarantee: filters match as MQTT 5.0 section 4.7 says.
#[test]
fn filters_match_as_the_specification_says() {
    let tree = tree_of(&[
        "a",
        "a/",
        "a/b",
        "a/b-c",
        "a/b/c",
        "a/\u{1}/c",
        "/",
        "/a",
        "$SYS/a",
        "$",
        "b",
    ]);
    for (filter, expected) in [
        (
            "#",
            vec![
                "/",
                "/a",
                "a",
                "a/",
                "a/\u{1}/c",
                "a/b",
                "a/b/c",
                "a/b-c",
                "b",
            ],
        ),
        ("+", vec!["a", "b"]),
        ("a/#", vec!["a", "a/", "a/\u{1}/c", "a/b", "a/b/c", "a/b-c"]),
        ("a/+", vec!["a/", "a/b", "a/b-c"]),
        ("a/+/c", vec!["a/\u{1}/c", "a/b/c"]),
        ("+/a", vec!["/a"]),
        ("+/+", vec!["/", "/a", "a/", "a/b", "a/b-c"]),
        ("$SYS/#", vec!["$SYS/a"]),
        ("$SYS/+", vec!["$SYS/a"]),
        ("+/a/#", vec!["/a"]),
        ("a/b", vec!["a/b"]),
        ("a/c", vec![]),
        ("c/#", vec![]),
    ] {
        assert_eq!(found(&tree, filter, 0), expected, "{filter}");
    }
}

/// Scenario: puts and removals of one topic are told in the wrong order and twice.
/// Guarantee: the greatest revision decides, whoever tells it when.
#[test]
fn the_newest_revision_decides() {
    let mut tree = RetainedTree::new(ROOMY);
    let put = |tree: &mut RetainedTree, revision| {
        tree.insert("a", message("a", "x", 0), Revision(revision), 0)
    };
    assert_eq!(put(&mut tree, 5), Inserted::Stored);
    assert_eq!(put(&mut tree, 5), Inserted::Older);
    assert_eq!(put(&mut tree, 4), Inserted::Older);
    assert!(!tree.remove("a", Revision(3), 0));
    assert_eq!(tree.len(), 1);
    assert!(tree.remove("a", Revision(7), 0));
    assert_eq!(put(&mut tree, 6), Inserted::Older);
    assert!(tree.is_empty());
    assert_eq!(put(&mut tree, 8), Inserted::Stored);
    assert!(!tree.remove("a", Revision(7), 0));
    assert_eq!(tree.len(), 1);
    assert!(!tree.remove("b", Revision(9), 0));
    let late = tree.insert("b", message("b", "x", 0), Revision(8), 59_999);
    assert_eq!(late, Inserted::Older);
    // Nothing is on its way for so long.
    let forgotten = tree.insert("b", message("b", "x", 0), Revision(8), 60_000);
    assert_eq!(forgotten, Inserted::Stored);
}

/// Scenario: messages that expire, replaced ones, and one that comes too late.
/// Guarantee: none is shown from its time on; the memory is freed; what is older stays out.
#[test]
fn expired_messages_are_not_shown() {
    let mut tree = tree_of(&["stays"]);
    let bytes = tree.bytes();
    let insert = |tree: &mut RetainedTree, topic: &str, expires, revision, now| {
        tree.insert(topic, message(topic, "x", expires), Revision(revision), now)
    };
    insert(&mut tree, "a", 100, 10, 0);
    insert(&mut tree, "b", 100, 11, 0);
    insert(&mut tree, "b", 300, 12, 0);
    assert_eq!(found(&tree, "#", 99), ["a", "b", "stays"]);
    assert_eq!(found(&tree, "#", 100), ["b", "stays"]);
    assert_eq!(tree.remove_expired(100), 1);
    assert_eq!(insert(&mut tree, "a", 0, 9, 101), Inserted::Older);
    assert_eq!(insert(&mut tree, "b", 200, 13, 250), Inserted::Stored);
    assert_eq!(found(&tree, "#", 250), ["stays"]);
    assert_eq!((tree.len(), tree.bytes()), (1, bytes));
    assert_eq!(tree.remove_expired(u64::MAX), 0);
}

/// Scenario: more topics and more bytes than there may be.
/// Guarantee: a new topic is refused, one that is there can be replaced; one that grows too large is
/// gone rather than old; a removal makes room.
#[test]
fn limits_hold() {
    let limits = RetainedLimits {
        topics: 2,
        bytes: 1000,
    };
    let mut tree = RetainedTree::new(limits);
    let mut revision = 0;
    let mut insert = |tree: &mut RetainedTree, topic: &str, length: usize| {
        revision += 1;
        let message = message(topic, &"x".repeat(length), 0);
        let room = tree.has_room(topic, &message);
        let inserted = tree.insert(topic, message, Revision(revision), 0);
        assert_eq!(room, inserted == Inserted::Stored, "{topic}");
        inserted
    };
    assert_eq!(insert(&mut tree, "a", 1), Inserted::Stored);
    assert_eq!(insert(&mut tree, "b", 1), Inserted::Stored);
    assert_eq!(insert(&mut tree, "c", 1), Inserted::Full);
    assert_eq!(insert(&mut tree, "a", 100), Inserted::Stored);
    assert_eq!(insert(&mut tree, "a", 1000), Inserted::Full);
    assert_eq!(found(&tree, "#", 0), ["b"]);
    assert_eq!(insert(&mut tree, "c", 1), Inserted::Stored);
    assert!(tree.remove("b", Revision(100), 0) && tree.remove("c", Revision(100), 0));
    assert_eq!((tree.len(), tree.bytes()), (0, 0));
}

/// Scenario: a topic of 32,767 empty levels and a filter of as many `+`; many removals.
/// Guarantee: no stack is exhausted, the match is found, and remembered removals are bounded.
#[test]
fn hostile_topics_are_bounded() {
    let (topic, filter) = ("/".repeat(32_767), "+/".repeat(32_767) + "+");
    let mut tree = tree_of(&[&topic, "a"]);
    assert_eq!(found(&tree, &filter, 0), [topic]);
    assert_eq!(found(&tree, "+", 0), ["a"]);
    tree.limits.topics = 10;
    tree.removed = Tombstones::new(10);
    for number in 0..1000 {
        tree.remove(&number.to_string(), Revision(10 + number), 0);
    }
    assert_eq!(tree.removed.len(), 10);
}

/// Scenario: 100,000 devices with a state each, and as many other topics below them.
/// Guarantee: an exact filter and a short prefix look at a few topics, whatever there is; the time
/// of a match of all devices is printed.
#[test]
fn a_match_does_not_look_at_everything() {
    let mut tree = RetainedTree::new(ROOMY);
    for number in 0..100_000 {
        for (place, leaf) in ["config", "state"].iter().enumerate() {
            let topic = format!("devices/{number}/{leaf}");
            let revision = Revision(number * 2 + place as u64 + 1);
            tree.insert(&topic, message(&topic, "x", 0), revision, 0);
        }
    }
    for filter in ["devices/500/state", "devices/500/+", "$SYS/#", "none/#"] {
        assert!(looked_at(&tree, filter) <= 5, "{filter}");
    }
    let started = Instant::now();
    assert_eq!(found(&tree, "devices/+/state", 0).len(), 100_000);
    println!("100,000 of 200,000 matched in {:?}", started.elapsed());
}

/// How many topics a match looks at.
fn looked_at(tree: &RetainedTree, filter: &str) -> usize {
    let filter: TopicFilter = filter.parse().unwrap();
    let search = Search::new(&filter);
    let mut from = String::new();
    let mut looked = 0;
    loop {
        let bounds = (Bound::Included(from.as_str()), Bound::Unbounded);
        let mut behind = tree.topics.range::<str, _>(bounds);
        let Some((key, _)) = behind.next() else {
            return looked;
        };
        looked += 1;
        from = match search.step(key) {
            Step::Matches | Step::Next => format!("{key}\0"),
            Step::Jump(to) => to,
            Step::End => return looked,
        };
    }
}

const LEVEL: &str = "[ab$\u{1}%-]{0,2}";

fn topic() -> impl Strategy<Value = String> {
    let levels = prop::collection::vec(LEVEL, 1..5);
    levels
        .prop_map(|levels| levels.join("/"))
        .prop_filter("a topic has a character", |topic| !topic.is_empty())
}

fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![3 => LEVEL.boxed(), 2 => Just("+".to_owned()).boxed()];
    let levels = prop::collection::vec(level, 0..5);
    (levels, any::<bool>()).prop_filter_map("a filter", |(mut levels, all)| {
        if all {
            levels.push("#".to_owned());
        }
        Some(levels.join("/")).filter(|filter| !filter.is_empty())
    })
}

/// A change: topic, revision, and when its message expires; `None` removes it.
fn change() -> impl Strategy<Value = (String, u64, Option<u64>)> {
    let expires = prop_oneof![Just(0), 1..200_u64];
    (topic(), 1..100_u64, prop::option::weighted(0.8, expires))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Scenario: any changes in any order, then any filter.
    /// Guarantee: the tree shows, sorted, exactly what a search of all newest messages finds.
    #[test]
    fn the_tree_finds_what_a_search_of_everything_finds(
        changes in prop::collection::vec(change(), 0..40),
        filter in filter(),
    ) {
        const NOW: u64 = 100;
        let mut tree = RetainedTree::new(ROOMY);
        let mut newest: BTreeMap<String, (u64, Option<u64>)> = BTreeMap::new();
        for (number, (topic, revision, expires)) in changes.into_iter().enumerate() {
            // As in the bucket, no two changes have one revision.
            let revision = revision * 100 + number as u64;
            match expires {
                Some(expires) => {
                    let message = message(&topic, "x", expires);
                    tree.insert(&topic, message, Revision(revision), 0);
                }
                None => {
                    tree.remove(&topic, Revision(revision), 0);
                }
            }
            let known = newest.entry(topic).or_insert((0, None));
            if known.0 < revision {
                *known = (revision, expires);
            }
        }
        let wanted: TopicFilter = filter.parse().unwrap();
        let mut expected: Vec<String> = newest
            .into_iter()
            .filter(|(topic, _)| wanted.matches(topic))
            .filter(|(_, (_, expires))| expires.is_some_and(|at| at == 0 || at > NOW))
            .map(|(topic, _)| topic)
            .collect();
        expected.sort_by_key(|topic| sorted(topic));
        prop_assert_eq!(found(&tree, &filter, NOW), expected);
    }
}
