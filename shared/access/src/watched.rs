//! Files that are read again when they change.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::file::{Fault, FileError};

/// No file of rules, passwords or keys is larger; somebody named the wrong one.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a file's content.
type Load<T> = Box<dyn Fn(&Path, &[u8]) -> Result<T, FileError> + Send + Sync>;

/// A file's content that follows the file. A file with a fault is refused, and what was read before
/// stays in force.
pub struct Watched<T> {
    what: &'static str,
    file: PathBuf,
    load: Load<T>,
    current: RwLock<Arc<T>>,
    generation: AtomicU64,
    /// How the file looked when it was read last, good or bad.
    seen: Mutex<Option<Stamp>>,
}

/// What tells that a file is another one. The change time tells even a file with the old one's
/// length and time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl<T> Watched<T> {
    /// Reads the file for the first time; `what` names it in errors and logs.
    pub fn open(
        what: &'static str,
        file: PathBuf,
        load: impl Fn(&Path, &[u8]) -> Result<T, FileError> + Send + Sync + 'static,
    ) -> Result<Self, FileError> {
        let (bytes, stamp) = read(what, &file)?;
        let first = load(&file, &bytes)?;
        Ok(Self {
            what,
            file,
            load: Box::new(load),
            current: RwLock::new(Arc::new(first)),
            generation: AtomicU64::new(0),
            seen: Mutex::new(Some(stamp)),
        })
    }

    /// What is in force.
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.current.read())
    }

    /// How often the content was replaced. Ask before [`get`](Self::get): then the content is at
    /// least as new as the number says.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Reads the file again, whether it changed or not.
    pub fn reload(&self) -> Result<(), FileError> {
        // One reader at a time, so that an older content never replaces a newer one.
        let mut seen = self.seen.lock();
        // A file that is gone is told once, not at every look.
        *seen = stamp(&self.file);
        let (bytes, stamp) = read(self.what, &self.file)?;
        *seen = Some(stamp);
        let new = (self.load)(&self.file, &bytes)?;
        *self.current.write() = Arc::new(new);
        self.generation.fetch_add(1, Ordering::Release);
        info!(file = %self.file.display(), "the {} was read again", self.what);
        Ok(())
    }

    /// Reads the file again if it changed since it was read last; a fault is logged, once. True when
    /// the content is a new one.
    pub fn poll(&self) -> bool {
        if *self.seen.lock() == stamp(&self.file) {
            return false;
        }
        self.reload_or_warn()
    }

    /// [`reload`](Self::reload), with the fault in the log.
    pub fn reload_or_warn(&self) -> bool {
        match self.reload() {
            Ok(()) => true,
            Err(FileError::Content {
                fault: Fault::Changing,
                ..
            }) => false,
            Err(error) => {
                warn!(%error, "the {} is refused; the old one stays in force", self.what);
                false
            }
        }
    }
}

/// `None` when there is no such file, or it can't be looked at.
fn stamp(file: &Path) -> Option<Stamp> {
    fs::metadata(file).ok().map(|metadata| of(&metadata))
}

fn of(metadata: &fs::Metadata) -> Stamp {
    Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// A file's bytes, and how it looked while they were read.
fn read(what: &'static str, file: &Path) -> Result<(Zeroizing<Vec<u8>>, Stamp), FileError> {
    let failed = |source| FileError::Read {
        what,
        file: file.to_owned(),
        source,
    };
    let open = File::open(file).map_err(failed)?;
    let before = open.metadata().map_err(failed)?;
    if before.len() > MAX_BYTES {
        return Err(FileError::content(what, file, Fault::Large(MAX_BYTES)));
    }
    // Reserved at once: bytes that move would leave copies behind.
    let expected = usize::try_from(before.len()).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected + 1));
    let mut limited = (&open).take(MAX_BYTES + 1);
    limited.read_to_end(&mut bytes).map_err(failed)?;
    let after = open.metadata().map_err(failed)?;
    // Half of a list of users would be a list, too.
    if of(&before) != of(&after) || bytes.len() as u64 != after.len() {
        return Err(FileError::content(what, file, Fault::Changing));
    }
    Ok((bytes, of(&before)))
}

impl<T> std::fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched")
            .field("what", &self.what)
            .field("file", &self.file)
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(file: &Path, bytes: &[u8]) -> Result<u32, FileError> {
        let text = crate::file::text("test file", file, bytes)?;
        text.trim()
            .parse()
            .map_err(|_| FileError::content("test file", file, Fault::Text))
    }

    /// Scenario: a file is looked at unchanged, changed in place, replaced by one of the same length
    /// and time, broken, taken away, and put back.
    /// Guarantee: each change is taken once; a broken or missing file leaves the old content and its
    /// generation in force, and is not read again before it changes.
    #[test]
    fn content_follows_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        fs::write(&file, "1").unwrap();
        let watched = Watched::open("test file", file.clone(), number).unwrap();
        let state = |watched: &Watched<u32>| (*watched.get(), watched.generation());
        assert!(!watched.poll());
        assert_eq!(state(&watched), (1, 0));

        fs::write(&file, "22").unwrap();
        assert!(watched.poll() && !watched.poll());
        assert_eq!(state(&watched), (22, 1));

        let other = folder.path().join("other");
        fs::write(&other, "33").unwrap();
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        File::options()
            .write(true)
            .open(&other)
            .unwrap()
            .set_modified(time)
            .unwrap();
        fs::rename(&other, &file).unwrap();
        assert!(watched.poll());
        assert_eq!(state(&watched), (33, 2));

        fs::write(&file, "no number").unwrap();
        assert!(!watched.poll());
        assert!(watched.reload().unwrap_err().to_string().contains("number"));
        fs::remove_file(&file).unwrap();
        assert!(!watched.poll() && !watched.poll());
        assert_eq!(state(&watched), (33, 2));
        fs::write(&file, "4").unwrap();
        assert!(watched.poll());
        assert_eq!(state(&watched), (4, 3));
        watched.reload().unwrap();
        assert_eq!(state(&watched), (4, 4));
    }

    /// Scenario: a file that is not there, and one that is no number, are opened.
    /// Guarantee: both are refused with the file's name.
    #[test]
    fn the_first_reading_must_succeed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        for content in [None, Some("x")] {
            if let Some(content) = content {
                fs::write(&file, content).unwrap();
            }
            let error = Watched::open("test file", file.clone(), number).unwrap_err();
            assert!(error.to_string().contains("number"), "{error}");
        }
    }
}
