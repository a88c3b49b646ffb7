//! A replica of a stage beside the stack, which starts nothing again by itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use latchwork::stack::wait_until_ready;
use rustix::process::Signal;
use servers::{ChildCommand, ChildProcess, Output, free_port};
use stage::lease::Snapshot;
use tempfile::TempDir;

use crate::testbed::{Testbed, send_signal};
use crate::waiting::{DEADLINE, until};

/// One process. When a test fails while it lives, the end of its log is shown.
pub(crate) struct Replica {
    stage: String,
    child: ChildProcess,
    health: String,
    log: PathBuf,
    // Holds the pipeline file and the log.
    _folder: TempDir,
}

impl Replica {
    /// Starts it on the stack's NATS and Kafka. It may not be ready yet.
    pub(crate) fn start(
        bed: &Testbed,
        stage: &str,
        pipeline: Option<&str>,
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let health = format!("127.0.0.1:{}", free_port().unwrap());
        let log = folder.path().join(format!("{stage}.log"));
        let program = env!("CARGO_BIN_EXE_latchwork-under-test");
        let mut command = ChildCommand::new(stage, program)
            .args(["stage", stage, "--nats", bed.nats_url()])
            .args(["--health", &health])
            .env("LATCHWORK_LOG_FORMAT", "human")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "")
            .output(Output::File(log.clone()));
        if stage == "kafka-sink" {
            command = command.args(["--ensure-topics", "--kafka", bed.kafka().brokers()]);
        }
        if let Some(pipeline) = pipeline {
            let config = folder.path().join("pipeline.toml");
            std::fs::write(&config, pipeline).unwrap();
            command = command.arg("--config").arg(&config);
        }
        for (key, value) in environment {
            command = command.env(*key, *value);
        }
        Self {
            stage: stage.to_owned(),
            child: ChildProcess::spawn(command).unwrap(),
            health,
            log,
            _folder: folder,
        }
    }

    pub(crate) async fn ready(&self) {
        let ready = wait_until_ready(&self.stage, &self.health, DEADLINE).await;
        if let Err(error) = ready {
            panic!("{error}\n{}", self.said());
        }
    }

    /// SIGKILL, and a new start. It may not be ready yet.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
        self.child.restart().await.unwrap();
    }

    /// SIGKILL, for good.
    pub(crate) async fn end(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, without waiting for its effect.
    pub(crate) fn terminate(&self) {
        send_signal(self.child.pid(), Signal::TERM);
    }

    /// SIGSTOP: it stands still, its connections stay open.
    pub(crate) fn pause(&self) {
        send_signal(self.child.pid(), Signal::STOP);
    }

    /// SIGCONT: ends a pause.
    pub(crate) fn resume(&self) {
        send_signal(self.child.pid(), Signal::CONT);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.exited().unwrap().is_some()
    }

    /// What it has written.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            let end = &lines[lines.len().saturating_sub(25)..];
            eprintln!(
                "--- end of {} {}\n{}",
                self.stage,
                self.pid(),
                end.join("\n")
            );
        }
    }
}

/// How many lanes of a flow each process owns, by process id. A lane of one that is not there any
/// more counts for process 0.
pub(crate) async fn lanes(bed: &Testbed, flow: &str) -> BTreeMap<u32, usize> {
    let snapshot = Snapshot::read(&bed.jetstream().await).await.unwrap();
    let mut lanes = BTreeMap::new();
    for lane in snapshot.lanes.iter().filter(|lane| lane.flow == flow) {
        let owner = snapshot
            .replicas
            .iter()
            .find(|replica| replica.flow == flow && replica.id == lane.replica);
        *lanes
            .entry(owner.map_or(0, |owner| owner.about.pid))
            .or_default() += 1;
    }
    lanes
}

/// Waits until these processes, and nobody else, own so many lanes of a flow each.
pub(crate) async fn share(bed: &Testbed, flow: &str, shares: &[(&Replica, usize)]) {
    let wanted: BTreeMap<u32, usize> = shares
        .iter()
        .map(|(one, count)| (one.pid(), *count))
        .collect();
    let mut found = BTreeMap::new();
    let what = format!("the lanes of {flow} to be shared as {wanted:?}");
    until(&what, async || {
        found = lanes(bed, flow).await;
        found == wanted
    })
    .await;
}
