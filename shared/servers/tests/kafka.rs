//! The real Kafka: started, killed, restarted, refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is a failure"
)]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use servers::{KafkaOptions, KafkaServer, ServerError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const METADATA: i16 = 3;
const CREATE_TOPICS: i16 = 19;

/// Scenario: a topic is created, the node is killed by SIGKILL and restarted, then stopped by
/// SIGTERM and restarted.
/// Guarantee: each time it is ready when `restart` returns, on the same port, with a new process
/// and the topic.
#[tokio::test]
async fn data_outlive_a_kill_and_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let mut server = KafkaServer::start(KafkaOptions::new(folder.path()))
        .await
        .unwrap();
    eprintln!("Kafka: first start {:?}", begun.elapsed());
    let (address, first_pid) = (server.address(), server.pid());
    create_topic(&address, "doors").await;

    server.kill().await.unwrap();
    assert!(
        TcpStream::connect(&address).await.is_err(),
        "it accepts although it was killed"
    );
    let begun = Instant::now();
    server.restart().await.unwrap();
    eprintln!("Kafka: restart after a kill {:?}", begun.elapsed());
    assert_eq!(server.address(), address);
    assert_ne!(server.pid(), first_pid);
    assert!(has_topic(&address, "doors").await);

    let begun = Instant::now();
    server.stop().await.unwrap();
    eprintln!("Kafka: stop {:?}", begun.elapsed());
    let begun = Instant::now();
    server.restart().await.unwrap();
    eprintln!("Kafka: restart after a stop {:?}", begun.elapsed());
    assert!(has_topic(&address, "doors").await);
}

/// Scenario: a node is paused by SIGSTOP, then resumed.
/// Guarantee: no answer during the pause, an answer after it.
#[tokio::test]
async fn a_pause_is_silence() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = KafkaServer::start(KafkaOptions::new(folder.path()))
        .await
        .unwrap();
    let address = server.address();
    server.pause().await.unwrap();
    let asked = tokio::time::timeout(Duration::from_millis(300), has_topic(&address, "doors"));
    assert!(asked.await.is_err(), "a paused node answered");
    server.resume().await.unwrap();
    assert!(!has_topic(&address, "doors").await);
}

/// Scenario: somebody listens on the chosen port.
/// Guarantee: the start fails with an error that names the port.
#[tokio::test]
async fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = KafkaOptions {
        port: Some(port),
        ..KafkaOptions::new(folder.path())
    };
    let refused = KafkaServer::start(options).await.unwrap_err();
    assert!(matches!(refused, ServerError::PortInUse { port: named, .. } if named == port));
}

/// Scenario: the data are those of a node with another number.
/// Guarantee: the start fails soon, and the error shows what Kafka said about it.
#[tokio::test]
async fn a_failed_start_shows_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let topics = folder.path().join("topics");
    std::fs::create_dir(&topics).unwrap();
    let of_another = "version=1\ncluster.id=bGF0Y2h3b3JrLWthZmthIQ\nnode.id=7\n";
    std::fs::write(topics.join("meta.properties"), of_another).unwrap();
    let refused = KafkaServer::start(KafkaOptions::new(folder.path()))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ServerError::EndedEarly { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("node"), "{refused}");
}

async fn create_topic(address: &str, name: &str) {
    let mut body = 1_u32.to_be_bytes().to_vec();
    body.extend(string(name));
    body.extend(1_u32.to_be_bytes()); // partitions
    body.extend(1_u16.to_be_bytes()); // replicas
    body.extend([0; 8]); // no assignments, no settings
    body.extend(5_000_u32.to_be_bytes()); // milliseconds
    body.push(0); // not only a trial
    let answer = ask(address, CREATE_TOPICS, 2, &body).await;
    // After correlation, throttle, count and name: the error code.
    let at = 12 + 2 + name.len();
    assert_eq!(answer[at..at + 2], [0, 0], "the topic was refused");
}

/// Asks with a new connection at once: a node that only looks ready fails here.
async fn has_topic(address: &str, name: &str) -> bool {
    let all_topics_create_none = [0xff, 0xff, 0xff, 0xff, 0];
    let answer = ask(address, METADATA, 4, &all_topics_create_none).await;
    answer
        .windows(name.len())
        .any(|window| window == name.as_bytes())
}

/// One request of the Kafka protocol with a header of version 1, and its answer.
async fn ask(address: &str, key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut request = [key.to_be_bytes(), version.to_be_bytes()].concat();
    request.extend(1_u32.to_be_bytes());
    request.extend(string("test"));
    request.extend(body);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_u32(u32::try_from(request.len()).unwrap())
        .await
        .unwrap();
    stream.write_all(&request).await.unwrap();
    let size = stream.read_u32().await.unwrap();
    let mut answer = vec![0; size as usize];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

fn string(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&length.to_be_bytes(), text.as_bytes()].concat()
}
