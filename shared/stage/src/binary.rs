//! The command line of a stage's own binary: the stage, and `health` for the container around it.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Args, FromArgMatches, Parser};
use telemetry::ask_ready;

use crate::process;

/// Asks the stage that runs here whether it can work, and says what it waits for.
///
/// It is the health check of a container that has neither a shell nor an HTTP client.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit code: 0 when the stage can work, 1 when not, 2 for a wrong command line.
In a compose file, beside LATCHWORK_HEALTH in the environment, which the stage itself reads too:
  healthcheck:
    test: [CMD, transform, health]")]
struct HealthArgs {
    /// Where the stage serves /readyz
    #[arg(
        long,
        env = "LATCHWORK_HEALTH",
        value_name = "ADDR",
        default_value = "127.0.0.1:9464"
    )]
    health: SocketAddr,
}

/// Runs a stage as [`main`](crate::main) does, or answers `health`, as the command line says.
pub fn binary_main<A, F>(run: impl FnOnce(A) -> F) -> ExitCode
where
    A: Parser,
    F: Future<Output = anyhow::Result<()>>,
{
    let matches = command::<A>().get_matches();
    match matches.subcommand_matches("health") {
        Some(matches) => health(&parsed(matches)),
        None => process::main(|| run(parsed(&matches))),
    }
}

/// The stage's options as they are, and one subcommand beside them.
fn command<A: Parser>() -> clap::Command {
    let health = HealthArgs::augment_args(clap::Command::new("health"));
    A::command()
        // Or the subcommand would show the options for NATS as its own.
        .mut_args(|argument| argument.global(false))
        .subcommand(health)
        .subcommand_negates_reqs(true)
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
}

fn parsed<A: FromArgMatches>(matches: &clap::ArgMatches) -> A {
    A::from_arg_matches(matches).unwrap_or_else(|error| error.exit())
}

fn health(args: &HealthArgs) -> ExitCode {
    match ask_ready(args.health) {
        Ok(()) => {
            // The exit code has said it already, should nobody read.
            drop(writeln!(std::io::stdout(), "ready"));
            ExitCode::SUCCESS
        }
        Err(missing) => process::failed(&missing.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moves messages.
    #[derive(Debug, Parser)]
    #[command(name = "mover")]
    struct Mover {
        /// Whither.
        #[arg(long, global = true)]
        to: String,
    }

    /// Scenario: the stage's command line, and `health` with and without an address.
    /// Guarantee: the stage keeps its required options; `health` needs none of them, takes none of
    /// them, and its help shows only its own.
    #[test]
    fn health_stands_beside_the_options_of_the_stage() {
        command::<Mover>().debug_assert();
        let matches = command::<Mover>().get_matches_from(["mover", "--to", "kafka"]);
        assert_eq!(Mover::from_arg_matches(&matches).unwrap().to, "kafka");
        assert!(command::<Mover>().try_get_matches_from(["mover"]).is_err());

        let words = ["mover", "health", "--health", "127.0.0.1:1"];
        let matches = command::<Mover>().try_get_matches_from(words).unwrap();
        let health = matches.subcommand_matches("health").unwrap();
        let health = HealthArgs::from_arg_matches(health).unwrap();
        assert_eq!(health.health.port(), 1);

        let words = ["mover", "--to", "kafka", "health"];
        assert!(command::<Mover>().try_get_matches_from(words).is_err());
        let help = command::<Mover>().try_get_matches_from(["mover", "health", "--help"]);
        let help = help.unwrap_err().to_string();
        assert!(help.contains("LATCHWORK_HEALTH"), "{help}");
        assert!(!help.contains("--to"), "{help}");
    }
}
