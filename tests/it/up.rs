//! The road as an operator runs it.

use std::path::Path;
use std::time::Duration;

use latchwork::mqtt_client::{ClientOptions, MqttClient, ReasonCode};
use latchwork::stack::{Roster, RosterEntry, wait_until_ready};
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

/// Scenario: `up` runs the edge alone, with a port for TLS and one for WebSocket, a file of users and
/// one of rules, given on its command line; before that, with a rule that is none.
/// Guarantee: the wrong rule is told in one line, with its place, and nothing is started. Else each port
/// is named and open, and the edge asks for the users and rules that were given.
#[tokio::test]
async fn the_edges_options_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = file("edge.pem", &identity.cert.pem());
    let key = file("edge.key", &identity.signing_key.serialize_pem());
    let [passwords, secret] = [("passwords", ""), ("secret", "alice's")].map(|(n, t)| file(n, t));
    let made = latchwork(&["passwd", &passwords, "alice", "--password-file", &secret]).await;
    assert_eq!(made.code, Some(0), "{made:#?}");
    let rules = file("acl", "all allow publish devices/%c/state\n");
    let [mqtt, mqtts, ws] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port().unwrap()));
    let nats_port = free_port().unwrap().to_string();
    let data_dir = folder.path().join("data");
    let words = [
        "up",
        "--stages=mqtt-edge",
        "--kafka=127.0.0.1:1",
        "--nats-port",
        &nats_port,
        "--data-dir",
        data_dir.to_str().unwrap(),
        "--mqtt",
        &mqtt,
        "--mqtts",
        &mqtts,
        "--ws",
        &ws,
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--password-file",
        &passwords,
        "--acl-file",
    ];
    let wrong = file("wrong", "all may publish a\n");
    let refused = latchwork(&[&words[..], &[&wrong]].concat()).await;
    refused.is_one_clear_line(&["wrong", "line 1", "may"]);
    assert!(!data_dir.exists(), "something was started");

    let program = env!("CARGO_BIN_EXE_latchwork-under-test");
    let command = ChildCommand::new("up", program).args(words).arg(&rules);
    let mut up = ChildProcess::spawn(command.output(Output::Lines)).unwrap();
    let mut stderr = up.take_stderr().unwrap();
    tokio::spawn(async move { while let Ok(Some(_)) = stderr.next_line().await {} });
    let mut stdout = up.take_stdout().unwrap();
    let line = soon("`up` to say that it is up", stdout.next_line()).await;
    let line = line.unwrap().unwrap();
    let ports = format!("{mqtt}, TLS {mqtts}, WebSocket {ws} -> ");
    assert!(line.contains(&ports), "{line}");
    for port in [&mqtts, &ws] {
        tokio::net::TcpStream::connect(port).await.unwrap();
    }
    users_and_rules_are_asked_for(&mqtt).await;
    let ended = up.stop(Duration::from_secs(45)).await.unwrap();
    assert!(ended.success(), "{ended}");
}

async fn users_and_rules_are_asked_for(mqtt: &str) {
    let anonymous = ClientOptions::new(mqtt, LOCK).v5();
    let refused = MqttClient::connect(&anonymous).await.unwrap_err();
    assert!(refused.to_string().contains("0x87"), "{refused}");
    let alice = ClientOptions {
        username: Some("alice".into()),
        password: Some("alice's".into()),
        ..anonymous
    };
    let (lock, _) = connect(&alice).await;
    for (topic, reason) in [
        (state_topic(LOCK), ReasonCode::SUCCESS),
        (state_topic("8"), ReasonCode::NOT_AUTHORIZED),
    ] {
        assert_eq!(publish(&lock, topic, state(LOCK, 1)).await, reason);
    }
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

/// Scenario: `up` runs a stage without a pipeline file, so that there is nothing to follow; `up`, and
/// the stage itself, get SIGHUP.
/// Guarantee: neither ends: the stage has the same process id, says that it can work, and both end well
/// at SIGTERM.
#[tokio::test]
async fn a_hangup_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let command = ChildCommand::new("up", env!("CARGO_BIN_EXE_latchwork-under-test"))
        .args(["up", "--stages=transform", "--kafka=127.0.0.1:1"])
        .args(["--nats-port", &free_port().unwrap().to_string()])
        .arg("--data-dir")
        .arg(folder.path())
        .output(Output::Lines);
    let mut up = ChildProcess::spawn(command).unwrap();
    let mut stderr = up.take_stderr().unwrap();
    tokio::spawn(async move { while let Ok(Some(_)) = stderr.next_line().await {} });
    let mut stdout = up.take_stdout().unwrap();
    let line = soon("`up` to say that it is up", stdout.next_line()).await;
    assert!(line.unwrap().unwrap().contains("is up"));
    let transform = entry(folder.path(), "transform");
    let itself = i32::try_from(up.pid()).ok().and_then(Pid::from_raw);
    for pid in [pid_of(&transform), itself.unwrap()] {
        for _ in 0..3 {
            kill_process(pid, Signal::HUP).unwrap();
        }
    }
    // One that was started in its place would be in stages.json before it answers.
    let within = Duration::from_secs(30);
    let ready = wait_until_ready("transform", &transform.health, within).await;
    ready.unwrap();
    assert_eq!(entry(folder.path(), "transform"), transform);
    let ended = up.stop(Duration::from_secs(45)).await.unwrap();
    assert!(ended.success(), "{ended}");
}
