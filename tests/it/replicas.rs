//! Several replicas of a stage: each scales alone, and lanes change hands under load.

use std::time::{Duration, Instant};

use topology::{KAFKA_SINK, TRANSFORM};

use crate::crash::ONE_AT_A_TIME;
use crate::dead_letters::dead_letters;
use crate::fleet::{Fleet, Load};
use crate::kafka_log::everything;
use crate::ledger::Repeats;
use crate::payloads::unique;
use crate::replica::{Replica, share};
use crate::shared_kafka::shared_kafka;
use crate::testbed::{Setup, Testbed};

const LOAD: Load = Load::LONG;

/// An edge under load, and replicas of the other stages that the test starts.
struct Scene {
    topic: String,
    pipeline: String,
    bed: Testbed,
    fleet: Fleet,
}

impl Scene {
    /// Eight partitions, as in compose.
    async fn start() -> Self {
        let topic = unique("replicas");
        let pipeline = format!(
            "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n\
             [[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\n\
             kafka_topic = \"{topic}\"\n[[topic]]\nname = \"{topic}\"\npartitions = 3\n\
             [streams]\npartitions = 8\n"
        );
        let bed = Setup::new()
            .stages(&["mqtt-edge"])
            .kafka(shared_kafka().await)
            .pipeline(&*pipeline)
            .start()
            .await;
        let fleet = Fleet::start(bed.mqtt(), "10083618797", LOAD);
        Self {
            topic,
            pipeline,
            bed,
            fleet,
        }
    }

    fn replica(&self, stage: &str) -> Replica {
        Replica::start(&self.bed, stage, Some(&self.pipeline), &[])
    }

    async fn share(&self, stage: &str, shares: &[(&Replica, usize)]) {
        share(&self.bed, stage, shares).await;
    }

    async fn acknowledges(&mut self, more: u64) {
        self.fleet.acknowledges(more).await;
    }

    /// Checks the account of every message.
    async fn account(mut self) -> Repeats {
        // What comes behind the last change must arrive as well.
        self.acknowledges(100).await;
        self.fleet.enough();
        let mut ledger = self.fleet.finish().await;
        self.bed.drained().await;
        ledger.book_stored(&everything(&self.bed.kafka(), &self.topic).await);
        ledger.book_dead(&dead_letters(&self.bed.jetstream().await, TRANSFORM.name).await);
        let repeats = ledger.assert_whole();
        eprintln!("{repeats:?}");
        repeats
    }
}

/// Scenario: under load, transform is scaled from one to three and kafka-sink from one to two; then
/// one of each is told to end.
/// Guarantee: the eight lanes are spread evenly each time; those of who leaves politely move long
/// before a lease could run out; nothing is lost, repeated or out of order.
#[tokio::test]
async fn each_stage_scales_alone() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let mut scene = Scene::start().await;
    let (first, sink) = (scene.replica("transform"), scene.replica("kafka-sink"));
    scene.share(TRANSFORM.name, &[(&first, 8)]).await;
    scene.acknowledges(300).await;
    let (second, third) = (scene.replica("transform"), scene.replica("transform"));
    let other_sink = scene.replica("kafka-sink");
    scene.acknowledges(300).await;
    scene
        .share(KAFKA_SINK.name, &[(&sink, 4), (&other_sink, 4)])
        .await;
    spread(&scene, &[&first, &second, &third]).await;
    scene.acknowledges(300).await;

    first.terminate();
    sink.terminate();
    let told = Instant::now();
    scene
        .share(TRANSFORM.name, &[(&second, 4), (&third, 4)])
        .await;
    scene.share(KAFKA_SINK.name, &[(&other_sink, 8)]).await;
    let moved = told.elapsed();
    eprintln!("lanes of those who left politely moved in {moved:?}");
    assert!(moved < Duration::from_secs(2), "{moved:?}");
    let repeats = scene.account().await;
    assert_eq!(
        repeats,
        Repeats {
            recognisable: 0,
            republished: 0
        }
    );
}

/// Three replicas have three, three and two lanes, whoever has two.
async fn spread(scene: &Scene, replicas: &[&Replica; 3]) {
    let what = "three replicas to have 3, 3 and 2 lanes";
    crate::waiting::until(what, async || {
        let lanes = crate::replica::lanes(&scene.bed, TRANSFORM.name).await;
        let shares = replicas.map(|replica| lanes.get(&replica.pid()).copied().unwrap_or_default());
        lanes.len() == 3
            && shares.iter().sum::<usize>() == 8
            && shares.iter().all(|share| *share >= 2)
    })
    .await;
}

/// Scenario: of two replicas of transform and of kafka-sink one is killed under load, twice.
/// Guarantee: the other has all lanes before a lease could run out; nothing acknowledged is lost, the
/// order of each lock holds; what was not settled may come again, under the same lw-seq.
#[tokio::test]
async fn replicas_are_killed() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let mut scene = Scene::start().await;
    for stage in [TRANSFORM.name, KAFKA_SINK.name] {
        let other = if stage == TRANSFORM.name {
            KAFKA_SINK
        } else {
            TRANSFORM
        };
        let _others = scene.replica(other.name);
        let mut left = scene.replica(stage);
        for _ in 0..2 {
            let victim = scene.replica(stage);
            scene.share(stage, &[(&left, 4), (&victim, 4)]).await;
            scene.acknowledges(200).await;
            let killed = Instant::now();
            victim.end().await;
            scene.share(stage, &[(&left, 8)]).await;
            let moved = killed.elapsed();
            eprintln!("lanes of a killed {stage} moved in {moved:?}");
            assert!(moved < Duration::from_secs(3), "{moved:?}");
            left = {
                let next = scene.replica(stage);
                scene.share(stage, &[(&left, 4), (&next, 4)]).await;
                left.terminate();
                scene.share(stage, &[(&next, 8)]).await;
                next
            };
        }
        left.terminate();
    }
    let _last = (
        scene.replica(TRANSFORM.name),
        scene.replica(KAFKA_SINK.name),
    );
    let repeats = scene.account().await;
    assert!(repeats.recognisable <= 4 * usize::try_from(LOAD.per_second()).unwrap());
    assert_eq!(repeats.republished, 0, "{repeats:?}");
}

/// Scenario: one of two replicas hangs (SIGSTOP) with frames in its hands until the other has its
/// lanes, and comes back; both of transform and of kafka-sink.
/// Guarantee: nothing acknowledged is lost, the order of each lock holds; what comes twice has the
/// same lw-seq.
#[tokio::test]
async fn a_hanging_replica_comes_back() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let mut scene = Scene::start().await;
    let transforms = [scene.replica("transform"), scene.replica("transform")];
    let sinks = [scene.replica("kafka-sink"), scene.replica("kafka-sink")];
    for (flow, [one, other]) in [(TRANSFORM.name, &transforms), (KAFKA_SINK.name, &sinks)] {
        scene.share(flow, &[(one, 4), (other, 4)]).await;
        scene.acknowledges(200).await;
        one.pause();
        let paused = Instant::now();
        scene.share(flow, &[(other, 8)]).await;
        let moved = paused.elapsed();
        eprintln!("lanes of a hanging {flow} moved in {moved:?}");
        // Three to four seconds; what waits for the ack wait takes a minute.
        assert!(moved < Duration::from_secs(8), "{moved:?}");
        scene.acknowledges(200).await;
        one.resume();
        scene.acknowledges(200).await;
        scene.share(flow, &[(one, 4), (other, 4)]).await;
    }
    let repeats = scene.account().await;
    assert!(repeats.recognisable <= 2 * usize::try_from(LOAD.per_second()).unwrap());
    assert_eq!(repeats.republished, 0, "{repeats:?}");
}

/// Scenario: nats-server is killed under two replicas of transform and of kafka-sink, and comes back
/// without the leases.
/// Guarantee: each replica gets its share again; nothing acknowledged is lost, the order of each lock
/// holds.
#[tokio::test]
async fn the_leases_are_lost() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let mut scene = Scene::start().await;
    let transforms = [scene.replica("transform"), scene.replica("transform")];
    let sinks = [scene.replica("kafka-sink"), scene.replica("kafka-sink")];
    for _ in 0..2 {
        for (flow, [one, other]) in [(TRANSFORM.name, &transforms), (KAFKA_SINK.name, &sinks)] {
            scene.share(flow, &[(one, 4), (other, 4)]).await;
        }
        scene.acknowledges(200).await;
        scene.bed.kill("nats-server").await;
        scene.acknowledges(200).await;
    }
    let repeats = scene.account().await;
    // What a lane had in its hands at each of two kills: a busy machine lets seconds gather.
    let gathered = 2 * 4 * usize::try_from(LOAD.per_second()).unwrap();
    assert!(repeats.recognisable <= gathered, "{repeats:?}");
    assert!(repeats.republished <= 2 * LOAD.in_flight(), "{repeats:?}");
}
