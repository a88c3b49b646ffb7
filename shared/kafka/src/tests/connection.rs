//! Settings, the connection test, making topics.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Fixture, TOPIC};
use crate::{
    KafkaArgs, KafkaConnection, KafkaError, KafkaProducer, TopicSpec, TopicState, UnknownTopic,
    connection_test, ensure_topics,
};

const WITHIN: Duration = Duration::from_secs(20);

/// Scenario: the check runs against a Kafka that has one of two topics.
/// Guarantee: it names the broker and says which topic exists with how many partitions.
#[tokio::test]
async fn the_check_tells_what_is_there() {
    let fixture = Fixture::new();
    let topics = ["missing", TOPIC];
    let report = connection_test(&fixture.connection(), &topics, WITHIN)
        .await
        .unwrap();
    assert_eq!(report.brokers, [fixture.kafka.address()]);
    assert!(report.cluster_id.is_some());
    assert_eq!(report.topics[0].state, TopicState::Missing);
    assert_eq!(report.topics[1].state, TopicState::Exists { partitions: 4 });
}

/// Scenario: nothing listens at the address; the host does not exist; the broker speaks no TLS; it
/// asks for no login but one is configured.
/// Guarantee: each fails within the deadline, with an error that says what it is and what to do.
#[tokio::test]
async fn the_check_fails_with_the_cause() {
    let fixture = Fixture::new();
    let within = Duration::from_secs(3);
    let test = async |connection: KafkaConnection| {
        let start = Instant::now();
        let error = connection_test(&connection, &[], within).await.unwrap_err();
        assert!(start.elapsed() < 2 * within, "{error}");
        error
    };
    let nobody = test(KafkaConnection::new("127.0.0.1:9").unwrap()).await;
    assert!(matches!(nobody, KafkaError::Unreachable { .. }), "{nobody}");
    assert!(nobody.to_string().contains("refused"), "{nobody}");

    let start = Instant::now();
    let no_host = test(KafkaConnection::new("no-such-host.invalid:9092").unwrap()).await;
    assert!(matches!(no_host, KafkaError::Resolve { .. }), "{no_host}");
    assert!(start.elapsed() < within, "a wrong name is known at once");

    let tls = fixture
        .connection()
        .with_librdkafka(table(&[("security.protocol", "ssl")]));
    let no_tls = test(tls.unwrap()).await;
    assert!(matches!(no_tls, KafkaError::Tls { .. }), "{no_tls}");

    let login = table(&[
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "latchwork"),
        ("sasl.password", "geheim"),
    ]);
    let no_login = test(fixture.connection().with_librdkafka(login).unwrap()).await;
    assert!(
        matches!(no_login, KafkaError::Authentication { .. }),
        "{no_login}"
    );
    assert!(!no_login.to_string().contains("geheim"), "{no_login}");
}

/// Scenario: settings that are fine each contradict each other.
/// Guarantee: making the producer fails with the two names.
#[test]
fn contradicting_settings_are_refused() {
    let connection = KafkaConnection::new("127.0.0.1:9")
        .unwrap()
        .with_librdkafka(table(&[("acks", "1")]))
        .unwrap();
    let error = KafkaProducer::new(&connection, UnknownTopic::Wait)
        .err()
        .unwrap();
    let text = error.to_string();
    assert!(
        text.contains("acks") && text.contains("idempotence"),
        "{text}"
    );
}

/// Scenario: the password comes from a file that ends with a line break; then the file is missing.
/// Guarantee: the password is taken without the line break; the missing file is named.
#[test]
fn the_password_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "geheim\n").unwrap();
    let mut arguments = KafkaArgs {
        brokers: "a:1".into(),
        password_file: Some(file.clone()),
    };
    let connection = arguments.connection(&BTreeMap::new()).unwrap();
    assert_eq!(connection.admin().get("sasl.password"), Some("geheim"));
    arguments.password_file = Some(file.with_extension("missing"));
    let error = arguments.connection(&BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("password.missing"), "{error}");
}

/// Scenario: topics are wanted that exist already, then one that the broker can't make.
/// Guarantee: what exists is fine; the other is named with the reason.
#[tokio::test]
async fn wanted_topics_that_exist_are_fine() {
    let fixture = Fixture::new();
    let topic = |name: &str| TopicSpec {
        name: name.into(),
        partitions: 1,
        replication: 1,
        compacted: false,
    };
    ensure_topics(&fixture.connection(), &[topic(TOPIC)], WITHIN)
        .await
        .unwrap();
    // The in-memory Kafka never answers that request.
    let moment = Duration::from_secs(1);
    let error = ensure_topics(&fixture.connection(), &[topic("new")], moment)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("new"), "{error}");
}

fn table(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(k, v)| ((*k).into(), (*v).into()))
        .collect()
}
