//! Figures, printed and not asserted: `cargo test -p session -- --ignored --nocapture`.

use std::time::Instant;

use futures::{StreamExt, stream};
use session::{Down, RetainedBucket, SessionBucket};
use stage::jetstream::StreamSettings;

use crate::bed::{Bed, message};
use crate::sessions::session;

/// Requests on their way at once.
const AT_ONCE: usize = 512;

#[expect(clippy::print_stdout, reason = "figures are for people")]
fn rate(what: &str, count: usize, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(count).unwrap()) / seconds;
    println!("{what}: {count} in {seconds:.2} s, {rate:.0}/s");
}

/// Scenario: 100,000 sessions are stored and loaded.
/// Guarantee: all are loaded; the times are printed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute; prints figures"]
async fn a_hundred_thousand_sessions() {
    const COUNT: usize = 100_000;
    let bed = Bed::start().await;
    let bucket = SessionBucket::open(bed.context().await).await.unwrap();
    let started = Instant::now();
    let puts = stream::iter(0..COUNT).map(|number| {
        let bucket = bucket.clone();
        async move {
            let record = session(&format!("lock-{number}"), "edge");
            bucket.put(&record, None).await.unwrap()
        }
    });
    puts.buffer_unordered(AT_ONCE).count().await;
    rate("sessions put", COUNT, started);
    let started = Instant::now();
    let loaded = bucket.load_all().await.unwrap();
    rate("sessions loaded", loaded.sessions.len(), started);
    assert_eq!(loaded.sessions.len(), COUNT);
}

/// Scenario: 2,000 clients with ten entries each; all are read, in one answer a client and one by
/// one; half of them are forgotten one by one, the others at once.
/// Guarantee: all are read and all are gone; the times are printed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute; prints figures"]
async fn many_queues() {
    const CLIENTS: usize = 2000;
    const EACH: usize = 10;
    let bed = Bed::with(&StreamSettings::default()).await;
    let down = Down::open(bed.context().await).await.unwrap();
    let payload = "x".repeat(250);
    let started = Instant::now();
    let stores = stream::iter(0..CLIENTS * EACH).map(|number| {
        let (down, messages) = (down.clone(), [message("devices/1/command", &payload)]);
        let client = format!("lock-{}", number % CLIENTS);
        async move {
            down.store(&client, &number.to_string(), &messages)
                .await
                .unwrap()
        }
    });
    stores.buffer_unordered(AT_ONCE).count().await;
    rate("entries stored", CLIENTS * EACH, started);

    let started = Instant::now();
    let reads = stream::iter(0..CLIENTS).map(|client| {
        let down = down.clone();
        tokio::spawn(async move {
            let client = format!("lock-{client}");
            down.read(&client, 0, 100).await.unwrap()
        })
    });
    let read: Vec<_> = reads.buffered(64).collect().await;
    let count: usize = read.iter().map(|read| read.as_ref().unwrap().len()).sum();
    assert_eq!(count, CLIENTS * EACH);
    rate("entries read, ten an answer", count, started);

    let started = Instant::now();
    let reads = stream::iter(0..CLIENTS).map(|client| {
        let down = down.clone();
        tokio::spawn(async move { down.next(&format!("lock-{client}"), 0).await.unwrap() })
    });
    let count = reads.buffer_unordered(64).count().await;
    rate("first entries read, one an answer", count, started);

    let started = Instant::now();
    let (mut after, mut count) = (0, 0);
    loop {
        let part = down.read_all(after, 4096).await.unwrap();
        count += part.entries.len();
        after = part.entries.last().map_or(after, |(_, entry)| entry.seq);
        if !part.more {
            break;
        }
    }
    assert_eq!(count, CLIENTS * EACH);
    rate("entries of all queues read", count, started);

    let queues: Vec<Vec<u64>> = read
        .into_iter()
        .map(|read| read.unwrap().iter().map(|entry| entry.seq).collect())
        .collect();
    let started = Instant::now();
    let reads = stream::iter(queues.iter().cloned().enumerate()).map(|(client, seqs)| {
        let down = down.clone();
        tokio::spawn(async move {
            let found = down.get(&format!("lock-{client}"), &seqs).await.unwrap();
            assert_eq!(found.len(), EACH);
        })
    });
    let count = reads.buffer_unordered(64).count().await * EACH;
    rate("entries read by their places", count, started);

    let started = Instant::now();
    let forgets = stream::iter(queues.iter().take(CLIENTS / 2)).map(|seqs| {
        let down = down.clone();
        async move { down.forget("any", seqs).await.unwrap() }
    });
    forgets.buffer_unordered(64).count().await;
    rate("entries forgotten one by one", CLIENTS * EACH / 2, started);
    let before = down.queues().await.unwrap();
    let started = Instant::now();
    let forgets = stream::iter(&before).map(|queue| {
        let (down, client) = (down.clone(), queue.client_id().unwrap());
        async move { down.forget_up_to(&client, u64::MAX - 1).await.unwrap() }
    });
    let forgotten: Vec<u64> = forgets.buffer_unordered(64).collect().await;
    let forgotten = forgotten.iter().sum::<u64>();
    rate(
        "entries forgotten up to a place",
        usize::try_from(forgotten).unwrap(),
        started,
    );
    assert!(down.queues().await.unwrap().is_empty());
}

/// Scenario: 100,000 retained messages are stored and loaded.
/// Guarantee: all are loaded; the times are printed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute; prints figures"]
async fn a_hundred_thousand_retained_messages() {
    const COUNT: usize = 100_000;
    let bed = Bed::start().await;
    let bucket = RetainedBucket::open(bed.context().await).await.unwrap();
    let payload = "x".repeat(250);
    let started = Instant::now();
    let puts = stream::iter(0..COUNT).map(|number| {
        let bucket = bucket.clone();
        let message = message(&format!("devices/{number}/state"), &payload);
        async move { bucket.put(&message).await.unwrap() }
    });
    puts.buffer_unordered(AT_ONCE).count().await;
    rate("retained messages put", COUNT, started);
    let started = Instant::now();
    let retained = bucket.load_and_watch().await.unwrap();
    rate("retained messages loaded", retained.messages.len(), started);
    assert_eq!(retained.messages.len(), COUNT);
}
