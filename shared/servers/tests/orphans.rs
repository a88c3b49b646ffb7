//! Nothing outlives the process that started it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is a failure"
)]

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use servers::{ChildCommand, ChildProcess, NatsOptions, NatsServer, Output, wait_until};

/// Set for [`parent_that_is_killed`]: the folder for its data and its children's process ids.
const FOLDER: &str = "ORPHAN_TEST_FOLDER";

/// Scenario: a process starts nats-server and a shell that ignores SIGTERM and is paused; then it
/// is killed by SIGKILL, so that none of its own code can run.
/// Guarantee: both children are gone within seconds, and so are their watchdogs.
#[tokio::test]
async fn children_die_with_a_killed_parent() {
    let folder = tempfile::tempdir().unwrap();
    let command = ChildCommand::new("parent", std::env::current_exe().unwrap())
        .args([
            "--exact",
            "parent_that_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder.path())
        .output(Output::File(folder.path().join("parent.log")));
    let mut parent = ChildProcess::spawn(command).unwrap();
    let pids_path = folder.path().join("pids");
    wait_until(
        Duration::from_mins(2),
        "the parent to start its children",
        async || pids_path.exists(),
    )
    .await
    .unwrap();
    let text = std::fs::read_to_string(&pids_path).unwrap();
    let pids: Vec<Pid> = text
        .split_whitespace()
        .map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap())
        .collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|pid| runs(*pid)), "a child ended by itself");

    // Only the parent: its own watchdog must not help.
    let parent_pid = Pid::from_raw(i32::try_from(parent.pid()).unwrap()).unwrap();
    rustix::process::kill_process(parent_pid, Signal::KILL).unwrap();
    parent.wait_within(Duration::from_secs(10)).await.unwrap();

    wait_until(
        Duration::from_secs(10),
        "the orphans to be killed",
        async || !pids.iter().any(|pid| runs(*pid)),
    )
    .await
    .unwrap();
    wait_until(
        Duration::from_secs(10),
        "the watchdogs to end",
        async || !pids.iter().any(|pid| group_exists(*pid)),
    )
    .await
    .unwrap();
}

/// Not a test: the process that the test above kills.
#[tokio::test]
#[ignore = "run by children_die_with_a_killed_parent in a process of its own"]
async fn parent_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let server = NatsServer::start(NatsOptions::new(folder.join("nats")))
        .await
        .unwrap();
    let stubborn = "trap '' TERM; echo started; while :; do sleep 1; done";
    let command = ChildCommand::new("stubborn", "sh")
        .args(["-c", stubborn])
        .output(Output::Lines);
    let mut shell = ChildProcess::spawn(command).unwrap();
    shell.take_stdout().unwrap().next_line().await.unwrap();
    shell.pause().unwrap();
    let written = folder.join("pids.part");
    std::fs::write(&written, format!("{} {}", server.pid(), shell.pid())).unwrap();
    std::fs::rename(written, folder.join("pids")).unwrap();
    std::future::pending::<()>().await;
}

fn runs(pid: Pid) -> bool {
    rustix::process::test_kill_process(pid).is_ok()
}

fn group_exists(pid: Pid) -> bool {
    rustix::process::test_kill_process_group(pid).is_ok()
}
