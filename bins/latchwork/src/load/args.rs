//! The command line of `latchwork load`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use command::KeyRing;
use kafka::KafkaConnection;
use rmqtt_codec::types::QoS;

use super::cpu::NamedProcess;
use super::message::SMALLEST_PAYLOAD;
use super::settings::LoadSettings;
use crate::mqtt_client::Version;
use crate::simulate::parse_duration;

/// Measures with an open-loop load of lock states: each message has its due time on a fixed
/// schedule, and latency counts from there.
#[derive(Clone, Debug, clap::Args)]
pub struct LoadArgs {
    /// Where the edge, or any other MQTT server, listens.
    #[arg(
        long,
        env = "LATCHWORK_MQTT",
        value_name = "ADDR",
        default_value = "127.0.0.1:1883"
    )]
    mqtt: String,
    /// Kafka, to see what arrives there; without it only PUBACKs are measured.
    #[arg(long, env = "LATCHWORK_KAFKA", value_name = "HOST:PORT[,..]")]
    kafka: Option<String>,
    /// Kafka topic of the states.
    #[arg(long, value_name = "TOPIC", default_value = "message_state")]
    topic: String,
    /// Number of connections.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    clients: u32,
    /// Messages per second, all clients together.
    #[arg(long, value_name = "RATE", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: u32,
    /// Bytes of a payload, 150 to 65535.
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = clap::value_parser!(u16).range(SMALLEST_PAYLOAD as i64..))]
    payload: u16,
    /// Send signed commands instead of states, each client to itself, with the keys of this file.
    #[arg(long, value_name = "KEYS-FILE", conflicts_with_all = ["kafka", "payload"])]
    commands: Option<PathBuf>,
    /// QoS of the messages. With 0, only the time to the write can be measured; with 2, latency is
    /// until PUBREC.
    #[arg(long, value_name = "QOS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    qos: u8,
    /// Messages of one client without PUBACK at most; when it is full, its messages wait.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    window: u16,
    /// Load before the measurement.
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse_duration)]
    warmup: Duration,
    /// Load that is measured.
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    duration: Duration,
    /// How long to wait at the end for PUBACKs, and then for Kafka.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    drain: Duration,
    /// Threads that drive the connections.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Connections besides, that only connect: reports handshakes per second, and with --pids or
    /// --stages the memory of each connection.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    idle: u32,
    /// Each idle connection subscribes to its own commands.
    #[arg(long, requires = "idle")]
    idle_subscribe: bool,
    /// Connections besides, that send malformed packets in every second slice of the measured
    /// part: reports what that does to the others' latency.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=10_000))]
    hostile: u32,
    /// Malformed packets per second of one hostile connection at most.
    #[arg(long, value_name = "RATE", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000), requires = "hostile")]
    hostile_rate: u32,
    /// Length of a slice.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration, requires = "hostile")]
    slice: Duration,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    pub(super) json: bool,
    /// Speak MQTT 5.0 instead of 3.1.1.
    #[arg(long)]
    v5: bool,
    /// Processes whose CPU and memory to report: edge=123,transform=124. One named kafka is not
    /// counted as part of the pipeline.
    #[arg(long, value_name = "NAME=PID,..", value_delimiter = ',', value_parser = NamedProcess::parse)]
    pids: Vec<NamedProcess>,
    /// The stages.json of `latchwork up`, or its folder: reports all of its processes.
    #[arg(long, value_name = "FILE")]
    stages: Option<PathBuf>,
    /// User name of all clients.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// File with the password of all clients.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
}

impl LoadArgs {
    /// The settings that these arguments describe.
    pub(super) fn settings(&self) -> anyhow::Result<LoadSettings> {
        let connection = self
            .kafka
            .as_deref()
            .map(KafkaConnection::new)
            .transpose()?;
        let password = self.password_file.as_ref().map(|file| {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the password file {}", file.display()))?;
            anyhow::Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        });
        let clients = self.clients as usize;
        Ok(LoadSettings {
            version: if self.v5 { Version::V5 } else { Version::V311 },
            username: self.username.clone(),
            password: password.transpose()?,
            kafka: connection.map(|connection| (connection, self.topic.clone())),
            clients,
            rate: self.rate,
            payload: self.payload.into(),
            commands: self
                .commands
                .as_deref()
                .map(KeyRing::read)
                .transpose()?
                .map(Arc::new),
            qos: QoS::try_from(self.qos)
                .map_err(|_| anyhow::anyhow!("--qos {} is not 0, 1 or 2", self.qos))?,
            idle: self.idle as usize,
            idle_subscribe: self.idle_subscribe,
            hostile: self.hostile as usize,
            hostile_rate: self.hostile_rate,
            slice: self.slice,
            window: self.window,
            warmup: self.warmup,
            duration: self.duration,
            drain: self.drain,
            threads: usize::from(self.threads).min(clients),
            processes: self.processes()?,
            ..LoadSettings::new(&self.mqtt)
        })
    }

    fn processes(&self) -> anyhow::Result<Vec<NamedProcess>> {
        let mut processes = match &self.stages {
            Some(file) => NamedProcess::from_roster(file).with_context(|| {
                format!(
                    "cannot read {}; is `latchwork up` running there?",
                    file.display()
                )
            })?,
            None => Vec::new(),
        };
        processes.extend(self.pids.iter().cloned());
        Ok(processes)
    }
}
