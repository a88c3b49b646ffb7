//! `latchwork command keygen`.

use std::io::Write;

use ::command::new_key_line;

use stage::now_ms;

/// Prints a new line for the key file.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct KeygenArgs {
    /// Key id: 1 to 32 letters, digits, dots, dashes and underscores, another for each key; made
    /// from the time when it is left out.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// As a JSON object with `line` and `key_id`.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &KeygenArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let id = args.id.clone().unwrap_or_else(|| format!("k{}", now_ms()));
    let line = new_key_line(&id)?;
    if args.json {
        let answer = serde_json::json!({ "key_id": id, "line": line.as_str() });
        writeln!(out, "{answer}")?;
    } else {
        writeln!(out, "{}", line.as_str())?;
    }
    Ok(())
}
