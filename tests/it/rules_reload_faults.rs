//! Changes of the pipeline's files: what must come of them in every stage, and what goes wrong easily.

use latchwork::mqtt_client::{Publish, ReasonCode};

use crate::clients::{connect, publish};
use crate::collector::{Collector, SeenSpan};
use crate::kafka_log::KafkaTail;
use crate::payloads::unique;
use crate::rules_bed::{action, key, rule, value};
use crate::rules_reload::{LOOK, Scene, replace};
use crate::testbed::Setup;
use crate::waiting::soon;

const STAGE: &str = "transform";

/// Scenario: transform stands still for some looks; in the meantime its file is emptied, and is whole
/// again a fifth of a second after transform goes on.
/// Guarantee: the empty file, which by itself is a good one, is never taken.
#[tokio::test]
async fn looks_that_are_late_do_not_make_half_a_file_whole() {
    let mut scene = Scene::start(Setup::new()).await;
    // The looks have begun when a change was taken.
    replace(&scene.file, &scene.text(0, 1));
    scene.is_taken().await;
    scene.bed.pause(STAGE);
    // Neither is waited for: they are the scenario.
    tokio::time::sleep(5 * LOOK).await;
    std::fs::write(&scene.file, "").unwrap();
    scene.bed.resume(STAGE);
    tokio::time::sleep(LOOK * 2 / 5).await;
    replace(&scene.file, &scene.text(1, 0));
    scene.is_taken().await;
}

/// Scenario: a file with a fault is put right again, and later has the same fault once more.
/// Guarantee: the second refusal is in the log and counted like the first.
#[tokio::test]
async fn a_fault_that_comes_back_is_told_again() {
    let mut scene = Scene::start(Setup::new()).await;
    let good = std::fs::read_to_string(&scene.file).unwrap();
    let version = scene.version();
    for _ in 0..2 {
        replace(&scene.file, &format!("{good}\n[[rule]]\n"));
        scene.is_refused(&version, "name").await;
        replace(&scene.file, &good);
        // That the good one was looked at is seen nowhere: it is what is in force.
        tokio::time::sleep(3 * LOOK).await;
    }
}

/// Scenario: a rule about connections is added while everything runs, and a client connects.
/// Guarantee: its event is in Kafka.
#[tokio::test]
async fn a_new_rule_about_events_has_them() {
    let mut scene = Scene::start(Setup::new()).await;
    let kafka = format!(
        "kafka = {{ topic = \"{}\", value = \"here\" }}",
        scene.topics[1]
    );
    let sql = r#"SELECT * FROM "$events/client_connected""#;
    let text = scene.text(1, 0) + &rule("online", sql, &action(&kafka));
    replace(&scene.file, &text);
    scene.is_taken().await;
    scene.is_followed_by("mqtt-edge").await;
    let (_client, _) = connect(&scene.bed.client("lock")).await;
    let mut tail = KafkaTail::from_beginning(&scene.bed.kafka(), &[&scene.topics[1]]).await;
    let records = tail.records(1).await;
    assert_eq!(
        (key(&records[0]), value(&records[0])),
        ("lock".into(), "here".into())
    );
}

/// Scenario: a rule is added whose Kafka topic does not exist, in front of the rule that was there.
/// Guarantee: the topic is made as at a start, and has its record; the other rule's arrives in any case.
#[tokio::test]
async fn a_new_rule_has_its_topic() {
    let mut scene = Scene::start(Setup::new()).await;
    let fresh = unique("fresh");
    let kafka = format!("kafka = {{ topic = \"{fresh}\", value = \"fresh\" }}");
    let sql = r#"SELECT * FROM "devices/+/state""#;
    let text = scene.text(1, 0) + &rule("fresh", sql, &action(&kafka));
    replace(&scene.file, &text);
    scene.is_taken().await;
    scene.is_followed_by("kafka-sink").await;
    let (client, _) = connect(&scene.bed.client("lock")).await;
    for number in 0..2 {
        let state = crate::payloads::state("lock", number);
        let reason = publish(&client, "devices/lock/state", state).await;
        assert_eq!(reason, ReasonCode::SUCCESS);
    }
    let mut old = KafkaTail::from_beginning(&scene.bed.kafka(), &[&scene.topics[0]]).await;
    old.records(2).await;
    let mut tail = KafkaTail::from_beginning(&scene.bed.kafka(), &[&fresh]).await;
    assert_eq!(value(&tail.records(2).await[1]), "fresh");
}

/// Scenario: everything is sampled, and a message is published.
/// Guarantee: the span of its batch has the version of the rules too.
#[tokio::test]
async fn the_span_of_a_batch_has_the_version() {
    let collector = Collector::start().await;
    let setup = Setup::new()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("LATCHWORK_TRACE_SAMPLE", "1");
    let scene = Scene::start(setup).await;
    let (client, _) = connect(&scene.bed.client("lock")).await;
    let message = Publish::new("devices/lock/state", crate::payloads::state("lock", 1));
    soon("PUBACK", client.publish(message).await.unwrap())
        .await
        .unwrap();
    let of_batch = |seen: &SeenSpan| {
        seen.span.name == "process up.{partition}" && seen.span.parent_span_id.is_empty()
    };
    let spans = collector
        .await_spans("transform's batch", 1, of_batch)
        .await;
    assert_eq!(
        spans[0].attribute("latchwork.rules.version"),
        scene.version(),
        "{spans:#?}"
    );
}
