//! The client against a small server of its own.

use std::num::NonZeroU16;
use std::time::Duration;

use rmqtt_codec::v5;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::stub::Stub;
use super::{
    AckMode, ClientError, ClientOptions, MqttClient, Publish, ReasonCode, ResumableClient,
    ResumableEvent, ResumableOptions,
};

const DEADLINE: Duration = Duration::from_secs(20);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"))
}

/// Scenario: both versions connect, subscribe, publish with both `QoS`, ping, unsubscribe (3.1.1)
/// and disconnect.
/// Guarantee: every answer arrives, and the server saw the messages in order.
#[tokio::test]
async fn a_whole_conversation() {
    for v5 in [false, true] {
        let stub = Stub::start().await;
        let options = ClientOptions::new(&stub.address, "lock");
        let options = if v5 { options.v5() } else { options };
        let (client, mut incoming) = MqttClient::connect(&options).await.unwrap();
        let codes = client.subscribe(["devices/lock/command"]).await.unwrap();
        assert_eq!(codes, [ReasonCode::GRANTED_QOS_1]);

        let first = client.publish(Publish::new("t", "1")).await.unwrap();
        let second = client
            .publish(Publish::new("t", "2").at_most_once())
            .await
            .unwrap();
        let third = client.publish(Publish::new("t", "3")).await.unwrap();
        for ack in [first, second, third] {
            assert_eq!(
                soon("PUBACK", ack).await.unwrap().reason,
                ReasonCode::SUCCESS
            );
        }
        let payloads = stub.read(|s| {
            s.published
                .iter()
                .map(|p| p.payload.clone())
                .collect::<Vec<_>>()
        });
        assert_eq!(payloads, ["1", "2", "3"]);

        stub.deliver("lock", "devices/lock/command", "open").await;
        let message = soon("delivery", incoming.next()).await.unwrap();
        assert_eq!(
            (&*message.topic, &*message.payload),
            ("devices/lock/command", &b"open"[..])
        );
        stub.until("automatic PUBACK", |s| s.acked_by_clients.len() == 1)
            .await;

        soon("PINGRESP", client.ping()).await.unwrap();
        if !v5 {
            client.unsubscribe(["devices/lock/command"]).await.unwrap();
        }
        client.disconnect().await.unwrap();
        assert_eq!(client.closed().await, ClientError::Closed);
        assert_eq!(incoming.next().await, None);
    }
}

/// Scenario: the caller acknowledges by itself.
/// Guarantee: no PUBACK goes out before it says so.
#[tokio::test]
async fn explicit_acknowledgement() {
    let stub = Stub::start().await;
    let options = ClientOptions {
        ack_mode: AckMode::Explicit,
        ..ClientOptions::new(&stub.address, "lock")
    };
    let (client, mut incoming) = MqttClient::connect(&options).await.unwrap();
    client.subscribe(["c"]).await.unwrap();
    stub.deliver("lock", "c", "open").await;
    let message = soon("delivery", incoming.next()).await.unwrap();
    // The answer shows that the server has read everything that was sent before.
    client.ping().await.unwrap();
    assert!(stub.read(|s| s.acked_by_clients.is_empty()));
    client.acknowledge(&message).await.unwrap();
    stub.until("PUBACK", |s| s.acked_by_clients.len() == 1)
        .await;
}

/// Scenario: the server refuses one of three messages, and announces a window of one.
/// Guarantee: each answer belongs to its message, and the second is sent after the first's PUBACK.
#[tokio::test]
async fn refusals_and_the_window() {
    let stub = Stub::start().await;
    stub.change(|s| {
        s.refuse = Some(("bad", v5::PublishAckReason::PayloadFormatInvalid));
        s.receive_maximum = NonZeroU16::new(1);
        s.withhold = true;
    });
    let (client, _incoming) = MqttClient::connect(&ClientOptions::new(&stub.address, "lock").v5())
        .await
        .unwrap();
    let _first = client.publish(Publish::new("t", "first")).await.unwrap();
    stub.until("first", |s| s.published.len() == 1).await;
    {
        let second = client.publish(Publish::new("t", "second"));
        tokio::pin!(second);
        client.ping().await.unwrap();
        assert!(
            futures::poll!(&mut second).is_pending(),
            "the window of one is full"
        );
    }
    client.disconnect().await.unwrap();

    stub.change(|s| s.withhold = false);
    let (client, _incoming) = MqttClient::connect(&ClientOptions::new(&stub.address, "lock").v5())
        .await
        .unwrap();
    let mut reasons = Vec::new();
    for payload in ["good", "bad", "good"] {
        let ack = client.publish(Publish::new("t", payload)).await.unwrap();
        reasons.push(soon("PUBACK", ack).await.unwrap().reason);
    }
    let refused = ReasonCode::PAYLOAD_FORMAT_INVALID;
    assert_eq!(reasons, [ReasonCode::SUCCESS, refused, ReasonCode::SUCCESS]);
}

/// Scenario: nobody listens; the server refuses; it accepts but never answers; it breaks off.
/// Guarantee: each is a typed error with one clear line, and whoever waits is told.
#[tokio::test]
async fn every_fault_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap().to_string();
    let mut options = ClientOptions::new(&address, "lock");
    options.connect_timeout = Duration::from_millis(50);
    let error = MqttClient::connect(&options).await.unwrap_err();
    assert!(matches!(error, ClientError::NoAnswer { .. }), "{error}");
    drop(free);
    let error = MqttClient::connect(&options).await.unwrap_err();
    assert!(
        error.to_string().contains(&address) && error.to_string().contains("--mqtt"),
        "{error}"
    );

    let stub = Stub::start().await;
    stub.change(|s| s.connack = Some(v5::ConnectAckReason::BadUserNameOrPassword));
    let v5 = ClientOptions::new(&stub.address, "lock").v5();
    let error = MqttClient::connect(&v5).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("bad user name or password (0x86)"),
        "{error}"
    );
    let error = MqttClient::connect(&ClientOptions::new(&stub.address, "lock"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("not authorized (0x87)"),
        "{error}"
    );

    stub.change(|s| (s.connack, s.withhold) = (None, true));
    let (client, _incoming) = MqttClient::connect(&v5).await.unwrap();
    let waits = client.publish(Publish::new("t", "p")).await.unwrap();
    stub.until("publish", |s| s.published.len() == 1).await;
    stub.break_connections();
    assert!(matches!(
        soon("end", waits).await,
        Err(ClientError::Broken(_))
    ));
    let unsendable = client.publish(Publish::new("t", "p")).await;
    assert!(matches!(unsendable, Err(ClientError::Broken(_))));
}

/// Scenario: a server that stops answering while the client has nothing to say.
/// Guarantee: the keep-alive ends the connection.
#[tokio::test(start_paused = true)]
async fn keep_alive_notices_a_dead_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut connect = [0; 256];
        assert!(stream.read(&mut connect).await.unwrap() > 0);
        stream.write_all(&[0x20, 2, 0, 0]).await.unwrap();
        stream
    });
    let options = ClientOptions {
        keep_alive_secs: 3,
        connect_timeout: Duration::from_secs(1 << 20),
        ..ClientOptions::new(&address, "lock")
    };
    let (client, _incoming) = MqttClient::connect(&options).await.unwrap();
    let _stream = server.await.unwrap();
    assert_eq!(
        client.closed().await,
        ClientError::KeepAlive(Duration::from_secs(3))
    );
}

async fn acknowledged(events: &mut mpsc::Receiver<ResumableEvent>, count: usize) -> Vec<u64> {
    let mut sequences = Vec::new();
    while sequences.len() < count {
        if let ResumableEvent::Acknowledged { sequence, .. } =
            soon("event", events.recv()).await.unwrap()
        {
            sequences.push(sequence);
        }
    }
    sequences
}

/// Scenario: the connection breaks when three messages are not acknowledged and two wait; the
/// server is away for a while, and comes back on the same port.
/// Guarantee: the three are sent again in order with DUP, then the others; each is reported once.
#[tokio::test]
async fn resumes_in_order() {
    let stub = Stub::start().await;
    stub.change(|s| s.withhold = true);
    let options = ResumableOptions {
        client: ClientOptions::new(&stub.address, "lock"),
        window: 3,
        subscriptions: vec!["devices/lock/command".into()],
    };
    let (client, mut events) = ResumableClient::start(options);
    let publishing = tokio::spawn(async move {
        for sequence in 0..5 {
            client
                .publish(sequence, Publish::new("t", sequence.to_string()))
                .await
                .unwrap();
        }
        client
    });
    stub.until("a full window", |s| s.published.len() == 3)
        .await;
    let address = stub.address.clone();
    drop(stub);
    while !matches!(
        soon("event", events.recv()).await.unwrap(),
        ResumableEvent::Unreachable(_)
    ) {}

    let stub = Stub::listen(&address).await;
    let sequences = acknowledged(&mut events, 5).await;
    assert_eq!(sequences, [0, 1, 2, 3, 4]);
    let seen = stub.read(|s| {
        assert!(
            s.subscribed
                .contains(&("lock".into(), "devices/lock/command".into()))
        );
        s.published
            .iter()
            .map(|p| (p.payload.clone(), p.dup))
            .collect::<Vec<_>>()
    });
    let expected = [
        ("0", true),
        ("1", true),
        ("2", true),
        ("3", false),
        ("4", false),
    ];
    let expected: Vec<_> = expected.map(|(p, dup)| (bytes::Bytes::from(p), dup)).into();
    assert_eq!(seen, expected);
    assert_eq!(publishing.await.unwrap().finish(DEADLINE).await, [0; 0]);
}

/// Scenario: the server never acknowledges, or is not there at all, when it is time to stop.
/// Guarantee: it ends in time, and names what was not acknowledged.
#[tokio::test]
async fn finishing_names_the_rest() {
    let stub = Stub::start().await;
    stub.change(|s| s.withhold = true);
    let options = ResumableOptions {
        client: ClientOptions::new(&stub.address, "lock"),
        window: 10,
        subscriptions: Vec::new(),
    };
    let (client, _events) = ResumableClient::start(options.clone());
    for sequence in [7, 8] {
        client
            .publish(sequence, Publish::new("t", "p"))
            .await
            .unwrap();
    }
    stub.until("both", |s| s.published.len() == 2).await;
    assert_eq!(client.finish(Duration::from_millis(20)).await, [7, 8]);

    drop(stub);
    let (client, _events) = ResumableClient::start(options);
    assert_eq!(client.finish(Duration::from_millis(20)).await, [0; 0]);
}
