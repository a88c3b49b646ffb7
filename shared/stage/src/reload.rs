//! A pipeline that follows its files.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use settings::{Pipeline, Sources};
use telemetry::metrics::stage::{RELOADS, RULES_VERSION};
use telemetry::{LabelledCounter, LabelledGauge, Meter};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

/// How often the files are looked at: they are small, and in the system's cache.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Outcomes of a reload.
const TAKEN: &str = "taken";
const REFUSED: &str = "refused";

/// Follows the pipeline's files: contracts, hooks and rules are taken from them when they change, or
/// at SIGHUP. A file with a fault is refused with its reason, and what was in force stays.
///
/// Without a file there is nothing to follow.
pub fn follow(
    file: Option<PathBuf>,
    first: Pipeline,
    meter: &Meter,
) -> watch::Receiver<Arc<Pipeline>> {
    let (sender, receiver) = watch::channel(Arc::new(first));
    let metrics = ReloadMetrics::new(meter);
    metrics.in_force(None, sender.borrow().version());
    if let Some(file) = file {
        let follower = Follower {
            file,
            sender,
            metrics,
            seen: None,
            refused: None,
        };
        tokio::spawn(follower.run());
    }
    receiver
}

struct Follower {
    file: PathBuf,
    sender: watch::Sender<Arc<Pipeline>>,
    metrics: ReloadMetrics,
    /// What was read last, or why it could not be.
    seen: Option<Result<Sources, String>>,
    /// Version that was refused: it is told once.
    refused: Option<String>,
}

impl Follower {
    async fn run(mut self) {
        let mut hangups = match signal(SignalKind::hangup()) {
            Ok(hangups) => Some(hangups),
            Err(error) => {
                warn!(%error, "SIGHUP will not reload the pipeline file");
                None
            }
        };
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            let at_once = tokio::select! {
                _ = looks.tick() => false,
                () = next(&mut hangups) => true,
            };
            self.look(at_once).await;
        }
    }

    /// Content must be the same at two looks: a file that somebody writes may be cut off.
    async fn look(&mut self, at_once: bool) {
        let file = self.file.clone();
        let read = move || Sources::read(&file).map_err(|error| error.to_string());
        let Ok(read) = tokio::task::spawn_blocking(read).await else {
            return;
        };
        let is_settled = self.seen.as_ref() == Some(&read);
        let is_new = self.seen.replace(read.clone()).is_some();
        match read {
            Ok(sources) if is_settled || at_once => self.take(&sources),
            Err(reason) if is_new && !is_settled => self.refuse(&reason),
            _ => {}
        }
    }

    fn take(&mut self, sources: &Sources) {
        let version = sources.version();
        let current = self.sender.borrow().version().to_owned();
        if version == current || self.refused.as_ref() == Some(&version) {
            return;
        }
        match Pipeline::from_sources(sources) {
            Ok(pipeline) => {
                info!(
                    version,
                    hooks = pipeline.hooks().len(),
                    rules = pipeline.rules().len(),
                    "contracts, hooks and rules were read again; other settings need a restart"
                );
                self.metrics.in_force(Some(&current), &version);
                self.metrics.reloads.add([TAKEN], 1);
                self.refused = None;
                self.sender.send_replace(Arc::new(pipeline));
            }
            Err(error) => {
                self.refused = Some(version);
                self.refuse(&error.to_string());
            }
        }
    }

    fn refuse(&self, reason: &str) {
        warn!("the pipeline file is refused, what was in force stays: {reason}");
        self.metrics.reloads.add([REFUSED], 1);
    }
}

async fn next(hangups: &mut Option<Signal>) {
    match hangups {
        Some(hangups) => {
            hangups.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Which version is in force, and how often files were taken or refused.
struct ReloadMetrics {
    version: LabelledGauge,
    reloads: LabelledCounter,
}

impl ReloadMetrics {
    fn new(meter: &Meter) -> Self {
        let reloads = LabelledCounter::new(&RELOADS, meter);
        reloads.add([TAKEN], 0);
        reloads.add([REFUSED], 0);
        Self {
            version: LabelledGauge::new(&RULES_VERSION, meter),
            reloads,
        }
    }

    fn in_force(&self, before: Option<&str>, version: &str) {
        if let Some(before) = before {
            self.version.set([before.to_owned()], 0);
        }
        self.version.set([version.to_owned()], 1);
    }
}
