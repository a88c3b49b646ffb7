//! The folder in which fetched servers are kept.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::ServerError;

/// One folder per fetched thing. A folder is complete as soon as it has its name: it is filled
/// under another name and then renamed. A file lock keeps two processes from fetching at once.
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `$XDG_CACHE_HOME/latchwork`, else `~/.cache/latchwork` (XDG base directory specification;
    /// a relative one is to be ignored).
    pub(crate) fn from_environment() -> Result<Self, ServerError> {
        let folder = |variable| std::env::var_os(variable).map(PathBuf::from);
        let home = folder("XDG_CACHE_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| folder("HOME").map(|home| home.join(".cache")))
            .filter(|path| path.is_absolute())
            .ok_or(ServerError::NoCacheFolder)?;
        Ok(Self::at(home.join("latchwork")))
    }

    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder called `name`, if it is complete.
    fn get(&self, name: &str) -> Option<PathBuf> {
        let folder = self.root.join(name);
        folder.is_dir().then_some(folder)
    }

    /// The folder called `name`; when it is missing, `fetch` fills it first. Only one process and
    /// task at a time fetches it; the others wait and find it there.
    pub(crate) async fn fill<F, Fetching>(
        &self,
        name: &str,
        fetch: F,
    ) -> Result<PathBuf, ServerError>
    where
        F: FnOnce(PathBuf) -> Fetching,
        Fetching: Future<Output = Result<(), ServerError>>,
    {
        if let Some(folder) = self.get(name) {
            return Ok(folder);
        }
        std::fs::create_dir_all(&self.root).map_err(ServerError::file("create", &self.root))?;
        let _lock = lock(self.root.join(format!("{name}.lock"))).await?;
        // Another process may have fetched it while this one waited.
        if let Some(folder) = self.get(name) {
            return Ok(folder);
        }
        let part = self.root.join(format!("{name}.part"));
        // What a fetch that was killed left behind: nobody else works on it while we have the lock.
        remove(&part)?;
        std::fs::create_dir(&part).map_err(ServerError::file("create", &part))?;
        let fetched = fetch(part.clone()).await;
        if let Err(why) = fetched {
            remove(&part)?;
            return Err(why);
        }
        let folder = self.root.join(name);
        std::fs::rename(&part, &folder).map_err(ServerError::file("create", &folder))?;
        Ok(folder)
    }
}

fn remove(folder: &Path) -> Result<(), ServerError> {
    match std::fs::remove_dir_all(folder) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => {
            Err(ServerError::file("remove", folder)(why))
        }
        _ => Ok(()),
    }
}

/// The lock lives as long as the returned file. The system frees it when a process dies.
async fn lock(path: PathBuf) -> Result<File, ServerError> {
    let file = File::create(&path).map_err(ServerError::file("create", &path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::Error(why)) => return Err(ServerError::file("lock", &path)(why)),
        Err(TryLockError::WouldBlock) => {
            tracing::info!(lock = %path.display(), "another process is fetching this: waiting for it");
        }
    }
    tokio::task::spawn_blocking(move || file.lock().map(|()| file))
        .await
        .map_err(|why| ServerError::file("lock", &path)(io::Error::other(why)))?
        .map_err(ServerError::file("lock", &path))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Scenario: two fetches of the same thing run at once, on what a killed fetch left behind.
    /// Guarantee: one fetches, the other waits for it; both get the complete folder, without the
    /// leftovers.
    #[tokio::test]
    async fn two_at_once_fetch_once() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("thing.part/leftover")).unwrap();
        let fetches = Arc::new(AtomicU32::new(0));
        let fill = async |cache: Cache| {
            let fetch = async |part: PathBuf| {
                fetches.fetch_add(1, Ordering::Relaxed);
                // Lets the other one come in between.
                tokio::task::yield_now().await;
                std::fs::write(part.join("file"), "whole").unwrap();
                Ok(())
            };
            cache.fill("thing", fetch).await.unwrap()
        };
        let at = || Cache::at(root.path().to_owned());
        let (first, second) = tokio::join!(fill(at()), fill(at()));
        assert_eq!(fetches.load(Ordering::Relaxed), 1);
        assert_eq!(first, second);
        assert_eq!(
            std::fs::read_to_string(first.join("file")).unwrap(),
            "whole"
        );
        assert!(!second.join("leftover").exists());
    }

    /// Scenario: a fetch fails, then the next one works.
    /// Guarantee: the failed one leaves nothing that looks complete, and does not spoil the next.
    #[tokio::test]
    async fn a_failed_fetch_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path().to_owned());
        let failed = cache
            .fill("thing", async |_| Err(ServerError::NoCacheFolder))
            .await;
        assert!(failed.is_err());
        assert!(cache.get("thing").is_none());
        let folder = cache.fill("thing", async |_| Ok(())).await.unwrap();
        assert_eq!(cache.get("thing"), Some(folder));
    }
}
