//! `latchwork command keygen`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ::command::{KeyRing, new_key_line};
use anyhow::Context;

use stage::now_ms;

/// Prints a new line for the key file, or makes the file.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct KeygenArgs {
    /// Key id: 1 to 32 letters, digits, dots, dashes and underscores, another for each key; made
    /// from the time when it is left out.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// As a JSON object with `line` and `key_id`.
    #[arg(long, conflicts_with = "file")]
    json: bool,
    /// Make this key file, readable by its owner only, and print the key's id alone. A file that
    /// is there is never overwritten.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where a key file is already, leave it: for scripts that run at every start.
    #[arg(long, requires = "file")]
    keep: bool,
}

pub(super) fn run(args: &KeygenArgs, out: &mut impl Write) -> anyhow::Result<()> {
    if let Some(file) = args
        .file
        .as_deref()
        .filter(|file| args.keep && file.exists())
    {
        return show(file, out);
    }
    let id = args.id.clone().unwrap_or_else(|| format!("k{}", now_ms()));
    let line = new_key_line(&id)?;
    if let Some(file) = &args.file {
        write_new(file, line.as_str())
            .with_context(|| format!("cannot make the key file {}", file.display()))?;
        show(file, out)?;
    } else if args.json {
        let answer = serde_json::json!({ "key_id": id, "line": line.as_str() });
        writeln!(out, "{answer}")?;
    } else {
        writeln!(out, "{}", line.as_str())?;
    }
    Ok(())
}

fn write_new(file: &Path, line: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(file, "{line}")
}

/// Reads the file, so that a broken one is found here and not by the edge.
fn show(file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let keys = KeyRing::read(file)?;
    writeln!(out, "key file  {}", file.display())?;
    writeln!(out, "key id    {}", keys.signing_key_id())?;
    Ok(())
}
