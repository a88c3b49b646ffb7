//! `[[rule]]`: what becomes of messages and events besides the hooks.

use std::sync::Arc;

use rules::{Action, ActionText, Case, OnFailure, Rule, sql};
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
    action: Vec<ActionText>,
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
    let rule = Rule {
        name,
        statement,
        sql: entry.sql.into_inner(),
        actions: entry.action.into_iter().map(Action::from).collect(),
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
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::Pipeline;

    const RULE: &str = "[[rule]]\nname = \"a\"\nsql = 'SELECT * FROM \"t/#\"'\n";
    const ACTION: &str = "[[rule.action]]\nkafka = { topic = \"k\" }\n";

    fn read(text: &str) -> Result<Pipeline, String> {
        Pipeline::read(Path::new("pipeline.toml"), text).map_err(|error| error.to_string())
    }

    /// Scenario: a pipeline file with a rule, and a folder of further rules beside it.
    /// Guarantee: all are read, the file's own first, those of the folder by its files' names; their
    /// Kafka topics are known, those that depend on the message are not; what is not enabled is left
    /// out. Another content is another version.
    #[test]
    fn rules_come_from_all_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pipeline.toml");
        fs::write(&file, format!("{RULE}{ACTION}")).unwrap();
        let alone = Pipeline::load(Some(&file)).unwrap();
        fs::create_dir(folder.path().join("rules")).unwrap();
        let rule = |file: &str, name: &str, rest: &str| {
            let text = RULE.replace("\"a\"", &format!("\"{name}\""));
            fs::write(folder.path().join("rules").join(file), text + rest).unwrap();
        };
        rule("20.toml", "late", "[[rule.action]]\ndrop = {}\n");
        rule(
            "10.toml",
            "early",
            "[[rule.action]]\nkafka = { topic = \"x-${topic}\" }\n",
        );
        rule("30.toml", "off", &format!("enabled = false\n{ACTION}"));
        rule("notes.txt", "none", "is not read");
        let pipeline = Pipeline::load(Some(&file)).unwrap();
        let names: Vec<_> = pipeline.rules().iter().map(|rule| &*rule.name).collect();
        assert_eq!(names, ["a", "early", "late"]);
        assert_eq!(pipeline.kafka_topics(), ["k"]);
        assert_eq!(pipeline.hooks(), []);
        assert_ne!(pipeline.version(), alone.version());
        assert_eq!(
            alone.version(),
            Pipeline::read(&file, &format!("{RULE}{ACTION}"))
                .unwrap()
                .version()
        );
    }

    /// Scenario: rules that can't be meant.
    /// Guarantee: each is refused with its place and what to do.
    #[test]
    fn faults_are_told_with_their_place() {
        for (text, expected) in [
            (
                RULE.to_owned(),
                "line 2, column 8: the rule `a` has no [[rule.action]]",
            ),
            (
                format!("{RULE}{ACTION}").repeat(2),
                "line 7, column 8: the rule `a` is there twice",
            ),
            (
                format!("[[rule]]\nname = \"a b\"\nsql = ''\n{ACTION}"),
                "line 2, column 8: \"a b\" is no name of a rule",
            ),
            (
                format!("[[rule]]\nname = \"a\"\nsql = 'SELEC'\n{ACTION}"),
                "line 3, column 7: the sql of the rule `a` at its line 1, column 1: expected SELECT",
            ),
            (
                format!("[[rule]]\nname = \"a\"\nsql = 'SELECT uper(a) FROM t'\n{ACTION}"),
                "did you mean upper",
            ),
            (
                format!("{RULE}[[rule.action]]\nkafka = {{ topic = \"k\", kee = 1 }}\n"),
                "did you mean `key`?",
            ),
            (
                format!("{RULE}[[rule.action]]\nkafka = {{ topic = \"k\", partition = \"x\" }}\n"),
                "partition is \"key\", \"random\"",
            ),
            (
                format!("{RULE}[[rule.action]]\nkafka = {{ topic = \"<topic>\" }}\n"),
                "line 2, column 8: \"<topic>\" is no Kafka topic",
            ),
            (
                format!("{RULE}[[rule.action]]\nkafca = {{}}\n"),
                "unknown value `kafca`",
            ),
        ] {
            let error = read(&text).err().unwrap();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
