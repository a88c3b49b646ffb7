//! The whole pipeline as child processes on this machine: for `up`, `demo` and the tests.

mod child;
mod edge_options;
mod health;
mod nats;
mod roster;

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use servers::NatsOptions;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use topology::Part;

use child::StageChild;
pub use edge_options::EdgeOptions;
pub use health::wait_until_ready;
use nats::NatsChild;
pub use roster::{Roster, RosterEntry};

/// What to start.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The latchwork binary that runs the stages; this very one by default.
    pub program: PathBuf,
    /// Everything durable lives here, and `stages.json`.
    pub data_dir: PathBuf,
    /// The pipeline file.
    pub config: Option<PathBuf>,
    /// Where MQTT clients connect.
    pub mqtt: String,
    /// Kafka's bootstrap servers.
    pub kafka: String,
    /// A NATS server that runs already; otherwise one is started in the data folder.
    pub nats: Option<String>,
    /// Port of the NATS server that is started; a free one when `None`.
    pub nats_port: Option<u16>,
    /// Let clients in without credentials.
    pub allow_anonymous: bool,
    /// Further arguments of mqtt-edge, such as [`EdgeOptions::arguments`].
    pub edge_arguments: Vec<OsString>,
    /// Names of the stages to run.
    pub stages: Vec<String>,
    /// Folder for the stages' logs; on this process's own output when `None`.
    pub logs: Option<PathBuf>,
    /// Further environment of every stage.
    pub environment: Vec<(String, String)>,
}

impl StackOptions {
    /// The stages of the road, from this very binary.
    pub fn new(data_dir: PathBuf, mqtt: String, kafka: String) -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            data_dir,
            config: None,
            mqtt,
            kafka,
            nats: None,
            nats_port: None,
            allow_anonymous: false,
            edge_arguments: Vec::new(),
            stages: topology::stages(|part| part == Part::Road)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            logs: None,
            environment: Vec::new(),
        })
    }
}

/// A running pipeline. Its children are started again, with backoff, when they die.
pub struct Stack {
    /// The NATS server, when it was started here: stopped last.
    nats: Option<(CancellationToken, JoinSet<()>)>,
    nats_url: String,
    roster: Roster,
    /// Held as long as this stack uses its folder.
    _lock: File,
    /// Tells every stage of a SIGHUP.
    hangups: watch::Sender<()>,
    /// One per stage, in the order of the data: they are stopped in that order.
    supervised: Vec<Supervised>,
}

struct Supervised {
    stage: String,
    health: String,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Stack {
    /// Starts nats-server, unless one is given, and every stage.
    pub async fn start(options: &StackOptions) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&options.data_dir).with_context(|| {
            format!("cannot use the data folder {}", options.data_dir.display())
        })?;
        let lock = lock(&options.data_dir)?;
        let roster = Roster::new(&options.data_dir);
        let (nats, nats_url) = start_nats(options, &roster).await?;
        let nats = nats.map(|child| {
            let stop = CancellationToken::new();
            let mut tasks = JoinSet::new();
            tasks.spawn(child.run(stop.clone()));
            (stop, tasks)
        });
        let mut stack = Self {
            nats,
            nats_url,
            roster,
            _lock: lock,
            hangups: watch::Sender::default(),
            supervised: Vec::new(),
        };
        for stage in &options.stages {
            stack.supervise(options, stage)?;
        }
        Ok(stack)
    }

    /// Waits until every stage says that it can work.
    pub async fn ready(&self, within: Duration) -> anyhow::Result<()> {
        for Supervised { stage, health, .. } in &self.supervised {
            wait_until_ready(stage, health, within).await?;
        }
        Ok(())
    }

    /// Address of the NATS server in use.
    pub fn nats_url(&self) -> &str {
        &self.nats_url
    }

    /// Who runs, with pids and health addresses.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Passes a SIGHUP on to every stage that runs: they read their files again. nats-server has none
    /// that change.
    pub fn hang_up(&self) {
        self.hangups.send_replace(());
    }

    /// Drains the stages in the order of the data, then stops what else was started.
    pub async fn stop(mut self) {
        for mut supervised in self.supervised.drain(..) {
            supervised.stop.cancel();
            while supervised.tasks.join_next().await.is_some() {}
        }
        if let Some((stop, mut tasks)) = self.nats.take() {
            stop.cancel();
            while tasks.join_next().await.is_some() {}
        }
        self.roster.remove();
    }

    fn supervise(&mut self, options: &StackOptions, stage: &str) -> anyhow::Result<()> {
        let child = StageChild::new(options, stage, &self.nats_url, self.roster.clone())?;
        let health = child.health().to_owned();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(child.run(stop.clone(), self.hangups.subscribe()));
        self.supervised.push(Supervised {
            stage: stage.to_owned(),
            health,
            stop,
            tasks,
        });
        Ok(())
    }
}

/// Two nats-servers on one store would ruin it, and they do not notice each other.
fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let path = data_dir.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    file.try_lock().with_context(|| {
        format!(
            "another latchwork uses the data folder {}; stop it, or choose another with --data-dir",
            data_dir.display()
        )
    })?;
    Ok(file)
}

async fn start_nats(
    options: &StackOptions,
    roster: &Roster,
) -> anyhow::Result<(Option<NatsChild>, String)> {
    if let Some(url) = &options.nats {
        return Ok((None, url.clone()));
    }
    let folder = options.data_dir.join("nats");
    let nats = NatsOptions {
        port: options.nats_port,
        ..NatsOptions::new(folder)
    };
    let child = NatsChild::start(nats, roster.clone()).await?;
    let url = child.url();
    Ok((Some(child), url))
}

/// Where a user's data go: `$XDG_DATA_HOME/latchwork`, else `~/.local/share/latchwork`.
pub fn default_data_dir() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share"));
    let base = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(home);
    base.unwrap_or_else(std::env::temp_dir).join("latchwork")
}

#[cfg(test)]
mod tests;
