//! One nats-server with everything provisioned.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_nats::jetstream::context::{Context, ContextBuilder};
use bytes::Bytes;
use servers::{NatsOptions, NatsServer};
use session::StoredMessage;
use stage::jetstream::{StreamSettings, provision};

/// How long anything may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Bed {
    pub(crate) server: NatsServer,
    _folder: tempfile::TempDir,
}

impl Bed {
    pub(crate) async fn start() -> Self {
        Self::with(&StreamSettings::default()).await
    }

    pub(crate) async fn with(settings: &StreamSettings) -> Self {
        let bed = Self::bare().await;
        provision(&bed.context().await, settings).await.unwrap();
        bed
    }

    /// Nothing is provisioned.
    pub(crate) async fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = NatsOptions::new(folder.path());
        let server = NatsServer::start(options).await.unwrap();
        Self {
            server,
            _folder: folder,
        }
    }

    /// What one edge has: a connection of its own.
    pub(crate) async fn context(&self) -> Context {
        let client = async_nats::ConnectOptions::new()
            .reconnect_delay_callback(|_| Duration::from_millis(20))
            .connect(self.server.url())
            .await
            .unwrap();
        ContextBuilder::new()
            .timeout(Duration::from_secs(5))
            .max_ack_inflight(4096)
            .backpressure_on_inflight(true)
            .build(client)
    }

    /// SIGKILL and a new start, as after a power cut of the process.
    pub(crate) async fn crash(&mut self) {
        self.server.kill().await.unwrap();
        self.server.restart().await.unwrap();
    }
}

/// Repeats what is safe to repeat until NATS answers, as the edge does after a reconnect.
pub(crate) async fn until_it_answers<T, E: std::fmt::Display>(
    mut act: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let repeat = async {
        loop {
            if let Ok(done) = act().await {
                return done;
            }
        }
    };
    tokio::time::timeout(DEADLINE, repeat).await.unwrap()
}

pub(crate) fn message(topic: &str, payload: &str) -> StoredMessage {
    StoredMessage {
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        qos: 1,
        ..StoredMessage::default()
    }
}

pub(crate) fn expiring(topic: &str, payload: &str, expires_at_ms: u64) -> StoredMessage {
    StoredMessage {
        expires_at_ms,
        ..message(topic, payload)
    }
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
