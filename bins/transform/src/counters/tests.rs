use std::path::Path;

use super::*;

fn pipeline(actions: &[&str]) -> Pipeline {
    let rule = "[[rule]]\nname = \"a\"\nsql = 'SELECT * FROM \"t/#\"'\n".to_owned();
    let actions = actions.iter();
    let actions = actions.map(|action| format!("[[rule.action]]\n{action}\n"));
    let text = rule + &actions.collect::<String>();
    Pipeline::read(Path::new("pipeline.toml"), &text).unwrap()
}

/// Scenario: a rule counts under one list of actions, then under a longer one, then under one
/// that begins with another kind; a lane still counts under the list before.
/// Guarantee: the rule counts on over all of them; an action counts on where it has the same place
/// and kind, and another begins at 0.
#[test]
fn counts_go_on_over_another_list_of_actions() {
    let board = RulesBoard::new(telemetry::no_meter());
    let count = |counters: &[Arc<RuleCounters>]| {
        let [counters] = counters else {
            panic!("one rule, not {}", counters.len());
        };
        let action = ActionTally {
            success: 1,
            ..ActionTally::default()
        };
        counters.add_and_clear(&mut RuleTally {
            passed: 1,
            actions: vec![action; counters.actions.len()],
            ..RuleTally::default()
        });
    };
    let counted = || {
        let report = board.report();
        let rule = report.rules.first().unwrap();
        let actions = rule.actions.iter();
        let actions = actions.map(|action| (action.name.clone(), action.success));
        (rule.matched, rule.passed, actions.collect::<Vec<_>>())
    };
    let named = |list: &[(&str, u64)]| -> Vec<_> {
        let list = list.iter();
        list.map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    };
    let kafka = "kafka = { topic = \"k\" }";
    let before = board.follow(&pipeline(&[kafka]));
    count(&before);
    count(&board.follow(&pipeline(&[kafka, "drop = {}"])));
    count(&before);
    let expected = named(&[("1:kafka", 3), ("2:drop", 1)]);
    assert_eq!(counted(), (3, 3, expected));
    count(&board.follow(&pipeline(&["drop = {}", "drop = {}"])));
    let expected = named(&[("1:drop", 1), ("2:drop", 2)]);
    assert_eq!(counted(), (4, 4, expected));
}
