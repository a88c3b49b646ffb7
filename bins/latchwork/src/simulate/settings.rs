//! What to simulate.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use command::KeyRing;

use crate::mqtt_client::{ClientOptions, ResumableOptions, Version};

/// Client id of the first simulated lock; the others follow.
pub const FIRST_CLIENT_ID: u64 = 10_083_618_796_833_171;

/// Messages of one client without PUBACK.
const WINDOW: usize = 16;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct SimulationSettings {
    /// `HOST:PORT` of the edge.
    pub mqtt: String,
    /// MQTT version that everybody speaks.
    pub version: Version,
    /// User name of everybody.
    pub username: Option<String>,
    /// Password of everybody.
    pub password: Option<String>,
    /// Number of locks.
    pub locks: usize,
    /// Client id of the first lock, as a number; the others follow.
    pub first_client_id: u64,
    /// Time between two states of a lock. The locks take turns.
    pub interval: Duration,
    /// How long to publish; until it is stopped when `None`.
    pub duration: Option<Duration>,
    /// Commands that the app sends, all locks together.
    pub commands_per_second: f64,
    /// Keys that sign them; random digits stand for signatures when `None`.
    pub keys: Option<Arc<KeyRing>>,
    /// Share of the states that are broken, 0 to 1.
    pub broken_share: f64,
    /// How long to wait for the last PUBACKs.
    pub drain: Duration,
}

impl SimulationSettings {
    /// 20 locks, a state a second each, a command a second, nothing broken, until it is stopped.
    pub fn new(mqtt: impl Into<String>) -> Self {
        Self {
            mqtt: mqtt.into(),
            version: Version::V311,
            username: None,
            password: None,
            locks: 20,
            first_client_id: FIRST_CLIENT_ID,
            interval: Duration::from_secs(1),
            duration: None,
            commands_per_second: 1.0,
            keys: None,
            broken_share: 0.0,
            drain: Duration::from_secs(10),
        }
    }

    pub(super) fn client(
        &self,
        client_id: String,
        subscriptions: Vec<ByteString>,
    ) -> ResumableOptions {
        ResumableOptions {
            client: ClientOptions {
                version: self.version,
                username: self.username.clone().map(Into::into),
                password: self.password.clone().map(Bytes::from),
                ..ClientOptions::new(&self.mqtt, client_id)
            },
            window: WINDOW,
            subscriptions,
        }
    }
}
