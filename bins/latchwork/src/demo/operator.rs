//! What an operator would type, run in this process.

use anyhow::bail;
use clap::Parser;

use crate::audit::Verdict;
use crate::{Cli, Command};

/// Runs a `latchwork` command line, and gives its verdict and what it prints.
pub(super) async fn latchwork(arguments: &[&str]) -> anyhow::Result<(Verdict, String)> {
    let mut out = Vec::new();
    let line = ["latchwork"].iter().chain(arguments);
    let verdict = match Cli::try_parse_from(line)?.command {
        Command::Audit(args) => crate::audit::run(*args, &mut out).await?,
        Command::Contacts(args) => {
            crate::contacts::run(*args, &mut out).await?;
            Verdict::Intact
        }
        _ => bail!(
            "the demo has no use for `latchwork {}`",
            arguments.join(" ")
        ),
    };
    Ok((verdict, String::from_utf8(out)?))
}
