//! A full store: what is not stored is not acknowledged, and nothing is lost.

use std::time::Duration;

use latchwork::mqtt_client::Publish;

use crate::clients::connect;
use crate::crash::ONE_AT_A_TIME;
use crate::dead_letters::dead_letters;
use crate::fleet::{Fleet, Load};
use crate::kafka_log::everything;
use crate::ledger::{Ledger, Repeats};
use crate::payloads::unique;
use crate::testbed::{Setup, Testbed};
use crate::waiting::{soon, until};

/// 32 MB, offered at once: many times what the streams hold.
const LOAD: Load = Load {
    locks: 8,
    states: 1000,
    every: Duration::from_millis(1),
    window: 2000,
    padding: 4000,
};

/// What the edge may take of memory for a store that stands still. Its lane holds four frames of
/// 512 KiB, and a frame on its way is held twice; the rest is the allocator's.
const EDGE_GROWTH: f64 = 16.0 * 1024.0 * 1024.0;

/// States that fit into the frame that the edge had on its way when it was killed: it may have been
/// stored without the edge knowing.
const FULL_FRAMES: usize = 2 * 512 / 4;

/// Publishes that the store must have refused before it counts as standing still.
const REFUSALS: f64 = 5.0;

/// Streams of 3 MiB each, and states that go to a topic of their own.
async fn bed(topic: &str) -> Testbed {
    let pipeline = format!(
        "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n\
         [[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\n\
         kafka_topic = \"{topic}\"\n\
         [streams]\nup_max_bytes = \"3MiB\"\nrec_max_bytes = \"3MiB\"\n"
    );
    Setup::new().pipeline(pipeline).start().await
}

/// Scenario: kafka-sink stands still, so that REC fills, then UP, while locks offer many times what
/// both hold; another client publishes at `QoS` 0. Then kafka-sink goes on.
/// Guarantee: PUBACKs are withheld while UP is full; the edge lives, within bounded memory; `QoS` 0
/// is dropped and counted instead of holding its client up; afterwards everything is acknowledged
/// and in Kafka, in order, once.
#[tokio::test]
async fn a_full_store_withholds_pubacks() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let topic = unique("full");
    let bed = bed(&topic).await;
    let idle = resident_memory(&bed).await;
    let pid = bed.pid("mqtt-edge");
    bed.pause("kafka-sink");
    let fleet = Fleet::start(bed.mqtt(), "10083618796", LOAD);
    let acknowledged = stands_still(&bed, &fleet).await;
    assert!(acknowledged > 0, "the streams took nothing at all");
    assert!(
        acknowledged < LOAD.total() / 2,
        "{acknowledged} fit into 6 MiB"
    );

    let growth = resident_memory(&bed).await - idle;
    assert!(growth < EDGE_GROWTH, "the edge grew by {growth} bytes");
    drops_qos_0(&bed).await;
    assert_eq!(
        fleet.acknowledged_so_far(),
        acknowledged,
        "acknowledged while UP was full"
    );

    bed.resume("kafka-sink");
    let ledger = settled(&bed, fleet, &topic).await;
    assert_eq!(bed.pid("mqtt-edge"), pid, "the edge was started again");
    assert_eq!(
        ledger.assert_whole(),
        Repeats {
            recognisable: 0,
            republished: 0
        }
    );
}

/// Scenario: kafka-sink stands still until everything in front of it does; then the edge and
/// transform are killed, both full of what they could not give on. Then kafka-sink goes on.
/// Guarantee: nothing that was acknowledged was only in their memory: it is in Kafka, in order.
#[tokio::test]
async fn what_is_acknowledged_is_in_no_process_alone() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let topic = unique("full-and-killed");
    let bed = bed(&topic).await;
    bed.pause("kafka-sink");
    let load = Load {
        states: 300,
        ..LOAD
    };
    let fleet = Fleet::start(bed.mqtt(), "10083618796", load);
    stands_still(&bed, &fleet).await;
    bed.kill("mqtt-edge").await;
    bed.kill("transform").await;
    bed.resume("kafka-sink");
    bed.ready().await;
    let repeats = settled(&bed, fleet, &topic).await.assert_whole();
    eprintln!("{repeats:?}");
    assert!(repeats.republished <= FULL_FRAMES, "{repeats:?}");
}

/// Waits until everything is acknowledged and gone through, and gives the account.
async fn settled(bed: &Testbed, fleet: Fleet, topic: &str) -> Ledger {
    let mut ledger = fleet.finish().await;
    bed.drained().await;
    ledger.book_stored(&everything(&bed.kafka(), topic).await);
    ledger.book_dead(&dead_letters(&bed.jetstream().await, "transform").await);
    ledger
}

/// Waits until UP has refused frame after frame and nothing was acknowledged meanwhile; gives what
/// was acknowledged before.
async fn stands_still(bed: &Testbed, fleet: &Fleet) -> u64 {
    let refusals = async || {
        bed.metrics("mqtt-edge")
            .await
            .sum("latchwork_retries_total")
    };
    let mut since = (u64::MAX, 0.0);
    until("the store to stand still", async || {
        let (acknowledged, refused) = (fleet.acknowledged_so_far(), refusals().await);
        if since.0 != acknowledged {
            since = (acknowledged, refused);
        }
        refused >= since.1 + REFUSALS
    })
    .await;
    let retries = bed
        .metrics("transform")
        .await
        .sum("latchwork_retries_total");
    assert!(retries > 0.0, "UP is full although REC is not");
    since.0
}

async fn drops_qos_0(bed: &Testbed) {
    let (client, _) = connect(&bed.client("careless")).await;
    for _ in 0..10 {
        let message = Publish::new("careless/topic", "1").at_most_once();
        soon("QoS 0 to be sent", client.publish(message).await.unwrap())
            .await
            .unwrap();
    }
    // The answer shows that the edge has read, and not waited with, what was before.
    soon("PINGRESP behind QoS 0", client.ping()).await.unwrap();
    let dropped = bed
        .metrics("mqtt-edge")
        .await
        .sum("latchwork_mqtt_qos0_dropped_total");
    assert!(dropped >= 10.0, "{dropped} of 10 are counted as dropped");
}

async fn resident_memory(bed: &Testbed) -> f64 {
    bed.metrics("mqtt-edge")
        .await
        .sum("process_resident_memory_bytes")
}
