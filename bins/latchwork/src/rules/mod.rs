//! `latchwork rules`: rules tested, tried, and compared with vectors, without starting anything.

mod attempt;
mod cases;
mod error;
mod input;
mod vectors;

#[cfg(test)]
mod examples;

use std::cell::Cell;
use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;

use error::RulesError;

/// Tests and tries rules.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
A rule is an SQL statement with actions, in the pipeline file or in rules/*.toml beside it:
  [[rule]]
  name = \"temperature\"
  sql = '''SELECT payload.temp AS temp FROM \"sensors/#\" WHERE temp > 20'''
  [[rule.action]]
  kafka = { topic = \"warm\", value = '{\"temp\": ${temp}}' }
  [[rule.test]]
  name = \"a warm room\"
  input = { topic = \"sensors/1\", payload = { temp = 21 } }
  records = [ { topic = \"warm\", value = '{\"temp\": 21}' } ]
Run the tests of all rules:
  latchwork rules test --config pipeline.toml
See what a statement makes of a message:
  latchwork rules try --sql 'SELECT payload.temp FROM \"sensors/#\"' \\
    --topic sensors/1 --payload '{\"temp\":21}'")]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    action: RulesAction,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum RulesAction {
    /// Runs the test cases of the rules. Exit code 0: all passed, 1: one failed, 2: the files can't
    /// be used.
    Test(cases::TestArgs),
    /// Shows what a statement or a rule makes of a message. Exit code 0: it matches, 1: it does not,
    /// 2: it can't be read or it fails.
    Try(Box<attempt::TryArgs>),
    /// Runs a file of vectors: statements with their input and what must come out. Exit code 0: all
    /// passed, 1: one failed, 2: the file can't be used.
    Vectors(vectors::VectorsArgs),
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// All passed, or it matches.
    Yes,
    /// Something failed, or it does not match.
    No,
    /// The statement can't be read or evaluated; why has been told.
    Fault,
}

/// Runs the command: exit code 0 for yes, 1 for no, 2 when there is no answer.
pub(crate) fn main(args: &RulesArgs) -> ExitCode {
    let ending = Cell::new(None);
    // It tells an error; its own code for it is that of a no here.
    stage::main(|| async {
        let mut out = std::io::stdout();
        let colours = out.is_terminal();
        let ended = run(args, &mut out, &mut std::io::stderr(), colours)?;
        out.flush()?;
        ending.set(Some(ended));
        Ok(())
    });
    match ending.get() {
        Some(Ending::Yes) => ExitCode::SUCCESS,
        Some(Ending::No) => ExitCode::from(1),
        Some(Ending::Fault) | None => ExitCode::from(2),
    }
}

/// Runs the command. Warnings, and places of faults with their carets, go to `notes`.
pub(crate) fn run(
    args: &RulesArgs,
    out: &mut impl Write,
    notes: &mut impl Write,
    colours: bool,
) -> anyhow::Result<Ending> {
    match &args.action {
        RulesAction::Test(args) => cases::run(args, out, colours),
        RulesAction::Try(args) => attempt::run(args, out, notes),
        RulesAction::Vectors(args) => vectors::run(args, out),
    }
}

/// Yes or no.
fn answer(yes: bool) -> Ending {
    if yes { Ending::Yes } else { Ending::No }
}
