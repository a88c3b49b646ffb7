//! `latchwork doctor`: what is well, and each thing that is not, with what to do.

use std::path::PathBuf;

use kafka::{KafkaConnection, TopicSpec, ensure_topics};
use serde_json::Value;
use servers::{NatsOptions, NatsServer, free_port};
use settings::Pipeline;
use tempfile::TempDir;

use crate::collector::Collector;
use crate::notify::Receivers;
use crate::payloads::unique;
use crate::run_command::{Outcome, latchwork};
use crate::shared_kafka::shared_kafka;
use crate::waiting::DEADLINE;

/// Everything that a pipeline with all its parts needs.
struct Surroundings {
    nats: NatsServer,
    kafka: &'static str,
    probe: String,
    receivers: Receivers,
    collector: Collector,
    config: PathBuf,
    folder: TempDir,
}

impl Surroundings {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = NatsOptions::new(folder.path().join("nats"));
        options.monitoring = true;
        let receivers = Receivers::start().await;
        let config = folder.path().join("pipeline.toml");
        std::fs::write(&config, receivers.pipeline()).unwrap();
        let surroundings = Self {
            nats: NatsServer::start(options).await.unwrap(),
            kafka: shared_kafka().await,
            probe: unique("probe"),
            receivers,
            collector: Collector::start().await,
            config,
            folder,
        };
        surroundings.make().await;
        surroundings
    }

    /// Makes topics and streams, as the stages do.
    async fn make(&self) {
        let mut names = self.topics();
        names.push(self.probe.clone());
        let topic = |name| TopicSpec {
            name,
            partitions: 1,
            replication: 1,
            compacted: false,
        };
        let topics: Vec<TopicSpec> = names.into_iter().map(topic).collect();
        let kafka = KafkaConnection::new(self.kafka).unwrap();
        ensure_topics(&kafka, &topics, DEADLINE).await.unwrap();
        let nats = self.nats.url();
        let line = ["provision", "--nats", &nats, "--config", self.config()];
        let made = latchwork(&line);
        assert_eq!(made.await.code, Some(0));
    }

    fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }

    fn topics(&self) -> Vec<String> {
        Pipeline::load(Some(&self.config)).unwrap().kafka_topics()
    }

    /// Examines them; `instead` takes the place of arguments, by name.
    async fn doctor(&self, instead: &[(&str, &str)]) -> Examined {
        let (nats, monitor) = (self.nats.url(), self.nats.monitoring_url().unwrap());
        let otlp = self.collector.endpoint();
        let arguments = [
            ("--config", self.config()),
            ("--nats", &nats),
            ("--nats-monitor", &monitor),
            ("--kafka", self.kafka),
            ("--kafka-probe", &self.probe),
            ("--otlp-endpoint", &otlp),
            ("--connections", "1"),
        ];
        let mut line = vec!["doctor", "--json"];
        for (name, value) in arguments {
            let other = instead.iter().find(|(changed, _)| *changed == name);
            line.extend([name, other.map_or(value, |(_, other)| other)]);
        }
        Examined::new(latchwork(&line).await)
    }
}

/// What came out.
#[derive(Debug)]
struct Examined {
    outcome: Outcome,
    report: Value,
}

impl Examined {
    fn new(outcome: Outcome) -> Self {
        let report = serde_json::from_str(&outcome.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {outcome:#?}"));
        Self { outcome, report }
    }

    /// Names of the rows with this verdict.
    fn rows(&self, verdict: &str) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        let rows = findings.iter().filter(|row| row["verdict"] == verdict);
        rows.map(|row| row["what"].as_str().unwrap()).collect()
    }

    fn row(&self, what: &str) -> &Value {
        let findings = self.report["findings"].as_array().unwrap();
        let row = findings.iter().find(|row| row["what"] == what);
        row.unwrap_or_else(|| panic!("no row {what}: {self:#?}"))
    }

    /// Only this has failed: the row says what to do, and so does the exit code.
    fn only_failed(&self, what: &str, detail: &str, fix: &str) {
        assert_eq!(self.rows("failed"), [what], "{self:#?}");
        let row = self.row(what);
        for (field, words) in [("detail", detail), ("fix", fix)] {
            let text = row[field].as_str().unwrap_or_default();
            assert!(text.contains(words), "{words:?} is not in it: {row:#}");
        }
        assert_eq!(self.report["verdict"], "failed");
        assert_eq!(self.outcome.code, Some(1), "{self:#?}");
        self.outcome.is_one_clear_line(&["one test failed"]);
    }
}

/// Scenario: NATS, Kafka, a mail server, an SMS gateway and a collector run; streams and topics are
/// made; the file of the webhook's secret can be read by everybody.
/// Guarantee: nothing has failed and the exit code is 0; every row but that file's is ok, none was
/// skipped but the broker's clock and the edge, of which it is told nothing; no mail was sent, and no stream is left behind.
#[tokio::test]
async fn all_is_well() {
    let surroundings = Surroundings::start().await;
    let examined = surroundings.doctor(&[]).await;
    assert_eq!(examined.outcome.code, Some(0), "{examined:#?}");
    assert_eq!(examined.rows("failed"), [""; 0], "{examined:#?}");
    assert_eq!(
        examined.rows("warning"),
        ["webhook secret_file"],
        "{examined:#?}"
    );
    assert_eq!(
        examined.rows("skipped"),
        ["clock of Kafka", "MQTT users"],
        "{examined:#?}"
    );
    let well = examined.rows("ok");
    let expected = [
        "NATS",
        "NATS permissions",
        "JetStream room",
        "JetStream write",
        "JetStream sync",
        "JetStream store",
        "clock of NATS",
        "stream UP",
        "stream AUDIT",
        "stream NOTIFY",
        "stream DOWN",
        "bucket session",
        "bucket retained",
        "Kafka",
        "Kafka write",
        "mail (SMTP)",
        "SMS gateway",
        "webhook",
        "OTLP traces",
        "OTLP metrics",
        "file limit",
    ];
    for what in expected {
        assert!(well.contains(&what), "{what} is not ok: {examined:#?}");
    }
    for topic in surroundings.topics() {
        let topic = format!("topic {topic}");
        assert!(
            well.contains(&topic.as_str()),
            "{topic} is not ok: {examined:#?}"
        );
    }
    let topic = examined.row(&format!("topic {}", surroundings.topics()[0]));
    let copies = "partitions 1, copies 1, in sync 1, min.insync.replicas 1";
    assert_eq!(topic["detail"], copies);
    let client = async_nats::connect(surroundings.nats.url()).await.unwrap();
    let mut names = stage::jetstream_context(&client).stream_names();
    while let Some(name) = futures::StreamExt::next(&mut names).await {
        assert!(
            !name.unwrap().starts_with("DOCTOR"),
            "a stream is left behind"
        );
    }
}

/// Scenario: one thing at a time is wrong: nobody listens where NATS or Kafka should be, a topic is
/// missing, the mail server is down, the collector's address is that of something else.
/// Guarantee: only its row has failed, with what was seen and what to do; the exit code is 1.
#[tokio::test]
async fn each_fault_has_its_row() {
    let mut surroundings = Surroundings::start().await;
    let nobody = format!("127.0.0.1:{}", free_port().unwrap());

    let examined = surroundings.doctor(&[("--nats", &nobody)]).await;
    examined.only_failed("NATS", &nobody, "start nats-server");
    assert_eq!(examined.row("JetStream write")["verdict"], "skipped");

    let examined = surroundings.doctor(&[("--kafka", &nobody)]).await;
    examined.only_failed("Kafka", &nobody, "start Kafka");
    assert_eq!(examined.row("Kafka write")["verdict"], "skipped");

    let missing = unique("missing");
    let config = surroundings.folder.path().join("missing.toml");
    let hook = "[[hook]]\nevent = \"message.publish\"\nfilter = \"#\"\nkafka_topic";
    std::fs::write(&config, format!("{hook} = \"{missing}\"\n")).unwrap();
    let config = [("--config", config.to_str().unwrap())];
    let examined = surroundings.doctor(&config).await;
    examined.only_failed(&format!("topic {missing}"), "missing", "--ensure-topics");

    let elsewhere = surroundings.nats.monitoring_url().unwrap();
    let examined = surroundings
        .doctor(&[("--otlp-endpoint", &elsewhere)])
        .await;
    assert_eq!(examined.rows("failed"), ["OTLP traces", "OTLP metrics"]);
    let traces = examined.row("OTLP traces");
    assert!(
        traces["detail"].as_str().unwrap().contains("404"),
        "{traces:#}"
    );
    assert!(
        traces["fix"].as_str().unwrap().contains("4318"),
        "{traces:#}"
    );
    assert_eq!(examined.outcome.code, Some(1));

    surroundings.receivers.smtp.die();
    let examined = surroundings.doctor(&[]).await;
    examined.only_failed("mail (SMTP)", "refused", "[notify.email]");
}

/// Scenario: the user of NATS may publish to UP alone.
/// Guarantee: the row of the permissions has failed and names what is missing; the others of NATS
/// end within their deadline.
#[tokio::test]
async fn missing_permissions_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = NatsOptions::new(folder.path());
    options.extra_config = "authorization { users: [ { user: edge, password: secret, permissions: {\n\
                            publish: [\"up.*\", \"$SYS.REQ.USER.INFO\"]\nsubscribe: \"_INBOX.>\" } } ] }\nno_auth_user: edge"
        .to_owned();
    let nats = NatsServer::start(options).await.unwrap();
    let url = nats.url();
    let nobody = format!("127.0.0.1:{}", free_port().unwrap());
    let line = [
        "doctor", "--json", "--within", "3s", "--nats", &url, "--kafka", &nobody,
    ];
    let examined = Examined::new(latchwork(&line).await);
    let row = examined.row("NATS permissions");
    assert_eq!(row["verdict"], "failed");
    let detail = row["detail"].as_str().unwrap();
    assert!(
        detail.contains("edge") && detail.contains("rec.*"),
        "{row:#}"
    );
    assert!(!detail.contains("up.*"), "{row:#}");
    assert_eq!(examined.row("JetStream write")["verdict"], "failed");
}
