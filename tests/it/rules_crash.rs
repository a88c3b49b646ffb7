//! kill -9 under load, where rules make three records of each message.

use std::collections::{BTreeMap, BTreeSet};

use kafka::ReadRecord;

use crate::crash::ONE_AT_A_TIME;
use crate::dead_letters::dead_letters;
use crate::fleet::{Fleet, Load};
use crate::kafka_log::{everything, header, payload};
use crate::payloads::{read_state, unique};
use crate::rules_bed::{action, key, rule, topic};
use crate::testbed::{Setup, Testbed};

const LOAD: Load = Load::MODEST;

/// Kills in each test.
const FAULTS: u64 = 2;

/// Two records of each state by its lock, and one elsewhere by its number.
fn pipeline(main: &str, side: &str) -> String {
    let kafka = |topic: &str, key: &str, kind: &str| {
        let value = r#"{"payload":"${p}"}"#;
        action(&format!(
            "kafka = {{ topic = \"{topic}\", key = \"{key}\", value = '{value}', headers = {{ kind = \"{kind}\" }} }}"
        ))
    };
    let sql = r#"SELECT base64_encode(payload) as p, payload.process_id as number, clientid FROM "devices/+/state""#;
    let actions = kafka(main, "${clientid}", "first")
        + &kafka(side, "${number}", "side")
        + &kafka(main, "${clientid}", "second");
    "[streams]\npartitions = 2\n[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n"
        .to_owned()
        + &rule("three", sql, &actions)
        + &topic(main, 3)
        + &topic(side, 3)
}

/// The lw-seq of each state's records of one kind, however often they are there.
type Sequences = BTreeMap<(String, u64), BTreeSet<String>>;

fn sequences(records: &[ReadRecord]) -> Sequences {
    let mut sequences = Sequences::new();
    for record in records {
        let id = read_state(&payload(record)).unwrap();
        sequences
            .entry(id)
            .or_default()
            .insert(header(record, "lw-seq"));
    }
    sequences
}

/// The records of one kind, in Kafka's order.
fn of_kind(records: &[ReadRecord], kind: &str) -> Vec<ReadRecord> {
    let is_it = |record: &&ReadRecord| header(record, "kind") == kind;
    records.iter().filter(is_it).cloned().collect()
}

/// Kills a stage twice under load, and checks the account of every state and of each of its records.
async fn survive_kills_of(stage: &str) {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let (main, side) = (unique("three"), unique("side"));
    let bed = Setup::new().pipeline(pipeline(&main, &side)).start().await;
    let mut fleet = Fleet::start(bed.mqtt(), "10083618795", LOAD);
    for _ in 0..FAULTS {
        fleet.acknowledges(fastrand::u64(50..700)).await;
        bed.kill(stage).await;
        bed.ready().await;
    }
    // What comes behind the last fault must arrive as well.
    fleet.acknowledges(100).await;
    fleet.enough();
    let mut ledger = fleet.finish().await;
    bed.drained().await;
    let (main, side) = stored(&bed, &main, &side).await;
    let (first, second) = (of_kind(&main, "first"), of_kind(&main, "second"));
    assert_eq!(first.len() + second.len(), main.len());
    ledger.book_stored(&first);
    ledger.book_dead(&dead_letters(&bed.jetstream().await, "transform").await);
    let repeats = ledger.assert_whole();
    let all = [&first, &side, &second].map(|records| sequences(records));
    let stored = first.len() + second.len() + side.len();
    eprintln!(
        "{stored} records of {} states; of the first kind {repeats:?}",
        all[0].len()
    );
    assert_eq!(repeats.republished, 0, "{repeats:?}");
    let most = FAULTS * LOAD.per_second();
    assert!(
        repeats.recognisable <= usize::try_from(most).unwrap(),
        "{repeats:?}"
    );
    assert_the_same_states(&all);
}

async fn stored(bed: &Testbed, main: &str, side: &str) -> (Vec<ReadRecord>, Vec<ReadRecord>) {
    let kafka = bed.kafka();
    let (main, side) = (
        everything(&kafka, main).await,
        everything(&kafka, side).await,
    );
    for (records, by_number) in [(&main, false), (&side, true)] {
        for record in records {
            let (lock, number) = read_state(&payload(record)).unwrap();
            let expected = if by_number { number.to_string() } else { lock };
            assert_eq!(key(record), expected);
        }
    }
    (main, side)
}

/// Each state has a record of each kind, and each of the three has one lw-seq, which is its own: that of
/// the state with another last number.
fn assert_the_same_states(kinds: &[Sequences; 3]) {
    let mut seen = BTreeSet::new();
    for kind in kinds {
        assert!(kind.keys().eq(kinds[0].keys()), "a kind lacks states");
        for (place, (id, sequences)) in kind.iter().enumerate() {
            let mut sequences = sequences.iter();
            let (Some(one), None) = (sequences.next(), sequences.next()) else {
                panic!("{id:?} has more than one lw-seq: {:?}", kind[id])
            };
            assert!(
                seen.insert(one),
                "{one} is there for two records, one of state {place}"
            );
            let of_state = |sequence: &str| sequence.rsplit_once('-').unwrap().0.to_owned();
            let first = kinds[0][id].first().unwrap();
            assert_eq!(of_state(one), of_state(first), "{id:?}");
        }
    }
}

/// Scenario: transform is killed twice under load.
/// Guarantee: of each acknowledged state all three records are there; the order of each lock holds; what
/// comes again has the lw-seq that it had.
#[tokio::test]
async fn transform_is_killed_among_three_records() {
    survive_kills_of("transform").await;
}

/// Scenario: kafka-sink is killed twice under load.
/// Guarantee: the same.
#[tokio::test]
async fn kafka_sink_is_killed_among_three_records() {
    survive_kills_of("kafka-sink").await;
}
