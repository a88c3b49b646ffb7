//! Payloads that are made to hurt rules.

use std::time::{Duration, Instant};

use latchwork::mqtt_client::{MqttClient, ReasonCode};

use crate::clients::{connect, publish};
use crate::dead_letters::{await_dead_letters, original_payload};
use crate::kafka_log::{KafkaTail, everything, header};
use crate::payloads::unique;
use crate::rules_bed::{action, key, log_of_transform, pipeline_file, rule, topic, value};
use crate::testbed::{Setup, Testbed};

/// Nobody waits longer for a neighbour's message. It takes a tenth of a second on an idle machine.
const BOUND: Duration = Duration::from_secs(15);

/// As much as a packet holds: 1 MiB.
const LARGE: usize = 1 << 20;

/// Messages that take their time.
const COSTLY: usize = 20;

/// A lane that a hostile client and its neighbour share.
struct Scene {
    bed: Testbed,
    hostile: MqttClient,
    calm: MqttClient,
    calm_topic: String,
    made: String,
    rounds: usize,
    bound: Duration,
}

impl Scene {
    /// Rules by name and statement, all with one action, and one about the neighbour.
    async fn start(rules: &[(&str, &str)], action_text: &str) -> Self {
        let (calm_topic, made) = (unique("calm"), unique("hostile"));
        let act = action(&action_text.replace("TOPIC", &made));
        let mut text = "[streams]\npartitions = 1\n".to_owned();
        for (name, sql) in rules {
            text += &rule(name, sql, &act);
        }
        let calm = action(&format!(
            "kafka = {{ topic = \"{calm_topic}\", value = \"${{payload}}\" }}"
        ));
        text += &rule("calm", r#"SELECT payload FROM "calm""#, &calm);
        text += &(topic(&calm_topic, 1) + &topic(&made, 1));
        // As on a machine with one core: what a rule does not yield, nobody has.
        let setup = Setup::new().env("TOKIO_WORKER_THREADS", "1");
        let bed = setup.pipeline(text).start().await;
        let (hostile, _) = connect(&bed.client("hostile")).await;
        let (calm, _) = connect(&bed.client("calm")).await;
        Self {
            bed,
            hostile,
            calm,
            calm_topic,
            made,
            rounds: 0,
            bound: BOUND,
        }
    }

    /// Publishes something hostile, and behind it a neighbour's message, which must arrive in time.
    async fn attack(&mut self, topic: &str, payload: impl Into<bytes::Bytes>) -> Duration {
        let begun = Instant::now();
        assert_eq!(
            publish(&self.hostile, topic, payload).await,
            ReasonCode::SUCCESS
        );
        self.rounds += 1;
        let reason = publish(&self.calm, "calm", self.rounds.to_string()).await;
        assert_eq!(reason, ReasonCode::SUCCESS);
        let mut tail = KafkaTail::from_beginning(&self.bed.kafka(), &[&self.calm_topic]).await;
        let records = tail.records(self.rounds).await;
        assert_eq!(value(records.last().unwrap()), self.rounds.to_string());
        let took = begun.elapsed();
        eprintln!("{topic}: the neighbour's message behind it took {took:?}");
        assert!(took < self.bound, "{topic}: {took:?}");
        took
    }

    /// Codes and details of so many dead letters, which must be all.
    async fn letters(&self, count: usize) -> Vec<(String, String)> {
        let letters = await_dead_letters(&self.bed, "transform", count).await;
        assert_eq!(letters.len(), count, "{letters:?}");
        let cause = |letter: &record::DeadLetter| {
            assert!(!original_payload(letter).is_empty());
            (letter.code().to_owned(), letter.detail().to_owned())
        };
        letters.iter().map(cause).collect()
    }
}

/// Scenario: arrays a thousand deep, a number of a mebibyte of digits, a list of 100,000 members, and one
/// whose every member is to be written with the whole message, each with a neighbour's message behind it.
/// Guarantee: each is a dead letter with the rule's name and a short cause; the neighbour's messages
/// arrive in bounded time.
#[tokio::test]
async fn hostile_json_is_refused_in_bounded_time() {
    let rules = [
        ("deep", r#"SELECT payload.a as a FROM "deep""#),
        ("digits", r#"SELECT payload.n + 1 as n FROM "digits""#),
        ("list", r#"FOREACH payload.l AS i DO i as i FROM "list""#),
        (
            "whole",
            r#"FOREACH payload.l AS i DO payload as i FROM "whole""#,
        ),
    ];
    let kafka = r#"kafka = { topic = "TOPIC", value = "${i}" }"#;
    let mut scene = Scene::start(&rules, kafka).await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
    scene.attack("deep", deep).await;
    let digits = format!("{{\"n\":{}}}", "9".repeat(LARGE - 6));
    scene.attack("digits", digits).await;
    let list = format!("{{\"l\":[{}0]}}", "0,".repeat(99_999));
    scene.attack("list", list).await;
    let whole = format!("{{\"l\":[{}0]}}", "\"0123456789\",".repeat(9_999));
    scene.attack("whole", whole).await;
    let letters = scene.letters(4).await;
    for ((code, detail), (name, _)) in letters.iter().zip(rules) {
        eprintln!("{code}: {detail}");
        assert_eq!(code, "rule-failed");
        assert!(detail.starts_with(&format!("rule {name}: ")), "{detail}");
        assert!(detail.len() <= 2000, "{detail}");
    }
    assert!(letters[2].1.contains("100000 members"), "{letters:?}");
    assert_eq!(everything(&scene.bed.kafka(), &scene.made).await.len(), 0);
}

/// Scenario: texts of a mebibyte for patterns with quantifiers in each other, which a backtracking engine
/// never ends with, each with a neighbour's message behind it.
/// Guarantee: each has its answer, and the neighbour's messages arrive in bounded time.
#[tokio::test]
async fn hostile_texts_are_matched_in_bounded_time() {
    let rules = [
        (
            "nested",
            r#"SELECT regex_match(payload, '^(a+)+$') as m FROM "nested""#,
        ),
        (
            "twice",
            r#"SELECT regex_match(payload, '^(([a-z])+.)+[A-Z]([a-z])+$') as m FROM "twice""#,
        ),
        (
            "replace",
            r#"SELECT strlen(regex_replace(payload, '(a*)*b', 'x')) as m FROM "replace""#,
        ),
        (
            "extract",
            r#"SELECT regex_extract(payload, '(a|a)*c') as m FROM "extract""#,
        ),
    ];
    let kafka = r#"kafka = { topic = "TOPIC", key = "${topic}", value = "${m}" }"#;
    let mut scene = Scene::start(&rules, kafka).await;
    for (name, _) in rules {
        let text = "a".repeat(LARGE - 1) + "!";
        scene.attack(name, text).await;
    }
    let records = everything(&scene.bed.kafka(), &scene.made).await;
    let values: Vec<_> = records.iter().map(value).collect();
    let length = LARGE.to_string();
    assert_eq!(values[..3], ["false", "false", length.as_str()]);
}

/// Scenario: a message has a list of as many members as are allowed, and another one of 700
/// large members: far more together than NATS takes in one message.
/// Guarantee: all of their records arrive, in order, each with its own lw-seq, and so do the neighbour's
/// messages.
#[tokio::test]
async fn one_message_may_become_ten_thousand_records() {
    let rules = [
        (
            "many",
            r#"FOREACH payload.l AS i DO i as i, 'many' as k FROM "many""#,
        ),
        (
            "large",
            r#"FOREACH payload.l AS i DO concat(i, payload.p) as i, 'large' as k FROM "large""#,
        ),
    ];
    let kafka = r#"kafka = { topic = "TOPIC", key = "${k}", value = "${i}" }"#;
    let mut scene = Scene::start(&rules, kafka).await;
    let numbers = |count: u32| {
        let numbers: Vec<_> = (0..count)
            .map(|number| format!("\"{number:05}\""))
            .collect();
        numbers.join(",")
    };
    scene
        .attack("many", format!("{{\"l\":[{}]}}", numbers(10_000)))
        .await;
    let padding = "x".repeat(20_000);
    scene
        .attack(
            "large",
            format!("{{\"l\":[{}],\"p\":\"{padding}\"}}", numbers(700)),
        )
        .await;
    scene.bed.drained().await;
    let records = everything(&scene.bed.kafka(), &scene.made).await;
    let sequences: std::collections::BTreeSet<_> = records
        .iter()
        .map(|record| header(record, "lw-seq"))
        .collect();
    assert_eq!(sequences.len(), 10_700);
    let (many, large) = records.split_at(10_000);
    for (records, name, length) in [(many, "many", 5), (large, "large", 20_005)] {
        for (number, record) in records.iter().enumerate() {
            let value = value(record);
            assert_eq!((key(record).as_str(), value.len()), (name, length));
            assert!(value.starts_with(&format!("{number:05}")), "{number}");
        }
    }
}

/// Scenario: while transform stands still, twenty messages come whose every member asks for work on the
/// whole message, with a neighbour's message behind them.
/// Guarantee: each is refused as too much, once; the neighbour's message arrives as soon as their work is
/// done once, and transform keeps its lane.
#[tokio::test]
async fn many_costly_messages_hold_nobody_up_for_long() {
    let sql = r#"FOREACH payload.l AS i DO i INCASE regex_match(payload.p, '^(([a-z])+.)+[A-Z]([a-z])+$') FROM "costly""#;
    let kafka = r#"kafka = { topic = "TOPIC", value = "${i}" }"#;
    let mut scene = Scene::start(&[("costly", sql)], kafka).await;
    let padding: String = (0..LARGE - 30_000).map(|_| fastrand::lowercase()).collect();
    let costly = format!("{{\"l\":[{}0],\"p\":\"{padding}\"}}", "0,".repeat(9_999));
    let one = scene.attack("costly", costly.clone()).await;
    // The work has to be done once.
    scene.bound = one * u32::try_from(COSTLY).unwrap() + BOUND;
    scene.bed.pause("transform");
    for _ in 0..COSTLY - 2 {
        let reason = publish(&scene.hostile, "costly", costly.clone()).await;
        assert_eq!(reason, ReasonCode::SUCCESS);
    }
    scene.bed.resume("transform");
    scene.attack("costly", costly).await;
    let log = log_of_transform(&pipeline_file(&scene.bed));
    assert!(!log.contains("leaves the lane"), "{log}");
    for (code, detail) in scene.letters(COSTLY).await {
        assert_eq!(code, "rule-failed");
        assert!(detail.contains("steps for this message"), "{detail}");
    }
}
