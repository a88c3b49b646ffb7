//! Child processes other than servers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is a failure"
)]

use std::time::Duration;

use rustix::process::Pid;
use servers::{ChildCommand, ChildProcess, Output, ServerError, wait_until};

const SOON: Duration = Duration::from_secs(10);

fn shell(script: &str) -> ChildCommand {
    ChildCommand::new("script", "sh")
        .args(["-c", script])
        .output(Output::Lines)
}

fn raw(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

/// Scenario: a program prints on both streams, one variable is set, one argument has spaces.
/// Guarantee: both streams come as lines and end with the program; its status is its own.
#[tokio::test]
async fn lines_and_status_come_through() {
    let script = r#"echo "$0"; echo "$GREETING" >&2; exit 3"#;
    let command = shell(script)
        .arg("two words; $HOME")
        .env("GREETING", "hello");
    let mut child = ChildProcess::spawn(command).unwrap();
    let (mut out, mut err) = (child.take_stdout().unwrap(), child.take_stderr().unwrap());
    assert_eq!(out.next_line().await.unwrap().unwrap(), "two words; $HOME");
    assert_eq!(out.next_line().await.unwrap(), None);
    assert_eq!(err.next_line().await.unwrap().unwrap(), "hello");
    assert_eq!(err.next_line().await.unwrap(), None);
    assert_eq!(child.wait_within(SOON).await.unwrap().code(), Some(3));
}

/// Scenario: the program tells its own process id.
/// Guarantee: `pid` is the program's own, not the watchdog's.
#[tokio::test]
async fn the_pid_is_the_programs_own() {
    let mut child = ChildProcess::spawn(shell("echo $$; exec sleep 600")).unwrap();
    let told = child
        .take_stdout()
        .unwrap()
        .next_line()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told, child.pid().to_string());
}

/// Scenario: a program ignores SIGTERM, the other one does not and has been paused.
/// Guarantee: the first is killed after its time with an error that says so; the second ends by
/// SIGTERM although it was paused.
#[tokio::test]
async fn stop_terminates_then_kills() {
    let stubborn = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
    let mut child = ChildProcess::spawn(shell(stubborn)).unwrap();
    child.take_stdout().unwrap().next_line().await.unwrap();
    let refused = child
        .stop(Duration::from_millis(100))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("script") && refused.contains("has been killed"),
        "{refused}"
    );
    assert!(child.exited().unwrap().is_some());

    let obedient = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done";
    let mut child = ChildProcess::spawn(shell(obedient)).unwrap();
    child.take_stdout().unwrap().next_line().await.unwrap();
    child.pause().unwrap();
    assert_eq!(child.stop(SOON).await.unwrap().code(), Some(7));
}

/// Scenario: a child is killed, signalled, killed again, and restarted.
/// Guarantee: the kill is seen in its status; a signal to the dead is an error, a second kill is
/// none; the restart runs the same command as a new process.
#[tokio::test]
async fn kill_and_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let command = shell("echo begun; exec sleep 600").output(Output::File(log.clone()));
    let mut child = ChildProcess::spawn(command).unwrap();
    let first = child.pid();
    let begun = async |times: usize| {
        wait_until(SOON, "the line in the log", async || {
            std::fs::read_to_string(&log)
                .unwrap_or_default()
                .matches("begun")
                .count()
                == times
        })
        .await
        .unwrap();
    };
    begun(1).await;
    let status = child.kill().await.unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9)
    );
    assert!(matches!(child.pause(), Err(ServerError::Ended { pid, .. }) if pid == first));
    child.kill().await.unwrap();
    child.restart().await.unwrap();
    assert_ne!(child.pid(), first);
    begun(2).await;
}

/// Scenario: a running and a paused child are dropped.
/// Guarantee: both are gone and reaped when the drop returns.
#[tokio::test]
async fn drop_kills_and_reaps() {
    for pause in [false, true] {
        let mut child = ChildProcess::spawn(shell("exec sleep 600")).unwrap();
        let pid = raw(child.pid());
        if pause {
            child.pause().unwrap();
        }
        drop(child);
        assert!(
            rustix::process::test_kill_process(pid).is_err(),
            "it is still there"
        );
    }
}

/// Scenario: a child ends by itself.
/// Guarantee: its watchdog ends, too, once that has been seen.
#[tokio::test]
async fn a_watchdog_ends_with_its_child() {
    let mut child = ChildProcess::spawn(shell("exit 0")).unwrap();
    let group = raw(child.pid());
    child.wait_within(SOON).await.unwrap();
    wait_until(SOON, "the watchdog to end", async || {
        rustix::process::test_kill_process_group(group).is_err()
    })
    .await
    .unwrap();
}

/// Scenario: a child of the child is left behind when the child is killed.
/// Guarantee: it is killed, too, unless it left the process group.
#[tokio::test]
async fn grandchildren_are_killed_too() {
    let mut child = ChildProcess::spawn(shell("sleep 600 & echo $!; wait")).unwrap();
    let told = child
        .take_stdout()
        .unwrap()
        .next_line()
        .await
        .unwrap()
        .unwrap();
    child.kill().await.unwrap();
    let grandchild = raw(told.parse().unwrap());
    wait_until(SOON, "the grandchild to end", async || {
        rustix::process::test_kill_process(grandchild).is_err()
    })
    .await
    .unwrap();
}

/// Scenario: there is no such program; a child runs longer than it is waited for.
/// Guarantee: the errors name the program, and the child and the time.
#[tokio::test]
async fn errors_name_their_subject() {
    let missing = ChildProcess::spawn(ChildCommand::new("stage", "/no/such/program")).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "cannot start stage: there is no executable program /no/such/program"
    );
    let mut child = ChildProcess::spawn(shell("exec sleep 600")).unwrap();
    let late = child
        .wait_within(Duration::from_millis(20))
        .await
        .unwrap_err();
    assert_eq!(late.to_string(), "waited 20ms in vain for script to end");
}
