//! What load to make.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use command::KeyRing;
use kafka::KafkaConnection;
use rmqtt_codec::types::QoS;

use super::cpu::NamedProcess;
use super::message::FIRST_CLIENT_ID;
use super::slices::Slices;
use crate::mqtt_client::{ClientOptions, Version};

/// What load to make.
#[derive(Clone, Debug)]
pub struct LoadSettings {
    /// `HOST:PORT` of the server.
    pub mqtt: String,
    /// MQTT version of all clients.
    pub version: Version,
    /// User name of all clients.
    pub username: Option<String>,
    /// Password of all clients.
    pub password: Option<String>,
    /// Kafka and the topic of the states; without it only PUBACKs are measured.
    pub kafka: Option<(KafkaConnection, String)>,
    /// Number of connections.
    pub clients: usize,
    /// Messages per second, all clients together.
    pub rate: u32,
    /// Size of a payload in bytes, 150 to 65,535.
    pub payload: usize,
    /// Keys that sign commands, which are sent instead of states.
    pub commands: Option<Arc<KeyRing>>,
    /// `QoS` of the messages.
    pub qos: QoS,
    /// Messages of one client without PUBACK (with `QoS` 2: PUBCOMP) at most, 1 to 65,535; fewer when an MQTT 5 server
    /// wants fewer.
    pub window: u16,
    /// Load before the measurement.
    pub warmup: Duration,
    /// Load that is measured.
    pub duration: Duration,
    /// How long all clients together may take to connect.
    pub connect: Duration,
    /// How long to wait at the end for PUBACKs, and then for Kafka.
    pub drain: Duration,
    /// Threads that drive the connections.
    pub threads: usize,
    /// Connections besides, that only connect.
    pub idle: usize,
    /// Whether each of them subscribes to its own commands.
    pub idle_subscribe: bool,
    /// Connections besides, that send malformed packets in every second slice.
    pub hostile: usize,
    /// Malformed packets per second of one connection at most.
    pub hostile_rate: u32,
    /// Length of a slice, when there are hostile connections.
    pub slice: Duration,
    /// Processes whose CPU time and memory are reported.
    pub processes: Vec<NamedProcess>,
}

impl LoadSettings {
    /// 50,000 messages a second of 200 bytes from 500 clients with a window of 20, 30 seconds long
    /// after 3 seconds, without Kafka.
    pub fn new(mqtt: impl Into<String>) -> Self {
        Self {
            mqtt: mqtt.into(),
            version: Version::V311,
            username: None,
            password: None,
            kafka: None,
            clients: 500,
            rate: 50_000,
            payload: 200,
            commands: None,
            qos: QoS::AtLeastOnce,
            window: 20,
            warmup: Duration::from_secs(3),
            duration: Duration::from_secs(30),
            connect: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            threads: 1,
            idle: 0,
            idle_subscribe: false,
            hostile: 0,
            hostile_rate: 20,
            slice: Duration::from_secs(2),
            processes: Vec::new(),
        }
    }

    /// The slices of the measured part; `None` without hostile connections.
    pub(super) fn slices(&self) -> Option<Slices> {
        let slices = Slices::new(self.warmup, self.duration, self.slice);
        slices.filter(|_| self.hostile > 0)
    }

    /// How a client connects. No pings: the load itself keeps the connection alive.
    pub(super) fn client(&self, client: usize) -> ClientOptions {
        self.connection(FIRST_CLIENT_ID + client as u64)
    }

    /// How any connection of this load connects.
    pub(super) fn connection(&self, client_id: u64) -> ClientOptions {
        let client_id = client_id.to_string();
        ClientOptions {
            version: self.version,
            username: self.username.clone().map(Into::into),
            password: self.password.clone().map(Bytes::from),
            keep_alive_secs: 0,
            ..ClientOptions::new(&self.mqtt, client_id)
        }
    }
}
