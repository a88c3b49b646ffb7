//! `stages.json`: who runs, with pids and health addresses.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// One running process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterEntry {
    /// Name of the stage, or `nats-server`.
    pub name: String,
    /// Its process id; changes when it is started again.
    pub pid: u32,
    /// `host:port` of its health endpoint; empty when it has none.
    pub health: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    stages: Vec<RosterEntry>,
}

/// The file, kept as things change. Clones share it.
#[derive(Clone, Debug)]
pub struct Roster {
    path: PathBuf,
    file: Arc<Mutex<File>>,
}

impl Roster {
    /// A roster in a data folder, empty at first.
    pub fn new(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join("stages.json"),
            file: Arc::default(),
        }
    }

    /// Reads the roster that another process keeps.
    pub fn read(data_dir: &Path) -> io::Result<Vec<RosterEntry>> {
        let text = std::fs::read(data_dir.join("stages.json"))?;
        Ok(serde_json::from_slice::<File>(&text)?.stages)
    }

    /// Adds or replaces an entry, by name.
    pub fn set(&self, entry: RosterEntry) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match file
            .stages
            .iter_mut()
            .find(|known| known.name == entry.name)
        {
            Some(known) => *known = entry,
            None => file.stages.push(entry),
        }
        let text = serde_json::to_vec(&*file)?;
        // Readers see the old file or the new one, never half of it.
        let draft = self.path.with_extension("json.new");
        std::fs::write(&draft, text)?;
        std::fs::rename(draft, &self.path)
    }

    /// Everybody, in the order of their start.
    pub fn entries(&self) -> Vec<RosterEntry> {
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stages
            .clone()
    }

    /// Process id by name.
    pub fn pid(&self, name: &str) -> Option<u32> {
        self.entries()
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| entry.pid)
    }

    /// Nobody runs any more.
    pub fn remove(&self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "stages.json was gone already");
        }
    }
}
