//! What is made of the counts of rules, and how it is shown.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;

use super::fixture::{answer, healthy, rule};
use super::observation::Observation;
use super::rules_answers::{RuleCounts, RulesAnswer};
use super::screen::draw;
use super::view::View;
use super::{json, table};

/// A healthy pipeline, where transform tells this.
fn with(rules: Vec<RulesAnswer>) -> Observation {
    Observation { rules, ..healthy() }
}

/// What is made of it when there was this two seconds before.
fn view(now: &Observation, before: Vec<RulesAnswer>) -> View {
    let mut before = with(before);
    before.at_ms -= 2000;
    View::new(now, Some(&before))
}

fn remarks(view: &View) -> Vec<&str> {
    let remarks = view.remarks.iter();
    remarks.map(|remark| remark.text.as_str()).collect()
}

fn shown(view: &View) -> String {
    let mut out = Vec::new();
    table::write(view, &mut out, false).unwrap();
    String::from_utf8(out).unwrap()
}

fn screen(view: &View, size: (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    let drawn = |frame: &mut ratatui::Frame<'_>| draw(frame, Some(view), None);
    terminal.draw(drawn).unwrap();
    terminal.backend().to_string()
}

/// Scenario: two replicas have counted the same rule; a third, new since the last look, as well, and
/// has a rule and a shadow of its own; one has counted from 0 again.
/// Guarantee: counts are sums over all of them by rule and action; rates are those of who was there
/// before, and never below 0; JSON has EMQX's names.
#[test]
fn counts_are_summed_over_replicas() {
    let shadow = RuleCounts {
        shadow: true,
        ..rule("dark", 10)
    };
    let now = with(vec![
        answer("one-1", "a", &[rule("guide", 100)]),
        answer("one-2", "a", &[rule("guide", 40)]),
        answer("one-3", "a", &[rule("guide", 1000), shadow]),
    ]);
    let before = vec![
        answer("one-1", "a", &[rule("guide", 60)]),
        answer("one-2", "a", &[rule("guide", 50)]),
    ];
    let view = view(&now, before);
    assert_eq!(remarks(&view), [""; 0]);
    let shown = json::of(&view);
    let guide = json!({
        "name": "guide", "shadow": false, "matched": 1140, "passed": 570, "failed": 570,
        "failed.exception": 3, "failed.no_result": 567, "matched_per_s": 20.0,
        "actions": [
            {"name": "1:kafka", "matched": 570, "success": 564, "failed": 3, "dropped": 3, "rate": 10.0}
        ],
    });
    assert_eq!(shown["rules"][0], guide);
    let dark = &shown["rules"][1];
    assert_eq!(
        (&dark["name"], &dark["shadow"]),
        (&"dark".into(), &true.into())
    );
    assert_eq!(dark["matched_per_s"], json!(null));
    assert_eq!(
        shown["rules_versions"],
        json!([{"version": "a", "replicas": 3}])
    );
    assert_eq!(View::new(&now, None).rules[0].matched_per_s, None);
}

/// Scenario: of three replicas one follows another version; then exceptions grow, of one rule and of
/// many; a replica that was not there before has some, too.
/// Guarantee: each is a warning that names versions, rules and counts; old exceptions are none.
#[test]
fn what_needs_somebody() {
    let guide = [rule("guide", 100)];
    let told = |versions: [&str; 3]| {
        let mut number = 0;
        let answers = versions.map(|version| {
            number += 1;
            answer(&format!("one-{number}"), version, &guide)
        });
        answers.to_vec()
    };
    let now = with(told(["b", "a", "a"]));
    let view_of_versions = view(&now, told(["a", "a", "a"]));
    let versions = "transform: replicas follow different versions: a (2), b (1)";
    assert_eq!(remarks(&view_of_versions), [versions]);
    assert_eq!(json::of(&view_of_versions)["verdict"], "warning");
    assert!(shown(&view_of_versions).contains("RULES different versions: a (2), b (1)"));

    let failing = |exceptions, names: &[&str]| {
        let rules: Vec<RuleCounts> = names
            .iter()
            .map(|name| RuleCounts {
                failed_exception: exceptions,
                ..rule(name, 100)
            })
            .collect();
        vec![answer("one-1", "a", &rules)]
    };
    let judged = |now: Vec<RulesAnswer>, before| {
        let view = view(&with(now), before);
        let texts = remarks(&view).into_iter().map(str::to_owned);
        texts.collect::<Vec<_>>()
    };
    assert_eq!(judged(failing(7, &["x"]), vec![]), [""; 0]);
    assert_eq!(
        judged(failing(7, &["x"]), failing(4, &["x"])),
        ["transform: exceptions of rule x (3 more)"]
    );
    let many = ["a", "b", "c", "d", "e", "f", "g"];
    assert_eq!(
        judged(failing(7, &many), failing(6, &many)),
        [
            "transform: exceptions of rules a (1 more), b (1 more), c (1 more), d (1 more), \
             e (1 more) and 2 others"
        ]
    );
}

/// Scenario: no rules; then rules, one in shadow, one whose name is as long as may be and tries to
/// move the cursor; then an answer that had no room for all.
/// Guarantee: without rules there is no word of them; with them, one line of each rule and of each
/// action, harmless and with its numbers.
#[test]
fn rules_in_the_table() {
    let none = View::new(&with(vec![answer("one-1", "a", &[])]), None);
    assert!(!shown(&none).contains("RULE"), "{}", shown(&none));
    let shadow = RuleCounts {
        shadow: true,
        ..rule("dark", 10)
    };
    let long = format!("\x1b{}", "x".repeat(99));
    let mut told = answer(
        "one-1",
        "a1b2",
        &[rule("guide", 100), shadow, rule(&long, 20)],
    );
    told.left_out = 17;
    let now = with(vec![told.clone()]);
    let text = shown(&view(&now, vec![told]));
    let lines: Vec<&str> = text.lines().collect();
    let cells = |begin: &str| -> Vec<&str> {
        let line = lines.iter().find(|line| line.starts_with(begin));
        let line = line.unwrap_or_else(|| panic!("no line with {begin:?}:\n{text}"));
        line.split_whitespace().collect()
    };
    assert_eq!(
        cells("guide "),
        ["guide", "100", "50", "50", "1", "49", "0"]
    );
    assert_eq!(cells("guide/"), ["guide/1:kafka", "48", "1", "1", "0"]);
    assert_eq!(cells("dark ").last(), Some(&"shadow"));
    assert!(cells("\\u{1b}x")[0].ends_with("..."));
    assert!(text.contains(".../1:kafka  "), "{text}");
    assert!(text.contains("\nRULES version a1b2; 17 more rules do not fit into an answer\n"));
    assert!(!text.contains('\x1b'));
}

/// Scenario: thirty rules on terminals of many sizes.
/// Guarantee: a large one has rules and actions, and says how many rules it has no room for; a small
/// one has its lanes as before; none breaks anything.
#[test]
fn rules_on_the_screen() {
    let rules: Vec<RuleCounts> = (0..30)
        .map(|number| rule(&format!("rule-{number}"), 10))
        .collect();
    let view = View::new(&with(vec![answer("one-1", "a1b2", &rules)]), None);
    let large = screen(&view, (120, 90));
    for words in [
        "Rules, version a1b2─",
        "NO RESULT",
        "rule-29  ",
        "rule-29/1:kafka",
        "transform/1",
    ] {
        assert!(large.contains(words), "{words:?} is not in it:\n{large}");
    }
    let middle = screen(&view, (120, 30));
    for words in [
        "Rules, version a1b2 (and 18 more)",
        "rule-11 ",
        "transform/1",
        "leaves",
    ] {
        assert!(middle.contains(words), "{words:?} is not in it:\n{middle}");
    }
    let small = screen(&view, (120, 15));
    assert!(!small.contains("Rules"), "{small}");
    assert!(small.contains("leaves"), "{small}");
    for height in 1..60 {
        screen(&view, (height * 3, height));
    }
}
