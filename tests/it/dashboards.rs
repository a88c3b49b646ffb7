//! The dashboards and alert rules: every name in them exists, every panel shows something.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use servers::free_port;
use telemetry::metrics::{Kind, all};
use tempfile::TempDir;

use crate::audit_bed::{Topics, door};
use crate::clients::{connect, publish};
use crate::fleet::{Fleet, Load};
use crate::notify::set_contact;
use crate::payloads::{command, command_topic, state_topic, unique};
use crate::prometheus::{Programs, Prometheus, product_files};
use crate::testbed::{Setup, Testbed};
use crate::waiting::until;

const STAGES: [&str; 4] = ["mqtt-edge", "transform", "kafka-sink", "audit-notifier"];

/// A lock of the test's own, besides the fleet.
const LOCK: &str = "10083618796833171";

/// States in every second, and more than one needs: they are told to stop.
const LOAD: Load = Load {
    states: 5000,
    ..Load::MODEST
};

/// A dashboard's file.
struct Dashboard {
    name: String,
    json: Value,
}

impl Dashboard {
    fn all() -> Vec<Self> {
        let folder = product_files().join("grafana/dashboards");
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            Self {
                name: path.file_name().unwrap().to_string_lossy().into_owned(),
                json: serde_json::from_str(&text).unwrap(),
            }
        };
        let dashboards: Vec<_> = std::fs::read_dir(folder).unwrap().map(read).collect();
        assert!(!dashboards.is_empty());
        dashboards
    }

    /// The panels with data.
    fn panels(&self) -> impl Iterator<Item = &Value> {
        let panels = self.json["panels"].as_array().unwrap();
        panels.iter().filter(|panel| panel["type"] != "row")
    }

    /// Every query, with the panel it is in.
    fn queries(&self) -> Vec<(String, String)> {
        let mut queries = Vec::new();
        for panel in self.panels() {
            for target in panel["targets"].as_array().unwrap() {
                let place = format!("{}: {}", self.name, panel["title"].as_str().unwrap());
                queries.push((place, target["expr"].as_str().unwrap().to_owned()));
            }
        }
        queries
    }
}

fn product_file(path: &str) -> String {
    std::fs::read_to_string(product_files().join(path)).unwrap()
}

/// The words of a query or a file that look like metrics.
fn metrics_in(text: &str) -> HashSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    let prefixes = ["latchwork_", "latchwork:", "messaging_", "process_"];
    words
        .filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)))
        .collect()
}

/// Every series that the tables promise, and those that the rules record.
fn known_names() -> HashSet<String> {
    let mut names = HashSet::new();
    for metric in all() {
        if metric.kind == Kind::Histogram {
            let series = ["_bucket", "_sum", "_count"];
            names.extend(series.map(|end| format!("{}{end}", metric.exposed)));
        } else {
            names.insert(metric.exposed.to_owned());
        }
    }
    let rules = product_file("prometheus/rules.yml");
    let recorded = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- record: "));
    names.extend(recorded.map(str::to_owned));
    names
}

/// Scenario: the dashboards, the rules and the tests of the rules are read beside the tables of
/// metrics.
/// Guarantee: they name no metric that no stage has, so that renaming one is noticed here.
#[test]
fn every_metric_that_is_named_exists() {
    let known = known_names();
    let mut texts: Vec<(String, String)> = Dashboard::all()
        .iter()
        .flat_map(Dashboard::queries)
        .collect();
    for file in ["prometheus/rules.yml", "prometheus/rules.test.yml"] {
        texts.push((file.to_owned(), product_file(file)));
    }
    let mut found = 0;
    for (place, text) in &texts {
        for name in metrics_in(text) {
            assert!(known.contains(name), "{place}: no stage has {name}");
            found += 1;
        }
    }
    assert!(
        found > 80,
        "only {found} names were found in {} texts",
        texts.len()
    );
}

/// Scenario: somebody who has never seen the dashboards opens them.
/// Guarantee: every panel says what it means, has an id of its own, fits the grid, and asks a source
/// of data that is provisioned.
#[test]
fn every_panel_teaches() {
    let sources = product_file("grafana/provisioning/datasources/datasources.yml");
    for dashboard in Dashboard::all() {
        let name = &dashboard.name;
        assert_eq!(
            format!("{}.json", dashboard.json["uid"].as_str().unwrap()),
            *name
        );
        let mut ids = HashSet::new();
        for panel in dashboard.panels() {
            let title = panel["title"].as_str().unwrap();
            let description = panel["description"].as_str().unwrap_or_default();
            assert!(description.len() > 60, "{name}: {title} is not explained");
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {title}");
            let grid = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(grid("x") + grid("w") <= 24, "{name}: {title}");
            let uid = panel["datasource"]["uid"].as_str().unwrap();
            assert!(
                sources.contains(&format!("uid: {uid}\n")),
                "{name}: {title}"
            );
        }
    }
}

/// Scenario: an alert is added to the rules.
/// Guarantee: its annotations say what is the matter and what to do, and it has a test that sees it
/// fire and one that sees it silent.
#[test]
fn every_alert_is_explained_and_tested() {
    let (rules, tests) = (
        product_file("prometheus/rules.yml"),
        product_file("prometheus/rules.test.yml"),
    );
    let mut alerts = 0;
    for rule in rules.split("- alert: ").skip(1) {
        let alert = rule.lines().next().unwrap();
        for part in ["severity: ", "summary: ", "description: "] {
            assert!(rule.contains(part), "{alert} has no {part}");
        }
        let asked = format!("(ALERTS{{alertname=\"{alert}\",");
        let cases = tests.split("- expr: ").filter(|case| case.contains(&asked));
        let (silent, firing): (Vec<&str>, Vec<&str>) =
            cases.partition(|case| case.contains("exp_samples: []"));
        assert!(!silent.is_empty(), "no test sees {alert} silent");
        assert!(!firing.is_empty(), "no test sees {alert} fire");
        alerts += 1;
    }
    assert!(alerts > 15, "only {alerts} alerts were found");
}

/// Scenario: promtool reads the configuration and the rules, and runs the rules' own tests.
/// Guarantee: both are valid, and every alert fires when it must, and only then. Skipped without
/// Prometheus.
#[test]
fn promtool_accepts_the_rules() {
    let programs = match Programs::find() {
        Ok(programs) => programs,
        Err(reason) => return crate::waiting::skipped(&reason),
    };
    for arguments in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "rules.yml"],
        ["test", "rules", "rules.test.yml"],
    ] {
        if let Err(said) = programs.promtool(&arguments) {
            panic!("promtool {arguments:?}: {said}");
        }
    }
}

/// Files that the pipeline names.
struct Secrets(TempDir);

impl Secrets {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = command::new_key_line("2026").unwrap();
        std::fs::write(folder.path().join("keys"), key.as_bytes()).unwrap();
        std::fs::write(folder.path().join("webhook"), "a secret of twenty-six byte").unwrap();
        Self(folder)
    }

    /// Everything that a pipeline can have.
    fn pipeline(&self) -> String {
        let folder = self.0.path().display();
        let hook = "[[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\n";
        let more = format!(
            "[notify]\n[notify.webhook]\nsecret_file = \"{folder}/webhook\"\ntimeout_s = 1\n\
             [commands]\nmode = \"observe\"\nkeys_file = \"{folder}/keys\"\n"
        );
        let topic = unique("dashboards");
        format!(
            "{hook}kafka_topic = \"{topic}\"\n{}",
            Topics::new().pipeline(&more)
        )
    }
}

/// Every stage, every trace recorded and none collected.
async fn bed(secrets: &Secrets) -> Testbed {
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let bed = Setup::new()
        .stages(&STAGES)
        .pipeline(secrets.pipeline())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", nobody)
        .env("LATCHWORK_TRACE_SAMPLE", "1")
        .start()
        .await;
    // A webhook that nobody answers.
    let url = format!("http://127.0.0.1:{}/hook", free_port().unwrap());
    set_contact(&bed, LOCK, &[("webhook", &url)]).await;
    bed
}

/// What Grafana puts in the place of its variables, for scrapes every second.
fn filled(query: &str) -> String {
    // What a panel shows when there is nothing must not pass for data.
    let query = query.replace(" or vector(0)", "");
    let filled = query.replace("$__rate_interval", "5s");
    assert!(!filled.contains('$'), "an unknown variable in {query}");
    filled
}

/// The queries that give no number.
async fn without_data(prometheus: &Prometheus, queries: &[(String, String)]) -> Vec<String> {
    let mut empty = Vec::new();
    for (place, query) in queries {
        if prometheus.values(&filled(query)).await.is_empty() {
            empty.push(format!("{place}: {query}"));
        }
    }
    empty
}

/// Scenario: all stages run under load, with broken states, forged commands and a webhook that nobody
/// answers; a real Prometheus scrapes them as the product's does. Then the load ends.
/// Guarantee: every query of every panel gives a number; both latencies have exemplars with trace
/// ids; at the end every published message was counted, every acknowledged one and every record in
/// Kafka has its latency, and no stage has lost sight of a record. Skipped without Prometheus.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_shows_something() {
    let programs = match Programs::find() {
        Ok(programs) => programs,
        Err(reason) => return crate::waiting::skipped(&reason),
    };
    let secrets = Secrets::new();
    let bed = bed(&secrets).await;
    let targets = STAGES.map(|stage| (stage, bed.health(stage)));
    let prometheus = Prometheus::start(&programs, &targets).await;
    let fleet = Fleet::start(bed.mqtt(), "dashboards-", LOAD);
    let (lock, _) = connect(&bed.client(LOCK)).await;

    let queries: Vec<_> = Dashboard::all()
        .iter()
        .flat_map(Dashboard::queries)
        .collect();
    let mut number = 0;
    let mut empty = Vec::new();
    let shown = servers::wait_until(Duration::from_mins(1), "every panel", async || {
        number += 1;
        publish(&lock, state_topic(LOCK), door(LOCK, number)).await;
        publish(&lock, command_topic(LOCK), command(number)).await;
        empty = without_data(&prometheus, &queries).await;
        empty.is_empty()
    });
    assert!(shown.await.is_ok(), "no data for:\n{}", empty.join("\n"));
    for metric in [
        "latchwork_puback_latency_seconds_bucket",
        "latchwork_kafka_latency_seconds_bucket",
    ] {
        until(&format!("exemplars of {metric}"), async || {
            let ids = prometheus.exemplars(metric).await;
            ids.iter()
                .any(|id| id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()))
        })
        .await;
    }

    fleet.enough();
    let published = fleet.finish().await.published_count() as u64 + 2 * number;
    bed.drained().await;
    the_figures_are_true(&bed, published).await;
    until("every record to be accounted for", async || {
        let query = "latchwork:records_unaccounted";
        let missing = prometheus.values(query).await;
        missing.len() == 5 && missing.iter().all(|missing| *missing == 0.0)
    })
    .await;
}

/// The counters against what is known to have happened.
#[expect(clippy::float_cmp, reason = "both are whole numbers")]
async fn the_figures_are_true(bed: &Testbed, published: u64) {
    let edge = bed.metrics("mqtt-edge").await;
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let published = published as f64;
    assert_eq!(edge.sum("latchwork_mqtt_publishes_total"), published);
    assert_eq!(
        edge.sum("latchwork_puback_latency_seconds_count"),
        published
    );
    assert_eq!(
        edge.sum("latchwork_mqtt_connects_total"),
        json!(LOAD.locks + 1).as_f64().unwrap()
    );
    let sink = bed.metrics("kafka-sink").await;
    let stored = sink.sum("latchwork_records_stored_total");
    assert!(stored > 0.0);
    assert_eq!(sink.sum("latchwork_kafka_latency_seconds_count"), stored);
}
