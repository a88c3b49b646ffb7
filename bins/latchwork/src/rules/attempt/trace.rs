//! What happens on the way from an event to its records.

use std::str::FromStr as _;

use ::rules::event::{Event as _, FieldsEvent};
use ::rules::sql::RuleEvent;
use ::rules::sql::ast::{Expression, Field, Node, Path, Selection, Statement, Step};
use ::rules::value::{Map, Value};
use ::rules::{Failed, Outcome, Rule, selected};
use record::TopicFilter;

use super::super::Ending;
use super::message::Message;
use super::names::Names;

/// Fields that an event may have or not: a statement that asks for them is right.
const OPTIONAL: [&str; 4] = ["username", "from_username", "reason", "republished_by"];

/// What happened.
#[derive(Debug)]
pub(super) struct Trace {
    /// Fields of the event that the statement reads.
    pub(super) read: Map,
    /// Name of the event.
    pub(super) event: RuleEvent,
    /// What `FROM` has, and whether it matches.
    pub(super) from: Vec<(String, bool)>,
    /// What `SELECT` gives, also where `WHERE` says no.
    pub(super) selected: Option<Map>,
    /// The members of `FOREACH`'s list, and whether `INCASE` keeps them.
    pub(super) members: Option<Vec<(Value, bool)>>,
    /// What `WHERE` says.
    pub(super) condition: Option<bool>,
    /// What came out.
    pub(super) outcome: Option<Outcome>,
    /// Why nothing came out.
    pub(super) failed: Option<Failed>,
    /// What may be meant otherwise.
    pub(super) warnings: Vec<String>,
}

impl Trace {
    /// Evaluates a rule and looks into it.
    pub(super) fn of(rule: &Rule, event: &FieldsEvent, message: &Message) -> Self {
        let fields = event.fields();
        let names = Names::of(&rule.statement, &rule.sql);
        let read = fields.iter().filter(|(name, _)| {
            // Both spellings of the client id are the same field.
            let is_it =
                |read: &str| read == &***name || (read == "client_id" && *name == "clientid");
            let mut read = names.read.iter().map(|read| read.name);
            names.all || read.any(is_it) || names.called.iter().any(|called| is_it(called))
        });
        let mut trace = Self {
            read: read
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            event: message.event,
            from: from(&rule.statement, message),
            selected: None,
            members: None,
            condition: None,
            outcome: None,
            failed: None,
            warnings: warnings(&names, &fields),
        };
        if selected(rule, event) {
            trace.evaluate(rule, event);
        }
        trace
    }

    fn evaluate(&mut self, rule: &Rule, event: &FieldsEvent) {
        match &rule.statement.selection {
            Selection::Select(_) => self.selected = select(&rule.statement, event),
            Selection::Foreach { .. } => self.members = members(&rule.statement, event),
        }
        let has_condition = rule.statement.condition.is_some();
        match rule.evaluate(event) {
            Ok(outcome) => {
                self.condition = has_condition.then_some(outcome.is_some());
                self.outcome = outcome;
            }
            Err(failed) => self.failed = Some(failed),
        }
    }

    /// Whether there is a result, and every action could be done.
    pub(super) fn ending(&self) -> Ending {
        match &self.outcome {
            _ if self.failed.is_some() => Ending::Fault,
            Some(outcome) if outcome.effects.iter().any(Result::is_err) => Ending::Fault,
            Some(outcome) if !outcome.results.is_empty() => Ending::Yes,
            _ => Ending::No,
        }
    }
}

/// Each filter with its answer.
fn from(statement: &Statement, message: &Message) -> Vec<(String, bool)> {
    let matches = |from: &str| {
        let Ok(filter) = TopicFilter::from_str(from) else {
            return false;
        };
        if from.starts_with("$events") {
            RuleEvent::matching(&filter).any(|event| event == message.event)
        } else {
            message.event == RuleEvent::MessagePublish && filter.matches(&message.topic)
        }
    };
    let from = statement.from.iter();
    from.map(|from| (from.to_string(), matches(from))).collect()
}

/// What is selected whatever `WHERE` says; none when that fails.
fn select(statement: &Statement, event: &FieldsEvent) -> Option<Map> {
    let unconditional = Statement {
        condition: None,
        ..statement.clone()
    };
    unconditional.evaluate(event).ok()??.pop()
}

/// The members of the list, each with what `INCASE` says of it.
fn members(statement: &Statement, event: &FieldsEvent) -> Option<Vec<(Value, bool)>> {
    const KEPT: &str = "kept";
    const MEMBER: &str = "member";
    let Selection::Foreach {
        list, condition, ..
    } = &statement.selection
    else {
        return None;
    };
    let key = |name: &str| Path(vec![Step::Key(name.into())]);
    let item = match list.last()? {
        Field::One {
            alias: Some(alias), ..
        } => alias.clone(),
        _ => key("item"),
    };
    let place = ::rules::sql::Place::default();
    let expression = |node| Expression { node, place };
    let kept = condition
        .clone()
        .unwrap_or_else(|| expression(Node::Bool(true)));
    // The condition stands first, so that it sees no name of these.
    let each = [(kept, KEPT), (expression(Node::Path(item)), MEMBER)];
    let each = each.map(|(expression, name)| Field::One {
        expression,
        alias: Some(key(name)),
    });
    let every_member = Statement {
        selection: Selection::Foreach {
            list: list.clone(),
            each: each.to_vec(),
            condition: None,
        },
        from: statement.from.clone(),
        condition: None,
    };
    let results = every_member.evaluate(event).ok()??;
    let pair = |mut result: Map| {
        let kept = result.get(KEPT) == Some(&Value::Bool(true));
        (result.swap_remove(MEMBER).unwrap_or_default(), kept)
    };
    Some(results.into_iter().map(pair).collect())
}

fn warnings(names: &Names<'_>, event: &Map) -> Vec<String> {
    let undefined = names.undefined(event);
    let undefined = undefined.filter(|read| read.is_quoted || !OPTIONAL.contains(&read.name));
    undefined
        .map(|read| match (read.name, read.is_quoted) {
            (name, true) => format!(
                "\"{name}\" is a field, and this event has none of that name; a text stands in \
                 single quotes: '{name}'"
            ),
            (name, false) => format!("this event has no field {name}: it is undefined"),
        })
        .collect()
}
