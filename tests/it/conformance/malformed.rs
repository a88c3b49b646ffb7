//! Malformed packets before and behind CONNECT, while others go on.

use std::future::Future;
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::bed::{Bed, roomy};
use super::bystander::Bystander;
use super::change::Bad;
use super::corpus::{Good, connect, others};
use crate::raw_mqtt::{CONNACK, DISCONNECT, LEVELS, Level, PINGREQ, PINGRESP, RawClient};

/// Connections at a time.
const AT_A_TIME: usize = 4;

/// Scenario: the good packets of the corpus, whole and at each of their legal ends.
/// Guarantee: each is taken: what the other tests change in them is what is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_good_packets_are_taken() {
    let bed = roomy().await;
    for level in LEVELS {
        for (number, bytes) in connect().whole(level).iter().enumerate() {
            let mut client = RawClient::open(bed.mqtt(), level).await;
            client.send(bytes).await;
            let connack = client.expect(CONNACK, "CONNACK").await;
            assert_eq!(connack.body[1], 0, "{number}: {bytes:02X?}");
        }
        for good in others(level) {
            for bytes in good.whole(level) {
                taken(&bed, level, &good, &bytes).await;
            }
        }
    }
    bed.assert_unhurt();
}

async fn taken(bed: &Bed, level: Level, good: &Good, bytes: &[u8]) {
    let what = format!("{level:?}: {} as {bytes:02X?}", good.name);
    let mut client = RawClient::connected(bed.mqtt(), level, "good").await;
    client.send(bytes).await;
    if good.first == DISCONNECT {
        assert_eq!(client.closed().await, [], "{what}");
        return;
    }
    client.send(&[PINGREQ, 0]).await;
    loop {
        let next = client.next(&what).await;
        let next = next.unwrap_or_else(|| panic!("closed: {what}"));
        assert_ne!(next.first, DISCONNECT, "{what}: {next:?}");
        if next.first == PINGRESP {
            return;
        }
    }
}

/// Scenario: each malformed packet of the corpus comes behind a good CONNECT, in both versions,
/// while a bystander publishes to itself.
/// Guarantee: it ends its own connection, in 5.0 with the reason; the bystander misses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_packets_behind_connect() {
    let bed = roomy().await;
    let judged = |level, bad: Bad| {
        let bed = Arc::clone(&bed);
        async move {
            let id = format!("bad{}", fastrand::u64(..));
            let mut client = RawClient::connected(bed.mqtt(), level, &id).await;
            client.send(&bad.bytes).await;
            let came = client.closed().await;
            let told = [&came[..]].concat();
            let right = match (level, &told[..]) {
                (Level::V311, []) => true,
                (Level::V5, [only]) if only.first == DISCONNECT => only
                    .body
                    .first()
                    .is_some_and(|code| bad.reasons.contains(code)),
                _ => false,
            };
            (!right).then(|| format!("{level:?}: {}: {came:02X?}", bad.what))
        }
    };
    let corpus = |level| {
        let bad = |good: Good| good.malformed(level);
        let mut all: Vec<Bad> = others(level).into_iter().flat_map(bad).collect();
        all.extend(of_a_server());
        all
    };
    run(&bed, "malformed packets behind CONNECT", corpus, judged).await;
}

/// Scenario: each malformed CONNECT of the corpus, and every other packet, good or malformed, is
/// the first on a connection.
/// Guarantee: the connection ends; the edge says nothing but a CONNACK that refuses, and that only
/// to a CONNECT.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_packets_before_connect() {
    let bed = roomy().await;
    let judged = |level, bad: Bad| {
        let bed = Arc::clone(&bed);
        async move {
            let mut client = RawClient::open(bed.mqtt(), level).await;
            client.send(&bad.bytes).await;
            let came = client.closed().await;
            let is_connect = bad.bytes[0] & 0xF0 == 0x10;
            let right = match &came[..] {
                [] => true,
                [only] if is_connect => {
                    only.first == CONNACK && only.body[0] == 0 && only.body[1] != 0
                }
                _ => false,
            };
            (!right).then(|| format!("{level:?}: {}: {came:02X?}", bad.what))
        }
    };
    let corpus = |level| {
        let mut all = connect().malformed(level);
        for good in others(level) {
            all.extend(good.malformed(level));
            let what = format!("{} first", good.name);
            all.extend(good.whole(level).into_iter().map(|bytes| Bad {
                what: what.clone(),
                bytes,
                reasons: &[],
            }));
        }
        all.extend(of_a_server());
        all
    };
    run(&bed, "malformed packets before CONNECT", corpus, judged).await;
}

/// Packets that only a server sends, and types that there are not.
fn of_a_server() -> Vec<Bad> {
    let all: [&[u8]; 8] = [
        &[0x20, 2, 0, 0],
        &[0x20, 3, 0, 0, 0],
        &[0x90, 3, 0, 1, 0],
        &[0x90, 4, 0, 1, 0, 0],
        &[0xB0, 2, 0, 1],
        &[0xD0, 0],
        &[0x00, 0],
        &[0x0F, 0],
    ];
    let bad = |bytes: &[u8]| Bad {
        what: format!("what no client sends: {bytes:02X?}"),
        bytes: bytes.to_vec(),
        reasons: &[0x81, 0x82],
    };
    all.map(bad).into()
}

/// Judges every packet in both versions beside a bystander, and tells of all that went wrong.
async fn run<J: Future<Output = Option<String>>>(
    bed: &Arc<Bed>,
    what: &str,
    corpus: impl Fn(Level) -> Vec<Bad>,
    judged: impl Fn(Level, Bad) -> J,
) {
    let bystander = Bystander::of(bed);
    let all = LEVELS.into_iter().flat_map(|level| {
        let corpus = corpus(level).into_iter();
        corpus.map(move |bad| (level, bad))
    });
    let all: Vec<_> = all.map(|(level, bad)| judged(level, bad)).collect();
    let count = all.len();
    let wrong: Vec<Option<String>> = stream::iter(all)
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    let exchanges = bystander.unhurt().await;
    bed.assert_unhurt();
    assert!(wrong.is_empty(), "{} of {count}: {wrong:#?}", wrong.len());
    eprintln!("{count} {what}; {exchanges} exchanges of a bystander meanwhile");
}
