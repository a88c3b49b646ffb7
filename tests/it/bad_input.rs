//! What people do wrong, and the one line that they get.

use std::path::PathBuf;

use servers::{NatsOptions, NatsServer, free_port};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::run_command::latchwork;
use crate::testbed::Setup;

/// An address where nobody listens.
fn nobody() -> String {
    format!("127.0.0.1:{}", free_port().unwrap())
}

fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// Scenario: commands that need NATS are given an address where nobody listens.
/// Guarantee: each fails with one line that names the address and the flag.
#[tokio::test]
async fn an_unreachable_nats() {
    let url = format!("nats://{}", nobody());
    for command in [
        &["dlq", "list"][..],
        &["provision"],
        &["check", "--connect"],
    ] {
        let arguments = [command, &["--nats", &url]].concat();
        latchwork(&arguments)
            .await
            .is_one_clear_line(&[&url, "--nats", "nats-server"]);
    }
}

/// Scenario: `check --connect` reaches NATS, but is given a Kafka address where nobody listens.
/// Guarantee: it fails, and its last line names the address.
#[tokio::test]
async fn an_unreachable_kafka() {
    let folder = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(NatsOptions::new(folder.path()))
        .await
        .unwrap();
    let kafka = nobody();
    let url = nats.url();
    let outcome = latchwork(&["check", "--connect", "--nats", &url, "--kafka", &kafka]).await;
    outcome.is_one_clear_line(&[&kafka, "Kafka"]);
    assert!(outcome.stdout.contains("NATS   ok"), "{outcome:#?}");
}

/// Scenario: the edge is to listen for MQTT, and a stage for health, on a port that is taken.
/// Guarantee: each fails with one line that names the port and the flag to change.
#[tokio::test]
async fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let outcome = latchwork(&["stage", "mqtt-edge", "--mqtt", &address]).await;
    outcome.is_one_clear_line(&[&address, "in use", "--mqtt"]);
    let outcome = latchwork(&["stage", "transform", "--health", &address]).await;
    outcome.is_one_clear_line(&[&address, "in use", "--health"]);
}

/// Scenario: a NATS server of version 2.9.10 answers.
/// Guarantee: commands and stages fail with one line that names both versions, instead of failing
/// at the first feature that it lacks.
#[tokio::test]
async fn a_nats_server_that_is_too_old() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(old_nats(stream));
        }
    });
    latchwork(&["dlq", "list", "--nats", &url])
        .await
        .is_one_clear_line(&["2.9.10", "2.14", &url]);
    let outcome = latchwork(&["stage", "transform", "--nats", &url]).await;
    outcome.has_failed_saying(&["2.9.10", "2.14", &url]);
}

/// What a NATS client needs to call itself connected (NATS client protocol).
async fn old_nats(stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let info = "INFO {\"server_id\":\"OLD\",\"server_name\":\"old\",\"version\":\"2.9.10\",\"go\":\"go1.19\",\
         \"host\":\"127.0.0.1\",\"port\":4222,\"headers\":true,\"max_payload\":1048576,\"proto\":1,\
         \"jetstream\":true}\r\n";
    stream.write_all(info.as_bytes()).await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        if line.starts_with("PING") {
            stream.write_all(b"PONG\r\n").await?;
        }
        line.clear();
    }
    Ok(())
}

/// Scenario: pipeline files with an unknown key, with a schema that does not compile, with a schema
/// that is not there, with a filter that is none, and one that does not exist.
/// Guarantee: `check` and the stages refuse each with one line: file, line, column, and what is
/// meant.
#[tokio::test]
async fn a_pipeline_file_that_is_wrong() {
    let contract = |schema: &str| {
        format!("[[contract]]\nfilter = \"devices/+/state\"\nschema = \"{schema}\"\n")
    };
    let (_schemas, broken) = file("broken.schema.json", "{\"type\": \"no-such-type\"}");
    let (_more, no_json) = file("no.schema.json", "{\"type\": ");
    let cases = [
        (
            "[streams]\nup_max_byte = 1\n".to_owned(),
            vec!["line 2", "up_max_byte", "up_max_bytes"],
        ),
        (
            contract(broken.to_str().unwrap()),
            vec!["line 3", "broken.schema.json"],
        ),
        (
            contract(no_json.to_str().unwrap()),
            vec!["line 3", "no.schema.json"],
        ),
        (
            contract("missing.schema.json"),
            vec!["line 3", "missing.schema.json"],
        ),
        (contract("lock-sate"), vec!["line 3", "lock-sate"]),
        (
            "[[contract]]\nfilter = \"a/#/b\"\nschema = \"lock-state\"\n".to_owned(),
            vec!["line 2"],
        ),
        ("hook = 1\n[[".to_owned(), vec!["line 2"]),
    ];
    for (text, words) in cases {
        let (_folder, path) = file("pipeline.toml", &text);
        let path = path.to_str().unwrap();
        let words = [&[path], &words[..]].concat();
        latchwork(&["check", "--config", path])
            .await
            .is_one_clear_line(&words);
        latchwork(&["stage", "transform", "--config", path])
            .await
            .is_one_clear_line(&words);
    }
    let missing = ["check", "--config", "/no/such/pipeline.toml"];
    latchwork(&missing)
        .await
        .is_one_clear_line(&["/no/such/pipeline.toml", "--config"]);
}

/// Scenario: `up` is asked for a stage that does not exist; so is `stage`.
/// Guarantee: both fail; `up` says in one line which stages there are.
#[tokio::test]
async fn an_unknown_stage() {
    let kafka = nobody();
    let outcome = latchwork(&["up", "--kafka", &kafka, "--stages", "transfrom"]).await;
    outcome.is_one_clear_line(&["transfrom", "mqtt-edge", "transform", "kafka-sink"]);
    latchwork(&["stage", "transfrom"])
        .await
        .has_failed_saying(&["transfrom"]);
}

/// Scenario: Kafka's address has no port, or a setting of librdkafka does not exist.
/// Guarantee: kafka-sink refuses to start, with one line that names what is wrong.
#[tokio::test]
async fn a_kafka_setting_that_is_wrong() {
    let outcome = latchwork(&["stage", "kafka-sink", "--kafka", "localhost"]).await;
    outcome.is_one_clear_line(&["localhost", "port", "--kafka"]);
    let (_folder, path) = file(
        "pipeline.toml",
        "[kafka.librdkafka]\n\"no.such.setting\" = 1\n",
    );
    let config = path.to_str().unwrap();
    let outcome = latchwork(&[
        "stage",
        "kafka-sink",
        "--kafka",
        &nobody(),
        "--config",
        config,
    ])
    .await;
    outcome.is_one_clear_line(&["no.such.setting"]);
}

/// Scenario: the streams were made with two partitions, and a stage is started with a file that
/// says four.
/// Guarantee: it refuses, with one line that has both numbers.
#[tokio::test]
async fn another_number_of_partitions() {
    let two = Setup::new()
        .pipeline("[streams]\npartitions = 2\n")
        .stages(&["transform"]);
    let bed = two.start().await;
    let (_folder, path) = file("pipeline.toml", "[streams]\npartitions = 4\n");
    let config = path.to_str().unwrap();
    let arguments = [
        "stage",
        "transform",
        "--nats",
        bed.nats_url(),
        "--config",
        config,
    ];
    latchwork(&arguments)
        .await
        .has_failed_saying(&["2 partitions", "4"]);
}

/// Scenario: `dlq show` is asked for an id that is none, and for one that does not exist; `dlq
/// list` looks into an empty stream, and at a NATS server that never saw a pipeline.
/// Guarantee: each says what is meant.
#[tokio::test]
async fn dead_letters_that_do_not_exist() {
    let bed = Setup::new().stages(&["transform"]).start().await;
    let nats = ["--nats", bed.nats_url()];
    let show = |id| [&["dlq"], &nats[..], &["show", id]].concat();
    latchwork(&show("twelve"))
        .await
        .has_failed_saying(&["twelve"]);
    latchwork(&show("12.0"))
        .await
        .is_one_clear_line(&["there is no dead letter 12.0"]);
    let outcome = latchwork(&[&["dlq"], &nats[..], &["list"]].concat()).await;
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(0), "no dead letters\n")
    );

    let folder = tempfile::tempdir().unwrap();
    let bare = NatsServer::start(NatsOptions::new(folder.path()))
        .await
        .unwrap();
    let outcome = latchwork(&["dlq", "--nats", &bare.url(), "list"]).await;
    outcome.is_one_clear_line(&["no dead-letter stream", "provision"]);
}
