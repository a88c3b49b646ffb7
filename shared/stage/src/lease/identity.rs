//! Who this process is to the other replicas.

use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use futures::StreamExt;
use tracing::debug;

use super::bucket::address;
use super::snapshot::About;
use crate::clock::now_ms;
use crate::error::{ConnectError, StartError};

/// How long NATS may take to know the address.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

/// One process: its id is unique for each start.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Machine and a random part; a token of a NATS subject.
    pub(crate) id: String,
    /// What the replica says of itself, all but its counts.
    pub(crate) about: About,
}

impl Identity {
    /// A new one.
    pub(crate) fn new() -> Self {
        let host = telemetry::host_name().unwrap_or_else(|| "localhost".to_owned());
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let plain: String = host
            .chars()
            .map(|c| if is_plain(c) { c } else { '-' })
            .collect();
        Self {
            id: format!("{plain}-{:08x}", fastrand::u32(..)),
            about: About {
                host,
                pid: std::process::id(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started_ms: now_ms(),
                ..About::default()
            },
        }
    }

    /// Answers at this replica's address for as long as this connection is there. That nobody answers
    /// on any of its connections tells the others that the process has died.
    pub(crate) async fn answer(&self, client: &Client) -> Result<(), StartError> {
        let refused = |reason: String| ConnectError::Refused {
            what: address(&self.id),
            reason,
        };
        let subscribed = client.subscribe(address(&self.id)).await;
        let mut asked = subscribed.map_err(|error| refused(error.to_string()))?;
        // Others may ask as soon as they see the first key of this replica.
        let known = tokio::time::timeout(KNOWN_WITHIN, client.flush()).await;
        if !matches!(known, Ok(Ok(()))) {
            return Err(refused("NATS does not answer".to_owned()).into());
        }
        let client = client.clone();
        tokio::spawn(async move {
            while let Some(question) = asked.next().await {
                let Some(reply) = question.reply else {
                    continue;
                };
                if let Err(error) = client.publish(reply, Bytes::from_static(b"here")).await {
                    debug!(%error, "could not answer another replica");
                }
            }
        });
        Ok(())
    }
}
