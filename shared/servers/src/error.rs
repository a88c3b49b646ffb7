//! What can go wrong around a server or another child process.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// Why a server could not be found, started, signalled or waited for.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Every way to get the server was tried. `tried` has one line per way.
    #[error(
        "{server} was not found and could not be fetched:\n{tried}\nany one of these helps: {remedy}"
    )]
    NoWay {
        /// The server and the version it must have.
        server: String,
        /// One line per way: what was tried and why it did not work.
        tried: String,
        /// What a person can install.
        remedy: &'static str,
    },

    /// The chosen port has another listener.
    #[error(
        "port {port} of 127.0.0.1, meant for {server}, is already in use: stop the program that listens there, or choose another port"
    )]
    PortInUse {
        /// Who wanted the port.
        server: String,
        /// The port.
        port: u16,
    },

    /// No port of the range that [`crate::free_port`] uses could be bound.
    #[error("no free TCP port between {first} and {last} of 127.0.0.1")]
    NoFreePort {
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
    },

    /// The folder's name cannot be written into the server's config file.
    #[error(
        "{path} cannot hold a server's data: its name must be UTF-8 without quotes, commas, colons, backslashes or control characters"
    )]
    DataFolderName {
        /// The folder.
        path: PathBuf,
    },

    /// The program to start is neither a path to an executable file nor on PATH.
    #[error("cannot start {name}: there is no executable program {program}")]
    NoProgram {
        /// The name given to the child.
        name: String,
        /// The program asked for.
        program: PathBuf,
    },

    /// The server ended while it was waited for.
    #[error("{name} ended before it was ready ({status}); the end of its log {log}:\n{tail}")]
    EndedEarly {
        /// The server.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// Its log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },

    /// The server runs but does not answer as a ready one does. It has been killed.
    #[error("{name} was not ready within {within:?} ({why}); the end of its log {log}:\n{tail}")]
    NotReady {
        /// The server.
        name: String,
        /// How long it had.
        within: Duration,
        /// What the last question to it gave.
        why: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },

    /// A program that fetches or prepares a server did not succeed.
    #[error("{name} failed ({status}); the end of what it printed:\n{tail}")]
    StepFailed {
        /// The program.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its output.
        tail: String,
    },

    /// What was waited for did not come.
    #[error("waited {within:?} in vain for {what}")]
    Deadline {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
    },

    /// The child has ended, so it cannot be signalled.
    #[error("{name} (process {pid}) no longer runs: {status}")]
    Ended {
        /// The child.
        name: String,
        /// Its former process id.
        pid: u32,
        /// How it ended.
        status: ExitStatus,
    },

    /// The operating system refused something about a child.
    #[error("cannot {action} {name}: {source}")]
    Process {
        /// What was to be done, as in "cannot {action} nats-server".
        action: &'static str,
        /// The child.
        name: String,
        /// The system's reason.
        source: io::Error,
    },

    /// The operating system refused something about a file.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was to be done, as in "cannot {action} /a/path".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// There is no place for the cache.
    #[error("no cache folder: set HOME or XDG_CACHE_HOME")]
    NoCacheFolder,
}

impl ServerError {
    /// For `map_err`: says what was done to which file.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// For `map_err`: says what was done to which child.
    pub(crate) fn process<E: Into<io::Error>>(
        action: &'static str,
        name: &str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Process {
            action,
            name: name.to_owned(),
            source: source.into(),
        }
    }
}
