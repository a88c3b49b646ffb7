//! Finding programs on a search path, asking them for their version, running them to their end.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::cache::Cache;
use crate::child::ChildProcess;
use crate::command::{ChildCommand, Output};
use crate::error::ServerError;

/// A cold JVM needs about a second to tell its version; a stuck program must not hang a start.
const VERSION_WITHIN: Duration = Duration::from_secs(30);

/// Downloads of up to 60 MB, and a Go build of one to five minutes on a small machine.
const STEP_WITHIN: Duration = Duration::from_mins(15);

const TAIL_LINES: usize = 20;
const TAIL_BYTES: usize = 16 * 1024;

/// Where servers and the programs that fetch them are looked for.
pub(crate) struct Lookup {
    /// Folders as in the PATH variable.
    pub(crate) search_path: OsString,
    /// Where fetched servers are kept.
    pub(crate) cache: Cache,
}

impl Lookup {
    pub(crate) fn from_environment() -> Result<Self, ServerError> {
        Ok(Self {
            search_path: path_variable(),
            cache: Cache::from_environment()?,
        })
    }

    /// The first executable file called `name` in the search path's folders.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        find_in(&self.search_path, Path::new(name))
    }

    /// A path with a slash must be executable itself; a bare name is looked for on PATH.
    pub(crate) fn resolve(program: &Path) -> Option<PathBuf> {
        if program.components().count() > 1 || program.is_absolute() {
            // The child may start in another folder.
            return std::path::absolute(program)
                .ok()
                .filter(|path| is_executable(path));
        }
        find_in(&path_variable(), program)
    }
}

fn path_variable() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

fn find_in(search_path: &OsString, name: &Path) -> Option<PathBuf> {
    std::env::split_paths(search_path)
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The ways that were tried to get a server, for the error that lists them all.
#[derive(Default)]
pub(crate) struct Tried(Vec<String>);

impl Tried {
    pub(crate) fn note(&mut self, way: &str, why: impl std::fmt::Display) {
        let why = why.to_string().replace('\n', "\n    ");
        self.0.push(format!("  - {way}: {why}"));
    }

    pub(crate) fn into_error(self, server: String, remedy: &'static str) -> ServerError {
        ServerError::NoWay {
            server,
            tried: self.0.join("\n"),
            remedy,
        }
    }
}

/// What `program` prints on both streams when asked for its version, or why it could not be asked.
pub(crate) async fn version_text(program: &Path, argument: &str) -> Result<String, String> {
    let asked = tokio::process::Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(VERSION_WITHIN, asked).await {
        Ok(Ok(output)) => {
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.push_str(&String::from_utf8_lossy(&output.stderr));
            Ok(text)
        }
        Ok(Err(why)) => Err(format!("{} does not run: {why}", program.display())),
        Err(_) => Err(format!("{} {argument} does not answer", program.display())),
    }
}

/// Runs a program to its end with its output in `log`; an error unless it succeeds.
pub(crate) async fn run_step(command: ChildCommand, log: &Path) -> Result<(), ServerError> {
    let mut child = ChildProcess::spawn(command.output(Output::File(log.to_owned())))?;
    let status = child.wait_within(STEP_WITHIN).await?;
    if status.success() {
        return Ok(());
    }
    Err(ServerError::StepFailed {
        name: child.name().to_owned(),
        status,
        tail: tail(log),
    })
}

/// The last lines of a log file, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let end = bytes
        .get(bytes.len().saturating_sub(TAIL_BYTES)..)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(end);
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines
        .get(lines.len().saturating_sub(TAIL_LINES)..)
        .unwrap_or_default();
    if shown.is_empty() {
        "(it is empty)".to_owned()
    } else {
        shown.join("\n")
    }
}
