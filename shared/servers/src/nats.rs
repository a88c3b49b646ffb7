//! One nats-server with JetStream.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use crate::command::ChildCommand;
use crate::container::Container;
use crate::error::ServerError;
use crate::fetch_nats::{NatsProgram, locate};
use crate::lookup::Lookup;
use crate::port::free_port;
use crate::ready::Ready;
use crate::server::{Launch, Plan, Server, data_folder, write_config};

/// Recovery of a large store takes seconds; a server that needs longer is stuck.
const READY_WITHIN: Duration = Duration::from_mins(1);
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Bytes; the largest value that nats-server takes without a warning.
const MAX_PAYLOAD: u32 = 8 * 1024 * 1024;

/// What a nats-server is started with.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    /// Its folder: config, log and streams. Created when missing; what is there is kept. One
    /// server at a time: nats-server does not lock it.
    pub data_dir: PathBuf,
    /// Client port; a free one when `None`.
    pub port: Option<u16>,
    /// Whether its HTTP monitoring listens, on a free port: see [`NatsServer::monitoring_url`].
    pub monitoring: bool,
    /// Lines for the inside of the `jetstream` block, such as `max_file_store: 50MB`.
    pub jetstream_config: String,
    /// Lines for the end of the config file, such as an `authorization` block.
    pub extra_config: String,
}

impl NatsOptions {
    /// A free port, no monitoring, nothing extra.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: None,
            monitoring: false,
            jetstream_config: String::new(),
            extra_config: String::new(),
        }
    }
}

/// A running nats-server on 127.0.0.1. JetStream syncs every write to disk before it
/// acknowledges it; a message may have 8 MiB. Dropping kills it; its data stay.
#[derive(Debug)]
pub struct NatsServer {
    server: Server,
    monitoring: Option<u16>,
}

impl NatsServer {
    /// Finds or fetches nats-server, starts it, and returns when JetStream is ready.
    pub async fn start(options: NatsOptions) -> Result<Self, ServerError> {
        let program = locate(&Lookup::from_environment()?).await?;
        Self::start_program(program, options).await
    }

    async fn start_program(
        program: NatsProgram,
        options: NatsOptions,
    ) -> Result<Self, ServerError> {
        let data = data_folder(&options.data_dir)?;
        let port = options.port.map_or_else(free_port, Ok)?;
        let monitoring = options.monitoring.then(free_port).transpose()?;
        let config_path = format!("{data}/nats.conf");
        let address = listen_address(&program);
        write_config(
            &config_path,
            &config(&options, &data, address, port, monitoring),
        )?;
        let launch = match program {
            NatsProgram::Binary(binary) => Launch::Program(
                ChildCommand::new("nats-server", binary).args(["--config", &config_path]),
            ),
            NatsProgram::Image { docker, image } => Launch::Container(
                Container::new(docker, image, &data, "nats-server")
                    .ports(std::iter::once(port).chain(monitoring))
                    .args(["--config", &config_path]),
            ),
        };
        let server = Server::start(Plan {
            name: "nats-server",
            launch,
            log: format!("{data}/nats-server.log").into(),
            port,
            other_ports: monitoring.into_iter().collect(),
            ready: Ready::NatsInfo,
            ready_within: READY_WITHIN,
            stop_within: STOP_WITHIN,
        })
        .await?;
        Ok(Self { server, monitoring })
    }

    /// `nats://127.0.0.1:PORT`. It stays the same over restarts.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port())
    }

    /// The client port.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// `http://127.0.0.1:PORT`, when monitoring was asked for.
    pub fn monitoring_url(&self) -> Option<String> {
        self.monitoring
            .map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// The server's process id. It changes at a restart.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The log file; restarts append to it.
    pub fn log_path(&self) -> &Path {
        self.server.log_path()
    }

    /// SIGKILL now; returns when the process is gone.
    pub async fn kill(&mut self) -> Result<(), ServerError> {
        self.server.kill().await
    }

    /// Waits for the server to end by itself, e.g. because somebody killed it. Cancel-safe.
    pub async fn ended(&mut self) -> Result<ExitStatus, ServerError> {
        self.server.ended().await
    }

    /// Kills the server if it runs, starts it on the same data and port, and returns when it is
    /// ready.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.server.restart().await
    }

    /// SIGTERM; returns when the process is gone. An error when it had to be killed.
    pub async fn stop(&mut self) -> Result<(), ServerError> {
        self.server.stop().await
    }

    /// SIGSTOP: when this returns it stands still; its connections stay open.
    pub async fn pause(&mut self) -> Result<(), ServerError> {
        self.server.pause().await
    }

    /// SIGCONT: ends a pause.
    pub async fn resume(&mut self) -> Result<(), ServerError> {
        self.server.resume().await
    }
}

/// A container's ports are published on 127.0.0.1 only, but arrive on its outer interface.
fn listen_address(program: &NatsProgram) -> &'static str {
    match program {
        NatsProgram::Binary(_) => "127.0.0.1",
        NatsProgram::Image { .. } => "0.0.0.0",
    }
}

fn config(
    options: &NatsOptions,
    data: &str,
    address: &str,
    port: u16,
    monitoring: Option<u16>,
) -> String {
    let NatsOptions {
        jetstream_config,
        extra_config,
        ..
    } = options;
    // Without `sync_interval: always` an acknowledged message may be lost for two minutes when
    // the machine loses power.
    let mut text = format!(
        "listen: \"{address}:{port}\"\n\
         max_payload: {MAX_PAYLOAD}\n\
         jetstream {{\n\
         store_dir: \"{data}/jetstream\"\n\
         sync_interval: always\n\
         {jetstream_config}\n\
         }}\n"
    );
    if let Some(port) = monitoring {
        // Writing to a String cannot fail.
        writeln!(text, "http: \"{address}:{port}\"").ok();
    }
    text.push_str(extra_config);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the server runs through a `docker` that stands in for the real client: it starts
    /// the entrypoint as a process of its own session, which only `docker kill` ends.
    /// Guarantee: it becomes ready, stops and continues, restarts on its port, and is gone after a
    /// kill and after a drop.
    #[tokio::test]
    async fn a_container_is_started_paused_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        let NatsProgram::Binary(binary) =
            locate(&Lookup::from_environment().unwrap()).await.unwrap()
        else {
            panic!("this test needs the nats-server program itself");
        };
        let data = data_folder(folder.path()).unwrap();
        let port = free_port().unwrap();
        let options = NatsOptions::new(folder.path());
        let config_path = format!("{data}/nats.conf");
        write_config(
            &config_path,
            &config(&options, &data, "127.0.0.1", port, None),
        )
        .unwrap();
        let docker = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/docker/docker").into();
        let container = Container::new(docker, "image", &data, binary.to_str().unwrap())
            .ports([port])
            .args(["--config", &config_path]);
        let mut server = Server::start(Plan {
            name: "nats-server",
            launch: Launch::Container(container),
            log: folder.path().join("log"),
            port,
            other_ports: Vec::new(),
            ready: Ready::NatsInfo,
            ready_within: READY_WITHIN,
            stop_within: STOP_WITHIN,
        })
        .await
        .unwrap();
        server.pause().await.unwrap();
        assert!(
            Ready::NatsInfo.ask(port).await.is_err(),
            "it answers although it is paused"
        );
        server.resume().await.unwrap();
        Ready::NatsInfo.ask(port).await.unwrap();
        server.restart().await.unwrap();
        server.kill().await.unwrap();
        assert!(
            Ready::NatsInfo.ask(port).await.is_err(),
            "it answers although it was killed"
        );
        server.restart().await.unwrap();
        drop(server);
        assert!(
            Ready::NatsInfo.ask(port).await.is_err(),
            "it answers although it was dropped"
        );
    }
}
