//! `latchwork rules try`: what a statement makes of one message, step by step.

mod json;
mod message;
mod names;
mod show;
#[cfg(test)]
mod tests;
mod trace;

use std::io::Write;
use std::path::PathBuf;

use ::rules::sql::{SqlError, parse};
use ::rules::{Action, ActionText, OnFailure, Rule};
use settings::Pipeline;

use super::{Ending, RulesError, cases, input};
use message::MessageArgs;
use trace::Trace;

/// Name of a rule that has none.
const UNNAMED: &str = "try";

/// Shows what a statement, or a rule of a file, makes of one message or event.
///
/// Shown are the fields that the statement reads, which topic filters of FROM match, what is
/// selected, WHERE, the members of FOREACH, the results, and what the actions make of them; of a
/// long list the first 20, with --json all. Nothing is written anywhere.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 when there is a result, 1 when there is none, 2 when the statement can't be read, or it
or an action fails; a caret shows the place.
A statement alone, then with the record that an action makes of it, written as in a file:
  latchwork rules try --sql 'SELECT payload.temp AS temp FROM \"sensors/#\" WHERE temp > 20' \\
    --topic sensors/1 --payload '{\"temp\":21}'
  latchwork rules try --sql @rule.sql --topic sensors/1 --payload @payload.json \\
    --action 'kafka = { topic = \"warm\", key = \"${clientid}\", value = \"${temp}\" }'
A rule of a file, and an event of a client:
  latchwork rules try --config pipeline.toml --rule temperature --topic sensors/1 --payload '{}'
  latchwork rules try --sql 'SELECT clientid, keepalive FROM \"$events/client/connected\"' \\
    --event client.connected")]
pub(super) struct TryArgs {
    #[command(flatten)]
    subject: Subject,
    /// An action, as it stands in [[rule.action]]: `kafka = { topic = "t" }`, `republish = { .. }`,
    /// `drop = {}`, `dead_letter = { .. }`; may be given several times.
    #[arg(long = "action", value_name = "TOML", conflicts_with = "rule")]
    actions: Vec<String>,
    /// The pipeline file that --rule is in.
    #[arg(long, env = "LATCHWORK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    message: MessageArgs,
    /// As a JSON object with `ending` (matched, not-matched or error), `event`, `from`, `selected`,
    /// `where`, `members`, `results`, `effects`, `warnings` and `error`.
    #[arg(long)]
    json: bool,
}

/// What is tried.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Subject {
    /// The statement; `@FILE` reads a file, `@-` standard input.
    #[arg(long, value_name = "SQL")]
    sql: Option<String>,
    /// The rule of this name in the file of --config, with its actions.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
}

/// Runs the command. Warnings and faults go to `notes`.
pub(super) fn run(
    args: &TryArgs,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> anyhow::Result<Ending> {
    let rule = match args.rule()? {
        Ok(rule) => rule,
        Err((sql, error)) => {
            if args.json {
                json::unreadable(&error, out)?;
            }
            writeln!(notes, "error: {}", error.caret(&sql))?;
            return Ok(Ending::Fault);
        }
    };
    let (event, message) = args.message.event()?;
    let trace = Trace::of(&rule, &event, &message);
    if args.json {
        json::write(&trace, &rule, out)?;
    } else {
        show::write(&trace, &rule, out)?;
    }
    show::notes(&trace, &rule, notes)?;
    Ok(trace.ending())
}

impl TryArgs {
    /// The rule, or its statement with what is wrong with it.
    fn rule(&self) -> anyhow::Result<Result<Rule, (String, SqlError)>> {
        let sql = match (&self.subject.sql, &self.subject.rule) {
            (Some(sql), _) => input::text(sql)?,
            (None, name) => {
                let pipeline = Pipeline::load(self.config.as_deref())?;
                let rule = cases::find(&pipeline, name.as_deref().unwrap_or_default())?;
                return Ok(Ok(Rule::clone(&rule)));
            }
        };
        let actions: Result<_, _> = self.actions.iter().map(|text| action(text)).collect();
        let actions = actions?;
        Ok(match parse(&sql) {
            Err(error) => Err((sql, error)),
            Ok(statement) => Ok(Rule {
                name: UNNAMED.into(),
                sql,
                statement,
                actions,
                shadow: false,
                on_failure: OnFailure::default(),
                cases: Vec::new(),
            }),
        })
    }
}

fn action(text: &str) -> Result<Action, RulesError> {
    let read: Result<ActionText, _> = toml::from_str(text);
    read.map(Action::from).map_err(|error| RulesError::Action {
        text: text.to_owned(),
        problem: error.message().to_owned(),
    })
}
