//! What a child process is started from.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::error::ServerError;
use crate::lookup::Lookup;

// Why a shell and not `prctl(PR_SET_PDEATHSIG)`: that one needs unsafe code or util-linux, works
// on Linux only, and fires when the *thread* that started the child ends, as pool threads do.
const WATCHDOG: &str = include_str!("watchdog.sh");

/// Where a child's standard output and standard error go. Its standard input is always empty.
#[derive(Clone, Debug)]
pub enum Output {
    /// Where this process's own go.
    Inherit,
    /// Both to the end of this file, which is created when missing.
    File(PathBuf),
    /// To [`crate::ChildProcess::take_stdout`] and [`crate::ChildProcess::take_stderr`]. A child whose lines
    /// nobody reads stands still when its pipe (64 KiB on Linux) is full.
    Lines,
}

/// What to start: a program, its arguments, its environment, and where its output goes.
#[derive(Clone, Debug)]
pub struct ChildCommand {
    pub(crate) name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    pub(crate) output: Output,
    pub(crate) farewell: Option<String>,
}

impl ChildCommand {
    /// `name` stands in errors. `program` is a path, or a bare name to be found on PATH.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            output: Output::Inherit,
            farewell: None,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets one variable on top of this process's environment.
    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((key.into(), value.into()));
        self
    }

    /// The folder to start in; this process's own unless set.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Where standard output and standard error go; [`Output::Inherit`] unless set.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// A line of shell that ends what killing the child would not, such as a container. It runs
    /// before the child is killed.
    pub(crate) fn farewell(mut self, line: String) -> Self {
        self.farewell = Some(line);
        self
    }

    /// The shell that starts the watchdog and then becomes the program. Its standard input is the
    /// pipe that must stay open as long as the child is to live.
    pub(crate) fn to_shell(&self) -> Result<Command, ServerError> {
        let program = Lookup::resolve(&self.program).ok_or_else(|| ServerError::NoProgram {
            name: self.name.clone(),
            program: self.program.clone(),
        })?;
        let (stdout, stderr) = self.streams()?;
        let mut shell = Command::new("/bin/sh");
        shell
            .args([
                "-c",
                WATCHDOG,
                "sh",
                self.farewell.as_deref().unwrap_or(":"),
            ])
            .arg(program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0);
        if let Some(folder) = &self.folder {
            shell.current_dir(folder);
        }
        Ok(shell)
    }

    fn streams(&self) -> Result<(Stdio, Stdio), ServerError> {
        match &self.output {
            Output::Inherit => Ok((Stdio::inherit(), Stdio::inherit())),
            Output::Lines => Ok((Stdio::piped(), Stdio::piped())),
            Output::File(path) => {
                let file = append_to(path)?;
                let same = file
                    .try_clone()
                    .map_err(ServerError::file("write to", path))?;
                Ok((file.into(), same.into()))
            }
        }
    }
}

fn append_to(path: &Path) -> Result<File, ServerError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(ServerError::file("write to", path))
}
