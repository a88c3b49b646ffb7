//! Messages that break their contract, between good neighbours.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use latchwork::mqtt_client::ReasonCode;
use record::{DeadLetter, Original};
use serde_json::Value;

use crate::clients::{connect, publish};
use crate::dead_letters::{await_dead_letters, original_payload};
use crate::kafka_log::{KafkaTail, make_topic, payload};
use crate::payloads::{broken_state, command_topic, read_state, state, state_topic, unique};
use crate::run_command::latchwork;
use crate::testbed::Setup;

const LOCK: &str = "10083618796833171";

struct Poison {
    what: &'static str,
    topic: String,
    payload: Bytes,
    schema: &'static str,
    code: &'static str,
    pointer: &'static str,
}

fn of_state(
    what: &'static str,
    payload: impl Into<Bytes>,
    code: &'static str,
    pointer: &'static str,
) -> Poison {
    let (topic, payload) = (state_topic(LOCK), payload.into());
    Poison {
        what,
        topic,
        payload,
        schema: "lock-state",
        code,
        pointer,
    }
}

fn of_command(what: &'static str, payload: String, pointer: &'static str) -> Poison {
    let topic = command_topic(LOCK);
    Poison {
        what,
        topic,
        payload: payload.into(),
        schema: "lock-command",
        code: "schema",
        pointer,
    }
}

/// A good state with one piece of its text replaced.
fn changed(from: &str, to: &str) -> String {
    let good = state(LOCK, 7);
    assert!(good.contains(from), "{from} is not in {good}");
    good.replacen(from, to, 1)
}

fn poisons() -> Vec<Poison> {
    let mut no_utf8 = state(LOCK, 7).into_bytes();
    no_utf8[16] = 0xFF;
    let command = crate::payloads::command(7);
    vec![
        of_state("broken UTF-8", no_utf8, "utf-8", ""),
        of_state(
            "a document that breaks off",
            "{\"process_id\":\"7\",",
            "json",
            "",
        ),
        of_state("nothing at all", "", "json", ""),
        of_state("text behind the document", changed("}", "} {}"), "json", ""),
        of_state("a raw NUL", changed("unlock", "un\0lock"), "json", ""),
        of_state("deep nesting", "[".repeat(100_000), "json", ""),
        of_state("1 MiB of noise", "x".repeat(1 << 20), "json", ""),
        of_state(
            "a name twice",
            changed("{", "{\"battery\":1,"),
            "repeated-name",
            "/battery",
        ),
        of_state("an array", "[1,2,3]", "schema", ""),
        of_state(
            "a battery in words",
            broken_state(LOCK, 7),
            "schema",
            "/battery",
        ),
        of_state(
            "a battery above 100",
            changed("83.4", "100.5"),
            "schema",
            "/battery",
        ),
        of_state(
            "a lock state of 2",
            changed("\"lock_state\":1", "\"lock_state\":2"),
            "schema",
            "/lock_state",
        ),
        of_state(
            "a process id that is a number",
            changed("\"7\"", "7"),
            "schema",
            "/process_id",
        ),
        of_state("no battery", changed("\"battery\":83.4,", ""), "schema", ""),
        of_state(
            "another lock's id",
            changed(LOCK, "666"),
            "client-id",
            "/client_id",
        ),
        of_command(
            "an unknown field",
            command.replacen('{', "{\"urgent\":true,", 1),
            "",
        ),
        of_command(
            "milliseconds",
            command.replace("1574744434", "1574744434000"),
            "/ts",
        ),
        of_command(
            "a signature in capitals",
            command.replace("e9f5", "E9F5"),
            "/sign",
        ),
    ]
}

/// Both contracts; states go to a Kafka topic of the test's own.
fn pipeline(topic: &str) -> String {
    format!(
        "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n\
         [[contract]]\nfilter = \"devices/+/command\"\nschema = \"lock-command\"\n\
         [[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\n\
         kafka_topic = \"{topic}\"\n"
    )
}

/// Numbers of the states that a topic holds, in order.
async fn numbers(tail: &mut KafkaTail, count: u64) -> Vec<u64> {
    let records = tail.records(usize::try_from(count).unwrap()).await;
    records
        .iter()
        .map(|record| read_state(&payload(record)).unwrap().1)
        .collect()
}

/// Scenario: a client publishes payloads that are broken in every way, a good state before and
/// after each.
/// Guarantee: each broken one is a dead letter with its schema, the JSON pointer, the code and the
/// original bytes, and its publisher is told; every good one reaches Kafka, in order; the command
/// line shows the same.
#[tokio::test]
async fn poison_is_set_aside_and_its_neighbours_pass() {
    let topic = unique("poison");
    let bed = Setup::new().pipeline(pipeline(&topic)).start().await;
    let (client, _) = connect(&bed.client(LOCK).v5()).await;
    let poisons = poisons();
    let mut good = 0;
    for poison in &poisons {
        let reason = publish(&client, state_topic(LOCK), state(LOCK, good)).await;
        assert_eq!(reason, ReasonCode::SUCCESS, "before {}", poison.what);
        let reason = publish(&client, poison.topic.as_str(), poison.payload.clone()).await;
        assert_eq!(
            reason,
            ReasonCode::PAYLOAD_FORMAT_INVALID,
            "{}",
            poison.what
        );
        good += 1;
    }
    publish(&client, state_topic(LOCK), state(LOCK, good)).await;

    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    assert_eq!(
        numbers(&mut tail, good + 1).await,
        (0..=good).collect::<Vec<_>>()
    );
    let letters = await_dead_letters(&bed, "transform", poisons.len()).await;
    assert_eq!(letters.len(), poisons.len());
    for (letter, poison) in letters.iter().zip(&poisons) {
        check(letter, poison);
    }
    let arguments = ["dlq", "--nats", bed.nats_url(), "list", "--json"];
    check_lines(&latchwork(&arguments).await.stdout, &poisons);
}

fn check(letter: &DeadLetter, poison: &Poison) {
    let found = (letter.code(), letter.schema(), letter.pointer());
    assert_eq!(
        found,
        (poison.code, poison.schema, poison.pointer),
        "{}: {}",
        poison.what,
        letter.detail()
    );
    assert!(
        original_payload(letter) == &poison.payload,
        "{}: other bytes",
        poison.what
    );
    assert_eq!(letter.stage(), "transform");
    assert!(
        !letter.detail().is_empty() && letter.detail().len() <= 1000,
        "{}",
        letter.detail()
    );
    assert!(
        !letter.detail().contains(char::is_control),
        "{:?}",
        letter.detail()
    );
    let Some(Original::Record(record)) = &letter.original else {
        panic!("{letter:?}")
    };
    assert_eq!(
        (record.client_id(), record.topic()),
        (LOCK, poison.topic.as_str())
    );
}

fn check_lines(stdout: &str, poisons: &[Poison]) {
    let lines: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), poisons.len());
    for (line, poison) in lines.iter().zip(poisons) {
        for (name, expected) in [
            ("code", poison.code),
            ("schema", poison.schema),
            ("pointer", poison.pointer),
        ] {
            assert_eq!(line[name], expected, "{}", poison.what);
        }
        let payload = STANDARD
            .decode(line["original"]["payload"].as_str().unwrap())
            .unwrap();
        assert!(payload == poison.payload, "{}: other bytes", poison.what);
    }
}

/// Scenario: states that keep their contract, but that Kafka can never take: one is above the
/// client's message.max.bytes, one above the topic's own limit; good states around them.
/// Guarantee: both become dead letters of kafka-sink with their value, and the others arrive, in
/// order.
#[tokio::test]
async fn what_kafka_never_takes_is_set_aside() {
    let topic = unique("large");
    let setup = Setup::new().pipeline(pipeline(&topic));
    let kafka = kafka::KafkaConnection::new(crate::shared_kafka::shared_kafka().await).unwrap();
    make_topic(&kafka, &topic, &[("max.message.bytes", "50000")]).await;
    let bed = setup.start().await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    let large: Vec<String> = [(1, 900_000), (3, 100_000)]
        .map(|(number, length)| {
            // Nothing that compression would help.
            let noise: String = std::iter::repeat_with(fastrand::alphanumeric)
                .take(length)
                .collect();
            let note = format!("{{\"note\":\"{noise}\",");
            state(LOCK, number).replacen('{', &note, 1)
        })
        .into();
    let messages = [
        state(LOCK, 0),
        large[0].clone(),
        state(LOCK, 2),
        large[1].clone(),
        state(LOCK, 4),
    ];
    for message in messages {
        assert_eq!(
            publish(&lock, state_topic(LOCK), message).await,
            ReasonCode::SUCCESS
        );
    }

    let mut tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
    assert_eq!(numbers(&mut tail, 3).await, [0, 2, 4]);
    let letters = await_dead_letters(&bed, "kafka-sink", 2).await;
    for (letter, original) in letters.iter().zip(&large) {
        assert_eq!(letter.code(), "kafka-too-large", "{}", letter.detail());
        let Some(Original::KafkaRecord(record)) = &letter.original else {
            panic!("{letter:?}")
        };
        assert_eq!(record.topic(), topic);
        let value: Value = serde_json::from_slice(&record.value).unwrap();
        assert!(
            value["payload"] == STANDARD.encode(original),
            "another value"
        );
    }
}
