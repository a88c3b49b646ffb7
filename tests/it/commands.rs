//! Signed commands, checked at the door.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use command::{Action, Command, KeyRing, SignDigits};
use latchwork::mqtt_client::{
    ClientOptions, IncomingMessages, MqttClient, PubAck, Publish, ReasonCode, Version,
};
use record::{Frame, Kind, Record, Verdict};
use servers::{ChildCommand, ChildProcess, free_port};
use tempfile::TempDir;

use crate::clients::connect;
use crate::payloads::command_topic;
use crate::testbed::{Setup, Testbed};
use crate::waiting::{soon, until};

const LOCK: &str = "10083618796833171";

/// What a lock maker's back end has.
struct BackEnd {
    folder: TempDir,
    keys: KeyRing,
    commands: std::cell::Cell<u64>,
}

impl BackEnd {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let line = command::new_key_line("2026").unwrap();
        std::fs::write(folder.path().join("keys"), line.as_bytes()).unwrap();
        let keys = KeyRing::read(&folder.path().join("keys")).unwrap();
        Self {
            folder,
            keys,
            commands: 0.into(),
        }
    }

    fn keys_file(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// An edge alone that checks commands.
    async fn edge(&self, mode: &str) -> Testbed {
        let keys = self.keys_file();
        let text = format!(
            "[commands]\nmode = \"{mode}\"\nkeys_file = \"{}\"\n",
            keys.display()
        );
        Setup::new()
            .stages(&["mqtt-edge"])
            .pipeline(text)
            .start()
            .await
    }

    /// A good unlock command, so many seconds after now.
    fn signed(&self, seconds: i64) -> Command<'static> {
        let number = self.commands.replace(self.commands.get() + 1);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let command = Command {
            process_id: number.to_string().into(),
            action: Action::Unlock,
            nonce_str: format!("nonce-{number}").into(),
            ts: now.as_secs().checked_add_signed(seconds).unwrap(),
            sign: "".into(),
        };
        self.keys
            .sign(LOCK, command, SignDigits::Truncated)
            .unwrap()
    }
}

fn json(command: &Command<'_>) -> String {
    serde_json::to_string(command).unwrap()
}

async fn send(client: &MqttClient, payload: String) -> PubAck {
    let published = client
        .publish(Publish::new(command_topic(LOCK), payload))
        .await;
    soon("PUBACK", published.unwrap()).await.unwrap()
}

/// A lock that takes commands.
async fn lock(bed: &Testbed) -> (MqttClient, IncomingMessages) {
    let (lock, incoming) = connect(&bed.client(LOCK)).await;
    let granted = lock.subscribe([command_topic(LOCK)]);
    soon("SUBACK", granted).await.unwrap();
    (lock, incoming)
}

async fn next(incoming: &mut IncomingMessages) -> String {
    let message = soon("a command to reach the lock", incoming.next()).await;
    String::from_utf8(message.unwrap().payload.to_vec()).unwrap()
}

/// The verdicts of all publishes that UP holds, in order.
async fn verdicts(bed: &Testbed, count: usize) -> Vec<(Verdict, bool)> {
    let context = bed.jetstream().await;
    let stream = context.get_stream("UP").await.unwrap();
    let mut verdicts = Vec::new();
    let mut sequence = 1;
    while verdicts.len() < count {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let frame = Frame::<Record>::read(message.payload).unwrap();
        let publishes = frame
            .items
            .iter()
            .filter(|record| record.kind() == Kind::Publish);
        verdicts.extend(publishes.map(|record| (record.verdict(), record.is_refused())));
        sequence += 1;
    }
    verdicts
}

fn v5(bed: &Testbed, client_id: &str) -> ClientOptions {
    let mut options = bed.client(client_id);
    options.version = Version::V5;
    options
}

/// Scenario: an enforcing edge; a back end sends to a lock: a command with another action than was
/// signed, one of an hour ago, one of the next hour, no command at all, a good one, the same again,
/// and another good one; once by MQTT 5.0, once by 3.1.1.
/// Guarantee: the lock gets the good ones, once; 5.0 is told 0x87 and why, 3.1.1 is acknowledged;
/// every one is in UP with its verdict.
#[tokio::test]
async fn only_good_commands_reach_the_lock() {
    let back_end = BackEnd::new();
    let bed = back_end.edge("enforce").await;
    let (_lock, mut incoming) = lock(&bed).await;
    for (options, told) in [
        (v5(&bed, "app-5"), ReasonCode::NOT_AUTHORIZED),
        (bed.client("app-3"), ReasonCode::SUCCESS),
    ] {
        let (app, _) = connect(&options).await;
        let mut tampered = back_end.signed(0);
        tampered.action = Action::Lock;
        let good = json(&back_end.signed(0));
        let refused = [
            (json(&tampered), "signature"),
            (json(&back_end.signed(-3600)), "too old"),
            (json(&back_end.signed(3600)), "ahead"),
            ("{}".to_owned(), "lock-command"),
        ];
        for (payload, why) in refused {
            let answer = send(&app, payload).await;
            assert_eq!(answer.reason, told);
            let text = answer.text.unwrap_or_default();
            assert!(told == ReasonCode::SUCCESS || text.contains(why), "{text}");
        }
        assert_eq!(send(&app, good.clone()).await.reason, ReasonCode::SUCCESS);
        assert_eq!(send(&app, good.clone()).await.reason, told);
        let another = json(&back_end.signed(0));
        assert_eq!(
            send(&app, another.clone()).await.reason,
            ReasonCode::SUCCESS
        );
        assert_eq!(next(&mut incoming).await, good);
        assert_eq!(next(&mut incoming).await, another);
    }
    let each = [
        (Verdict::BadSignature, true),
        (Verdict::Stale, true),
        (Verdict::Future, true),
        (Verdict::Malformed, true),
        (Verdict::Ok, false),
        (Verdict::Replayed, true),
        (Verdict::Ok, false),
    ];
    assert_eq!(verdicts(&bed, 14).await, [each, each].concat());
}

/// Scenario: an observing edge gets a command that is signed by nobody.
/// Guarantee: it reaches the lock; its record says what is wrong.
#[tokio::test]
async fn an_observing_edge_lets_pass_and_tells() {
    let back_end = BackEnd::new();
    let bed = back_end.edge("observe").await;
    let (_lock, mut incoming) = lock(&bed).await;
    let (app, _) = connect(&v5(&bed, "app")).await;
    let mut forged = back_end.signed(0);
    forged.sign = "0123456789abcdef".into();
    assert_eq!(send(&app, json(&forged)).await.reason, ReasonCode::SUCCESS);
    assert_eq!(next(&mut incoming).await, json(&forged));
    assert_eq!(verdicts(&bed, 1).await, [(Verdict::BadSignature, false)]);
}

/// Another edge on the same NATS; gives its MQTT address.
async fn second_edge(bed: &Testbed, back_end: &BackEnd) -> (ChildProcess, String) {
    let mqtt = format!("127.0.0.1:{}", free_port().unwrap());
    let config = back_end.folder.path().join("pipeline.toml");
    std::fs::write(&config, "[commands]\nmode = \"enforce\"\n").unwrap();
    let command = ChildCommand::new("second-edge", env!("CARGO_BIN_EXE_latchwork-under-test"))
        .args([
            "stage",
            "mqtt-edge",
            "--allow-anonymous",
            "--node",
            "second",
        ])
        .args(["--mqtt", &mqtt, "--nats", bed.nats_url(), "--config"])
        .arg(&config)
        .env("LATCHWORK_COMMAND_KEYS_FILE", back_end.keys_file());
    let child = ChildProcess::spawn(command).unwrap();
    let up = async || tokio::net::TcpStream::connect(&mqtt).await.is_ok();
    until("the second edge to listen", up).await;
    (child, mqtt)
}

/// Scenario: a command that was delivered is sent again: to a second edge, to the first one after
/// it was killed, and after nats-server was killed. In between a new one is sent to the second edge.
/// Guarantee: it is refused every time; the new one is not.
#[tokio::test]
async fn a_replay_is_refused_everywhere() {
    let back_end = BackEnd::new();
    let bed = back_end.edge("enforce").await;
    let command = json(&back_end.signed(0));
    let at = async |mqtt: &str, payload: &str| {
        let mut options = ClientOptions::new(mqtt, "app");
        options.version = Version::V5;
        let (app, _) = connect(&options).await;
        send(&app, payload.to_owned()).await.reason
    };
    assert_eq!(at(bed.mqtt(), &command).await, ReasonCode::SUCCESS);
    let (_second, second) = second_edge(&bed, &back_end).await;
    assert_eq!(at(&second, &command).await, ReasonCode::NOT_AUTHORIZED);
    let new = json(&back_end.signed(0));
    assert_eq!(at(&second, &new).await, ReasonCode::SUCCESS);
    assert_eq!(at(bed.mqtt(), &new).await, ReasonCode::NOT_AUTHORIZED);
    for name in ["mqtt-edge", "nats-server"] {
        bed.kill(name).await;
        bed.ready().await;
        for replay in [&command, &new] {
            assert_eq!(at(bed.mqtt(), replay).await, ReasonCode::NOT_AUTHORIZED);
        }
    }
}

/// Scenario: the settings ask for checks and name no keys, or a file that is none.
/// Guarantee: the edge says in one line what is missing, and does not start.
#[tokio::test]
async fn no_keys_no_edge() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("pipeline.toml");
    let bed = Setup::new().stages(&["mqtt-edge"]).start().await;
    for (text, told) in [
        ("mode = \"enforce\"", "LATCHWORK_COMMAND_KEYS_FILE"),
        ("mode = \"observe\"\nkeys_file = \"nowhere\"", "nowhere"),
    ] {
        std::fs::write(&config, format!("[commands]\n{text}\n")).unwrap();
        let config = config.to_str().unwrap();
        let outcome = crate::run_command::latchwork(&[
            "stage",
            "mqtt-edge",
            "--mqtt",
            "127.0.0.1:0",
            "--nats",
            bed.nats_url(),
            "--config",
            config,
        ])
        .await;
        outcome.has_failed_saying(&[told]);
    }
}
