//! What the scenarios of rules share: texts of pipelines, and what transform counts and says.

use std::path::{Path, PathBuf};

use kafka::ReadRecord;

use crate::http_get::http_get;
use crate::testbed::Testbed;

/// A rule; `rest` is what comes behind its statement.
pub(crate) fn rule(name: &str, sql: &str, rest: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\nsql = '''{sql}'''\n{rest}\n")
}

/// An action of a rule, such as `kafka = { topic = "t" }`.
pub(crate) fn action(text: &str) -> String {
    format!("[[rule.action]]\n{text}\n")
}

/// A Kafka topic that is made before anything is written.
pub(crate) fn topic(name: &str, partitions: u32) -> String {
    format!("[[topic]]\nname = \"{name}\"\npartitions = {partitions}\n")
}

/// A record's value.
pub(crate) fn value(record: &ReadRecord) -> String {
    text(record.value.as_deref())
}

/// A record's key; empty without one.
pub(crate) fn key(record: &ReadRecord) -> String {
    text(record.key.as_deref())
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap()
}

/// The file that the stages of a stack read their pipeline from.
pub(crate) fn pipeline_file(bed: &Testbed) -> PathBuf {
    let command = std::fs::read(format!("/proc/{}/cmdline", bed.pid("transform"))).unwrap();
    let command = String::from_utf8(command).unwrap();
    let mut arguments = command.split('\0');
    arguments.find(|argument| *argument == "--config").unwrap();
    arguments.next().unwrap().into()
}

/// What transform has written, without the colours of a terminal.
pub(crate) fn log_of_transform(file: &Path) -> String {
    std::fs::read_to_string(file.with_file_name("logs/transform.log")).unwrap()
}

/// Everything that a stage tells on `/metrics`.
pub(crate) struct Told(String);

impl Told {
    pub(crate) async fn by(bed: &Testbed, stage: &str) -> Self {
        let answer = http_get(&bed.health(stage), "/metrics").await;
        Self(answer.expect("no answer of /metrics").1)
    }

    /// A series by its name and labels; none when it is not told.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        let labels: Vec<_> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        let mut found = self.0.lines().filter_map(|line| {
            let (series, value) = line.strip_prefix(name)?.rsplit_once(' ')?;
            let told = series.strip_prefix('{')?.strip_suffix('}')?;
            let all = labels
                .iter()
                .all(|label| told.split(',').any(|one| one == label));
            all.then(|| value.parse().unwrap())
        });
        let first = found.next();
        assert_eq!(found.next(), None, "{name} {labels:?} is more than one");
        first
    }

    /// `matched`, `passed`, `failed`, `failed.exception` and `failed.no_result` of a rule.
    pub(crate) fn rule(&self, rule: &str) -> [Option<u64>; 5] {
        let names = [
            "matched",
            "passed",
            "failed",
            "failed_exception",
            "failed_no_result",
        ];
        names.map(|name| {
            let name = format!("latchwork_rule_{name}_total");
            self.get(&name, &[("rule", rule)])
        })
    }

    /// `matched`, `success`, `failed` and `dropped` of an action of a rule.
    pub(crate) fn action(&self, rule: &str, action: &str) -> [Option<u64>; 4] {
        ["matched", "success", "failed", "dropped"].map(|name| {
            let name = format!("latchwork_action_{name}_total");
            self.get(&name, &[("rule", rule), ("action", action)])
        })
    }
}
