//! A full store: what is not stored is not acknowledged, and nothing is lost.

use std::time::Duration;

use latchwork::mqtt_client::Publish;

use crate::dead_letters::dead_letters;
use crate::fleet::{Fleet, Load};
use crate::kafka_log::everything;
use crate::ledger::Repeats;
use crate::payloads::unique;
use crate::testbed::{Setup, Testbed, connect};
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

/// Publishes that the store must have refused before it counts as standing still.
const REFUSALS: f64 = 5.0;

/// Scenario: kafka-sink stands still, so that REC fills, then UP, while locks offer many times what
/// both hold; another client publishes at `QoS` 0. Then kafka-sink goes on.
/// Guarantee: PUBACKs are withheld while UP is full; the edge lives, within bounded memory; `QoS` 0
/// is dropped and counted instead of holding its client up; afterwards everything is acknowledged
/// and in Kafka, in order, once.
#[tokio::test]
async fn a_full_store_withholds_pubacks() {
    let topic = unique("full");
    let bed = Setup::new()
        .pipeline(format!(
            "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n\
             [[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\n\
             kafka_topic = \"{topic}\"\n\
             [streams]\nup_max_bytes = \"3MiB\"\nrec_max_bytes = \"3MiB\"\n"
        ))
        .start()
        .await;
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
    let mut ledger = fleet.finish().await;
    bed.drained().await;
    assert_eq!(bed.pid("mqtt-edge"), pid, "the edge was started again");
    ledger.book_stored(&everything(&bed.kafka(), &topic).await);
    ledger.book_dead(&dead_letters(&bed.jetstream().await, "transform").await);
    assert_eq!(
        ledger.assert_whole(),
        Repeats {
            recognisable: 0,
            republished: 0
        }
    );
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
