//! The one command that shows everything.

use serde_json::Value;

use crate::run_command::latchwork;
use crate::waiting::soon;

/// Scenario: `latchwork demo --for 3s --json` on a machine with nothing else.
/// Guarantee: it ends well; the last line of its output is the account, with all its keys: nothing
/// lost, repeated or out of order, a mail for each thing that the owner must know, both bad commands
/// refused, the audit log intact. The screen shows the refusals' reasons and the changed byte found.
#[tokio::test]
async fn the_demo_proves_itself() {
    let outcome = latchwork(&["demo", "--for", "3s", "--json"]).await;
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let last = outcome.stdout.lines().last().unwrap_or_default();
    let account: Value =
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"));
    let figure = |name: &str| {
        account[name]
            .as_f64()
            .unwrap_or_else(|| panic!("no {name}: {last}"))
    };
    for name in ["lost", "duplicates", "out_of_order"] {
        assert!(figure(name) == 0.0, "{name}: {last}");
    }
    assert!(figure("dead_letters") >= 0.0);
    for name in ["published", "acked", "in_kafka", "p50_ms", "p99_ms"] {
        assert!(figure(name) > 0.0, "{name}: {last}");
    }
    assert!(figure("refused_commands") >= 2.0 && figure("mails") >= 5.0);
    assert!(figure("audit_entries") > 0.0 && account["audit_intact"] == true);
    assert_eq!(
        account.as_object().map(serde_json::Map::len),
        Some(13),
        "{last}"
    );
    for shown in [
        "The door was unlocked by a command",
        "The battery is low",
        "the signature does not match the command",
        "the nonce was used before",
        "> found            changed: chain ",
    ] {
        assert!(outcome.stderr.contains(shown), "{shown}: {outcome:#?}");
    }
    assert!(!outcome.stderr.contains('\x1b'), "colours, and no terminal");
}

/// Scenario: the demo's audit-notifier is told to send nothing.
/// Guarantee: the demo misses the mail, says so, and fails; its account is still the last line.
#[tokio::test]
async fn a_mail_that_does_not_come_is_a_fault() {
    // A demo that fails leaves its logs.
    let folder = tempfile::tempdir().unwrap();
    let demo = tokio::process::Command::new(env!("CARGO_BIN_EXE_latchwork-under-test"))
        .args(["demo", "--for", "1s", "--json"])
        .env_remove("LATCHWORK_KAFKA")
        .env("LATCHWORK_FLOW", "audit")
        .env("TMPDIR", folder.path())
        .kill_on_drop(true)
        .output();
    let output = soon("the demo to end", demo).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let error = said.lines().find(|line| line.starts_with("error: "));
    assert!(
        error.is_some_and(|line| line.contains("no mail about")),
        "{said}"
    );
    let stdout = String::from_utf8(output.stdout).unwrap();
    let last = stdout.lines().last().unwrap_or_default();
    let account: Value = serde_json::from_str(last).unwrap();
    assert!(account["mails"] == 0 && account["lost"] == 0, "{last}");
}
