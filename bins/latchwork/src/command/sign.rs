//! `latchwork command sign`.

use std::io::Write;

use super::KeysArgs;
use super::order::OrderArgs;

/// Prints the payload of a signed command.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SignArgs {
    #[command(flatten)]
    order: OrderArgs,
    #[command(flatten)]
    keys: KeysArgs,
    /// As a JSON object with the topic, the payload as text, the signed text and the key id.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SignArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let keys = args.keys.read()?;
    let command = args.order.signed(&keys)?;
    let payload = String::from_utf8(command.to_payload()?)?;
    if args.json {
        let answer = serde_json::json!({
            "topic": args.order.topic(),
            "payload": payload,
            "signed": command.canonical(&args.order.lock),
            "key_id": keys.signing_key_id(),
        });
        writeln!(out, "{answer}")?;
    } else {
        writeln!(out, "{payload}")?;
    }
    Ok(())
}
