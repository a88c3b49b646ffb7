//! A pipeline that follows its files.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use settings::{Pipeline, Sources};
use telemetry::metrics::stage::{RELOADS, RULES_VERSION};
use telemetry::{Counter, LabelledGauge, Meter};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
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
        // Two looks that come at once would take half a file for a whole one.
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
            Ok(sources) if is_settled || at_once => {
                if at_once {
                    // Whoever asks wants an answer, also the one that was told before.
                    self.refused = None;
                }
                self.take(&sources);
            }
            Err(reason) if at_once || (is_new && !is_settled) => self.refuse(&reason),
            _ => {}
        }
    }

    fn take(&mut self, sources: &Sources) {
        let version = sources.version();
        let current = self.sender.borrow().version().to_owned();
        if version == current {
            self.refused = None;
        }
        if version == current || self.refused.as_ref() == Some(&version) {
            return;
        }
        if sources.is_empty() {
            self.refused = Some(version);
            self.refuse("the file is empty");
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
                self.metrics.taken.add(1);
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
        self.metrics.refused.add(1);
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
    taken: Counter,
    refused: Counter,
}

impl ReloadMetrics {
    fn new(meter: &Meter) -> Self {
        // Added to at once, so that both series are there before the first reload.
        let counter = |outcome: &str| {
            let counter = Counter::labelled(&RELOADS, meter, [outcome.to_owned()]);
            counter.add(0);
            counter
        };
        Self {
            version: LabelledGauge::new(&RULES_VERSION, meter),
            taken: counter(TAKEN),
            refused: counter(REFUSED),
        }
    }

    fn in_force(&self, before: Option<&str>, version: &str) {
        if let Some(before) = before {
            self.version.set([before.to_owned()], 0);
        }
        self.version.set([version.to_owned()], 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the pipeline file gets a fault, is looked at as time goes by, then at SIGHUP, twice;
    /// then it can't be read, and is mended.
    /// Guarantee: the fault is told once, and again at each SIGHUP; so is a file that can't be read. A
    /// mended file that is in force already is no reload.
    #[tokio::test]
    async fn a_hangup_tries_again_what_was_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pipeline.toml");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        write("hook = []\n");
        let first = Pipeline::load(Some(&file)).unwrap();
        let mut follower = Follower {
            file: file.clone(),
            sender: watch::channel(Arc::new(first)).0,
            metrics: ReloadMetrics::new(&telemetry::no_meter()),
            seen: None,
            refused: None,
        };
        write("hook = 1\n");
        let looks = [
            (false, 0), // may be half a file
            (false, 1),
            (false, 1),
            (true, 2),
            (true, 3),
            (false, 3),
        ];
        for (at_once, refused) in looks {
            follower.look(at_once).await;
            assert_eq!(follower.metrics.refused.total(), refused);
        }
        std::fs::remove_file(&file).unwrap();
        for (at_once, refused) in [(false, 4), (false, 4), (true, 5)] {
            follower.look(at_once).await;
            assert_eq!(follower.metrics.refused.total(), refused);
        }
        write("hook = []\n");
        follower.look(true).await;
        assert_eq!(follower.metrics.refused.total(), 5);
        assert_eq!(follower.metrics.taken.total(), 0);
    }
}
