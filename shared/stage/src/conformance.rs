//! What every source and every sink must do: one suite for the doubles in memory and the real ones.
//!
//! A test makes a fixture for its source or sink and calls [`source`] or [`sink`]. Each check says
//! its scenario and guarantee, and panics when the guarantee is broken.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use record::KafkaRecord;

use crate::sink::Sink;
use crate::source::{Batch, Source};

/// Nothing that these checks wait for takes this long.
const DEADLINE: Duration = Duration::from_secs(30);

/// A stream and the ways to it.
pub trait SourceFixture {
    /// What is tested.
    type Source: Source<Item = KafkaRecord>;

    /// Appends one frame to the stream.
    fn append(&mut self, items: Vec<KafkaRecord>) -> impl Future<Output = ()>;

    /// A new source, as a process makes it that starts after the last one died.
    fn open(&mut self) -> impl Future<Output = Self::Source>;

    /// Tells the newest source to stop.
    fn stop(&mut self) -> impl Future<Output = ()>;
}

/// A sink and a way to see what it stored.
pub trait SinkFixture {
    /// What is tested.
    type Sink: Sink<Item = KafkaRecord>;

    /// A new sink, as a process makes it that starts after the last one died.
    fn open(&mut self) -> impl Future<Output = Self::Sink>;

    /// Everything stored so far, in order, at least `count` of them.
    fn stored(&mut self, count: usize) -> impl Future<Output = Vec<KafkaRecord>>;

    /// A topic that the sink can store to.
    fn topic(&self) -> Bytes;

    /// Bytes of a value that the sink can never store.
    fn too_large(&self) -> usize;
}

/// A record that can be told from every other.
pub fn numbered(topic: &Bytes, number: u64) -> KafkaRecord {
    KafkaRecord {
        topic: topic.clone(),
        key: Some(Bytes::from_static(b"lock-1")),
        value: Bytes::from(number.to_string()),
        client_id: Bytes::from_static(b"lock-1"),
        origin_sequence: number,
        timestamp_ms: 1_574_753_026_269,
        ..KafkaRecord::default()
    }
}

/// Runs every check of a source; a fresh fixture for each.
pub async fn source<F: SourceFixture>(mut fresh: impl AsyncFnMut() -> F) {
    gives_everything_in_order(fresh().await).await;
    gives_the_unsettled_again_first(fresh().await).await;
    forgets_the_settled(fresh().await).await;
    loses_nothing_when_next_is_cancelled(fresh().await).await;
    ends_when_told_to_stop(fresh().await).await;
}

/// Runs every check of a sink; a fresh fixture for each.
pub async fn sink<F: SinkFixture>(mut fresh: impl AsyncFnMut() -> F) {
    stores_everything_in_order(fresh().await).await;
    refuses_what_is_too_large_alone(fresh().await).await;
    keeps_order_when_a_batch_is_repeated(fresh().await).await;
    survives_a_dropped_send(fresh().await).await;
}

/// Scenario: three frames wait, and a fourth comes later.
/// Guarantee: every item arrives once, in order, with growing sequences.
async fn gives_everything_in_order(mut fixture: impl SourceFixture) {
    for frame in [0..3, 3..4, 4..6] {
        fixture.append(items(frame)).await;
    }
    let mut source = fixture.open().await;
    let mut taken = take(&mut source, 6).await;
    fixture.append(items(6..7)).await;
    taken.extend(take(&mut source, 1).await);
    assert_eq!(numbers(&taken), (0..7).collect::<Vec<_>>());
    let sequences: Vec<u64> = taken
        .iter()
        .flat_map(|batch| &batch.deliveries)
        .map(|one| one.sequence)
        .collect();
    assert!(
        sequences.is_sorted_by(|a, b| a < b),
        "sequences grow: {sequences:?}"
    );
}

/// Scenario: a process takes two frames, settles the first and dies; a third frame has come.
/// Guarantee: the next process gets the second frame first, then the third, and not the first.
async fn gives_the_unsettled_again_first(mut fixture: impl SourceFixture) {
    fixture.append(items(0..2)).await;
    let mut dying = fixture.open().await;
    let first = take(&mut dying, 2).await;
    fixture.append(items(2..4)).await;
    let second = take(&mut dying, 2).await;
    settle(&mut dying, first).await;
    drop((second, dying));
    fixture.append(items(4..5)).await;
    let mut next = fixture.open().await;
    let taken = take(&mut next, 3).await;
    assert_eq!(numbers(&taken), [2, 3, 4]);
}

/// Scenario: everything is settled, and the process starts again.
/// Guarantee: only what came afterwards is given.
async fn forgets_the_settled(mut fixture: impl SourceFixture) {
    fixture.append(items(0..5)).await;
    let mut source = fixture.open().await;
    let taken = take(&mut source, 5).await;
    settle(&mut source, taken).await;
    drop(source);
    fixture.append(items(5..6)).await;
    let mut source = fixture.open().await;
    assert_eq!(numbers(&take(&mut source, 1).await), [5]);
}

/// Scenario: the wait for a batch is given up again and again, while frames come.
/// Guarantee: nothing is lost or reordered by that.
async fn loses_nothing_when_next_is_cancelled(mut fixture: impl SourceFixture) {
    let mut source = fixture.open().await;
    let mut taken = Vec::new();
    for number in 0..20 {
        fixture.append(items(number..number + 1)).await;
        // Short enough to be cancelled in the middle now and then.
        let wait = Duration::from_micros(number * 100);
        taken.extend(
            tokio::time::timeout(wait, source.next())
                .await
                .ok()
                .flatten(),
        );
    }
    let so_far = numbers(&taken).len();
    taken.extend(take(&mut source, 20 - so_far).await);
    assert_eq!(numbers(&taken), (0..20).collect::<Vec<_>>());
}

/// Scenario: the source is told to stop while it waits.
/// Guarantee: it says that it is drained, and what comes later is given to the next process.
async fn ends_when_told_to_stop(mut fixture: impl SourceFixture) {
    let mut source = fixture.open().await;
    fixture.stop().await;
    let ended = tokio::time::timeout(DEADLINE, source.next()).await;
    assert!(ended.expect("the source ends in time").is_none());
    fixture.append(items(0..1)).await;
    drop(source);
    let mut source = fixture.open().await;
    assert_eq!(numbers(&take(&mut source, 1).await), [0]);
}

/// Scenario: batches of one, of many and of more than a frame holds.
/// Guarantee: everything is stored, in order, byte for byte.
async fn stores_everything_in_order(mut fixture: impl SinkFixture) {
    let topic = fixture.topic();
    let mut sink = fixture.open().await;
    for (batch, range) in [("a:1-1", 0..1), ("a:2-2", 1..100), ("a:3-9", 100..3000)] {
        let records: Vec<_> = range.map(|number| numbered(&topic, number)).collect();
        let refused = sink
            .send(batch, &records)
            .await
            .expect("the other side is there");
        assert!(refused.is_empty(), "{refused:?}");
    }
    let stored = fixture.stored(3000).await;
    assert_eq!(stored.len(), 3000);
    for (record, number) in stored.iter().zip(0..) {
        let expected = numbered(&topic, number);
        assert_eq!(
            (&record.value, &record.key),
            (&expected.value, &expected.key)
        );
    }
}

/// Scenario: one record of a batch is larger than the other side can take.
/// Guarantee: that one is refused with its index, its neighbours are stored in order.
async fn refuses_what_is_too_large_alone(mut fixture: impl SinkFixture) {
    let topic = fixture.topic();
    let mut sink = fixture.open().await;
    let mut records: Vec<_> = (0..10).map(|number| numbered(&topic, number)).collect();
    if let Some(large) = records.get_mut(4) {
        large.value = vec![b'x'; fixture.too_large()].into();
    }
    let refused = sink
        .send("b:1-1", &records)
        .await
        .expect("the other side is there");
    assert_eq!(refused.iter().map(|one| one.index).collect::<Vec<_>>(), [4]);
    assert!(
        refused
            .iter()
            .all(|one| one.reject.code.contains("too-large")),
        "{refused:?}"
    );
    let stored: Vec<_> = fixture.stored(9).await.iter().map(number_of).collect();
    assert_eq!(stored, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
}

/// Scenario: a batch is sent twice, by a process that died before it could settle and by the next.
/// Guarantee: nothing is lost, and the first copies of the records are in order.
async fn keeps_order_when_a_batch_is_repeated(mut fixture: impl SinkFixture) {
    let topic = fixture.topic();
    let records: Vec<_> = (0..500).map(|number| numbered(&topic, number)).collect();
    let (first, second) = records.split_at(250);
    let mut dying = fixture.open().await;
    dying
        .send("c:1-1", first)
        .await
        .expect("the other side is there");
    drop(dying);
    let mut next = fixture.open().await;
    next.send("c:1-1", first)
        .await
        .expect("the other side is there");
    next.send("c:2-2", second)
        .await
        .expect("the other side is there");
    assert_first_copies_in_order(&fixture.stored(500).await, 500);
}

/// Scenario: a send is given up in the middle, and repeated.
/// Guarantee: nothing is lost, and the first copies of the records are in order.
async fn survives_a_dropped_send(mut fixture: impl SinkFixture) {
    let topic = fixture.topic();
    let records: Vec<_> = (0..2000).map(|number| numbered(&topic, number)).collect();
    let mut sink = fixture.open().await;
    for wait in [0, 200, 1000, 3000] {
        let wait = Duration::from_micros(wait);
        if let Ok(sent) = tokio::time::timeout(wait, sink.send("d:1-1", &records)).await {
            sent.expect("the other side is there");
        }
    }
    sink.send("d:1-1", &records)
        .await
        .expect("the other side is there");
    assert_first_copies_in_order(&fixture.stored(2000).await, 2000);
}

fn assert_first_copies_in_order(stored: &[KafkaRecord], count: u64) {
    let mut seen = std::collections::HashSet::new();
    let firsts: Vec<u64> = stored
        .iter()
        .map(number_of)
        .filter(|number| seen.insert(*number))
        .collect();
    assert_eq!(firsts, (0..count).collect::<Vec<_>>());
}

fn items(range: std::ops::Range<u64>) -> Vec<KafkaRecord> {
    range
        .map(|number| numbered(&Bytes::from_static(b"topic"), number))
        .collect()
}

/// Takes batches until they hold so many items.
async fn take<S: Source<Item = KafkaRecord>>(
    source: &mut S,
    count: usize,
) -> Vec<Batch<KafkaRecord, S::Token>> {
    let mut batches = Vec::new();
    let mut items = 0;
    while items < count {
        let batch = tokio::time::timeout(DEADLINE, source.next()).await;
        let batch = batch
            .expect("a batch comes in time")
            .expect("the source is not drained");
        items += batch.len();
        batches.push(batch);
    }
    batches
}

async fn settle<S: Source>(source: &mut S, batches: Vec<Batch<S::Item, S::Token>>) {
    let deliveries = batches.into_iter().flat_map(|batch| batch.deliveries);
    source
        .settle(deliveries.map(|delivery| delivery.token).collect())
        .await;
    source.flush().await;
}

fn numbers<K>(batches: &[Batch<KafkaRecord, K>]) -> Vec<u64> {
    batches
        .iter()
        .flat_map(Batch::items)
        .map(|(_, item)| number_of(item))
        .collect()
}

fn number_of(item: &KafkaRecord) -> u64 {
    std::str::from_utf8(&item.value)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(u64::MAX)
}
