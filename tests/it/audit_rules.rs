//! What the audit finds of commands, payloads, impostors and logins; and the log, changed and caught.

use audit::EntryKind;
use command::{Action, Command, KeyRing, SignDigits};
use latchwork::mqtt_client::{ClientOptions, MqttClient, Publish};

use crate::audit_bed::{
    ROAD, Topics, alerted, count_alerts, door, empty, export, logged, logged_until,
};
use crate::clients::{connect, publish};
use crate::payloads::{broken_state, command_topic, state_topic};
use crate::run_command::latchwork;
use crate::testbed::{Setup, Testbed};
use crate::waiting::soon;

const LOCK: &str = "10083618796833171";
const STAGES: [&str; 3] = [ROAD[0], ROAD[1], "audit-notifier"];

/// A bed without Kafka.
async fn bed(setup: Setup, audit: &str) -> Testbed {
    let pipeline = Topics::new().pipeline(audit);
    setup.stages(&STAGES).pipeline(pipeline).start().await
}

/// Sends a command, whatever is answered.
async fn send(app: &MqttClient, command: &Command<'_>) {
    let payload = serde_json::to_string(command).unwrap();
    let published = app
        .publish(Publish::new(command_topic(LOCK), payload))
        .await;
    soon("PUBACK", published.unwrap()).await.unwrap();
}

/// Scenario: at an enforcing edge an app sends a good command, and the lock does it; then a
/// tampered one, one of an hour ago, one of the next hour, the good one again, and one more forged.
/// Guarantee: every command is in the log, every refusal with its verdict; the unlock names the app;
/// each verdict is alerted once, and the fifth refusal as an attack.
#[tokio::test]
async fn commands_are_audited() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, command::new_key_line("2026").unwrap().as_bytes()).unwrap();
    let keys = KeyRing::read(&file).unwrap();
    let commands = format!(
        "[commands]\nmode = \"enforce\"\nkeys_file = \"{}\"\n",
        file.display()
    );
    let bed = bed(Setup::new(), &commands).await;
    let signed = |number: u64, seconds: i64| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let command = Command {
            process_id: number.to_string().into(),
            action: Action::Unlock,
            nonce_str: format!("nonce-{number}").into(),
            ts: now.as_secs().checked_add_signed(seconds).unwrap(),
            sign: "".into(),
        };
        keys.sign(LOCK, command, SignDigits::Truncated).unwrap()
    };
    let (lock, mut incoming) = connect(&bed.client(LOCK)).await;
    let granted = lock.subscribe([command_topic(LOCK)]);
    soon("SUBACK", granted).await.unwrap();
    publish(&lock, state_topic(LOCK), door(LOCK, 2)).await;
    let (app, _) = connect(&bed.client("the-app")).await;
    let good = signed(7, 0);
    send(&app, &good).await;
    soon("the command", incoming.next()).await.unwrap();
    publish(&lock, state_topic(LOCK), door(LOCK, 7)).await;
    let tampered = Command {
        action: Action::Lock,
        ..signed(8, 0)
    };
    let forged = Command {
        sign: "0123456789abcdef".into(),
        ..signed(11, 0)
    };
    for command in [
        &tampered,
        &signed(9, -3600),
        &signed(10, 3600),
        &good,
        &forged,
    ] {
        send(&app, command).await;
    }
    let entries = alerted(&bed, LOCK, "command-attack raised").await;

    let verdicts: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Verdict)
        .map(|entry| entry.data["verdict"].as_str().unwrap())
        .collect();
    let expected = [
        "bad-signature",
        "stale",
        "future",
        "replayed",
        "bad-signature",
    ];
    assert_eq!(verdicts, expected, "{entries:#?}");
    assert_eq!(count_alerts(&entries, LOCK, "command-refused raised"), 4);
    assert_eq!(count_alerts(&entries, LOCK, "command-attack raised"), 1);
    assert_eq!(
        count_alerts(&entries, LOCK, "unlock-without-command raised"),
        0
    );
    let sent = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Command && entry.data["step"] == "sent");
    assert_eq!(sent.count(), 6);
    let unlock = entries
        .iter()
        .find(|entry| entry.kind == EntryKind::Unlock && entry.number() == 7)
        .unwrap();
    assert_eq!(unlock.data["by"], "command", "{unlock:#?}");
    assert_eq!(unlock.data["by_client"], "the-app", "{unlock:#?}");
}

/// Scenario: a lock sends a payload that breaks its contract, then goes on; another client speaks on
/// its topic, once with a payload of its own and once with one that breaks the contract.
/// Guarantee: the lock has an alert for the payload, and one that names the impostor; what the
/// impostor says moves no door.
#[tokio::test]
async fn bad_payloads_and_impostors_are_told() {
    let bed = bed(Setup::new(), "").await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    publish(&lock, state_topic(LOCK), door(LOCK, 2)).await;
    publish(&lock, state_topic(LOCK), broken_state(LOCK, 3)).await;
    let (thief, _) = connect(&bed.client("thief")).await;
    publish(&thief, state_topic(LOCK), door(LOCK, 5)).await;
    publish(&thief, state_topic(LOCK), door("thief", 7)).await;
    publish(&thief, state_topic(LOCK), broken_state(LOCK, 9)).await;
    publish(&lock, state_topic(LOCK), door(LOCK, 11)).await;
    let entries = alerted(&bed, LOCK, "unlocked raised").await;
    assert_eq!(count_alerts(&entries, LOCK, "invalid-payload raised"), 1);
    assert_eq!(count_alerts(&entries, LOCK, "impostor raised"), 1);
    let impostor = entries
        .iter()
        .find(|entry| entry.kind == EntryKind::Alert && entry.alert() == "impostor raised");
    assert_eq!(impostor.unwrap().data["details"]["client"], "thief");
    let moves = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Unlock);
    let numbers: Vec<u64> = moves.map(crate::audit_bed::Logged::number).collect();
    assert_eq!(numbers, [11]);
}

/// Scenario: somebody without credentials tries a lock's client id again and again.
/// Guarantee: the fifth time there is an alert of that client id, and only one.
#[tokio::test]
async fn refused_logins_are_told() {
    let bed = bed(Setup::new().refuse_anonymous(), "").await;
    for _ in 0..6 {
        let options = ClientOptions::new(bed.mqtt(), LOCK);
        let refused = soon("a refusal", MqttClient::connect(&options)).await;
        assert!(refused.is_err());
    }
    alerted(&bed, LOCK, "login-failed raised").await;
    empty(&bed, &["UP", "EV"]).await;
    let entries = logged(&bed).await;
    assert_eq!(count_alerts(&entries, LOCK, "login-failed raised"), 1);
}

/// Scenario: the log is exported, signed checkpoints and all, and verified offline; then one byte of
/// the copy is changed, at several places, one line removed, and two swapped.
/// Guarantee: the copy as it is passes; each change is found, exit code 1, with chain and number.
#[tokio::test]
async fn a_changed_copy_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = latchwork(&["audit", "keygen", &path("key")]).await;
    assert_eq!(made.code, Some(0), "{made:#?}");
    let signed = format!("checkpoint_key_file = \"{}\"\n", path("key"));
    let bed = bed(Setup::new(), &signed).await;
    let (lock, _) = connect(&bed.client(LOCK)).await;
    // Each opening is three entries, each closing two; the thousandth is followed by a checkpoint.
    for number in 1..=420 {
        publish(&lock, state_topic(LOCK), door(LOCK, number)).await;
    }
    logged_until(&bed, "a checkpoint", |entries| {
        let mut kinds = entries.iter().map(|entry| entry.kind);
        kinds.any(|kind| kind == EntryKind::Checkpoint)
    })
    .await;
    let copy = folder.path().join("log.jsonl");
    export(&bed, &copy).await;
    let whole = std::fs::read_to_string(&copy).unwrap();
    let good = offline(&whole, &path("copy"), &path("key.pub")).await;
    assert_eq!(good.code, Some(0), "{good:#?}");
    assert!(good.stdout.contains("signed up to"), "{good:#?}");

    let lines: Vec<&str> = whole.lines().collect();
    let (chain, seq) = {
        let entry = audit::Entry::read(lines[10].as_bytes()).unwrap();
        (entry.chain, entry.seq)
    };
    let place = format!("chain {chain}");
    let line = lines[10];
    for at in [1, line.len() / 3, line.len() / 2, line.len() - 10] {
        let mut bytes = line.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(bytes).unwrap();
        let text = whole.replacen(line, &changed, 1);
        let caught = offline(&text, &path("copy"), &path("key.pub")).await;
        assert_eq!(caught.code, Some(1), "{changed}\n{caught:#?}");
        assert!(caught.stdout.contains(&place), "{caught:#?}");
        assert!(caught.stdout.contains(&seq.to_string()), "{caught:#?}");
        eprintln!("{}", caught.stdout.lines().next().unwrap_or_default());
    }
    let removed = whole.replacen(&format!("{line}\n"), "", 1);
    let mut swapped = lines.clone();
    swapped.swap(10, 11);
    for text in [removed, format!("{}\n", swapped.join("\n"))] {
        let caught = offline(&text, &path("copy"), &path("key.pub")).await;
        assert_eq!(caught.code, Some(1), "{caught:#?}");
        assert!(caught.stdout.contains(&place), "{caught:#?}");
        assert!(caught.stdout.contains(&seq.to_string()), "{caught:#?}");
        eprintln!("{}", caught.stdout.lines().next().unwrap_or_default());
    }
}

async fn offline(text: &str, file: &str, key: &str) -> crate::run_command::Outcome {
    std::fs::write(file, text).unwrap();
    latchwork(&["audit", "verify", "--file", file, "--public-key", key]).await
}
