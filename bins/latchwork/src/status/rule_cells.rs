//! The texts of rules and their actions, as the table and the screen show them.

use super::cells::{Column, numbers, rate, words};
use super::rules::{ActionRow, RuleRow, listed};
use super::view::View;
use crate::text::{ellipsis, visible};

/// Characters of a rule's name that are shown, and of a name with an action behind it.
const RULE: usize = 28;
const ACTION: usize = 40;

/// Columns of the rules.
pub(super) const RULE_COLUMNS: [Column; 8] = [
    words("RULE", RULE),
    numbers("MATCHED", 9),
    numbers("PASSED", 9),
    numbers("FAILED", 9),
    numbers("EXCEPTION", 9),
    numbers("NO RESULT", 9),
    numbers("MATCHED/s", 9),
    words("", 6),
];

/// Columns of the actions.
pub(super) const ACTION_COLUMNS: [Column; 5] = [
    words("ACTION", ACTION),
    numbers("SUCCESS", 9),
    numbers("FAILED", 9),
    numbers("DROPPED", 9),
    numbers("SUCCESS/s", 9),
];

pub(super) fn rule(row: &RuleRow) -> [String; 8] {
    [
        ellipsis(&visible(row.name.as_bytes()), RULE),
        row.matched.to_string(),
        row.passed.to_string(),
        row.failed.to_string(),
        row.failed_exception.to_string(),
        row.failed_no_result.to_string(),
        rate(row.matched_per_s),
        if row.shadow { "shadow" } else { "" }.to_owned(),
    ]
}

/// Every action, below each other in the order of the rules.
pub(super) fn actions(view: &View) -> impl Iterator<Item = [String; 5]> {
    let rules = view.rules.iter();
    rules.flat_map(|rule| rule.actions.iter().map(|row| action(rule, row)))
}

/// Its end tells it from the rule's other actions: a long name of the rule is cut.
fn action(rule: &RuleRow, row: &ActionRow) -> [String; 5] {
    let action = ellipsis(&visible(row.name.as_bytes()), ACTION / 2);
    let room = ACTION - 1 - action.chars().count();
    let rule = ellipsis(&visible(rule.name.as_bytes()), room);
    [
        format!("{rule}/{action}"),
        row.success.to_string(),
        row.failed.to_string(),
        row.dropped.to_string(),
        rate(row.rate),
    ]
}

/// One line about the pipeline that they are of, and about those that can't be shown.
pub(super) fn heading(view: &View) -> String {
    let versions = match view.rules_versions.as_slice() {
        [] => "unknown version".to_owned(),
        [followed] => format!("version {}", followed.version),
        several => format!("different versions: {}", listed(several)),
    };
    let left_out = match view.rules_left_out {
        0 => String::new(),
        rules => format!("; {rules} more rules do not fit into an answer"),
    };
    visible(format!("{versions}{left_out}").as_bytes())
}
