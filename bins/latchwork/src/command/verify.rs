//! `latchwork command verify`.

use std::io::{Read, Write};
use std::time::Duration;

use ::command::{Command, Limits, SignDigits, Verified, Verifier};
use anyhow::Context as _;
use record::Verdict;
use serde_json::json;

use super::KeysArgs;
use super::order::digits;
use crate::simulate::parse_duration;
use crate::text::{ellipsis, time, visible};
use stage::now_ms;

/// Largest payload that is read: no command is near it.
const MAX_PAYLOAD: u64 = 1 << 20;

/// Says whether a payload is a command that its lock may obey now.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The lock's client id.
    #[arg(value_name = "LOCK")]
    lock: String,
    /// The payload; standard input when it is left out.
    #[arg(value_name = "PAYLOAD")]
    payload: Option<String>,
    #[command(flatten)]
    keys: KeysArgs,
    /// How old a command may be.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    window: Duration,
    /// How far ahead the sender's clock may be.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    future: Duration,
    /// Fewest hexadecimal digits of a signature.
    #[arg(long, value_name = "16|64", default_value = "16", value_parser = digits)]
    digits: SignDigits,
    /// Verify as of this time, in seconds since 1970; now otherwise.
    #[arg(long, value_name = "SECONDS")]
    at: Option<u64>,
    /// As a JSON object with `verdict`, `detail`, `key_id` and `command`.
    #[arg(long)]
    json: bool,
}

/// Fails when the verdict is not ok.
pub(super) fn run(
    args: &VerifyArgs,
    input: &mut impl Read,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let limits = Limits {
        window: args.window,
        future: args.future,
        sign_digits: args.digits,
    };
    let verifier = Verifier::new(args.keys.read()?, limits);
    let payload = match &args.payload {
        Some(text) => text.clone().into_bytes(),
        None => read(input)?,
    };
    let now_ms = args.at.map_or_else(now_ms, |at| at.saturating_mul(1000));
    let answer = verifier.verify(&args.lock, &payload, now_ms);
    let verdict = answer.as_ref().err().copied().unwrap_or(Verdict::Ok);
    let name = verdict.name();
    let detail = match &answer {
        Ok(verified) => accepted(verified),
        Err(verdict) => refused(*verdict, &payload, &limits),
    };
    if args.json {
        let line = json!({
            "verdict": name,
            "detail": detail,
            "key_id": answer.as_ref().ok().map(|verified| verified.key_id),
            "command": Command::parse(&payload).ok(),
        });
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "{name}: {detail}")?;
    }
    anyhow::ensure!(verdict == Verdict::Ok, "the command is refused: {name}");
    Ok(())
}

fn read(input: &mut impl Read) -> anyhow::Result<Vec<u8>> {
    let mut payload = Vec::new();
    let read = input.take(MAX_PAYLOAD).read_to_end(&mut payload);
    read.context("cannot read the payload from standard input")?;
    Ok(payload)
}

fn accepted(verified: &Verified<'_>) -> String {
    format!(
        "{} at {}, signed under key {}; whether its nonce was used only the edge knows",
        verified.command.action,
        time(verified.command.ts.saturating_mul(1000)),
        verified.key_id,
    )
}

fn refused(verdict: Verdict, payload: &[u8], limits: &Limits) -> String {
    let command = Command::parse(payload);
    let made = command
        .as_ref()
        .map(|command| time(command.ts.saturating_mul(1000)));
    match (verdict, made) {
        (Verdict::Stale, Ok(made)) => {
            format!("it was made at {made}, more than {:?} ago", limits.window)
        }
        (Verdict::Future, Ok(made)) => format!(
            "it was made at {made}, more than {:?} ahead; are the clocks right?",
            limits.future
        ),
        (_, Err(error)) => ellipsis(&visible(error.to_string().as_bytes()), 200),
        _ => "it is signed under none of the keys, for another lock, or not as long as asked for, \
              or it was changed"
            .to_owned(),
    }
}
