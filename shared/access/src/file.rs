//! What is wrong with a file of access rules, passwords or keys.

use std::io;
use std::path::{Path, PathBuf};

use crate::acl::RuleFault;
use crate::password::{HashError, LineFault};
use crate::token::KeyFault;

/// Why a file is refused. Never quotes a password, a hash or a key.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file can't be read.
    #[error("cannot read the {what} {}: {source}; check its path and that this process may read it", .file.display())]
    Read {
        /// What the file is for.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is wrong.
    #[error("{what} {}, line {line}: {fault}", .file.display())]
    Line {
        /// What the file is for.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        fault: Fault,
    },
    /// The file as a whole is wrong.
    #[error("{what} {}: {fault}", .file.display())]
    Content {
        /// What the file is for.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        fault: Fault,
    },
    /// The file can't be changed.
    #[error("cannot write the {what} {}: {source}{hint}", .file.display())]
    Write {
        /// What the file is for.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
        /// What to do.
        hint: String,
    },
}

/// What is wrong in a file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Not text.
    #[error("it is not UTF-8 text")]
    Text,
    /// Larger than any such file.
    #[error("it has more than {0} bytes; is it the right file?")]
    Large(u64),
    /// It changed while it was read.
    #[error("it is being written; it is read again when that is done")]
    Changing,
    /// An ACL rule.
    #[error(transparent)]
    Rule(#[from] RuleFault),
    /// A line of the password file.
    #[error(transparent)]
    Password(#[from] LineFault),
    /// A new password.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// A key of tokens.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

impl FileError {
    /// A line's fault; lines count from 1.
    pub(crate) fn line(
        what: &'static str,
        file: &Path,
        line: usize,
        fault: impl Into<Fault>,
    ) -> Self {
        Self::Line {
            what,
            file: file.to_owned(),
            line,
            fault: fault.into(),
        }
    }

    /// A fault of the whole file.
    pub(crate) fn content(what: &'static str, file: &Path, fault: impl Into<Fault>) -> Self {
        Self::Content {
            what,
            file: file.to_owned(),
            fault: fault.into(),
        }
    }
}

/// The text of a file.
pub(crate) fn text<'t>(
    what: &'static str,
    file: &Path,
    bytes: &'t [u8],
) -> Result<&'t str, FileError> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| FileError::content(what, file, Fault::Text))?;
    // Editors of some systems begin a file with a byte order mark.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
