//! The pipeline's files change while messages pass.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kafka::ReadRecord;
use latchwork::mqtt_client::ReasonCode;
use rustix::process::Signal;
use settings::Sources;

use crate::clients::{connect, publish};
use crate::collector::{Collector, SeenSpan};
use crate::crash::ONE_AT_A_TIME;
use crate::dead_letters::dead_letters;
use crate::fleet::{Fleet, Load};
use crate::kafka_log::{everything, header, payload};
use crate::ledger::Repeats;
use crate::payloads::{read_state, unique};
use crate::rules_bed::{Told, action, log_of_transform, pipeline_file, rule, topic};
use crate::testbed::{Setup, Testbed, send_signal};
use crate::waiting::until;

const STAGE: &str = "transform";

/// How often transform looks at its files.
pub(crate) const LOOK: Duration = Duration::from_millis(500);

/// Changes under load.
const CHANGES: usize = 20;

/// What every version has: states are checked, and are spread over two partitions.
fn base(topics: &[String; 2]) -> String {
    let topics = topics.each_ref().map(|name| topic(name, 2)).join("");
    format!(
        "[streams]\npartitions = 2\n[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n{topics}"
    )
}

/// The rule that takes every state into one topic, with a payload as hooks write it.
fn states_into(topic: &str) -> String {
    rule(
        "states",
        r#"SELECT base64_encode(payload) as p FROM "devices/+/state""#,
        &action(&format!(
            "kafka = {{ topic = \"{topic}\", value = '{{\"payload\":\"${{p}}\"}}' }}"
        )),
    )
}

/// A stack whose pipeline's files change.
pub(crate) struct Scene {
    pub(crate) bed: Testbed,
    pub(crate) file: PathBuf,
    pub(crate) topics: [String; 2],
    taken: u64,
    refused: u64,
}

impl Scene {
    pub(crate) async fn start(setup: Setup) -> Self {
        let topics = ["old", "new"].map(unique);
        let setup = setup.pipeline(base(&topics) + &states_into(&topics[0]));
        let bed = setup.start().await;
        Self {
            file: pipeline_file(&bed),
            bed,
            topics,
            taken: 0,
            refused: 0,
        }
    }

    /// A pipeline with the rule to this topic, unlike all others by a comment.
    pub(crate) fn text(&self, change: usize, topic: usize) -> String {
        let rule = states_into(&self.topics[topic]);
        format!("# change {change}\n{}{rule}", base(&self.topics))
    }

    pub(crate) fn further_file(&self) -> PathBuf {
        self.file.with_file_name("rules").join("further.toml")
    }

    pub(crate) fn version(&self) -> String {
        Sources::read(&self.file).unwrap().version()
    }

    async fn outcome(&self, outcome: &str) -> u64 {
        let told = Told::by(&self.bed, STAGE).await;
        let labels = [("outcome", outcome)];
        told.get("latchwork_reloads_total", &labels).unwrap()
    }

    async fn in_force(&self, version: &str) -> bool {
        self.in_force_in(STAGE, version).await
    }

    async fn in_force_in(&self, stage: &str, version: &str) -> bool {
        let told = Told::by(&self.bed, stage).await;
        told.get("latchwork_rules_version", &[("version", version)]) == Some(1)
    }

    pub(crate) fn hang_up(&self) {
        send_signal(self.bed.pid(STAGE), Signal::HUP);
    }

    /// What the files say now is taken, and nothing else was.
    pub(crate) async fn is_taken(&mut self) {
        let version = self.version();
        let what = format!("version {version} to be in force");
        until(&what, async || self.in_force(&version).await).await;
        self.taken += 1;
        assert_eq!(self.outcome("taken").await, self.taken);
        assert_eq!(self.outcome("refused").await, self.refused);
    }

    /// What the files say now is what a stage goes by.
    pub(crate) async fn is_followed_by(&self, stage: &str) {
        let version = self.version();
        let what = format!("version {version} to be in force in {stage}");
        until(&what, async || self.in_force_in(stage, &version).await).await;
    }

    /// What the files say now is refused with its reason, and `version` stays.
    pub(crate) async fn is_refused(&mut self, version: &str, reason: &str) {
        self.refused += 1;
        let what = format!("a refusal because of {reason}");
        until(&what, async || {
            self.outcome("refused").await == self.refused
        })
        .await;
        assert!(self.in_force(version).await);
        assert_eq!(self.outcome("taken").await, self.taken);
        let log = log_of_transform(&self.file);
        let refusals: Vec<_> = log.lines().filter(|l| l.contains("is refused")).collect();
        let last = refusals.last().unwrap();
        assert!(last.contains(reason), "{last}");
    }
}

/// Puts a file in the place of another at once.
pub(crate) fn replace(file: &Path, text: &str) {
    let aside = file.with_extension("aside");
    std::fs::write(&aside, text).unwrap();
    std::fs::rename(aside, file).unwrap();
}

/// Both topics' records in the order of the stream UP.
async fn in_order(scene: &Scene) -> Vec<ReadRecord> {
    let mut records = Vec::new();
    for topic in &scene.topics {
        let stored = everything(&scene.bed.kafka(), topic).await;
        assert_order(&stored);
        eprintln!("{} records in {topic}", stored.len());
        assert!(!stored.is_empty());
        records.extend(stored);
    }
    let place = |record: &ReadRecord| -> Vec<u64> {
        let sequence = header(record, "lw-seq");
        let mut numbers: Vec<u64> = sequence
            .rsplitn(4, '-')
            .take(3)
            .map(|number| number.parse().unwrap())
            .collect();
        numbers.reverse();
        numbers
    };
    records.sort_by_cached_key(place);
    records
}

/// No state of a lock is behind a later one.
fn assert_order(records: &[ReadRecord]) {
    let mut newest = HashMap::new();
    for record in records {
        let (lock, number) = read_state(&payload(record)).unwrap();
        if let Some(before) = newest.insert(lock.clone(), number) {
            assert!(before < number, "{lock}: {number} behind {before}");
        }
    }
}

/// One change of the files under load. `topic` is where the rule writes to after it.
async fn change(scene: &mut Scene, number: usize, topic: &mut usize) {
    let before = scene.version();
    let other = 1 - *topic;
    let now = std::fs::read_to_string(&scene.file).unwrap();
    match number % 5 {
        // A good one, at the next look or at once.
        0 | 3 => {
            replace(&scene.file, &scene.text(number, other));
            if number.is_multiple_of(2) {
                scene.hang_up();
            }
            scene.is_taken().await;
            *topic = other;
        }
        // A broken one, which is put right again.
        1 => {
            let bad = rule(&format!("bad-{number}"), "SELEC", &action("drop = {}"));
            let broken = format!("{now}\n{bad}");
            replace(&scene.file, &broken);
            scene.is_refused(&before, "expected SELECT").await;
            replace(&scene.file, &now);
        }
        // Emptied, then half written, then whole, all within a look. Then a broken further file.
        2 => {
            let text = scene.text(number, other);
            std::fs::write(&scene.file, "").unwrap();
            std::fs::write(&scene.file, &text[..text.len() - 40]).unwrap();
            std::fs::write(&scene.file, &text).unwrap();
            scene.is_taken().await;
            *topic = other;
        }
        // A good further file, a broken one in its place, and none.
        _ => {
            let further = scene.further_file();
            std::fs::create_dir_all(further.parent().unwrap()).unwrap();
            let good = rule("further", r#"SELECT * FROM "none""#, &action("drop = {}"));
            replace(&further, &format!("# {number}\n{good}"));
            scene.is_taken().await;
            let with_further = scene.version();
            replace(&further, &format!("# {number}\n{}", good.repeat(2)));
            scene.hang_up();
            let reason = "the rule `further` is there twice";
            scene.is_refused(&with_further, reason).await;
            std::fs::remove_file(&further).unwrap();
            scene.is_taken().await;
        }
    }
}

/// Scenario: while locks publish, the pipeline file and one beside it change twenty times: good ones
/// at the next look or at SIGHUP, broken ones, and ones that are written piece by piece. Each good one
/// lets the only rule write to the other of two topics.
/// Guarantee: every acknowledged state is in exactly one of the topics, once, and the order of each lock
/// holds; each broken file is refused with its reason in the log, is counted, and changes nothing.
#[tokio::test]
async fn files_change_under_load() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let mut scene = Scene::start(Setup::new()).await;
    let mut fleet = Fleet::start(scene.bed.mqtt(), "10083618798", Load::LONG);
    let mut topic = 0;
    for number in 0..CHANGES {
        fleet.acknowledges(100).await;
        change(&mut scene, number, &mut topic).await;
    }
    fleet.acknowledges(100).await;
    fleet.enough();
    let mut ledger = fleet.finish().await;
    scene.bed.drained().await;
    ledger.book_stored(&in_order(&scene).await);
    ledger.book_dead(&dead_letters(&scene.bed.jetstream().await, STAGE).await);
    let once = Repeats {
        recognisable: 0,
        republished: 0,
    };
    assert_eq!(ledger.assert_whole(), once);
    assert_eq!(scene.outcome("taken").await, scene.taken);
    assert_eq!(scene.outcome("refused").await, scene.refused);
}

/// Scenario: everything is sampled; states are published before and after a change of the pipeline.
/// Guarantee: the span of transform, and of nobody else, has the version that its record was made by.
#[tokio::test]
async fn each_span_has_the_version_of_its_rules() {
    let collector = Collector::start().await;
    let setup = Setup::new()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("LATCHWORK_TRACE_SAMPLE", "1");
    let mut scene = Scene::start(setup).await;
    let (client, _) = connect(&scene.bed.client("lock")).await;
    let mut expected = BTreeMap::new();
    for (change, topic) in [(0, 0), (1, 1), (2, 0)] {
        if change > 0 {
            replace(&scene.file, &scene.text(change, topic));
            scene.is_taken().await;
        }
        let state = crate::payloads::state("lock", 1);
        let reason = publish(&client, "devices/lock/state", state).await;
        assert_eq!(reason, ReasonCode::SUCCESS);
        scene.bed.drained().await;
        *expected.entry(scene.version()).or_insert(0) += 1;
    }
    // The span of a batch has no parent.
    let of_message = |seen: &SeenSpan| {
        seen.span.name == "process up.{partition}" && !seen.span.parent_span_id.is_empty()
    };
    let spans = collector.await_spans("transform's", 3, of_message).await;
    let mut versions = BTreeMap::new();
    for seen in &spans {
        assert_eq!(seen.service, "latchwork-transform");
        let version = seen.attribute("latchwork.rules.version").to_owned();
        *versions.entry(version).or_insert(0) += 1;
    }
    assert_eq!(versions, expected, "{spans:#?}");
}
