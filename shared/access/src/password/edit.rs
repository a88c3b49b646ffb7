//! Changing a password file by its lines: comments, order and other users stay as they are.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{LineFault, PASSWORD_FILE, PasswordFile, read_line};
use crate::file::{self, FileError};

/// A password file that is being changed. Nothing is written before [`save`](Self::save).
#[derive(Debug)]
pub struct PasswordFileEdit {
    file: PathBuf,
    /// What the file held when it was read.
    read: Vec<u8>,
    lines: Vec<String>,
}

impl PasswordFileEdit {
    /// Reads the file, or begins a new one. A file with a fault is refused: what is wrong with it is
    /// for a person to mend.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        // A link stays a link: the file behind it is changed.
        let file = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let read = read(&file).map_err(|source| FileError::Read {
            what: PASSWORD_FILE,
            file: file.clone(),
            source,
        })?;
        PasswordFile::parse(&file, &read)?;
        let text = file::text(PASSWORD_FILE, &file, &read)?;
        let lines = text.lines().map(str::to_owned).collect();
        Ok(Self { file, read, lines })
    }

    /// Gives a user a hash: in the user's line, or in a new one at the end. True when the user is
    /// new.
    pub fn set(&mut self, user: &str, hash: &str) -> Result<bool, LineFault> {
        let legal = |character: char| character != ':' && !character.is_control();
        let plain = !user.is_empty() && user.trim() == user && !user.starts_with('#');
        if !plain || !user.chars().all(legal) {
            return Err(LineFault::Name(user.to_owned()));
        }
        super::PasswordHash::parse(hash)?;
        let line = format!("{user}:{hash}");
        if let Some(known) = self.lines.iter_mut().find(|line| is_of(line, user)) {
            *known = line;
            return Ok(false);
        }
        self.lines.push(line);
        Ok(true)
    }

    /// Takes a user out. False when there is none of that name.
    pub fn delete(&mut self, user: &str) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| !is_of(line, user));
        self.lines.len() < before
    }

    /// Puts the new file in the old one's place at once, so that no reader ever sees half of it. Only
    /// its owner may read it (0600), and the owner stays who it was.
    pub fn save(&self) -> Result<(), FileError> {
        let mut name = self.file.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        let failed = |source: io::Error, file: &Path| FileError::Write {
            what: PASSWORD_FILE,
            file: file.to_owned(),
            hint: hint(&source),
            source,
        };
        self.write(&new).map_err(|source| {
            if source.kind() != ErrorKind::AlreadyExists {
                discard(&new);
            }
            failed(source, &new)
        })?;
        fs::rename(&new, &self.file).map_err(|source| {
            discard(&new);
            failed(source, &self.file)
        })?;
        // The rename itself must outlive a crash; where a folder can't be synced, it is as good as
        // the file system.
        let folder = self
            .file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::File::open(folder.unwrap_or(Path::new(".")));
        folder.and_then(|folder| folder.sync_all()).ok();
        Ok(())
    }

    fn write(&self, new: &Path) -> io::Result<()> {
        // Two commands at a time can't undo each other: the second finds the first one's file, or
        // that the old one is not what it read.
        let mut options = OpenOptions::new();
        let mut out = options.write(true).create_new(true).mode(0o600).open(new)?;
        if read(&self.file)? != self.read {
            return Err(io::Error::other("it was changed meanwhile; try again"));
        }
        if let Ok(old) = fs::metadata(&self.file) {
            let own = out.metadata()?;
            if (old.uid(), old.gid()) != (own.uid(), own.gid()) {
                std::os::unix::fs::chown(new, Some(old.uid()), Some(old.gid()))?;
            }
        }
        for line in &self.lines {
            writeln!(out, "{line}")?;
        }
        out.sync_all()
    }
}

/// A file's bytes; none when there is no file yet.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

/// Takes a file away that is of no use; that it stays would be told by the next command.
fn discard(file: &Path) {
    fs::remove_file(file).ok();
}

fn hint(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::AlreadyExists => {
            "; another command is changing the password file, or was stopped halfway: when none \
             runs, remove this file and try again"
        }
        ErrorKind::PermissionDenied => "; run the command as the owner of the file",
        _ => "",
    }
    .to_owned()
}

fn is_of(line: &str, user: &str) -> bool {
    matches!(read_line(line), Ok(Some((name, _))) if name == user)
}
