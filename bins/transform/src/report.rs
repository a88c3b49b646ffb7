//! What `latchwork status` is told about rules.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use settings::Pipeline;
use stage::{Runtime, StartError};
use tokio::sync::watch;

use crate::counters::{RuleReport, RulesBoard, RulesReport};

/// Core NATS subject at which all processes are asked for the counts of their rules; each answers
/// with one JSON object. It is one of the subjects that replicas answer at, so that a NATS user who
/// may use those needs no further permission. The id of no replica is this word.
pub const RULES_ADDRESS: &str = "latchwork.replica.rules";

/// One process' answer.
#[derive(Debug, Serialize)]
struct Answer<'r> {
    /// Its id among the replicas.
    replica: &'r str,
    version: &'r str,
    rules: &'r [RuleReport],
    /// Rules that there was no room for.
    left_out: usize,
}

/// Answers whoever asks at [`RULES_ADDRESS`] until this process ends.
pub(crate) async fn answer_for(
    runtime: &Runtime,
    pipelines: &watch::Receiver<Arc<Pipeline>>,
    board: &RulesBoard,
) -> Result<(), StartError> {
    let replica = runtime.replica().to_owned();
    let (pipelines, board) = (pipelines.clone(), board.clone());
    let answer = move |most_bytes| {
        let pipeline = Arc::clone(&pipelines.borrow());
        answer(&replica, &current(&board, &pipeline), most_bytes)
    };
    runtime.answer(RULES_ADDRESS, answer).await
}

/// What the board reports of the pipeline that is in force. Lanes look for a new one only when
/// something comes, and a process may have no lane at all.
fn current(board: &RulesBoard, pipeline: &Pipeline) -> RulesReport {
    let report = board.report();
    if report.version == pipeline.version() {
        return report;
    }
    board.follow(pipeline);
    board.report()
}

/// The last rules are left out where all do not fit.
fn answer(replica: &str, report: &RulesReport, most_bytes: usize) -> Bytes {
    let mut rules = report.rules.as_slice();
    loop {
        let answer = Answer {
            replica,
            version: &report.version,
            rules,
            left_out: report.rules.len() - rules.len(),
        };
        // It has text keys and numbers only: it can always be said in JSON.
        let text = serde_json::to_vec(&answer).unwrap_or_default();
        let fitting = rules.len().saturating_mul(most_bytes) / text.len().max(1);
        rules = match rules.len().checked_sub(1) {
            Some(fewer) if text.len() > most_bytes => {
                rules.get(..fitting.min(fewer)).unwrap_or_default()
            }
            _ => return text.into(),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;

    fn pipeline(names: &[&str]) -> Pipeline {
        let rule = |name: &&str| {
            format!(
                "[[rule]]\nname = \"{name}\"\nsql = 'SELECT * FROM \"t\"'\n\
                 [[rule.action]]\ndrop = {{}}\n"
            )
        };
        let text: String = names.iter().map(rule).collect();
        Pipeline::read(Path::new("pipeline.toml"), &text).unwrap()
    }

    fn names(answer: &Value) -> Vec<&str> {
        let rules = answer["rules"].as_array().unwrap().iter();
        rules.map(|rule| rule["name"].as_str().unwrap()).collect()
    }

    /// Scenario: a process without lanes is asked; then its pipeline changes, and back again.
    /// Guarantee: it tells the rules and the version that are in force, under EMQX's names, and what
    /// was counted before a rule went is there when it comes back.
    #[test]
    fn the_pipeline_in_force_is_told() {
        let board = RulesBoard::new(telemetry::no_meter());
        let (one, other) = (pipeline(&["a", "b"]), pipeline(&["c"]));
        let tell = |pipeline: &Pipeline| -> Value {
            let report = current(&board, pipeline);
            serde_json::from_slice(&answer("one-1", &report, 4096)).unwrap()
        };
        let told = tell(&one);
        assert_eq!(
            (&told["replica"], &told["left_out"]),
            (&"one-1".into(), &0.into())
        );
        assert_eq!(told["version"], one.version());
        assert_eq!(names(&told), ["a", "b"]);
        assert_eq!(told["rules"][0]["failed.exception"], 0);
        assert_eq!(told["rules"][0]["actions"][0]["name"], "1:drop");
        let mut tally = crate::counters::RuleTally {
            passed: 3,
            ..Default::default()
        };
        board.follow(&one)[1].add_and_clear(&mut tally);
        assert_eq!(tell(&other)["version"], other.version());
        let told = tell(&one);
        assert_eq!(
            (names(&told), &told["rules"][1]["passed"]),
            (vec!["a", "b"], &3.into())
        );
    }

    /// Scenario: NATS takes fewer bytes than all rules need; then fewer than even one needs.
    /// Guarantee: the answer fits as long as it can, has the first rules, and says how many it has not.
    #[test]
    fn an_answer_has_its_bounds() {
        let all: Vec<String> = (0..1000).map(|number| format!("rule-{number}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let report = current(&RulesBoard::new(telemetry::no_meter()), &pipeline(&all));
        let told = answer("one-1", &report, 50_000);
        assert!((40_000..=50_000).contains(&told.len()), "{}", told.len());
        let told: Value = serde_json::from_slice(&told).unwrap();
        let kept = names(&told);
        assert_eq!(kept, all[..kept.len()]);
        assert_eq!(told["left_out"], 1000 - kept.len());
        let told: Value = serde_json::from_slice(&answer("one-1", &report, 150)).unwrap();
        assert_eq!((names(&told), &told["left_out"]), (vec![], &1000.into()));
    }
}
