//! `latchwork import`: what EMQX was told, in our words.

mod draft;
mod error;
mod hocon;
mod hooks;
mod input;
mod rules;
mod toml_text;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod toml_tests;

use std::cell::Cell;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::text::visible;
use draft::Draft;
use input::Input;

/// Turns files of EMQX into what a pipeline file says.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
What can't be carried over is a comment at its place, and a warning.
Exit code: 0 when all was carried over, 1 when something was left out, 2 when a file is wrong.
The hooks of EMQX 3 and 4 are in emqx_bridge_kafka.conf:
  latchwork import emqx-hooks emqx_bridge_kafka.conf > pipeline.toml
  latchwork check --config pipeline.toml
Rules of EMQX 5 name actions that are defined elsewhere, so take both along:
  curl -u KEY:SECRET 'http://emqx:18083/api/v5/rules?limit=1000' > rules.json
  curl -u KEY:SECRET http://emqx:18083/api/v5/actions > actions.json
  latchwork import emqx-rules rules.json actions.json >> pipeline.toml
or let EMQX print everything that it was told:
  emqx ctl conf show | latchwork import emqx-rules - >> pipeline.toml")]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// Prints the hooks of EMQX's Kafka bridge as `[[hook]]`, those of the Kafka plugin as `[[rule]]`.
    EmqxHooks {
        /// `emqx_bridge_kafka.conf` or `emqx_plugin_kafka.hocon`; `-` is standard input.
        file: PathBuf,
    },
    /// Prints EMQX's rules with their Kafka and republish actions as `[[rule]]`.
    EmqxRules {
        /// JSON or HOCON with rules, actions, bridges or connectors: what EMQX's API gives, what
        /// `emqx ctl conf show` prints, the cluster.hocon of an export, or EMQX 4's export; `-` is
        /// standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Runs the command: exit code 0 when all was carried over, 1 when something was left out, 2 when
/// a file can't be used.
pub(crate) fn main(args: &ImportArgs) -> ExitCode {
    let complete = Cell::new(None);
    // It tells an error; its own code for it is that of something left out here.
    stage::main(|| async {
        let mut out = std::io::stdout();
        complete.set(Some(run(args, &mut out, &mut std::io::stderr())?));
        Ok(())
    });
    match complete.get() {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::from(1),
        None => ExitCode::from(2),
    }
}

/// Prints the TOML, and on `warnings` what is not in it; whether that was nothing. A file that is
/// wrong prints nothing.
pub(crate) fn run(
    args: &ImportArgs,
    out: &mut impl Write,
    warnings: &mut impl Write,
) -> anyhow::Result<bool> {
    let Draft { toml, left_out } = match &args.what {
        What::EmqxHooks { file } => hooks::import(&Input::read(file)?)?,
        What::EmqxRules { files } => {
            let inputs: Result<Vec<Input>, _> =
                files.iter().map(|file| Input::read(file)).collect();
            rules::import(&inputs?)?
        }
    };
    out.write_all(toml.as_bytes())?;
    out.flush()?;
    for what in &left_out {
        writeln!(
            warnings,
            "warning: {}",
            visible(what.to_string().as_bytes())
        )?;
    }
    Ok(left_out.is_empty())
}
