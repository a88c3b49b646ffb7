//! The last way to get a server: its docker image.
//!
//! The client (`docker run`) is the child process here, so [`crate::NatsServer::pid`] is the
//! client's. Killing the client would leave the container running; the child's farewell therefore
//! ends the container first.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::command::ChildCommand;
use crate::error::ServerError;
use crate::lookup::{Lookup, run_step};

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A server in a container with its data folder mounted under the same name, its ports on
/// 127.0.0.1, and the current user's rights.
#[derive(Debug)]
pub(crate) struct Container {
    docker: PathBuf,
    image: String,
    data: String,
    ports: Vec<u16>,
    environment: Vec<(&'static str, String)>,
    entrypoint: String,
    arguments: Vec<String>,
    /// Of the last start: a name may stay taken for a while after its container's death.
    name: String,
}

impl Container {
    pub(crate) fn new(docker: PathBuf, image: &str, data: &str, entrypoint: &str) -> Self {
        Self {
            docker,
            image: image.to_owned(),
            data: data.to_owned(),
            ports: Vec::new(),
            environment: Vec::new(),
            entrypoint: entrypoint.to_owned(),
            arguments: Vec::new(),
            name: String::new(),
        }
    }

    pub(crate) fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.ports.extend(ports);
        self
    }

    pub(crate) fn env(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((key, value.into()));
        self
    }

    pub(crate) fn args<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// `docker run` in the foreground, under a new name each time.
    pub(crate) fn run_command(&mut self) -> ChildCommand {
        let count = STARTED.fetch_add(1, Ordering::Relaxed);
        self.name = format!("latchwork-{}-{count}", std::process::id());
        let user = format!(
            "{}:{}",
            rustix::process::getuid().as_raw(),
            rustix::process::getgid().as_raw()
        );
        let mut command = ChildCommand::new("docker run", &self.docker)
            .args(["run", "--rm", "--name", &self.name, "--user", &user])
            .args(["--volume", &format!("{0}:{0}", self.data)]);
        for port in &self.ports {
            command = command.args(["--publish", &format!("127.0.0.1:{port}:{port}")]);
        }
        for (key, value) in &self.environment {
            command = command.args(["--env", &format!("{key}={value}")]);
        }
        let farewell = format!("{} kill {}", quoted(&self.docker), self.name);
        command
            .args(["--entrypoint", &self.entrypoint, &self.image])
            .args(&self.arguments)
            .farewell(farewell)
    }

    /// `docker pause` or `docker unpause`: a signal to the client would not reach the server.
    pub(crate) async fn ask(&self, verb: &'static str) -> Result<(), ServerError> {
        let command =
            ChildCommand::new(format!("docker {verb}"), &self.docker).args([verb, &self.name]);
        run_step(command, &Path::new(&self.data).join("docker.log")).await
    }

    /// Runs to its end: for what must be prepared before the start.
    pub(crate) async fn run_to_end(&mut self, log: &Path) -> Result<(), ServerError> {
        let command = self.run_command();
        run_step(command, log).await
    }
}

/// In single quotes for the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

/// Gets the image now, with its own time limit: `docker run` would do it within the server's. One
/// that is here already needs no network.
pub(crate) async fn pull(lookup: &Lookup, image: &str) -> Result<PathBuf, String> {
    let docker = lookup.find("docker").ok_or("no docker on PATH")?;
    let log = std::env::temp_dir().join(format!("latchwork-docker-{}.log", std::process::id()));
    let inspect = ChildCommand::new("docker image inspect", &docker);
    let mut ready = run_step(inspect.args(["image", "inspect", image]), &log).await;
    if ready.is_err() {
        tracing::info!("fetching the docker image {image}");
        std::fs::remove_file(&log).ok();
        let pull = ChildCommand::new("docker pull", &docker);
        ready = run_step(pull.args(["pull", "--quiet", image]), &log).await;
    }
    std::fs::remove_file(&log).ok();
    ready.map(|()| docker).map_err(|why| why.to_string())
}
