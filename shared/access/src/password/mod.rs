//! The password file: `user:hash` lines.
//!
//! Known hashes: Argon2 (`$argon2id$`, `$argon2i$`, `$argon2d$`), bcrypt (`$2a$`, `$2b$`, `$2y$`)
//! and Mosquitto's (`$7$`, PBKDF2-SHA512, and the older `$6$`, SHA-512), so that the files of other
//! brokers serve as they are. `#` at the beginning of a line makes it a comment.

mod edit;
mod fresh;
mod hash;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::Arc;

use crate::file::{self, FileError};
pub use edit::PasswordFileEdit;
pub use fresh::{HashError, HashKind};
pub use hash::LineFault;
use hash::PasswordHash;
use seen::Seen;

/// What the file is called in errors.
pub(crate) const PASSWORD_FILE: &str = "password file";

/// Users and the hashes of their passwords.
pub struct PasswordFile {
    users: HashMap<Box<str>, Arc<PasswordHash>>,
    /// All of them again, to choose one for a user who does not exist.
    hashes: Vec<Arc<PasswordHash>>,
    chooser: RandomState,
    seen: Option<Seen>,
}

impl PasswordFile {
    /// Reads the text of a password file; its name is for errors.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self, FileError> {
        let text = file::text(PASSWORD_FILE, file, bytes)?;
        let mut users = HashMap::new();
        let mut hashes = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let fault = |fault: LineFault| FileError::line(PASSWORD_FILE, file, number, fault);
            let Some((user, hash)) = read_line(line).map_err(fault)? else {
                continue;
            };
            let hash = Arc::new(PasswordHash::parse(hash).map_err(fault)?);
            hashes.push(Arc::clone(&hash));
            if users.insert(user.into(), hash).is_some() {
                return Err(fault(LineFault::Twice(user.to_owned())));
            }
        }
        Ok(Self {
            users,
            hashes,
            chooser: RandomState::new(),
            seen: Seen::new(),
        })
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is none, so that nobody gets in.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Whether this login was found right before, since this file was read. Takes microseconds; no
    /// means only that nobody knows yet.
    pub fn verified_before(&self, user: &str, password: &[u8]) -> bool {
        let mark = |seen: &Seen| Some(seen.contains(&seen.mark(user, password)?));
        self.seen.as_ref().and_then(mark).unwrap_or(false)
    }

    /// Whether this is the user's password. Slow by intent, some 10 to 100 ms: not for a thread that
    /// others wait for.
    ///
    /// For a user who does not exist, the password is compared with the hash of another one, always
    /// the same, and the answer is no: so a name can't be told by the time that a login takes.
    pub fn verify(&self, user: &str, password: &[u8]) -> bool {
        let Some(hash) = self.users.get(user) else {
            if let Some(other) = self.another(user) {
                std::hint::black_box(other.verify(password));
            }
            return false;
        };
        let right = hash.verify(password);
        if right && let Some(seen) = &self.seen {
            seen.mark(user, password)
                .into_iter()
                .for_each(|mark| seen.insert(mark));
        }
        right
    }

    fn another(&self, user: &str) -> Option<&PasswordHash> {
        let count = u64::try_from(self.hashes.len()).ok()?;
        let chosen = self.chooser.hash_one(user).checked_rem(count)?;
        let hash = self.hashes.get(usize::try_from(chosen).ok()?)?;
        Some(hash)
    }
}

/// A line's user and hash; `None` when it is empty or a comment.
fn read_line(line: &str) -> Result<Option<(&str, &str)>, LineFault> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (user, hash) = line.split_once(':').ok_or(LineFault::Shape)?;
    if user.is_empty() || user.contains('\0') {
        return Err(LineFault::Shape);
    }
    Ok(Some((user, hash)))
}

impl fmt::Debug for PasswordFile {
    /// Leaves names and hashes out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordFile")
            .field("users", &self.users.len())
            .finish_non_exhaustive()
    }
}
