//! `latchwork command send`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::KeysArgs;
use super::order::OrderArgs;
use crate::mqtt_client::{ClientOptions, MqttClient, PubAck, Publish};
use crate::text::visible;

/// How long the edge may take to answer. It waits for NATS before it acknowledges.
const ANSWER: Duration = Duration::from_secs(30);

/// Signs a command, publishes it to its lock, and tells what the edge answered.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SendArgs {
    #[command(flatten)]
    order: OrderArgs,
    #[command(flatten)]
    keys: KeysArgs,
    /// Where the edge listens.
    #[arg(
        long,
        env = "LATCHWORK_MQTT",
        value_name = "ADDR",
        default_value = "127.0.0.1:1883"
    )]
    mqtt: String,
    /// Client id of the sender; the edge chooses one otherwise.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// User name of the sender.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// File with the sender's password.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// As a JSON object with topic, payload, reason code and the server's words.
    #[arg(long)]
    json: bool,
}

impl SendArgs {
    /// MQTT 5.0: 3.1.1 can't tell why a message was refused.
    fn options(&self) -> anyhow::Result<ClientOptions> {
        let mut options =
            ClientOptions::new(&*self.mqtt, self.client_id.as_deref().unwrap_or_default()).v5();
        options.username = self.username.as_deref().map(Into::into);
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the password file {}", file.display()))?;
            let password = text.trim_end_matches(['\r', '\n']).to_owned();
            options.password = Some(password.into());
        }
        Ok(options)
    }
}

/// Fails when the command was refused.
pub(super) async fn run(args: SendArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let keys = args.keys.read()?;
    // The time of the signature is that of sending.
    let (client, _incoming) = MqttClient::connect(&args.options()?).await?;
    let payload = args.order.signed(&keys)?.to_payload()?;
    let topic = args.order.topic();
    let publish = Publish::new(&*topic, payload.clone());
    let answer = async { client.publish(publish).await?.await };
    let ack = tokio::time::timeout(ANSWER, answer)
        .await
        .with_context(|| {
            format!(
                "no PUBACK within {ANSWER:?}: the command may be on its way or not; is NATS up?"
            )
        })??;
    // The PUBACK is here: what a failing goodbye loses is nothing.
    drop(client.disconnect().await);
    tell(&args, &topic, &payload, &ack, out)
}

fn tell(
    args: &SendArgs,
    topic: &str,
    payload: &[u8],
    ack: &PubAck,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let payload = visible(payload);
    let text = ack.text.as_ref().map(|text| visible(text.as_bytes()));
    let refused = ack.reason.is_failure();
    if args.json {
        let line = json!({
            "topic": topic, "payload": payload, "accepted": !refused,
            "reason_code": ack.reason.0, "reason": ack.reason.name(), "text": text,
        });
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "{topic} {payload}")?;
        let words = text.as_deref().map(|text| format!(": {text}"));
        let words = words.unwrap_or_default();
        let answer = if refused { "refused" } else { "PUBACK" };
        writeln!(out, "{answer}: {}{words}", ack.reason)?;
    }
    anyhow::ensure!(!refused, "the edge refused the command: {}", ack.reason);
    Ok(())
}
