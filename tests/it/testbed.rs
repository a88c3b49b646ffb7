//! A whole pipeline for one test.

use std::fmt::Write;
use std::path::Path;

use async_nats::jetstream::context::Context;
use futures::StreamExt;
use kafka::KafkaConnection;
use latchwork::mqtt_client::ClientOptions;
use latchwork::stack::{Stack, StackOptions};
use rustix::process::{Pid, Signal, kill_process};
use servers::{NatsOptions, NatsServer, free_port};
use tempfile::TempDir;

use crate::metrics::Metrics;
use crate::nats_line::NatsLine;
use crate::shared_kafka::shared_kafka;
use crate::waiting::{DEADLINE, soon, until};

/// The edge's name, as the articles show it.
pub(crate) const NODE: &str = "emqx@127.0.0.1";

/// Lines of each log that a failed test shows.
const LOG_LINES: usize = 25;

/// What a [`Testbed`] is made of.
#[derive(Default)]
pub(crate) struct Setup {
    pipeline: Option<String>,
    kafka: Option<String>,
    stages: Option<Vec<String>>,
    environment: Vec<(String, String)>,
    refuse_anonymous: bool,
    cuttable_line: bool,
}

impl Setup {
    /// Every stage, the built-in pipeline, the shared Kafka; anybody may connect.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A pipeline file with this text.
    pub(crate) fn pipeline(mut self, text: impl Into<String>) -> Self {
        self.pipeline = Some(text.into());
        self
    }

    /// A Kafka of the test's own.
    pub(crate) fn kafka(mut self, address: impl Into<String>) -> Self {
        self.kafka = Some(address.into());
        self
    }

    /// These stages only; without kafka-sink no Kafka is started.
    pub(crate) fn stages(mut self, names: &[&str]) -> Self {
        self.stages = Some(names.iter().map(|&name| name.to_owned()).collect());
        self
    }

    /// One more variable in every stage's environment.
    pub(crate) fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.environment.push((key.to_owned(), value.into()));
        self
    }

    /// Nobody may connect without credentials.
    pub(crate) fn refuse_anonymous(mut self) -> Self {
        self.refuse_anonymous = true;
        self
    }

    /// The stages reach nats-server over a [`NatsLine`].
    pub(crate) fn cuttable_line(mut self) -> Self {
        self.cuttable_line = true;
        self
    }

    /// Starts it, and returns when every stage can work.
    pub(crate) async fn start(self) -> Testbed {
        let folder = tempfile::Builder::new()
            .prefix("latchwork-it-")
            .tempdir()
            .unwrap();
        let stages = self.stages.as_deref();
        let has_sink = stages.is_none_or(|names| names.iter().any(|name| name == "kafka-sink"));
        let kafka = match self.kafka {
            Some(address) => address,
            None if has_sink => shared_kafka().await.to_owned(),
            None => "127.0.0.1:1".to_owned(),
        };
        let mqtt = format!("127.0.0.1:{}", free_port().unwrap());
        let mut options = StackOptions::new(folder.path().join("data"), mqtt, kafka).unwrap();
        options.program = env!("CARGO_BIN_EXE_latchwork-under-test").into();
        options.allow_anonymous = !self.refuse_anonymous;
        options.logs = Some(folder.path().join("logs"));
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        if let Some(text) = self.pipeline {
            let file = folder.path().join("pipeline.toml");
            std::fs::write(&file, text).unwrap();
            options.config = Some(file);
        }
        options.stages = self.stages.unwrap_or(options.stages);
        // First what makes a test independent of its surroundings, then what it asks for.
        options.environment = [
            ("LATCHWORK_NODE", NODE),
            ("LATCHWORK_LOG_FORMAT", "human"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        options.environment.extend(self.environment);
        let mut line = None;
        if self.cuttable_line {
            let server = NatsServer::start(NatsOptions::new(folder.path().join("nats"))).await;
            let server = server.unwrap();
            let to_server = NatsLine::to(server.port()).await;
            options.nats = Some(to_server.url().to_owned());
            line = Some((to_server, server));
        }
        let mut bed = Testbed {
            stack: None,
            line,
            options,
            folder,
        };
        bed.start().await;
        bed
    }
}

/// A running pipeline of its own. When a test fails, the ends of all its logs are shown.
pub(crate) struct Testbed {
    // Ends before its folder goes.
    stack: Option<Stack>,
    line: Option<(NatsLine, NatsServer)>,
    options: StackOptions,
    folder: TempDir,
}

impl Testbed {
    /// Starts what was stopped, on the same data and the same MQTT port.
    pub(crate) async fn start(&mut self) {
        assert!(self.stack.is_none(), "it runs already");
        let started = soon("the stack to start", Stack::start(&self.options)).await;
        self.stack = Some(started.unwrap());
        self.ready().await;
    }

    /// Waits until every stage can work.
    pub(crate) async fn ready(&self) {
        self.stack().ready(DEADLINE).await.unwrap();
    }

    /// SIGTERM to each stage in the order of the data, then to nats-server.
    pub(crate) async fn stop(&mut self) {
        let stack = self.stack.take().expect("it does not run");
        soon("the stack to stop", stack.stop()).await;
    }

    fn stack(&self) -> &Stack {
        self.stack.as_ref().expect("it does not run")
    }

    /// The line to nats-server, when it was asked for.
    pub(crate) fn line(&self) -> &NatsLine {
        let (line, _server) = self.line.as_ref().expect("no cuttable line was asked for");
        line
    }

    pub(crate) fn nats_url(&self) -> &str {
        self.stack().nats_url()
    }

    pub(crate) fn mqtt(&self) -> &str {
        &self.options.mqtt
    }

    pub(crate) fn kafka(&self) -> KafkaConnection {
        KafkaConnection::new(&self.options.kafka).unwrap()
    }

    /// A JetStream context over a new connection.
    pub(crate) async fn jetstream(&self) -> Context {
        let client = soon("NATS to accept", async_nats::connect(self.nats_url())).await;
        stage::jetstream_context(&client.unwrap())
    }

    /// SIGKILL; returns when the process was started again. It may not be ready yet.
    pub(crate) async fn kill(&self, name: &str) {
        let old = self.pid(name);
        send_signal(old, Signal::KILL);
        let another = || {
            let pid = self.stack().roster().pid(name);
            pid.is_some_and(|pid| pid != old)
        };
        until(&format!("{name} to be started again"), async || another()).await;
    }

    /// SIGTERM, without waiting for its effect. A stage that ends is started again.
    pub(crate) fn terminate(&self, stage: &str) {
        send_signal(self.pid(stage), Signal::TERM);
    }

    /// SIGSTOP: the stage stands still, its connections stay open.
    pub(crate) fn pause(&self, stage: &str) {
        send_signal(self.pid(stage), Signal::STOP);
    }

    /// SIGCONT: ends a pause.
    pub(crate) fn resume(&self, stage: &str) {
        send_signal(self.pid(stage), Signal::CONT);
    }

    pub(crate) fn pid(&self, stage: &str) -> u32 {
        self.stack()
            .roster()
            .pid(stage)
            .unwrap_or_else(|| panic!("{stage} does not run"))
    }

    /// Where a stage serves its health and metrics.
    pub(crate) fn health(&self, stage: &str) -> String {
        let entries = self.stack().roster().entries();
        let entry = entries.into_iter().find(|entry| entry.name == stage);
        let entry = entry.unwrap_or_else(|| panic!("{stage} does not run"));
        entry.health
    }

    pub(crate) async fn metrics(&self, stage: &str) -> Metrics {
        Metrics::of(&self.health(stage)).await
    }

    /// Waits until the streams between the stages are empty: everything taken is in Kafka or dead.
    pub(crate) async fn drained(&self) {
        let context = self.jetstream().await;
        let drained = servers::wait_until(DEADLINE, "UP and REC to run empty", async || {
            let mut waiting = 0;
            for name in ["UP", "REC"] {
                let Ok(stream) = context.get_stream(name).await else {
                    return false;
                };
                waiting += stream.cached_info().state.messages;
            }
            waiting == 0
        });
        if let Err(late) = drained.await {
            panic!("{late}; {}", self.what_waits().await);
        }
    }

    /// Streams that are not empty, with their consumers.
    async fn what_waits(&self) -> String {
        let context = self.jetstream().await;
        let mut told = String::new();
        for name in ["UP", "REC"] {
            let stream = context.get_stream(name).await.unwrap();
            let state = stream.cached_info().state.clone();
            let (first, last) = (state.first_sequence, state.last_sequence);
            let messages = state.messages;
            writeln!(told, "{name} has {messages} messages, {first} to {last}").unwrap();
            let mut consumers = stream.consumers();
            while let Some(Ok(consumer)) = consumers.next().await {
                writeln!(
                    told,
                    "  {}: delivered {:?}, acknowledged {:?}, {} unacknowledged, {} waiting",
                    consumer.name,
                    consumer.delivered,
                    consumer.ack_floor,
                    consumer.num_ack_pending,
                    consumer.num_pending
                )
                .unwrap();
            }
        }
        told
    }

    /// A clean session of MQTT 3.1.1.
    pub(crate) fn client(&self, client_id: &str) -> ClientOptions {
        ClientOptions::new(self.mqtt(), client_id)
    }
}

pub(crate) fn send_signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process id");
    kill_process(pid, signal).unwrap();
}

impl Drop for Testbed {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for entry in std::fs::read_dir(self.folder.path().join("logs"))
            .into_iter()
            .flatten()
            .flatten()
        {
            show_end(&entry.path());
        }
        show_end(&self.options.data_dir.join("nats/nats-server.log"));
    }
}

fn show_end(log: &Path) {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    eprintln!("--- end of {}", log.display());
    for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
        eprintln!("{line}");
    }
}
