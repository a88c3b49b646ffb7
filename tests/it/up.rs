//! The road as an operator runs it.

use std::path::Path;
use std::time::Duration;

use latchwork::mqtt_client::{ClientOptions, ReasonCode};
use latchwork::stack::{Roster, RosterEntry};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use servers::{ChildCommand, ChildProcess, Output, free_port};

use crate::clients::{connect, publish};
use crate::payloads::{state, state_topic, unique};
use crate::run_command::latchwork;
use crate::shared_kafka::shared_kafka;
use crate::waiting::{soon, until};

const LOCK: &str = "10083618796833171";

fn pid_of(entry: &RosterEntry) -> Pid {
    i32::try_from(entry.pid)
        .ok()
        .and_then(Pid::from_raw)
        .unwrap()
}

fn lives(entry: &RosterEntry) -> bool {
    test_kill_process(pid_of(entry)).is_ok()
}

fn entry(data_dir: &Path, name: &str) -> RosterEntry {
    let entries = Roster::read(data_dir).unwrap();
    entries
        .into_iter()
        .find(|entry| entry.name == name)
        .unwrap()
}

/// Scenario: `latchwork up` runs on a folder; a stage named in its stages.json is killed; a lock
/// publishes; then `up` gets SIGTERM.
/// Guarantee: it says in one line where it is; stages.json names each child, which is started again
/// under another pid; `tail` shows what was published; after SIGTERM `up` ends well and no child is
/// left.
#[tokio::test]
async fn up_until_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let topic = unique("up");
    let config = folder.path().join("pipeline.toml");
    let hook = "[[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\n";
    std::fs::write(&config, format!("{hook}kafka_topic = \"{topic}\"\n")).unwrap();
    let mqtt = format!("127.0.0.1:{}", free_port().unwrap());
    let kafka = shared_kafka().await;
    let command = ChildCommand::new("up", env!("CARGO_BIN_EXE_latchwork-under-test"))
        .args([
            "up",
            "--mqtt",
            &mqtt,
            "--kafka",
            kafka,
            "--allow-anonymous",
            "--nats-port",
            &free_port().unwrap().to_string(),
            "--config",
        ])
        .arg(&config)
        .arg("--data-dir")
        .arg(&data_dir)
        .output(Output::Lines);
    let mut up = ChildProcess::spawn(command).unwrap();
    let mut stderr = up.take_stderr().unwrap();
    tokio::spawn(async move { while let Ok(Some(_)) = stderr.next_line().await {} });
    let mut stdout = up.take_stdout().unwrap();
    let line = soon("`up` to say that it is up", stdout.next_line())
        .await
        .unwrap()
        .unwrap();
    assert!(line.contains(&mqtt) && line.contains(kafka), "{line}");

    let mut names: Vec<String> = Roster::read(&data_dir)
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["kafka-sink", "mqtt-edge", "nats-server", "transform"]
    );
    let killed = entry(&data_dir, "transform");
    kill_process(pid_of(&killed), Signal::KILL).unwrap();
    let again = async || entry(&data_dir, "transform").pid != killed.pid;
    until("transform to be started again", again).await;
    let (lock, _) = connect(&ClientOptions::new(&mqtt, LOCK)).await;
    for number in 1..=2 {
        let reason = publish(&lock, state_topic(LOCK), state(LOCK, number)).await;
        assert_eq!(reason, ReasonCode::SUCCESS);
    }
    check_tail(kafka, &topic).await;

    let children = Roster::read(&data_dir).unwrap();
    assert!(children.iter().all(lives), "{children:?}");
    let ended = up.stop(Duration::from_secs(45)).await.unwrap();
    assert!(ended.success(), "{ended}");
    assert!(!children.iter().any(lives), "left behind: {children:?}");
    assert!(
        !data_dir.join("stages.json").exists(),
        "stages.json names who is gone"
    );
}

async fn check_tail(kafka: &str, topic: &str) {
    let arguments = [
        "tail",
        "--kafka",
        kafka,
        "--topic",
        topic,
        "--from-beginning",
        "--count",
        "2",
    ];
    let outcome = latchwork(&[&arguments[..], &["--json"]].concat()).await;
    let lines: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: Vec<&Value> = lines
        .iter()
        .map(|line| &line["payload"]["process_id"])
        .collect();
    assert_eq!(ids, ["1", "2"], "{outcome:#?}");
    assert!(
        lines
            .iter()
            .all(|line| line["key"] == LOCK && line["headers"]["lw-seq"].is_string())
    );
    let outcome = latchwork(&arguments).await;
    let first = outcome.stdout.lines().next().unwrap_or_default();
    assert!(
        first.contains(LOCK) && first.contains(&state(LOCK, 1)),
        "{outcome:#?}"
    );
}
