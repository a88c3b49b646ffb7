//! `latchwork status`: who owns which lane, what waits, what was refused.

use latchwork::mqtt_client::ReasonCode;
use serde_json::Value;
use servers::{ChildCommand, ChildProcess, Output};

use crate::clients::{connect, publish};
use crate::payloads::{broken_state, state, state_topic, unique};
use crate::run_command::latchwork;
use crate::testbed::{Setup, Testbed};
use crate::waiting::until;

const LOCK: &str = "10083618796833171";

async fn status(bed: &Testbed) -> Value {
    let outcome = latchwork(&["status", "--json", "--nats", bed.nats_url()]).await;
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("no JSON ({error}): {outcome:#?}"))
}

/// Asks until it shows what is waited for.
async fn status_with(bed: &Testbed, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    until(what, async || {
        last = status(bed).await;
        wanted(&last)
    })
    .await;
    last
}

/// Rows of a list where a member has this value.
fn rows<'v>(status: &'v Value, list: &str, member: &str, value: &str) -> Vec<&'v Value> {
    let rows = status[list].as_array().unwrap().iter();
    rows.filter(|row| row[member] == value).collect()
}

/// Scenario: every stage of the road runs on two partitions; a lock publishes ten states, and one
/// that breaks its contract.
/// Guarantee: every lane is shown with the process that owns it; what the stages took is counted;
/// the dead letter is shown with its cause; the table shows the same.
#[tokio::test]
async fn the_road_and_its_owners() {
    let topic = unique("status");
    let pipeline = format!(
        "[streams]\npartitions = 2\n\
         [[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n\
         [[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\nkafka_topic = \"{topic}\"\n"
    );
    let bed = Setup::new().pipeline(pipeline).start().await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    for number in 0..10 {
        let reason = publish(&lock, state_topic(LOCK), state(LOCK, number)).await;
        assert_eq!(reason, ReasonCode::SUCCESS);
    }
    publish(&lock, state_topic(LOCK), broken_state(LOCK, 10)).await;
    bed.drained().await;
    let shown = status_with(&bed, "eleven records to be counted", |shown| {
        let sinks = rows(shown, "replicas", "flow", "transform");
        sinks.iter().any(|replica| replica["counts"]["taken"] == 11)
    })
    .await;

    for flow in ["transform", "kafka-sink"] {
        let replicas = rows(&shown, "replicas", "flow", flow);
        assert_eq!(replicas.len(), 1, "{shown:#}");
        assert_eq!(replicas[0]["pid"], bed.pid(flow), "{shown:#}");
        let lanes = rows(&shown, "lanes", "flow", flow);
        let names: Vec<&Value> = lanes.iter().map(|lane| &lane["lane"]).collect();
        assert_eq!(names, ["0", "1"], "{shown:#}");
        for lane in lanes {
            assert_eq!(lane["owner"], replicas[0]["id"], "{shown:#}");
        }
    }
    assert_eq!(rows(&shown, "replicas", "flow", "mqtt-edge").len(), 1);
    let cause = &shown["rejects"]["causes"][0];
    assert_eq!(
        (&cause["stage"], &cause["count"]),
        (&"transform".into(), &1.into())
    );
    assert_eq!(shown["verdict"], "warning", "{shown:#}");

    let table = latchwork(&["status", "--nats", bed.nats_url()])
        .await
        .stdout;
    let owner = rows(&shown, "replicas", "flow", "kafka-sink")[0]["id"]
        .as_str()
        .unwrap();
    let lane = table.lines().find(|line| line.starts_with("kafka-sink/1"));
    assert!(lane.unwrap().contains(owner), "{table}");
    assert!(
        !table.contains('\x1b'),
        "colours without a terminal: {table}"
    );
}

/// Scenario: a transform that nobody starts again is killed, and a lock publishes.
/// Guarantee: its lane had an owner before; soon it is shown without one, what waits is counted, and
/// the verdict names it.
#[tokio::test]
async fn a_killed_stage_leaves_its_lane() {
    let bed = Setup::new().stages(&["mqtt-edge"]).start().await;
    let command = ChildCommand::new("transform", env!("CARGO_BIN_EXE_latchwork-under-test"));
    let folder = tempfile::tempdir().unwrap();
    let command = command.output(Output::File(folder.path().join("log")));
    let arguments = ["stage", "transform", "--nats", bed.nats_url()];
    let mut transform = ChildProcess::spawn(command.args(arguments)).unwrap();
    let lane = |shown: &Value| rows(shown, "lanes", "flow", "transform")[0].clone();
    let owned = |shown: &Value| lane(shown)["owner"].is_string();
    let shown = status_with(&bed, "transform to own its lane", owned).await;
    assert_eq!(lane(&shown)["orphaned"], false);

    transform.kill().await.unwrap();
    let (lock, _) = connect(&bed.client(LOCK)).await;
    publish(&lock, state_topic(LOCK), state(LOCK, 0)).await;
    let orphaned = |shown: &Value| lane(shown)["orphaned"] == true;
    let shown = status_with(&bed, "the lane to be without an owner", orphaned).await;
    assert_eq!(lane(&shown)["owner"], Value::Null);
    assert_eq!(lane(&shown)["pending"], 1, "{shown:#}");
    assert_eq!(shown["verdict"], "broken");
    let remarks = shown["remarks"].as_array().unwrap().iter();
    let mut texts = remarks.map(|remark| remark["text"].as_str().unwrap());
    let named = "transform: no owner of lane 0; 1 frames wait";
    assert!(texts.any(|text| text == named), "{shown:#}");
    let table = latchwork(&["status", "--nats", bed.nats_url()])
        .await
        .stdout;
    assert!(table.contains("NO OWNER"), "{table}");
}

/// Scenario: the audit runs, and a door opens without a command.
/// Guarantee: the alert is shown, with its lock.
#[tokio::test]
async fn alerts_are_shown() {
    let stages = ["mqtt-edge", "transform", "audit-notifier"];
    let bed = Setup::new()
        .stages(&stages)
        .pipeline("[audit]\n")
        .start()
        .await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    publish(&lock, state_topic(LOCK), state(LOCK, 0)).await;
    let alerts = |shown: &Value| !shown["alerts"].as_array().unwrap().is_empty();
    let shown = status_with(&bed, "an alert", alerts).await;
    assert_eq!(shown["alerts"][0]["lock"], LOCK);
    assert_eq!(shown["alerts"][0]["change"], "raised");
}

/// Scenario: `--watch` where there is no terminal; `status` where there is no NATS.
/// Guarantee: each fails with one line that says what to do.
#[tokio::test]
async fn what_can_not_be_shown() {
    let watch = latchwork(&["status", "--watch"]).await;
    watch.is_one_clear_line(&["--watch needs a terminal", "--json"]);
    let away = latchwork(&["status", "--nats", "nats://127.0.0.1:1"]).await;
    away.is_one_clear_line(&["nats://127.0.0.1:1", "start nats-server"]);
}
