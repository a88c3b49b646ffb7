//! The command line of signed commands.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use clap::Parser;
use rmqtt_codec::v5::PublishAckReason;
use serde_json::Value;

use super::{Action, CommandArgs, run, verify};
use crate::mqtt_client::stub::Stub;

const LOCK: &str = "10083618796833171";

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: CommandArgs,
}

struct Keys {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Keys {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let mut line = Vec::new();
        run(args(&["keygen"]), &mut line).await.unwrap();
        std::fs::write(&file, line).unwrap();
        Self {
            _folder: folder,
            file,
        }
    }

    /// What a command prints, and whether it succeeded.
    async fn run(&self, words: &[&str]) -> (String, Result<(), String>) {
        let file = self.file.to_str().unwrap();
        let mut out = Vec::new();
        let result = run(args(&[words, &["--keys-file", file]].concat()), &mut out).await;
        let text = String::from_utf8(out).unwrap();
        (text, result.map_err(|error| error.to_string()))
    }
}

fn args(words: &[&str]) -> CommandArgs {
    let words = std::iter::once("command").chain(words.iter().copied());
    Line::try_parse_from(words).unwrap().args
}

/// Scenario: a key goes into a new file, twice, and then with --keep; a file that is no key file is
/// kept.
/// Guarantee: only the owner may read it, and nothing is printed that must not be seen; the second
/// time is refused; --keep leaves the key as it is, and finds what is none.
#[tokio::test]
async fn a_key_file_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let words = ["keygen", "--file", file.to_str().unwrap()];
    let mut out = Vec::new();
    run(args(&words), &mut out).await.unwrap();
    let line = std::fs::read_to_string(&file).unwrap();
    let (id, key) = line.trim_end().split_once(' ').unwrap();
    let printed = String::from_utf8(out).unwrap();
    assert!(printed.contains(id) && !printed.contains(key), "{printed}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let again = run(args(&words), &mut Vec::new()).await.unwrap_err();
    assert!(format!("{again:#}").contains("exists"), "{again:#}");
    let keep = [&words[..], &["--keep"]].concat();
    run(args(&keep), &mut Vec::new()).await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), line);
    std::fs::write(&file, "no key").unwrap();
    assert!(run(args(&keep), &mut Vec::new()).await.is_err());
}

/// Scenario: a key is made, a command signed, and verified from the command line and from standard
/// input; then late, early, for another lock, with too few digits, and changed to nonsense.
/// Guarantee: the first two are ok; each other one fails with its verdict.
#[tokio::test]
async fn commands_are_signed_and_verified() {
    let keys = Keys::new().await;
    let (payload, signed) = keys
        .run(&["sign", LOCK, "unlock", "--ts", "1574744434"])
        .await;
    signed.unwrap();
    let payload = payload.trim_end();
    for (lock, payload, more, expected) in [
        (LOCK, payload, &["--at", "1574744440"][..], "ok"),
        (LOCK, payload, &["--at", "1574744735"], "stale"),
        (
            LOCK,
            payload,
            &["--at", "1574744735", "--window", "10m"],
            "ok",
        ),
        (LOCK, payload, &["--at", "1574744403"], "future"),
        (LOCK, payload, &[], "stale"),
        ("other", payload, &["--at", "1574744440"], "bad-signature"),
        (
            LOCK,
            payload,
            &["--at", "1574744440", "--digits", "64"],
            "bad-signature",
        ),
        (LOCK, "{\"\u{1b}\":1}", &[], "malformed"),
    ] {
        let words = [&["verify", lock, payload], more].concat();
        let (text, result) = keys.run(&words).await;
        assert!(text.starts_with(&format!("{expected}: ")), "{text}");
        assert_eq!(result.is_ok(), expected == "ok", "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
        let (text, _) = keys.run(&[words.as_slice(), &["--json"]].concat()).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["verdict"], expected);
    }
    let file = keys.file.to_str().unwrap();
    let line = args(&["verify", LOCK, "--at", "1574744440", "--keys-file", file]);
    let Action::Verify(line) = line.action else {
        panic!("another command");
    };
    let mut out = Vec::new();
    verify::run(&line, &mut format!("{payload}\n").as_bytes(), &mut out).unwrap();
    assert!(out.starts_with(b"ok: unlock at 2019-11-26T05:00:34"));
}

/// Scenario: a command is sent to a server that takes it, then to one that refuses it.
/// Guarantee: the lock's topic gets a payload that verifies, with `QoS` 1; PUBACK and refusal are
/// told; the refusal fails the command.
#[tokio::test]
async fn commands_are_sent() {
    let keys = Keys::new().await;
    let stub = Stub::start().await;
    let send = ["send", LOCK, "unlock", "--mqtt", &*stub.address];
    let (text, result) = keys.run(&send).await;
    result.unwrap();
    assert!(text.ends_with("\nPUBACK: success (0x00)\n"), "{text}");
    let seen = stub.read(|state| state.published[0].clone());
    assert_eq!(seen.topic, format!("devices/{LOCK}/command"));
    assert!(seen.packet_id.is_some());
    let payload = std::str::from_utf8(&seen.payload).unwrap();
    let (text, result) = keys.run(&["verify", LOCK, payload]).await;
    assert!(result.is_ok(), "{text}");

    stub.change(|state| state.refuse = Some(("unlock", PublishAckReason::NotAuthorized)));
    let (text, result) = keys.run(&send).await;
    assert!(text.contains("\nrefused: not authorized (0x87)"), "{text}");
    assert!(result.unwrap_err().contains("refused the command"));
    let (text, _) = keys.run(&[&send[..], &["--json"]].concat()).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&answer["accepted"], &answer["reason_code"]),
        (&false.into(), &0x87.into())
    );
}

/// Scenario: a lock id that would reach other locks, a strange action, a number of digits that is
/// none, and a nonce that no lock takes.
/// Guarantee: each is refused before anything is signed or sent.
#[tokio::test]
async fn nonsense_is_refused() {
    let keys = Keys::new().await;
    for words in [
        &["sign", "a/b", "lock", "--keys-file", "k"][..],
        &["send", "+", "lock", "--keys-file", "k"],
        &["sign", "", "lock", "--keys-file", "k"],
        &["sign", LOCK, "open", "--keys-file", "k"],
        &["sign", LOCK, "lock", "--digits", "32", "--keys-file", "k"],
    ] {
        let line = std::iter::once("command").chain(words.iter().copied());
        assert!(Line::try_parse_from(line).is_err(), "{words:?}");
    }
    let (text, result) = keys.run(&["sign", LOCK, "lock", "--nonce", "a b"]).await;
    assert!(text.is_empty());
    assert!(result.unwrap_err().contains("visible ASCII"));
}
