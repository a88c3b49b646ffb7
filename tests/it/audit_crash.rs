//! kill -9 of audit-notifier under load, and two of them at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alert::{Alert, AlertKind, Change};
use audit::EntryKind;
use latchwork::mqtt_client::MqttClient;
use tokio::task::JoinSet;
use tokio::time::interval;
use topology::AUDIT_FLOW;

use crate::audit_bed::{Logged, Moments, ROAD, Topics, door, empty, logged, notifier, verify};
use crate::clients::{connect, publish};
use crate::crash::ONE_AT_A_TIME;
use crate::kafka_log::everything;
use crate::payloads::state_topic;
use crate::replica::share;
use crate::testbed::{Setup, Testbed};
use crate::waiting::soon;

const KILLS: usize = 50;
const LOCKS: usize = 5;
const PREFIX: &str = "1008361879683";

/// Locks that open and close without a pause; each state is published when the one before is
/// acknowledged.
struct Doors {
    locks: JoinSet<(String, u64)>,
    enough: Arc<AtomicBool>,
}

impl Doors {
    async fn start(bed: &Testbed, every: Duration) -> Self {
        let enough = Arc::<AtomicBool>::default();
        let mut locks = JoinSet::new();
        for index in 0..LOCKS {
            let id = format!("{PREFIX}{index}");
            let (client, _) = connect(&bed.client(&id)).await;
            locks.spawn(open_and_close(client, id, every, Arc::clone(&enough)));
        }
        Self { locks, enough }
    }

    /// Ends it, and gives the last number of each lock; the first is 1.
    async fn stop(mut self) -> BTreeMap<String, u64> {
        self.enough.store(true, Ordering::Relaxed);
        let mut last = BTreeMap::new();
        while let Some(lock) = soon("a lock to end", self.locks.join_next()).await {
            last.extend([lock.unwrap()]);
        }
        last
    }
}

async fn open_and_close(
    client: MqttClient,
    id: String,
    every: Duration,
    enough: Arc<AtomicBool>,
) -> (String, u64) {
    let mut tick = interval(every);
    let mut number = 0;
    while !enough.load(Ordering::Relaxed) {
        tick.tick().await;
        number += 1;
        publish(&client, state_topic(&id), door(&id, number)).await;
    }
    soon("the lock's goodbye", client.disconnect())
        .await
        .unwrap();
    (id, number)
}

/// The numbers of a lock's moves, as they are logged.
fn moves_of(entries: &[Logged], lock: &str) -> Vec<u64> {
    let moves = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Unlock && entry.lock == lock);
    moves.map(Logged::number).collect()
}

/// Every state has moved its door: the log has each once, in order, and nothing else.
fn assert_logged_once(entries: &[Logged], last: &BTreeMap<String, u64>) {
    for (lock, last) in last {
        let numbers = moves_of(entries, lock);
        let expected: Vec<u64> = (1..=*last).collect();
        assert!(
            numbers == expected,
            "{lock}: {}",
            first_difference(&numbers, &expected)
        );
    }
}

fn first_difference(found: &[u64], expected: &[u64]) -> String {
    let place = found
        .iter()
        .zip(expected)
        .position(|(found, expected)| found != expected)
        .unwrap_or(found.len().min(expected.len()));
    let near = &found[place.saturating_sub(3)..found.len().min(place + 5)];
    format!(
        "{} moves instead of {}; at number {place}: {near:?}",
        found.len(),
        expected.len()
    )
}

/// Each alert of the log is in Kafka and the other way round; copies of one are the same; each
/// opening has its own.
fn assert_told(entries: &[Logged], told: &[Alert], last: &BTreeMap<String, u64>) {
    let mut by_id: HashMap<&str, &Alert> = HashMap::new();
    for alert in told {
        let first = by_id.entry(&alert.id).or_insert(alert);
        assert_eq!(*first, alert, "one id, two alerts");
        let known = [AlertKind::Unlocked, AlertKind::UnlockWithoutCommand];
        assert!(known.contains(&alert.kind), "{alert:?}");
    }
    let mut in_log: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Alert)
        .map(|entry| entry.data["id"].as_str().unwrap())
        .collect();
    let mut in_kafka: Vec<&str> = by_id.keys().copied().collect();
    in_log.sort_unstable();
    in_kafka.sort_unstable();
    assert!(in_log.is_sorted_by(|a, b| a < b), "an id is logged twice");
    assert_eq!(in_log.len(), in_kafka.len());
    assert!(in_log == in_kafka);
    for (lock, last) in last {
        let unlocks = by_id.values().filter(|alert| {
            alert.lock == *lock
                && alert.kind == AlertKind::Unlocked
                && alert.change == Change::Raised
        });
        let mut numbers: Vec<u64> = unlocks
            .map(|alert| {
                alert.details["process_id"]
                    .as_str()
                    .unwrap()
                    .parse()
                    .unwrap()
            })
            .collect();
        numbers.sort_unstable();
        let expected: Vec<u64> = (1..=*last).step_by(2).collect();
        assert!(
            numbers == expected,
            "{lock}: {}",
            first_difference(&numbers, &expected)
        );
    }
}

/// Scenario: five locks open and close all the time while audit-notifier is killed fifty times: at
/// work, while it catches up, and before it is ready.
/// Guarantee: the log is one whole chain per partition, in NATS and in Kafka; every move of a door
/// is in it once and in order; the alerts in Kafka are those of the log, one for every opening.
#[tokio::test]
async fn fifty_kills_lose_nothing_and_fork_nothing() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let topics = Topics::new();
    let pipeline = topics.pipeline("");
    let bed = Setup::new()
        .stages(&[ROAD[0], ROAD[1], "kafka-sink"])
        .pipeline(&*pipeline)
        .start()
        .await;
    let mut notifier = notifier(&bed, &pipeline);
    notifier.ready().await;
    let doors = Doors::start(&bed, Duration::from_millis(20)).await;
    let mut moments = Moments::seeded();
    for _ in 0..KILLS {
        moments.next(&notifier).await;
        notifier.kill().await;
    }
    notifier.ready().await;
    let last = doors.stop().await;
    empty(&bed, &["UP", "EV", "REC"]).await;
    let states: u64 = last.values().sum();
    eprintln!("{KILLS} kills, {states} states");

    for place in [
        &[][..],
        &["--kafka", bed.kafka().brokers(), "--topic", &topics.log],
    ] {
        let outcome = verify(&bed, place).await;
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        eprint!("{}", outcome.stdout);
    }
    let entries = logged(&bed).await;
    assert_logged_once(&entries, &last);
    let told: Vec<Alert> = everything(&bed.kafka(), &topics.alerts)
        .await
        .iter()
        .map(|record| Alert::read(record.value.as_deref().unwrap()).unwrap())
        .collect();
    assert_told(&entries, &told, &last);
    notifier.end().await;
}

/// Scenario: while locks open and close, a second audit-notifier joins the first; one of the two
/// hangs until the other has all lanes, and comes back; then it is killed, and another one joins.
/// Guarantee: the log is one whole chain per partition, and has every move once and in order.
#[tokio::test]
async fn of_two_none_loses() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let pipeline = Topics::new().pipeline("");
    let bed = Setup::new()
        .stages(&ROAD)
        .pipeline(&*pipeline)
        .start()
        .await;
    let mut first = notifier(&bed, &pipeline);
    first.ready().await;
    let doors = Doors::start(&bed, Duration::from_millis(5)).await;
    for _ in 0..2 {
        let second = notifier(&bed, &pipeline);
        share(&bed, AUDIT_FLOW.name, &[(&first, 1), (&second, 1)]).await;
        first.pause();
        share(&bed, AUDIT_FLOW.name, &[(&second, 2)]).await;
        first.resume();
        share(&bed, AUDIT_FLOW.name, &[(&first, 1), (&second, 1)]).await;
        first.end().await;
        share(&bed, AUDIT_FLOW.name, &[(&second, 2)]).await;
        first = second;
    }
    let last = doors.stop().await;
    empty(&bed, &["UP", "EV"]).await;
    assert!(!first.has_ended(), "{}", first.said());
    let outcome = verify(&bed, &[]).await;
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    eprint!("{}", outcome.stdout);
    assert_logged_once(&logged(&bed).await, &last);
}
