//! What both servers share: one child (a program or a container), its ports, and its readiness.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::Instant;

use crate::child::ChildProcess;
use crate::command::{ChildCommand, Output};
use crate::container::Container;
use crate::error::ServerError;
use crate::lookup::tail;
use crate::port::require_free;
use crate::ready::Ready;
use crate::wait::POLL;

/// How a server is started, again and again.
#[derive(Debug)]
pub(crate) enum Launch {
    Program(ChildCommand),
    Container(Container),
}

impl Launch {
    fn command(&mut self, log: &Path) -> ChildCommand {
        let command = match self {
            Self::Program(command) => command.clone(),
            Self::Container(container) => container.run_command(),
        };
        command.output(Output::File(log.to_owned()))
    }
}

/// Everything that a start, and every restart, needs.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) launch: Launch,
    pub(crate) log: PathBuf,
    /// The client port first.
    pub(crate) port: u16,
    pub(crate) other_ports: Vec<u16>,
    pub(crate) ready: Ready,
    pub(crate) ready_within: Duration,
    pub(crate) stop_within: Duration,
}

/// A started server.
#[derive(Debug)]
pub(crate) struct Server {
    plan: Plan,
    child: ChildProcess,
}

impl Server {
    /// Returns when the server is ready. When it does not become ready it is killed.
    pub(crate) async fn start(mut plan: Plan) -> Result<Self, ServerError> {
        for port in std::iter::once(&plan.port).chain(&plan.other_ports) {
            require_free(*port, plan.name)?;
        }
        let child = ChildProcess::spawn(plan.launch.command(&plan.log))?;
        let mut server = Self { plan, child };
        server.await_ready().await?;
        Ok(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.plan.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    pub(crate) fn log_path(&self) -> &Path {
        &self.plan.log
    }

    pub(crate) async fn kill(&mut self) -> Result<(), ServerError> {
        self.child.kill().await.map(drop)
    }

    /// Cancel-safe.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus, ServerError> {
        self.child.wait().await
    }

    pub(crate) async fn stop(&mut self) -> Result<(), ServerError> {
        self.child.stop(self.plan.stop_within).await.map(drop)
    }

    pub(crate) async fn restart(&mut self) -> Result<(), ServerError> {
        let command = self.plan.launch.command(&self.plan.log);
        self.child.restart_as(command).await?;
        self.await_ready().await
    }

    pub(crate) async fn pause(&mut self) -> Result<(), ServerError> {
        match &self.plan.launch {
            Launch::Program(_) => self.child.pause(),
            Launch::Container(container) => container.ask("pause").await,
        }
    }

    pub(crate) async fn resume(&mut self) -> Result<(), ServerError> {
        match &self.plan.launch {
            Launch::Program(_) => self.child.resume(),
            Launch::Container(container) => container.ask("unpause").await,
        }
    }

    async fn await_ready(&mut self) -> Result<(), ServerError> {
        let (name, log, within) = (
            self.plan.name.to_owned(),
            &self.plan.log,
            self.plan.ready_within,
        );
        let deadline = Instant::now() + within;
        loop {
            let answer = self.plan.ready.ask(self.plan.port).await;
            if let Some(status) = self.child.exited()? {
                let (log, tail) = (log.clone(), tail(log));
                return Err(ServerError::EndedEarly {
                    name,
                    status,
                    log,
                    tail,
                });
            }
            match answer {
                Ok(()) => return Ok(()),
                Err(why) if Instant::now() >= deadline => {
                    let (log, tail) = (log.clone(), tail(log));
                    self.child.kill().await?;
                    return Err(ServerError::NotReady {
                        name,
                        within,
                        why,
                        log,
                        tail,
                    });
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }
}

/// Creates the data folder; returns its full name, which is safe to stand in a config file, in a
/// list and on a docker command line.
pub(crate) fn data_folder(path: &Path) -> Result<String, ServerError> {
    std::fs::create_dir_all(path).map_err(ServerError::file("create", path))?;
    let full = std::path::absolute(path).map_err(ServerError::file("find", path))?;
    match full.to_str() {
        Some(name) if !name.contains(|sign: char| sign.is_control() || "\"\\,:".contains(sign)) => {
            Ok(name.to_owned())
        }
        _ => Err(ServerError::DataFolderName { path: full }),
    }
}

/// Writes a server's config file into its data folder.
pub(crate) fn write_config(path: &str, text: &str) -> Result<(), ServerError> {
    std::fs::write(path, text).map_err(ServerError::file("write", Path::new(path)))
}
