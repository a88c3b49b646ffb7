//! kill -9 of every process on the road, under load.

use servers::{KafkaOptions, KafkaServer};
use tokio::sync::Semaphore;

use crate::dead_letters::dead_letters;
use crate::fleet::{Fleet, Load};
use crate::kafka_log::everything;
use crate::ledger::Repeats;
use crate::payloads::unique;
use crate::testbed::{Setup, Testbed};

/// Two cores serve a stack and its load, but not two of them without stretching every deadline.
pub(crate) static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

const LOAD: Load = Load::MODEST;

/// Faults in each test.
const FAULTS: u64 = 2;

/// Before each fault, so many states are acknowledged.
fn instants() -> Vec<u64> {
    let seed = std::env::var("LATCHWORK_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let instants = (0..FAULTS).map(|_| random.u64(50..700)).collect();
    eprintln!("a fault after each of {instants:?} states (LATCHWORK_TEST_SEED={seed})");
    instants
}

/// The pipeline under test: states into a topic of its own with several partitions.
fn pipeline(topic: &str) -> String {
    format!(
        "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n\
         [[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\n\
         kafka_topic = \"{topic}\"\n[[topic]]\nname = \"{topic}\"\npartitions = 3\n\
         [streams]\npartitions = 2\n"
    )
}

/// Runs the load with a fault at each instant, and checks the account of every message.
async fn survive(setup: Setup, mut fault: impl AsyncFnMut(&mut Testbed, &mut Fleet)) -> Repeats {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let topic = unique("crash");
    let mut bed = setup.pipeline(pipeline(&topic)).start().await;
    let mut fleet = Fleet::start(bed.mqtt(), "10083618796", LOAD);
    for instant in instants() {
        fleet.acknowledges(instant).await;
        fault(&mut bed, &mut fleet).await;
    }
    // What comes behind the last fault must arrive as well.
    fleet.acknowledges(100).await;
    fleet.enough();
    let mut ledger = fleet.finish().await;
    bed.drained().await;
    ledger.book_stored(&everything(&bed.kafka(), &topic).await);
    ledger.book_dead(&dead_letters(&bed.jetstream().await, "transform").await);
    let repeats = ledger.assert_whole();
    eprintln!("{repeats:?}");
    repeats
}

/// What the kills may repeat at most: a stage sends again what it had not settled, which at this
/// load is what the locks publish within a second.
fn bound() -> usize {
    usize::try_from(FAULTS * LOAD.per_second()).unwrap()
}

/// Kills a process on the road.
async fn kill(bed: &Testbed, name: &str) {
    bed.kill(name).await;
    bed.ready().await;
}

/// Scenario: mqtt-edge is killed twice under load; the locks connect again and publish again what
/// was not acknowledged.
/// Guarantee: nothing acknowledged is lost, the order of each lock holds; repeats are at most what
/// was on its way.
#[tokio::test]
async fn mqtt_edge_is_killed() {
    let repeats = survive(Setup::new(), async |bed, _| kill(bed, "mqtt-edge").await).await;
    assert!(repeats.republished <= 2 * LOAD.in_flight(), "{repeats:?}");
    assert_eq!(repeats.recognisable, 0, "{repeats:?}");
}

/// Scenario: transform is killed twice under load.
/// Guarantee: nothing acknowledged is lost, the order of each lock holds; what it had not settled
/// may come again, under the same lw-seq.
#[tokio::test]
async fn transform_is_killed() {
    let repeats = survive(Setup::new(), async |bed, _| kill(bed, "transform").await).await;
    assert!(repeats.recognisable <= bound(), "{repeats:?}");
    assert_eq!(repeats.republished, 0, "{repeats:?}");
}

/// Scenario: kafka-sink is killed under load, and again while Kafka is dead, with records in its
/// hands that it can't store.
/// Guarantee: nothing acknowledged is lost, the order of each lock holds; what it had not settled
/// may come again, under the same lw-seq.
#[tokio::test]
async fn kafka_sink_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = KafkaServer::start(KafkaOptions::new(folder.path()))
        .await
        .unwrap();
    let setup = Setup::new().kafka(server.address());
    let mut kafka_is_dead = false;
    let kill = async |bed: &mut Testbed, fleet: &mut Fleet| {
        if kafka_is_dead {
            server.kill().await.unwrap();
            fleet.acknowledges(100).await;
        }
        bed.kill("kafka-sink").await;
        if kafka_is_dead {
            server.restart().await.unwrap();
        }
        bed.ready().await;
        kafka_is_dead = true;
    };
    let repeats = survive(setup, kill).await;
    assert!(repeats.recognisable <= bound(), "{repeats:?}");
    assert_eq!(repeats.republished, 0, "{repeats:?}");
}

/// Scenario: nats-server is killed twice under load; the stack starts it again on its data.
/// Guarantee: nothing acknowledged is lost, the order of each lock holds; what was not settled may
/// come again, under the same lw-seq. Only a frame that was settled although the edge had not heard
/// yet that it was stored is stored again under another one: the server forgets the ids of settled
/// frames with its memory.
#[tokio::test]
async fn nats_server_is_killed() {
    let repeats = survive(Setup::new(), async |bed, _| kill(bed, "nats-server").await).await;
    assert!(repeats.recognisable <= bound(), "{repeats:?}");
    assert!(repeats.republished <= 2 * LOAD.in_flight(), "{repeats:?}");
}

/// Scenario: all connections to nats-server break, again and again, with frames, acknowledgements
/// and deliveries on their way.
/// Guarantee: nothing acknowledged is lost, the order of each lock holds; what was not settled
/// comes again soon, under the same lw-seq.
#[tokio::test]
async fn the_line_to_nats_is_cut() {
    let cut = async |bed: &mut Testbed, fleet: &mut Fleet| {
        for _ in 0..10 {
            bed.line().cut();
            fleet.acknowledges(50).await;
        }
    };
    let repeats = survive(Setup::new().cuttable_line(), cut).await;
    assert_eq!(repeats.republished, 0, "{repeats:?}");
}

/// Scenario: Kafka is killed twice under load, and stays away until hundreds more states are
/// acknowledged.
/// Guarantee: the locks notice nothing; nothing acknowledged is lost, the order of each lock holds,
/// and the idempotent producer makes no repeats.
#[tokio::test]
async fn kafka_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = KafkaServer::start(KafkaOptions::new(folder.path()))
        .await
        .unwrap();
    let address = server.address();
    let kill = async |_: &mut Testbed, fleet: &mut Fleet| {
        server.kill().await.unwrap();
        fleet.acknowledges(250).await;
        server.restart().await.unwrap();
    };
    let repeats = survive(Setup::new().kafka(address), kill).await;
    assert_eq!(
        repeats,
        Repeats {
            recognisable: 0,
            republished: 0
        }
    );
}

/// Scenario: the whole stack gets SIGTERM under load and is started again on its data, twice.
/// Guarantee: nothing acknowledged is lost, the order of each lock holds, and nothing is repeated.
#[tokio::test]
async fn the_stack_stops_in_good_order() {
    let restart = async |bed: &mut Testbed, _: &mut Fleet| {
        bed.stop().await;
        bed.start().await;
    };
    let repeats = survive(Setup::new(), restart).await;
    assert_eq!(
        repeats,
        Repeats {
            recognisable: 0,
            republished: 0
        }
    );
}
