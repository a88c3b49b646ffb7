//! The stream DOWN.

use bytes::Bytes;
use futures::future::join_all;
use session::{Change, Down, Entry, Queue, RetainedBucket, Sent, SessionBucket, StoredMessage};

use crate::bed::{Bed, message, until_it_answers};
use crate::sessions::session;

pub(crate) const LOCK: &str = "10083618796833171";

fn entry(seq: u64, messages: &[StoredMessage]) -> Entry {
    Entry {
        seq,
        messages: Ok(messages.to_vec()),
    }
}

/// Places of everything in a queue.
pub(crate) async fn all(down: &Down, client_id: &str) -> Vec<u64> {
    let entries = down.read(client_id, 0, 10_000).await.unwrap();
    entries.iter().map(|entry| entry.seq).collect()
}

/// Scenario: entries of one and of three messages for two clients, one with an empty correlation
/// data and one without; nats-server is killed and started again.
/// Guarantee: each client's entries are there in order, as they were stored; reading on behind an
/// entry gives the next one, and behind the last one nothing.
#[tokio::test(flavor = "multi_thread")]
async fn queues_survive_a_kill() {
    let mut bed = Bed::start().await;
    let down = Down::open(bed.context().await).await.unwrap();
    let asks = StoredMessage {
        correlation_data: Some(Bytes::new()),
        content_type: Some(Bytes::new()),
        subscription_ids: vec![1, 268_435_455],
        ..message("a", "1")
    };
    let one = vec![asks];
    let three = vec![message("b", "2"), message("b", ""), message("c", "3")];
    let first = down.store(LOCK, "1", &one).await.unwrap();
    let other = down.store("a.b", "1", &one).await.unwrap();
    let second = down.store(LOCK, "2", &three).await.unwrap();
    assert!(first < other && other < second);

    bed.crash().await;
    let read = until_it_answers(async || down.read(LOCK, 0, 10).await).await;
    assert_eq!(read, [entry(first, &one), entry(second, &three)]);
    assert_eq!(down.read(LOCK, 0, 1).await.unwrap(), [entry(first, &one)]);
    let next = down.next(LOCK, first).await.unwrap();
    assert_eq!(next, Some(entry(second, &three)));
    assert_eq!(down.next(LOCK, second).await.unwrap(), None);
    assert_eq!(down.next("nobody", 0).await.unwrap(), None);
    assert_eq!(down.next(LOCK, u64::MAX).await.unwrap(), None);
    assert_eq!(all(&down, "a.b").await, [other]);

    let found = down.get(LOCK, &[second, 999, other, first]).await.unwrap();
    assert_eq!(found, [entry(second, &three), entry(first, &one)]);
    let part = down.read_all(0, 2).await.unwrap();
    let key = |key: &str| key.to_owned();
    let expected = [
        (key(LOCK), entry(first, &one)),
        (key("a=2eb"), entry(other, &one)),
    ];
    assert_eq!((part.entries, part.more), (expected.to_vec(), true));
    let part = down.read_all(other, 2).await.unwrap();
    let expected = [(key(LOCK), entry(second, &three))];
    assert_eq!((part.entries, part.more), (expected.to_vec(), false));
    assert!(down.read_all(second, 2).await.unwrap().entries.is_empty());
}

/// Scenario: an entry is stored, and again with the same id, before and after it was forgotten and
/// nats-server killed in between; another client gets one with the same id.
/// Guarantee: there is one of it, the repeat says its place; what was delivered does not come back;
/// the other client has its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_can_be_repeated() {
    let mut bed = Bed::start().await;
    let down = Down::open(bed.context().await).await.unwrap();
    let messages = [message("a", "1")];
    let seq = down.store(LOCK, "id", &messages).await.unwrap();
    assert_eq!(down.store(LOCK, "id", &messages).await.unwrap(), seq);
    let other = down.store("other", "id", &messages).await.unwrap();
    assert_ne!(other, seq);
    bed.crash().await;
    let repeated = until_it_answers(async || down.store(LOCK, "id", &messages).await).await;
    assert_eq!(repeated, seq);
    assert_eq!(all(&down, LOCK).await, [seq]);
    down.forget(LOCK, &[seq]).await.unwrap();
    assert_eq!(down.store(LOCK, "id", &messages).await.unwrap(), seq);
    assert!(all(&down, LOCK).await.is_empty());
    assert_eq!(all(&down, "other").await, [other]);
}

/// Scenario: 1,000 entries for 10 clients are sent one after the other, before any is stored.
/// Guarantee: all are stored, in the order in which they were sent; every queue is told with its
/// length.
#[tokio::test(flavor = "multi_thread")]
async fn many_entries_on_their_way_keep_their_order() {
    let bed = Bed::start().await;
    let down = Down::open(bed.context().await).await.unwrap();
    let mut sent = Vec::new();
    for number in 0..1000_u32 {
        let (client, text) = (format!("c{}", number % 10), number.to_string());
        let messages = [message("t", &text)];
        sent.push(down.send(&client, &text, &messages).await.unwrap());
    }
    let seqs: Vec<u64> = join_all(sent.into_iter().map(Sent::stored))
        .await
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(seqs.is_sorted());
    for client in 0..10_usize {
        let expected: Vec<u64> = seqs.iter().skip(client).step_by(10).copied().collect();
        assert_eq!(all(&down, &format!("c{client}")).await, expected);
    }
    let mut queues = down.queues().await.unwrap();
    queues.sort_by_key(Queue::client_id);
    assert_eq!(queues.len(), 10);
    assert_eq!(queues[9].client_id().as_deref(), Some("c9"));
    assert!(queues.iter().all(|queue| queue.entries == 100));
}

/// Scenario: five entries; some are removed by their places, some up to a place, then all; each
/// removal is repeated, and another client's queue stands beside.
/// Guarantee: exactly those are gone; a repeat is no error; the other queue is whole.
#[tokio::test(flavor = "multi_thread")]
async fn entries_are_forgotten() {
    let bed = Bed::start().await;
    let down = Down::open(bed.context().await).await.unwrap();
    let mut seqs = Vec::new();
    for number in 0..5 {
        let messages = [message("t", "x")];
        let id = number.to_string();
        seqs.push(down.store(LOCK, &id, &messages).await.unwrap());
        down.store("other", &id, &messages).await.unwrap();
    }
    for _ in 0..2 {
        down.forget(LOCK, &[seqs[1], seqs[3]]).await.unwrap();
        assert_eq!(all(&down, LOCK).await, [seqs[0], seqs[2], seqs[4]]);
    }
    assert_eq!(down.forget_up_to(LOCK, seqs[2]).await.unwrap(), 2);
    assert_eq!(down.forget_up_to(LOCK, seqs[2]).await.unwrap(), 0);
    assert_eq!(all(&down, LOCK).await, [seqs[4]]);
    down.forget(LOCK, &[u64::MAX >> 1]).await.unwrap();
    assert_eq!(down.purge(LOCK).await.unwrap(), 1);
    assert_eq!(down.purge(LOCK).await.unwrap(), 0);
    assert_eq!(down.purge("nobody").await.unwrap(), 0);
    assert_eq!(all(&down, "other").await.len(), 5);
}

/// Scenario: something else has written into a queue.
/// Guarantee: the entry says so, can be forgotten, and does not hide what is behind it.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_can_be_forgotten() {
    let bed = Bed::start().await;
    let context = bed.context().await;
    let down = Down::open(context.clone()).await.unwrap();
    let strange = context
        .publish("down.1", "\u{ff}oops".into())
        .await
        .unwrap();
    let strange = strange.await.unwrap().sequence;
    let good = down.store("1", "1", &[message("t", "x")]).await.unwrap();
    let entries = down.read("1", 0, 10).await.unwrap();
    assert_eq!((entries[0].seq, entries[1].seq), (strange, good));
    assert!(entries[0].messages.is_err() && entries[1].messages.is_ok());
    down.forget("1", &[strange]).await.unwrap();
    assert_eq!(all(&down, "1").await, [good]);
}

/// Scenario: everything that waits is awaited in a task of its own, as the edge does.
/// Guarantee: it can be: what the library gives may move between threads.
#[tokio::test(flavor = "multi_thread")]
async fn everything_can_run_in_a_task() {
    let bed = Bed::start().await;
    let down = Down::open(bed.context().await).await.unwrap();
    let sessions = SessionBucket::open(bed.context().await).await.unwrap();
    let retained = RetainedBucket::open(bed.context().await).await.unwrap();
    let task = tokio::spawn(async move {
        let messages = [message("t", "x")];
        let seq = down.store(LOCK, "1", &messages).await.unwrap();
        assert!(down.next(LOCK, 0).await.unwrap().is_some());
        assert_eq!(down.read(LOCK, 0, 9).await.unwrap().len(), 1);
        assert_eq!(down.get(LOCK, &[seq]).await.unwrap().len(), 1);
        assert_eq!(down.read_all(0, 9).await.unwrap().entries.len(), 1);
        assert_eq!(down.queues().await.unwrap().len(), 1);
        down.forget(LOCK, &[seq]).await.unwrap();
        assert_eq!(down.forget_up_to(LOCK, seq).await.unwrap(), 0);
        assert_eq!(down.purge(LOCK).await.unwrap(), 0);
        let record = session(LOCK, "edge");
        let revision = sessions.put(&record, None).await.unwrap();
        assert!(sessions.get(LOCK).await.unwrap().is_some());
        assert_eq!(sessions.load_all().await.unwrap().sessions.len(), 1);
        sessions.delete(LOCK, revision).await.unwrap();
        let mut loaded = retained.load_and_watch().await.unwrap();
        let revision = retained.put(&messages[0]).await.unwrap();
        let change = loaded.changes.next().await.unwrap();
        assert!(matches!(change, Change::Stored(_, stored) if stored == revision));
        retained.delete("t").await.unwrap();
    });
    task.await.unwrap();
}
