//! One Kafka node, broker and controller in one process (KRaft).

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::ChildCommand;
use crate::container::Container;
use crate::error::ServerError;
use crate::fetch_kafka::{KafkaProgram, locate};
use crate::lookup::{Lookup, run_step};
use crate::port::free_port;
use crate::ready::Ready;
use crate::server::{Launch, Plan, Server, data_folder, write_config};

/// A start takes 1.3 s on two idle cores, a restart after a kill 4.2 s (measured).
const READY_WITHIN: Duration = Duration::from_secs(90);
const STOP_WITHIN: Duration = Duration::from_mins(1);

/// Any 16 bytes in URL-safe base64 will do, since these nodes never meet another cluster.
const CLUSTER_ID: &str = "bGF0Y2h3b3JrLWthZmthIQ";

/// The environment variable that names a Kafka that runs already.
const EXTERNAL: &str = "LATCHWORK_KAFKA";

/// The bootstrap servers in `LATCHWORK_KAFKA`: use these instead of starting a [`KafkaServer`],
/// wherever no test needs to kill it.
pub fn external_kafka() -> Option<String> {
    std::env::var(EXTERNAL)
        .ok()
        .filter(|address| !address.trim().is_empty())
}

/// What a Kafka node is started with.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// Its folder: config, log and topics. Created when missing; what is there is kept.
    pub data_dir: PathBuf,
    /// Client port; a free one when `None`.
    pub port: Option<u16>,
    /// Saves about 0.4 s of each start by compiling less well, which costs throughput: right for
    /// tests and demo, wrong for benchmarks. On unless changed.
    pub fast_start: bool,
    /// Lines for the end of `server.properties`. The last line for a key counts.
    pub extra_config: String,
}

impl KafkaOptions {
    /// A free port, a fast start, nothing extra.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: None,
            fast_start: true,
            extra_config: String::new(),
        }
    }
}

/// A running Kafka on 127.0.0.1. Topics are not created by themselves; everything has one
/// replica. Dropping kills it; its data stay.
#[derive(Debug)]
pub struct KafkaServer {
    server: Server,
}

impl KafkaServer {
    /// Finds or fetches Kafka, starts it, and returns when its broker takes requests.
    pub async fn start(options: KafkaOptions) -> Result<Self, ServerError> {
        let program = locate(&Lookup::from_environment()?).await?;
        let data = data_folder(&options.data_dir)?;
        let port = options.port.map_or_else(free_port, Ok)?;
        let controller_port = free_port()?;
        let config_path = format!("{data}/server.properties");
        let address = listen_address(&program);
        let text = config(&data, address, port, controller_port, &options.extra_config);
        write_config(&config_path, &text)?;
        if !Path::new(&format!("{data}/topics/meta.properties")).exists() {
            format_storage(&program, &data, &config_path).await?;
        }
        let server = Server::start(Plan {
            name: "Kafka",
            launch: launch(program, &data, &config_path, port, options.fast_start),
            log: format!("{data}/kafka.log").into(),
            port,
            other_ports: vec![controller_port],
            ready: Ready::KafkaMetadata,
            ready_within: READY_WITHIN,
            stop_within: STOP_WITHIN,
        })
        .await?;
        Ok(Self { server })
    }

    /// `127.0.0.1:PORT`, for `bootstrap.servers`. It stays the same over restarts.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// The client port.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The process id of its Java machine. It changes at a restart.
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

    /// Kills Kafka if it runs, starts it on the same data and port, and returns when it is ready.
    /// After a kill that takes 3 s longer than after [`KafkaServer::stop`]: the controller waits
    /// for the session of the killed broker to end.
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

/// A container's port is published on 127.0.0.1 only, but arrives on its outer interface.
fn listen_address(program: &KafkaProgram) -> &'static str {
    match program {
        KafkaProgram::Jars { .. } => "127.0.0.1",
        KafkaProgram::Image { .. } => "0.0.0.0",
    }
}

/// Marks the folder as this node's and writes the feature levels of a new cluster, as on any real
/// cluster.
async fn format_storage(
    program: &KafkaProgram,
    data: &str,
    config_path: &str,
) -> Result<(), ServerError> {
    let log = Path::new(data).join("format.log");
    let arguments = [
        "format",
        "--cluster-id",
        CLUSTER_ID,
        "--config",
        config_path,
    ];
    match program {
        KafkaProgram::Jars { java, jars } => {
            let command = ChildCommand::new("formatting Kafka's storage", java)
                .args(java_flags(jars, data, true))
                .arg("kafka.tools.StorageTool")
                .args(arguments);
            run_step(command, &log).await
        }
        KafkaProgram::Image { docker, image } => {
            let entrypoint = "/opt/kafka/bin/kafka-storage.sh";
            Container::new(docker.clone(), image, data, entrypoint)
                .env("LOG_DIR", format!("{data}/script-logs"))
                .args(arguments)
                .run_to_end(&log)
                .await
        }
    }
}

fn launch(
    program: KafkaProgram,
    data: &str,
    config_path: &str,
    port: u16,
    fast_start: bool,
) -> Launch {
    match program {
        KafkaProgram::Jars { java, jars } => Launch::Program(
            ChildCommand::new("Kafka", java)
                .args(java_flags(&jars, data, fast_start))
                .args(["kafka.Kafka", config_path]),
        ),
        KafkaProgram::Image { docker, image } => Launch::Container(
            Container::new(docker, image, data, "/opt/kafka/bin/kafka-server-start.sh")
                .ports([port])
                .env("KAFKA_HEAP_OPTS", "-Xms256m -Xmx512m")
                .env("LOG_DIR", format!("{data}/script-logs"))
                .args([config_path]),
        ),
    }
}

fn java_flags(jars: &Path, data: &str, fast_start: bool) -> Vec<String> {
    let mut flags: Vec<String> = ["-Xms256m", "-Xmx512m", "-XX:-UsePerfData"]
        .map(str::to_owned)
        .into();
    if fast_start {
        flags.extend(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"].map(str::to_owned));
    }
    flags.extend([
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn".to_owned(),
        "-Dorg.slf4j.simpleLogger.showDateTime=true".to_owned(),
        // The compression libraries unpack themselves here and would stay after a kill.
        format!("-Djava.io.tmpdir={data}"),
        "-cp".to_owned(),
        format!("{}/*", jars.display()),
    ]);
    flags
}

fn config(data: &str, address: &str, port: u16, controller_port: u16, extra: &str) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller_port}\n\
         listeners=PLAINTEXT://{address}:{port},CONTROLLER://127.0.0.1:{controller_port}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n\
         controller.listener.names=CONTROLLER\n\
         log.dirs={data}/topics\n\
         auto.create.topics.enable=false\n\
         group.initial.rebalance.delay.ms=0\n\
         {ONE_NODE}{SHORT_SESSION}{extra}\n"
    )
}

// The number of partitions is what makes the first use of a group or a transaction quick.
const ONE_NODE: &str = "\
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
";

// A killed broker cannot register again before its session has ended: with the default of 9 s a
// restart takes 11.5 s, with this 4.2 s (measured). Shorter sessions end on a busy machine.
const SHORT_SESSION: &str = "\
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
";
