//! The lock of the show: it has an owner who wants to know.

use std::time::Duration;

use anyhow::{Context, ensure};
use futures::FutureExt;

use super::operator::latchwork;
use crate::mqtt_client::{
    ClientError, ClientOptions, IncomingMessages, MqttClient, PubAck, Publish,
};

/// A lock that does what the show wants.
pub(super) struct OwnedLock {
    id: u64,
    client: MqttClient,
    commands: IncomingMessages,
}

impl OwnedLock {
    /// Connects, and listens for commands.
    pub(super) async fn connect(mqtt: &str, id: u64) -> anyhow::Result<Self> {
        let options = ClientOptions::new(mqtt, id.to_string());
        let (client, commands) = MqttClient::connect(&options).await?;
        client.subscribe([format!("devices/{id}/command")]).await?;
        Ok(Self {
            id,
            client,
            commands,
        })
    }

    /// Waits for this command.
    pub(super) async fn heard(&mut self, payload: &[u8], within: Duration) -> anyhow::Result<()> {
        let command = tokio::time::timeout(within, self.commands.next()).await;
        let command =
            command.with_context(|| format!("the lock heard nothing within {within:?}"))?;
        let command = command.context("the lock's connection has ended")?;
        ensure!(command.payload == payload, "the lock heard another command");
        Ok(())
    }

    /// Fails when a command is there.
    pub(super) fn has_heard_nothing(&mut self) -> anyhow::Result<()> {
        let command = self.commands.next().now_or_never();
        ensure!(command.is_none(), "a refused command has reached the lock");
        Ok(())
    }

    /// Publishes its state.
    pub(super) async fn report(&self, state: &str) -> Result<PubAck, ClientError> {
        let topic = format!("devices/{}/state", self.id);
        let publish = Publish::new(topic, state.to_owned());
        self.client.publish(publish).await?.await
    }

    pub(super) async fn disconnect(&self) {
        // What a failing goodbye loses is nothing.
        drop(self.client.disconnect().await);
    }
}

/// Makes somebody the owner of a lock: who gets a mail about everything.
pub(super) async fn set_owner(nats_url: &str, lock: u64) -> anyhow::Result<()> {
    let lock = lock.to_string();
    let line = ["contacts", "--nats", nats_url, "set", &lock];
    let owner = ["--name", "Mei", "--email", "mei@example.com"];
    let set = latchwork(&[&line[..], &owner[..]].concat()).await;
    set.context("cannot name the lock's owner").map(drop)
}
