//! A rule: what it is about, what it makes of it, and what is done with that.

use crate::action::{Action, ActionFailed, Effect};
use crate::case::Case;
use crate::evaluate::Failed;
use crate::event::Event;
use crate::functions::Failure;
use crate::routes::Selector;
use crate::sql::Place;
use crate::sql::ast::Statement;
use crate::value::Map;

/// Bytes of all that a rule makes of one event: a list whose every member is written with the whole
/// message would be more without an end.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What becomes of a message that a rule fails on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// It is a dead letter with its cause, too; what other rules made of it stands.
    #[default]
    DeadLetter,
    /// It is counted, as in EMQX.
    Ignore,
}

/// A rule, read and checked.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, which no other rule has.
    pub name: String,
    /// The statement as it was written.
    pub sql: String,
    /// The statement.
    pub statement: Statement,
    /// What is done with each result, in order.
    pub actions: Vec<Action>,
    /// Evaluated and counted, and nothing is done.
    pub shadow: bool,
    /// What becomes of a message that it fails on.
    pub on_failure: OnFailure,
    /// What people expect of it.
    pub cases: Vec<Case>,
}

/// What a rule makes of an event.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// The results.
    pub results: Vec<Map>,
    /// What each action makes of each result: first all of the first result.
    pub effects: Vec<Result<Effect, (usize, ActionFailed)>>,
}

impl Rule {
    /// Which messages and events it is about.
    pub fn selector(&self) -> Selector {
        Selector::of(&self.statement)
    }

    /// What it makes of an event that it is about; `None` when its conditions are not met.
    pub fn evaluate(&self, event: &dyn Event) -> Result<Option<Outcome>, Failed> {
        let Some(results) = self.statement.evaluate(event)? else {
            return Ok(None);
        };
        let mut effects = Vec::with_capacity(results.len() * self.actions.len());
        let mut bytes = 0;
        for result in &results {
            for (index, action) in self.actions.iter().enumerate() {
                let effect = action.apply(result);
                bytes += effect.as_ref().map_or(0, Effect::size);
                if bytes > MAX_BYTES {
                    return Err(too_much());
                }
                effects.push(effect.map_err(|error| (index, error)));
            }
        }
        Ok(Some(Outcome { results, effects }))
    }
}

fn too_much() -> Failed {
    Failed {
        failure: Failure(format!(
            "the rule makes more than {MAX_BYTES} bytes of one message"
        )),
        place: Place::default(),
    }
}
