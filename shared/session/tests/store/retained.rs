//! The bucket `retained`.

use std::collections::BTreeMap;

use async_nats::jetstream::kv;
use session::{
    Change, Changes, Inserted, OpenError, Retained, RetainedBucket, RetainedLimits, RetainedTree,
    StoredMessage,
};

use stage::jetstream::{StreamSettings, provision};

use crate::bed::{Bed, DEADLINE, expiring, message, now_ms, until_it_answers};

async fn next(changes: &mut Changes) -> Change {
    let next = tokio::time::timeout(DEADLINE, changes.next()).await;
    next.unwrap().unwrap()
}

fn payloads(retained: &Retained) -> BTreeMap<String, String> {
    let payload = |message: &StoredMessage| String::from_utf8(message.payload.to_vec()).unwrap();
    let messages = retained.messages.iter();
    messages
        .map(|(message, _)| (message.topic().to_owned(), payload(message)))
        .collect()
}

/// Scenario: messages for several topics, one replaced, one deleted, one of a topic whose key is a
/// hash; nats-server is killed and started again; then one edge changes what another one watches.
/// Guarantee: the last of each topic is loaded, with the revision of its put; each change is told
/// once, in order, with its topic.
#[tokio::test(flavor = "multi_thread")]
async fn retained_messages_survive_a_kill() {
    let mut bed = Bed::start().await;
    let bucket = RetainedBucket::open(bed.context().await).await.unwrap();
    let long = "\u{95e8}/".repeat(20_000);
    bucket.put(&message("a/b", "old")).await.unwrap();
    let revision = bucket.put(&message("a/b", "new")).await.unwrap();
    bucket.put(&message("$SYS/x", "s")).await.unwrap();
    bucket.put(&message(&long, "l")).await.unwrap();
    bucket.put(&message("gone", "g")).await.unwrap();
    bucket.delete("gone").await.unwrap();

    bed.crash().await;
    let mut retained = until_it_answers(async || bucket.load_and_watch().await).await;
    assert!(retained.unreadable.is_empty());
    let expected = [("a/b", "new"), ("$SYS/x", "s"), (&long, "l")]
        .map(|(topic, payload)| (topic.to_owned(), payload.to_owned()));
    assert_eq!(payloads(&retained), expected.into());
    let found = retained.messages.iter();
    let mut found = found.filter(|(message, _)| message.topic() == "a/b");
    assert_eq!(found.next().unwrap().1, revision);

    let other = RetainedBucket::open(bed.context().await).await.unwrap();
    let put = other.put(&message("n", "1")).await.unwrap();
    let deleted = other.delete(&long).await.unwrap();
    let again = other.put(&message("n", "2")).await.unwrap();
    assert!(put < deleted && deleted < again);
    let change = next(&mut retained.changes).await;
    assert!(matches!(&change, Change::Stored(m, r) if m.topic() == "n" && *r == put));
    let change = next(&mut retained.changes).await;
    assert!(
        matches!(&change, Change::Removed { topic, revision } if *topic == long && *revision == deleted)
    );
    let change = next(&mut retained.changes).await;
    assert!(matches!(&change, Change::Stored(m, r) if &m.payload[..] == b"2" && *r == again));
}

/// Scenario: nats-server is killed and started again while an edge watches; then things change.
/// Guarantee: the watching edge is told, without loading again.
#[tokio::test(flavor = "multi_thread")]
async fn changes_go_on_after_a_kill() {
    let mut bed = Bed::start().await;
    let bucket = RetainedBucket::open(bed.context().await).await.unwrap();
    let mut retained = bucket.load_and_watch().await.unwrap();
    assert!(retained.messages.is_empty());
    let first = bucket.put(&message("a", "1")).await.unwrap();
    let change = next(&mut retained.changes).await;
    assert!(matches!(change, Change::Stored(_, revision) if revision == first));
    bed.crash().await;
    let second = until_it_answers(async || bucket.delete("a").await).await;
    let change = next(&mut retained.changes).await;
    assert!(matches!(change, Change::Removed { revision, .. } if revision >= second));
}

/// Scenario: while an edge watches, the bucket is removed, as by an operator, and made anew.
/// Guarantee: the edge is told to load again, rather than waiting for revisions that come late.
#[tokio::test(flavor = "multi_thread")]
async fn another_bucket_is_noticed() {
    let bed = Bed::start().await;
    let context = bed.context().await;
    let bucket = RetainedBucket::open(context.clone()).await.unwrap();
    for topic in ["a", "b", "c"] {
        bucket.put(&message(topic, "1")).await.unwrap();
    }
    let mut retained = bucket.load_and_watch().await.unwrap();
    context.delete_key_value("retained").await.unwrap();
    provision(&context, &StreamSettings::default())
        .await
        .unwrap();
    let changed = tokio::time::timeout(DEADLINE, retained.changes.next()).await;
    let error = changed.unwrap().unwrap_err();
    assert!(error.to_string().contains("load them again"), "{error}");
}

/// Scenario: a message that lasts one second, and one that lasts.
/// Guarantee: nats-server forgets the first one by itself and tells; it is not loaded any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_retained_message_expires() {
    let bed = Bed::start().await;
    let bucket = RetainedBucket::open(bed.context().await).await.unwrap();
    let mut retained = bucket.load_and_watch().await.unwrap();
    let soon = now_ms() + 900;
    bucket.put(&expiring("short", "1", soon)).await.unwrap();
    bucket.put(&expiring("long", "2", soon * 2)).await.unwrap();
    for expected in ["short", "long"] {
        let change = next(&mut retained.changes).await;
        assert!(matches!(&change, Change::Stored(m, _) if m.topic() == expected));
    }
    let change = next(&mut retained.changes).await;
    assert!(
        matches!(&change, Change::Removed { topic, .. } if topic == "short"),
        "{change:?}"
    );
    let loaded = bucket.load_and_watch().await.unwrap();
    assert_eq!(payloads(&loaded).into_keys().collect::<Vec<_>>(), ["long"]);
}

/// Scenario: an edge tells its tree of its own puts at once, and of all changes when they come back
/// from the watch; other puts and deletions of the same topics come in between.
/// Guarantee: in the end the tree is what the bucket is.
#[tokio::test(flavor = "multi_thread")]
async fn tree_and_bucket_agree() {
    let bed = Bed::start().await;
    let bucket = RetainedBucket::open(bed.context().await).await.unwrap();
    let other = RetainedBucket::open(bed.context().await).await.unwrap();
    let mut changes = bucket.load_and_watch().await.unwrap().changes;
    let mut tree = RetainedTree::new(RetainedLimits {
        topics: 100,
        bytes: 1 << 20,
    });
    let mut last = session::Revision(0);
    for number in 0..200_u32 {
        let topic = format!("t/{}", number % 7);
        let mine = message(&topic, &number.to_string());
        let theirs = message(&topic, "other");
        let (ours, theirs) = if number % 3 == 0 {
            tokio::join!(bucket.put(&mine), other.delete(&topic))
        } else {
            tokio::join!(bucket.put(&mine), other.put(&theirs))
        };
        last = last.max(ours.as_ref().copied().unwrap().max(theirs.unwrap()));
        let told = tree.insert(&topic, mine.into(), ours.unwrap(), now_ms());
        assert_ne!(told, Inserted::Full);
    }
    loop {
        let revision = match next(&mut changes).await {
            Change::Stored(message, revision) => {
                let topic = message.topic().to_owned();
                tree.insert(&topic, message, revision, now_ms());
                revision
            }
            Change::Removed { topic, revision } => {
                tree.remove(&topic, revision, now_ms());
                revision
            }
            Change::Unreadable(what) => panic!("{what}"),
        };
        if revision == last {
            break;
        }
    }
    let loaded = payloads(&bucket.load_and_watch().await.unwrap());
    let mut held = BTreeMap::new();
    tree.matching(&"#".parse().unwrap(), now_ms(), |message| {
        let payload = String::from_utf8(message.payload.to_vec()).unwrap();
        held.insert(message.topic().to_owned(), payload);
    });
    assert_eq!(held, loaded);
}

/// Scenario: something else writes into the bucket; and a bucket without markers.
/// Guarantee: the first is told by key, loading and watching go on; the second is refused.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_foreign_is_told() {
    let bed = Bed::start().await;
    let context = bed.context().await;
    let bucket = RetainedBucket::open(context.clone()).await.unwrap();
    let store = context.get_key_value("retained").await.unwrap();
    store.put("strange", "oops".into()).await.unwrap();
    bucket.put(&message("good", "1")).await.unwrap();
    let mut retained = bucket.load_and_watch().await.unwrap();
    assert_eq!(retained.messages.len(), 1);
    assert_eq!(retained.unreadable[0].key, "strange");
    store.put("strange", "again".into()).await.unwrap();
    let change = next(&mut retained.changes).await;
    assert!(matches!(&change, Change::Unreadable(what) if what.key == "strange"));

    let bed = Bed::bare().await;
    let context = bed.context().await;
    let bare = kv::Config {
        bucket: "retained".to_owned(),
        ..kv::Config::default()
    };
    context.create_key_value(bare).await.unwrap();
    let error = RetainedBucket::open(context).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}
