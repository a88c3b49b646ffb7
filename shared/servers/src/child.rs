//! A child process that cannot outlive this one.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdin};

use crate::command::{ChildCommand, Output};
use crate::error::ServerError;

/// The lines of a child's standard output or standard error, see [`Output::Lines`].
pub type OutputLines = Lines<BufReader<Box<dyn AsyncRead + Send + Sync + Unpin>>>;

/// A running (or ended) child process that cannot outlive this one.
///
/// A small `sh` waits on a pipe that only this process holds open. When this process is gone, for
/// whatever reason, the pipe closes and the shell kills the child by SIGKILL. The child is the
/// leader of a process group of its own, so that Ctrl-C at a terminal reaches this process only,
/// which can then stop its children in good order. Dropping kills and reaps.
#[derive(Debug)]
pub struct ChildProcess {
    command: ChildCommand,
    child: Child,
    pid: Pid,
    /// The pipe that the watchdog waits on. Closing it ends the child and the watchdog.
    lifeline: Option<ChildStdin>,
    ended: Option<ExitStatus>,
}

impl ChildProcess {
    /// Starts the child. Call it within a tokio runtime.
    pub fn spawn(command: ChildCommand) -> Result<Self, ServerError> {
        let (child, pid, lifeline) = start(&command)?;
        Ok(Self {
            command,
            child,
            pid,
            lifeline,
            ended: None,
        })
    }

    /// The name given to the child.
    pub fn name(&self) -> &str {
        &self.command.name
    }

    /// The process id of the program itself, also after its end. It changes at a restart.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The file that the output goes to, with [`Output::File`].
    pub fn log_path(&self) -> Option<&Path> {
        match &self.command.output {
            Output::File(path) => Some(path),
            Output::Inherit | Output::Lines => None,
        }
    }

    /// Lines of standard output: once per start, with [`Output::Lines`].
    pub fn take_stdout(&mut self) -> Option<OutputLines> {
        self.child.stdout.take().map(lines)
    }

    /// Lines of standard error: once per start, with [`Output::Lines`].
    pub fn take_stderr(&mut self) -> Option<OutputLines> {
        self.child.stderr.take().map(lines)
    }

    /// How the child ended, or `None` while it runs.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>, ServerError> {
        if self.ended.is_none() {
            let status = self
                .child
                .try_wait()
                .map_err(ServerError::process("look after", self.name()))?;
            self.note(status);
        }
        Ok(self.ended)
    }

    /// Waits for the child to end by itself.
    pub async fn wait(&mut self) -> Result<ExitStatus, ServerError> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let status = self
            .child
            .wait()
            .await
            .map_err(ServerError::process("wait for", &self.command.name))?;
        self.note(Some(status));
        Ok(status)
    }

    /// Waits for the child to end by itself, but not longer than `within`.
    pub async fn wait_within(&mut self, within: Duration) -> Result<ExitStatus, ServerError> {
        let what = format!("{} to end", self.name());
        tokio::time::timeout(within, self.wait())
            .await
            .map_err(|_| ServerError::Deadline { what, within })?
    }

    /// SIGKILL now; returns when the child is gone and reaped. Also right for a paused or an
    /// already ended child.
    pub async fn kill(&mut self) -> Result<ExitStatus, ServerError> {
        self.cut_down();
        self.wait().await
    }

    /// SIGTERM, without waiting for its effect.
    pub fn terminate(&mut self) -> Result<(), ServerError> {
        self.signal(Signal::TERM, "terminate")
    }

    /// SIGTERM, then up to `within` for the child to end. When it does not, it is killed and the
    /// error says so.
    pub async fn stop(&mut self, within: Duration) -> Result<ExitStatus, ServerError> {
        if let Some(status) = self.exited()? {
            return Ok(status);
        }
        self.terminate()?;
        // A paused process would keep the signal for later.
        self.resume()?;
        let outcome = self.wait_within(within).await;
        if let Err(ServerError::Deadline { .. }) = outcome {
            self.kill().await?;
            let what = format!("{} to end after SIGTERM; it has been killed", self.name());
            return Err(ServerError::Deadline { what, within });
        }
        outcome
    }

    /// SIGSTOP: when this returns the child stands still; its connections stay open.
    pub fn pause(&mut self) -> Result<(), ServerError> {
        self.signal(Signal::STOP, "pause")?;
        // Threads on other cores run on for a moment after the signal.
        self.await_change(WaitIdOptions::STOPPED | WaitIdOptions::EXITED);
        Ok(())
    }

    /// SIGCONT: ends a pause.
    pub fn resume(&mut self) -> Result<(), ServerError> {
        self.signal(Signal::CONT, "resume")
    }

    /// Kills the child if it still runs and starts the same command again.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        let command = self.command.clone();
        self.restart_as(command).await
    }

    pub(crate) async fn restart_as(&mut self, command: ChildCommand) -> Result<(), ServerError> {
        self.kill().await?;
        (self.child, self.pid, self.lifeline) = start(&command)?;
        self.command = command;
        self.ended = None;
        Ok(())
    }

    fn signal(&mut self, signal: Signal, action: &'static str) -> Result<(), ServerError> {
        if let Some(status) = self.exited()? {
            let (name, pid) = (self.name().to_owned(), self.pid());
            return Err(ServerError::Ended { name, pid, status });
        }
        // Not reaped yet, so the number is still this child's.
        rustix::process::kill_process(self.pid, signal)
            .map_err(ServerError::process(action, self.name()))
    }

    fn cut_down(&mut self) {
        // The group has the watchdog in it, too. A farewell is the watchdog's to run: leave it alive.
        if self.ended.is_none() && self.command.farewell.is_none() {
            // When this fails the watchdog does the same as soon as its pipe closes.
            rustix::process::kill_process_group(self.pid, Signal::KILL).ok();
        }
        self.lifeline = None;
    }

    /// Blocks this thread, so only for what a signal has made sure of. It leaves the reaping to
    /// tokio, which knows whose child this is.
    fn await_change(&self, change: WaitIdOptions) {
        let options = change | WaitIdOptions::NOWAIT;
        rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(self.pid), options)).ok();
    }

    fn note(&mut self, status: Option<ExitStatus>) {
        if status.is_some() {
            self.ended = status;
            self.lifeline = None;
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        if self.ended.is_some() {
            return;
        }
        self.cut_down();
        // Milliseconds after SIGKILL.
        self.await_change(WaitIdOptions::EXITED);
        self.child.try_wait().ok();
    }
}

fn lines(stream: impl AsyncRead + Send + Sync + Unpin + 'static) -> OutputLines {
    let stream: Box<dyn AsyncRead + Send + Sync + Unpin> = Box::new(stream);
    BufReader::new(stream).lines()
}

fn start(command: &ChildCommand) -> Result<(Child, Pid, Option<ChildStdin>), ServerError> {
    let name = &command.name;
    let mut child = command
        .to_shell()?
        .spawn()
        .map_err(ServerError::process("start", name))?;
    let lifeline = child.stdin.take();
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let pid = id.and_then(Pid::from_raw).ok_or_else(|| {
        ServerError::process("start", name)(std::io::Error::other("it has no process id"))
    })?;
    Ok((child, pid, lifeline))
}
