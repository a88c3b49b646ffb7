//! Certificates that change while connections live.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::ServerConfig;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::tls::{TlsError, TlsFiles};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The certificates of now: new connections get them, older ones keep theirs.
#[derive(Debug)]
pub(super) struct Certificates {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl Certificates {
    /// Reads the files.
    pub(super) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(files.load()?));
        Ok(Self { files, current })
    }

    /// What a new connection gets.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read())
    }

    /// Reads the files again. With an error, what there was stays.
    pub(super) fn reload(&self) -> Result<(), TlsError> {
        let config = Arc::new(self.files.load()?);
        *self.current.write() = config;
        Ok(())
    }

    /// Reads the files again when they change and at SIGHUP, for ever.
    pub(super) async fn watch(&self) {
        let mut hang_up = signal(SignalKind::hangup())
            .inspect_err(|error| warn!(%error, "SIGHUP will not reload the certificates"))
            .ok();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changes = Changes::new(self.stamps());
        loop {
            let wanted = tokio::select! {
                _ = look.tick() => changes.settled(self.stamps()),
                () = received(&mut hang_up) => true,
            };
            if wanted {
                self.reload_and_tell();
            }
        }
    }

    fn reload_and_tell(&self) {
        match self.reload() {
            Ok(()) => info!("new certificates: connections get them from now on"),
            Err(error) => {
                error!("the new certificates are not used, the old ones stay: {error}");
            }
        }
    }

    fn stamps(&self) -> Stamps {
        self.files.paths().map(Stamp::of).collect()
    }
}

async fn received(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => {
            signals.recv().await;
        }
        None => std::future::pending().await,
    }
}

type Stamps = Vec<Option<Stamp>>;

/// What changes when a file is written or replaced, also behind a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Stamp {
    /// `None` when there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self {
            inode: file.ino(),
            bytes: file.size(),
            changed: (file.mtime(), file.mtime_nsec()),
        })
    }
}

/// Tells when files have changed and are no longer being changed: certificate and key are written
/// one after the other, and only belong together when both are there.
#[derive(Debug)]
struct Changes {
    loaded: Stamps,
    last: Stamps,
}

impl Changes {
    fn new(loaded: Stamps) -> Self {
        Self {
            last: loaded.clone(),
            loaded,
        }
    }

    /// Whether the files are to be read again.
    fn settled(&mut self, now: Stamps) -> bool {
        let quiet = now == self.last;
        self.last.clone_from(&now);
        let wanted = quiet && now != self.loaded;
        if wanted {
            self.loaded = now;
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a certificate is replaced, and a second later its key.
    /// Guarantee: they are read once, when both have stayed the same for a while.
    #[test]
    fn files_are_read_when_they_have_settled() {
        let stamp = |inode| {
            Some(Stamp {
                inode,
                bytes: 1,
                changed: (0, 0),
            })
        };
        let mut changes = Changes::new(vec![stamp(1), stamp(2)]);
        assert!(!changes.settled(vec![stamp(1), stamp(2)]));
        assert!(!changes.settled(vec![stamp(3), stamp(2)]));
        assert!(!changes.settled(vec![stamp(3), None]));
        assert!(!changes.settled(vec![stamp(3), stamp(4)]));
        assert!(changes.settled(vec![stamp(3), stamp(4)]));
        assert!(!changes.settled(vec![stamp(3), stamp(4)]));
    }
}
