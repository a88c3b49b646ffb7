//! `[[rule]]`: what becomes of messages and events besides the hooks.

use std::sync::Arc;

use rules::value::Map;
use rules::{
    Action, ActionFailed, ActionText, Case, OnFailure, RepublishAction, Rule, Template, sql,
};
use serde::Deserialize;
use toml::Spanned;

use crate::error::{Fault, Place, SettingsError};
use crate::reader::{in_words, is_kafka_topic};
use crate::sources::{Source, Sources};

/// A file of rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    rule: Vec<RuleEntry>,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEntry {
    name: Spanned<String>,
    /// For people.
    #[serde(default, rename = "description")]
    _description: String,
    sql: Spanned<String>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    shadow: bool,
    #[serde(default)]
    on_failure: OnFailure,
    #[serde(default)]
    action: Vec<Spanned<ActionText>>,
    #[serde(default)]
    test: Vec<Case>,
}

fn yes() -> bool {
    true
}

/// The rules of all files, in order: first those of the pipeline file itself. What is not enabled is
/// checked and left out.
pub(crate) fn rules(
    sources: &Sources,
    own: Vec<RuleEntry>,
) -> Result<Vec<Arc<Rule>>, SettingsError> {
    let mut names: Vec<String> = Vec::new();
    let mut rules = Vec::new();
    let mut add = |source: &Source, entries: Vec<RuleEntry>| {
        for entry in entries {
            let (span, enabled) = (entry.name.span(), entry.enabled);
            let rule = rule(source, entry)?;
            if names.contains(&rule.name) {
                return Err(fault(source, span, Fault::RuleTwice(rule.name)));
            }
            names.push(rule.name.clone());
            if enabled {
                rules.push(Arc::new(rule));
            }
        }
        Ok(())
    };
    add(sources.pipeline(), own)?;
    for source in sources.rules() {
        let file: RulesFile = toml::from_str(&source.text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            fault(source, span, Fault::Toml(in_words(error.message())))
        })?;
        add(source, file.rule)?;
    }
    Ok(rules)
}

fn rule(source: &Source, entry: RuleEntry) -> Result<Rule, SettingsError> {
    let name = entry.name.get_ref().clone();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=100).contains(&name.len()) || !name.bytes().all(legal) {
        let name = name.chars().take(60).collect();
        return Err(fault(source, entry.name.span(), Fault::RuleName(name)));
    }
    if entry.action.is_empty() {
        return Err(fault(source, entry.name.span(), Fault::NoAction(name)));
    }
    let text = entry.sql.get_ref();
    let statement = sql::parse(text).map_err(|error| {
        let rule = name.clone();
        let error = Box::new(error);
        fault(source, entry.sql.span(), Fault::Sql { rule, error })
    })?;
    let place = entry.name.span();
    let actions = actions(source, &name, entry.action)?;
    let rule = Rule {
        name,
        statement,
        sql: entry.sql.into_inner(),
        actions,
        shadow: entry.shadow,
        on_failure: entry.on_failure,
        cases: entry.test,
    };
    if let Some(wrong) = topics_of(&rule).find(|topic| !is_kafka_topic(topic)) {
        let beginning = wrong.chars().take(60).collect();
        return Err(fault(source, place, Fault::KafkaTopic(beginning)));
    }
    Ok(rule)
}

fn actions(
    source: &Source,
    rule: &str,
    written: Vec<Spanned<ActionText>>,
) -> Result<Vec<Action>, SettingsError> {
    let mut actions = Vec::new();
    for (at, text) in written.into_iter().enumerate() {
        let span = text.span();
        let action = Action::from(text.into_inner());
        if let Err(error) = can_be_done(&action) {
            let (rule, number) = (rule.to_owned(), at + 1);
            let wrong = Fault::Republish {
                rule,
                number,
                error,
            };
            return Err(fault(source, span, wrong));
        }
        actions.push(action);
    }
    Ok(actions)
}

/// Does a `republish` with those of its parts that are the same for every message, as it will be
/// done: what fails now fails each time.
fn can_be_done(action: &Action) -> Result<(), ActionFailed> {
    let Action::Republish(written) = action else {
        return Ok(());
    };
    let constant = |template: &Template, otherwise: &'static str| {
        if template.is_constant() {
            template.clone()
        } else {
            Template::new(otherwise)
        }
    };
    let trial = RepublishAction {
        topic: constant(&written.topic, "t"),
        payload: Template::new(""),
        qos: constant(&written.qos, "0"),
        retain: constant(&written.retain, "false"),
        user_properties: None,
    };
    Action::Republish(trial).apply(&Map::default()).map(drop)
}

fn fault(source: &Source, span: std::ops::Range<usize>, fault: Fault) -> SettingsError {
    SettingsError::Fault {
        place: Place::of(&source.file, &source.text, span),
        fault: Box::new(fault),
    }
}

/// The Kafka topics that a rule writes to whatever the message is.
pub(crate) fn topics_of(rule: &Rule) -> impl Iterator<Item = &str> {
    rule.actions.iter().filter_map(|action| match action {
        Action::Kafka(kafka) if kafka.topic.is_constant() => Some(kafka.topic.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
