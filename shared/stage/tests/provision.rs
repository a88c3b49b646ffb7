//! Streams and durables on a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use async_nats::jetstream::context::Context;
use async_nats::jetstream::stream;
use servers::{NatsOptions, NatsServer};
use stage::jetstream::{StreamSettings, provision};
use stage::{NatsArgs, jetstream_context};
use tempfile::TempDir;
use topology::{EV, LOCK_BUCKET, UP};

/// A server of the test's own, which ends with it.
async fn server() -> (Context, (NatsServer, TempDir)) {
    let data = tempfile::tempdir().unwrap();
    let server = NatsServer::start(NatsOptions::new(data.path()))
        .await
        .unwrap();
    let client = NatsArgs::at(&server.url()).connect("test").await.unwrap();
    (jetstream_context(&client), (server, data))
}

/// Scenario: two stages provision at once, an operator enlarges a stream, a stage starts again, one
/// asks for another number of partitions, and one sets a size.
/// Guarantee: all see the same streams; what the operator set stays; another number of partitions
/// is refused with both numbers; a size in the settings is brought in.
#[tokio::test]
async fn provisioning_is_idempotent_and_careful() {
    let (context, _server) = server().await;
    let four = StreamSettings {
        partitions: Some(4),
        ..StreamSettings::default()
    };
    let (first, second) = tokio::join!(provision(&context, &four), provision(&context, &four));
    let first = first.unwrap();
    assert_eq!(first, second.unwrap());
    assert_eq!(first.names.len(), 12);

    let config = async || {
        context
            .get_stream(UP.name)
            .await
            .unwrap()
            .cached_info()
            .config
            .clone()
    };
    let enlarged = stream::Config {
        max_bytes: UP.max_bytes * 2,
        ..config().await
    };
    context.update_stream(enlarged).await.unwrap();
    let unset = StreamSettings::default();
    assert_eq!(provision(&context, &unset).await.unwrap().partitions, 4);
    assert_eq!(config().await.max_bytes, UP.max_bytes * 2);

    let eight = StreamSettings {
        partitions: Some(8),
        ..StreamSettings::default()
    };
    let error = provision(&context, &eight).await.unwrap_err().to_string();
    assert!(
        error.contains("made with 4 partitions, but 8 are asked for"),
        "{error}"
    );

    let sized = StreamSettings {
        max_bytes: vec![(UP.name, 1 << 20)],
        ..StreamSettings::default()
    };
    provision(&context, &sized).await.unwrap();
    assert_eq!(config().await.max_bytes, 1 << 20);
}

/// Scenario: a pipeline without audit, which later gets one, and people to tell.
/// Guarantee: the audit's streams, durables and bucket are made where they are wanted, with the
/// partitions of the road; who provisions without audit takes nothing away.
#[tokio::test]
async fn the_audit_is_made_where_it_is_wanted() {
    let (context, _server) = server().await;
    let road = StreamSettings {
        partitions: Some(2),
        ..StreamSettings::default()
    };
    provision(&context, &road).await.unwrap();
    assert!(context.get_stream(EV.name).await.is_err());

    let all = StreamSettings {
        audit: true,
        notify: true,
        ..StreamSettings::default()
    };
    let durables = provision(&context, &all).await.unwrap();
    assert_eq!(durables.partitions, 2);
    for name in [
        "audit-1",
        "notify-0",
        "send-email",
        "send-sms",
        "send-webhook",
    ] {
        assert!(durables.names.iter().any(|made| made == name), "{name}");
    }
    assert!(context.get_key_value(LOCK_BUCKET).await.is_ok());
    provision(&context, &road).await.unwrap();
    let stream = context.get_stream(EV.name).await.unwrap();
    assert_eq!(stream.cached_info().state.consumer_count, 2);
}
