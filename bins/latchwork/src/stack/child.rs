//! One stage as a child process, started again when it dies.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use servers::{ChildCommand, ChildProcess, Output, free_port};
use stage::Backoff;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::StackOptions;
use super::roster::{Roster, RosterEntry};

/// A stage drains for 10 s by itself, and may take as long again to end; after this it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(25);

/// A stage that ran for so long had started well: its next failure is a new one.
const HEALTHY: Duration = Duration::from_secs(30);

pub(super) struct StageChild {
    stage: String,
    command: ChildCommand,
    health: String,
    roster: Roster,
}

impl StageChild {
    pub(super) fn new(
        options: &StackOptions,
        stage: &str,
        nats_url: &str,
        roster: Roster,
    ) -> anyhow::Result<Self> {
        let health = format!("127.0.0.1:{}", free_port()?);
        let mut command = ChildCommand::new(stage, &options.program)
            .args(["stage", stage, "--nats", nats_url, "--health", &health])
            .args(stage_arguments(options, stage))
            .output(output(options, stage));
        for (key, value) in &options.environment {
            command = command.env(key, value);
        }
        if let Some(config) = &options.config {
            command = command.arg("--config").arg(config.as_os_str());
        }
        Ok(Self {
            stage: stage.to_owned(),
            command,
            health,
            roster,
        })
    }

    /// Where it serves its health, the same over all its starts.
    pub(super) fn health(&self) -> &str {
        &self.health
    }

    /// Runs the stage until it is told to stop.
    pub(super) async fn run(self, stop: CancellationToken, mut hangups: watch::Receiver<()>) {
        let mut backoff = Backoff::up_to(Duration::from_secs(10));
        while !stop.is_cancelled() {
            let started = Instant::now();
            match ChildProcess::spawn(self.command.clone()) {
                Ok(child) => self.watch(child, &stop, &mut hangups).await,
                Err(error) => error!(stage = self.stage, "{error}"),
            }
            if started.elapsed() > HEALTHY {
                backoff.reset();
            }
            tokio::select! {
                () = backoff.wait() => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn watch(
        &self,
        mut child: ChildProcess,
        stop: &CancellationToken,
        hangups: &mut watch::Receiver<()>,
    ) {
        let (name, pid, health) = (self.stage.clone(), child.pid(), self.health.clone());
        if let Err(error) = self.roster.set(RosterEntry { name, pid, health }) {
            warn!(%error, "cannot write stages.json");
        }
        info!(stage = self.stage, pid, "started");
        // It reads its files as they are now.
        hangups.mark_unchanged();
        loop {
            tokio::select! {
                ended = child.wait() => {
                    match ended {
                        Ok(status) => warn!(stage = self.stage, %status, "ended; starting it again"),
                        Err(error) => warn!(stage = self.stage, "{error}"),
                    }
                    return;
                }
                () = stop.cancelled() => {
                    if let Err(error) = child.stop(STOP_DEADLINE).await {
                        warn!("{error}");
                    }
                    return;
                }
                Ok(()) = hangups.changed() => self.hang_up(pid),
            }
        }
    }

    /// For a child whose end has not been waited for: until then the number is its own.
    fn hang_up(&self, pid: u32) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return };
        if let Err(error) = kill_process(pid, Signal::HUP) {
            warn!(stage = self.stage, %error, "cannot pass SIGHUP on");
        }
    }
}

fn stage_arguments(options: &StackOptions, stage: &str) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    match stage {
        "mqtt-edge" => {
            arguments.extend(["--mqtt".into(), options.mqtt.clone().into()]);
            if options.allow_anonymous {
                arguments.push("--allow-anonymous".into());
            }
            arguments.extend(options.edge_arguments.iter().cloned());
        }
        "kafka-sink" => {
            arguments.extend(["--kafka".into(), options.kafka.clone().into()]);
            arguments.push("--ensure-topics".into());
        }
        _ => {}
    }
    arguments
}

fn output(options: &StackOptions, stage: &str) -> Output {
    let file = |folder: &PathBuf| Output::File(folder.join(format!("{stage}.log")));
    options.logs.as_ref().map_or(Output::Inherit, file)
}
