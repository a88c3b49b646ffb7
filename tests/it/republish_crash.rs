//! Messages that rules publish, while the edges that take them die.

use std::collections::BTreeSet;

use record::Record;
use servers::free_port;
use tokio::net::TcpStream;
use topology::PUBLISH;

use crate::raw_mqtt::{Level, RawClient, RawConnect};
use crate::replica::{Replica, lanes};
use crate::republish_bed::{Queue, Stored, message, next_message};
use crate::testbed::{Setup, Testbed};
use crate::waiting::until;

/// Messages of a frame: far fewer than a batch.
const EACH: u32 = 50;

fn numbered(numbers: std::ops::Range<u32>) -> Vec<Record> {
    let record = |number: u32| message("orders/lock", format!("{number:01000}"));
    numbers.map(record).collect()
}

fn number(payload: &[u8]) -> u32 {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// Every number came, and none for the first time behind a greater one. Gives how often one came
/// again.
fn assert_whole(numbers: &[u32], all: std::ops::Range<u32>) -> usize {
    let mut seen = BTreeSet::new();
    let first = numbers
        .iter()
        .copied()
        .filter(|number| seen.insert(*number));
    let first: Vec<_> = first.collect();
    let repeats = numbers.len() - first.len();
    assert_eq!(first, all.collect::<Vec<_>>());
    repeats
}

async fn connect(bed: &Testbed, connecting: &RawConnect) -> (RawClient, bool) {
    until("the edge to be back", async || {
        TcpStream::connect(bed.mqtt()).await.is_ok()
    })
    .await;
    let (client, connack) = RawClient::connect(bed.mqtt(), connecting).await;
    (client, connack.body == [1, 0])
}

/// Scenario: 12,000 messages of a rule, of `QoS` 1, wait for an edge that is killed three times while
/// it publishes them to a session that takes them and to UP.
/// Guarantee: UP and the session have each, in order; only what was under way at a kill comes again.
#[tokio::test]
async fn the_edge_is_killed_while_it_publishes() {
    let bed = Setup::new()
        .pipeline("[sessions]\nqueue = 100000\n")
        .stages(&["mqtt-edge"])
        .start()
        .await;
    let connecting = RawConnect {
        clean: false,
        ..RawConnect::new(Level::V311, "lock")
    };
    let (mut client, _) = connect(&bed, &connecting).await;
    assert_eq!(client.subscribe(&[("orders/lock", 1)]).await, [1]);
    let mut queue = Queue::of(&bed).await;
    let count = 12_000;
    bed.pause("mqtt-edge");
    for first in (0..count).step_by(EACH as usize) {
        queue.put(0, &numbered(first..first + EACH)).await;
    }
    bed.resume("mqtt-edge");
    let mut stored = Stored::of(&bed).await;
    let mut got = Vec::new();
    for kill in 1..=3_u32 {
        stored.has((count / 5 * kill) as usize).await;
        bed.kill("mqtt-edge").await;
        while let Some(message) = next_message(&mut client).await {
            got.push(number(message.payload.as_bytes()));
        }
        let present;
        (client, present) = connect(&bed, &connecting).await;
        assert!(present, "its session must be there");
    }
    queue.is_empty().await;
    while !got.contains(&(count - 1)) {
        let message = next_message(&mut client).await.unwrap();
        got.push(number(message.payload.as_bytes()));
    }
    stored.read_on().await;
    let in_up = stored.republished.iter();
    let in_up: Vec<_> = in_up.map(|(_, record)| number(&record.payload)).collect();
    let (repeats, repeated) = (assert_whole(&in_up, 0..count), assert_whole(&got, 0..count));
    eprintln!("{repeats} came to UP again, {repeated} to the lock");
    // At most one batch a kill.
    assert!(repeats <= 3 * 4096 + 3 * EACH as usize, "{repeats}");
}

/// Scenario: two edges, four partitions with messages of rules; one edge is killed for good.
/// Guarantee: each edge has two lanes, then one has all; UP has each message of the quiet time once,
/// all of them at last, each in the partition that it was put into and in order there.
#[tokio::test]
async fn two_edges_share_the_lanes() {
    let pipeline = "[streams]\npartitions = 4\n";
    let bed = Setup::new()
        .pipeline(pipeline)
        .stages(&["mqtt-edge"])
        .start()
        .await;
    let mqtt = format!("127.0.0.1:{}", free_port().unwrap());
    let environment = [
        ("LATCHWORK_MQTT", mqtt.as_str()),
        ("LATCHWORK_NODE", "other"),
        ("LATCHWORK_ALLOW_ANONYMOUS", "true"),
    ];
    let other = Replica::start(&bed, "mqtt-edge", Some(pipeline), &environment);
    other.ready().await;
    let has = async |process: u32, count: usize| {
        let what = format!("process {process} to have {count} lanes");
        until(&what, async || {
            lanes(&bed, PUBLISH.name).await.get(&process) == Some(&count)
        })
        .await;
    };
    has(other.pid(), 2).await;
    has(bed.pid("mqtt-edge"), 2).await;

    let mut queue = Queue::of(&bed).await;
    let mut put = async |numbers: std::ops::Range<u32>| {
        for first in numbers.step_by(EACH as usize) {
            for partition in 0..4 {
                queue.put(partition, &numbered(first..first + EACH)).await;
            }
        }
    };
    put(0..500).await;
    let mut stored = Stored::of(&bed).await;
    stored.has(4 * 500).await;
    assert_eq!(stored.republished.len(), 4 * 500);
    let nodes = stored
        .republished
        .iter()
        .map(|(_, record)| record.node.clone());
    assert_eq!(
        nodes.collect::<BTreeSet<_>>().len(),
        2,
        "both edges publish"
    );
    put(500..1000).await;
    other.end().await;
    put(1000..2000).await;
    has(bed.pid("mqtt-edge"), 4).await;
    queue.is_empty().await;
    stored.read_on().await;
    let mut repeats = 0;
    for partition in 0..4 {
        let here = stored.republished.iter();
        let here = here.filter(|(found, _)| *found == partition);
        let here: Vec<_> = here.map(|(_, record)| number(&record.payload)).collect();
        repeats += assert_whole(&here, 0..2000);
    }
    eprintln!("{repeats} came to UP again");
}
