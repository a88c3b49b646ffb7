//! The real nats-server: started, killed, restarted, refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is a failure"
)]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use futures::StreamExt;
use servers::{NatsOptions, NatsServer, ServerError, wait_until};

/// Scenario: messages are acknowledged, the server is killed by SIGKILL and restarted, then
/// stopped by SIGTERM and restarted.
/// Guarantee: each time it is ready when `restart` returns, on the same port, with a new process
/// and every message.
#[tokio::test]
async fn data_outlive_a_kill_and_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let mut server = NatsServer::start(NatsOptions::new(folder.path()))
        .await
        .unwrap();
    eprintln!("nats-server: first start {:?}", begun.elapsed());
    let (url, first_pid) = (server.url(), server.pid());
    let jetstream = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
    let stream = async_nats::jetstream::stream::Config {
        name: "DOORS".to_owned(),
        subjects: vec!["door.>".to_owned()],
        ..Default::default()
    };
    jetstream.create_stream(stream).await.unwrap();
    for _ in 0..100 {
        jetstream
            .publish("door.1", "open".into())
            .await
            .unwrap()
            .await
            .unwrap();
    }

    server.kill().await.unwrap();
    assert!(
        async_nats::connect(&url).await.is_err(),
        "it answers although it was killed"
    );
    let begun = Instant::now();
    server.restart().await.unwrap();
    eprintln!("nats-server: restart after a kill {:?}", begun.elapsed());
    assert_eq!(server.url(), url);
    assert_ne!(server.pid(), first_pid);
    assert_eq!(messages(&url).await, 100);

    let begun = Instant::now();
    server.stop().await.unwrap();
    eprintln!("nats-server: stop {:?}", begun.elapsed());
    server.restart().await.unwrap();
    assert_eq!(messages(&url).await, 100);
}

/// Asks with a new client at once: a server that only looks ready fails here.
async fn messages(url: &str) -> u64 {
    let jetstream = async_nats::jetstream::new(async_nats::connect(url).await.unwrap());
    let mut stream = jetstream.get_stream("DOORS").await.unwrap();
    stream.info().await.unwrap().state.messages
}

/// Scenario: a server is paused by SIGSTOP while a client is connected, then resumed.
/// Guarantee: the client's request gets no answer during the pause and one after it.
#[tokio::test]
async fn a_pause_keeps_connections() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = NatsServer::start(NatsOptions::new(folder.path()))
        .await
        .unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    server.pause().await.unwrap();
    let flush = tokio::time::timeout(Duration::from_millis(300), async {
        let mut replies = client.subscribe("echo").await.unwrap();
        client.publish("echo", "x".into()).await.unwrap();
        replies.next().await
    });
    assert!(flush.await.is_err(), "a paused server answered");
    server.resume().await.unwrap();
    let mut replies = client.subscribe("echo").await.unwrap();
    client.publish("echo", "y".into()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), replies.next())
        .await
        .unwrap();
}

/// Scenario: somebody listens on the chosen port.
/// Guarantee: the start fails with an error that names the port.
#[tokio::test]
async fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = NatsOptions {
        port: Some(port),
        ..NatsOptions::new(folder.path())
    };
    let refused = NatsServer::start(options).await.unwrap_err();
    assert!(matches!(refused, ServerError::PortInUse { port: named, .. } if named == port));
}

/// Scenario: the extra config has a mistake.
/// Guarantee: the start fails soon, and the error shows what the server said about it.
#[tokio::test]
async fn a_failed_start_shows_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let options = NatsOptions {
        extra_config: "no_such_setting: 1".to_owned(),
        ..NatsOptions::new(folder.path())
    };
    let refused = NatsServer::start(options).await.unwrap_err();
    assert!(
        matches!(refused, ServerError::EndedEarly { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("no_such_setting"), "{refused}");
}

/// Scenario: JetStream gets a small store, monitoring is asked for.
/// Guarantee: the limit is in force, and the monitoring port listens.
#[tokio::test]
async fn extra_config_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let options = NatsOptions {
        jetstream_config: "max_file_store: 1MB".to_owned(),
        monitoring: true,
        ..NatsOptions::new(folder.path())
    };
    let server = NatsServer::start(options).await.unwrap();
    let jetstream = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let too_large = async_nats::jetstream::stream::Config {
        name: "LARGE".to_owned(),
        max_bytes: 2 * 1024 * 1024,
        ..Default::default()
    };
    assert!(jetstream.create_stream(too_large).await.is_err());
    let address = server.monitoring_url().unwrap().replace("http://", "");
    wait_until(Duration::from_secs(5), "the monitoring port", async || {
        tokio::net::TcpStream::connect(&address).await.is_ok()
    })
    .await
    .unwrap();
}

/// Scenario: a start runs in a spawned task.
/// Guarantee: it compiles, so the future can move between threads.
#[tokio::test]
async fn a_start_can_be_spawned() {
    let folder = tempfile::tempdir().unwrap();
    let options = NatsOptions::new(folder.path());
    tokio::spawn(NatsServer::start(options))
        .await
        .unwrap()
        .unwrap();
}
