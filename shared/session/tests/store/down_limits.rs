//! What DOWN refuses and forgets, and without NATS.

use std::time::Duration;

use async_nats::jetstream;
use servers::wait_until;
use session::{Down, OpenError, StoreError};
use stage::jetstream::StreamSettings;

use crate::bed::{Bed, DEADLINE, expiring, message, now_ms};
use crate::down::{LOCK, all};

/// Scenario: an entry of which all messages expire within a second or have expired, one of which
/// only the first does, and one that lasts.
/// Guarantee: nats-server forgets the first ones by itself, and keeps the others.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_expires_with_its_last_message() {
    let bed = Bed::start().await;
    let down = Down::open(bed.context().await).await.unwrap();
    let now = now_ms();
    let short = [expiring("t", "1", now + 500), expiring("t", "2", now + 800)];
    let over = [expiring("t", "3", 1)];
    let mixed = [expiring("t", "4", now + 500), message("t", "5")];
    let long = [expiring("t", "6", now + 500), expiring("t", "7", u64::MAX)];
    down.store(LOCK, "short", &short).await.unwrap();
    down.store(LOCK, "over", &over).await.unwrap();
    let mixed = down.store(LOCK, "mixed", &mixed).await.unwrap();
    let long = down.store(LOCK, "long", &long).await.unwrap();
    let expired = async || all(&down, LOCK).await.len() < 3;
    wait_until(DEADLINE, "two entries to expire", expired)
        .await
        .unwrap();
    assert_eq!(all(&down, LOCK).await, [mixed, long]);
}

/// Scenario: a queue of two gets a third, while another client has none.
/// Guarantee: the third is refused as what it is, the other client's is stored; a repeat of one
/// that is there is none too many; after one is forgotten there is room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses() {
    let settings = StreamSettings {
        queue: Some(2),
        ..StreamSettings::default()
    };
    let bed = Bed::with(&settings).await;
    let down = Down::open(bed.context().await).await.unwrap();
    let messages = [message("t", "x")];
    let first = down.store(LOCK, "1", &messages).await.unwrap();
    down.store(LOCK, "2", &messages).await.unwrap();
    let error = down.store(LOCK, "3", &messages).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Full(id) if id == LOCK),
        "{error}"
    );
    assert!(error.is_temporary());
    down.store("other", "3", &messages).await.unwrap();
    assert_eq!(down.store(LOCK, "1", &messages).await.unwrap(), first);
    down.forget(LOCK, &[first]).await.unwrap();
    down.store(LOCK, "3", &messages).await.unwrap();
}

/// Scenario: DOWN has no more room; and an entry is larger than nats-server takes at all.
/// Guarantee: both are told for what they are; only the first may pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_refuses() {
    let settings = StreamSettings {
        max_bytes: vec![("DOWN", 100_000)],
        ..StreamSettings::default()
    };
    let bed = Bed::with(&settings).await;
    let down = Down::open(bed.context().await).await.unwrap();
    let large = [message("t", &"x".repeat(60_000))];
    let first = down.store(LOCK, "1", &large).await.unwrap();
    let error = down.store("other", "1", &large).await.unwrap_err();
    assert!(matches!(error, StoreError::StreamFull), "{error}");
    assert!(error.is_temporary());
    assert_eq!(all(&down, LOCK).await, [first]);
    let huge = [message("t", &"x".repeat(9 << 20))];
    let error = down.store(LOCK, "2", &huge).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge(_)), "{error}");
    assert!(!error.is_temporary());
}

/// Scenario: nats-server is away.
/// Guarantee: storing, reading and forgetting say that they don't know, within their time.
#[tokio::test(flavor = "multi_thread")]
async fn without_nats_nothing_is_certain() {
    let mut bed = Bed::start().await;
    let mut context = bed.context().await;
    context.set_timeout(Duration::from_millis(200));
    let down = Down::open(context).await.unwrap();
    bed.server.kill().await.unwrap();
    let error = down
        .store(LOCK, "1", &[message("t", "x")])
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.is_temporary());
    down.read(LOCK, 0, 1).await.unwrap_err();
    down.forget(LOCK, &[1]).await.unwrap_err();
    down.forget_up_to(LOCK, 1).await.unwrap_err();
}

/// Scenario: there is no DOWN; one that forgets the oldest; settings change the provisioned one.
/// Guarantee: the first two are refused with what to do; the third has what was set, and keeps it
/// where nothing is set.
#[tokio::test(flavor = "multi_thread")]
async fn an_unfit_stream_is_refused() {
    let bed = Bed::bare().await;
    let context = bed.context().await;
    let error = Down::open(context.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::Missing(_)), "{error}");
    let foreign = jetstream::stream::Config {
        name: "DOWN".to_owned(),
        subjects: vec!["down.*".to_owned()],
        allow_direct: true,
        ..jetstream::stream::Config::default()
    };
    context.create_stream(foreign).await.unwrap();
    let error = Down::open(context).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");

    let bed = Bed::start().await;
    let context = bed.context().await;
    let config = async || {
        let stream = context.get_stream("DOWN").await.unwrap();
        let config = stream.cached_info().config.clone();
        (config.max_messages_per_subject, config.max_age)
    };
    let week = Duration::from_hours(7 * 24);
    assert_eq!(config().await, (1000, week));
    let set = StreamSettings {
        queue: Some(64),
        queue_max_age: Some(Duration::from_hours(1)),
        ..StreamSettings::default()
    };
    let unset = StreamSettings::default();
    let short = StreamSettings {
        queue_max_age: Some(Duration::from_secs(1)),
        ..set.clone()
    };
    // Shorter than the window in which repeats are known.
    stage::jetstream::provision(&context, &short).await.unwrap();
    assert_eq!(config().await, (64, Duration::from_secs(1)));
    for settings in [&set, &unset] {
        stage::jetstream::provision(&context, settings)
            .await
            .unwrap();
        assert_eq!(config().await, (64, Duration::from_hours(1)));
    }
}
