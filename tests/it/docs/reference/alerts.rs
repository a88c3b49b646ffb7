//! `alerts.md`: the rules of Prometheus, and the alerts about locks.

use alert::AlertKind;

use super::super::pages::repository;
use super::markdown::{MADE, code, table};

/// One alert of `rules.yml`.
struct Rule {
    name: String,
    severity: String,
    summary: String,
    what_to_do: String,
}

pub(super) fn page() -> String {
    let rules = rules();
    let rules = table(
        &["Alert", "Severity", "It says", "What to do"],
        rules.into_iter().map(|rule| {
            vec![
                code(rule.name),
                rule.severity,
                rule.summary,
                rule.what_to_do,
            ]
        }),
    );
    let kinds = table(&["Kind", "Severity", "They read", "And"], kinds());
    format!(
        "# Alerts\n\n{MADE}\n\n\
         ## For who runs Latchwork\n\n\
         Of Prometheus, from `compose/prometheus/rules.yml`; `rules.test.yml` beside it proves each. \
         Critical: somebody now. Warning: somebody today. Info: good to know.\n\n{rules}\n\
         ## For the people of a lock\n\n\
         Of audit-notifier: records of the topic `lock_alert`, and messages to the lock's contacts. \
         `[audit.rules.KIND]` in the [pipeline file](pipeline.md) switches a kind off or gives it another \
         severity; the thresholds are in `[audit]`.\n\n{kinds}"
    )
}

/// Each kind of alert, with its words in English.
fn kinds() -> Vec<Vec<String>> {
    let file = repository().join("shared/notification/templates/en.toml");
    let texts: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let row = |kind: &AlertKind| {
        let texts = &texts["alert"][kind.name()];
        let text = |key: &str| {
            texts
                .get(key)
                .and_then(toml::Value::as_str)
                .unwrap_or_default()
        };
        // What follows is only there with some details.
        let raised = text("raised").split("{%").next().unwrap_or_default();
        let severity = kind.severity().name().to_owned();
        vec![
            code(kind.name()),
            severity,
            raised.to_owned(),
            text("advice").to_owned(),
        ]
    };
    AlertKind::ALL.iter().map(row).collect()
}

/// Reads the file's own layout, which is all of YAML that it needs.
fn rules() -> Vec<Rule> {
    let file = repository().join("compose/prometheus/rules.yml");
    let text = std::fs::read_to_string(file).unwrap();
    let rules: Vec<Rule> = text.split("- alert: ").skip(1).map(Rule::read).collect();
    assert!(!rules.is_empty(), "rules.yml is laid out in another way");
    rules
}

impl Rule {
    /// What stands behind `- alert: `, up to the next one.
    fn read(text: &str) -> Self {
        let lines = || text.lines().map(str::trim);
        let behind = |key: &str| {
            let value = lines().find_map(|line| line.strip_prefix(key));
            value.unwrap_or_else(|| panic!("no {key:?} in rules.yml: {text}"))
        };
        let description = lines()
            .skip_while(|line| *line != "description: >-")
            .skip(1);
        let description: Vec<&str> = description
            .take_while(|line| !line.is_empty() && !line.starts_with(['-', '#']))
            .collect();
        assert!(
            !description.is_empty(),
            "no description in rules.yml: {text}"
        );
        Self {
            name: behind("").to_owned(),
            severity: behind("labels: { severity: ")
                .trim_end_matches([' ', '}'])
                .to_owned(),
            summary: in_words(behind("summary: ").trim_matches('"')),
            what_to_do: in_words(&description.join(" ")),
        }
    }
}

/// `{{ $labels.stage }}` is told as `STAGE`, `{{ $value | humanize }}` as `VALUE`.
fn in_words(text: &str) -> String {
    let mut pieces = text.split("{{");
    let mut words = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (placeholder, rest) = piece.split_once("}}").unwrap();
        let name = placeholder.split('|').next().unwrap_or_default().trim();
        let name = name.trim_start_matches("$labels.").trim_start_matches('$');
        words += &name.to_uppercase();
        words += rest;
    }
    words
}
