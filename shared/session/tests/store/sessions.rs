//! The bucket `session`.

use async_nats::jetstream::kv;
use session::{
    GetError, OpenError, PutError, Revision, SentMessage, SessionBucket, SessionRecord,
    Subscription, Will,
};

use crate::bed::{Bed, message, until_it_answers};

pub(crate) fn session(client_id: &str, node: &str) -> SessionRecord {
    SessionRecord {
        client_id: client_id.to_owned(),
        username: "lock".to_owned(),
        epoch: 3,
        node: node.to_owned(),
        connected: true,
        expiry_secs: u32::MAX,
        ended_at_ms: None,
        subscriptions: vec![Subscription {
            filter: format!("devices/{client_id}/command"),
            qos: 2,
            no_local: true,
            retain_as_published: true,
            retain_handling: 1,
            id: Some(7),
        }],
        received: vec![1, 65_535],
        sent: vec![SentMessage {
            packet_id: 9,
            seq: u64::MAX,
            index: 1,
            released: true,
        }],
        will: Some(Will {
            message: message("devices/1/state", "gone"),
            delay_secs: 5,
        }),
    }
}

/// Scenario: two edges create one session, one changes it, the other changes what it had read
/// before, then removes it.
/// Guarantee: of each two changes one wins and the other one is told of a conflict; what is stored
/// is the winner's; a removed session can be created anew.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_edges_has_a_session() {
    let bed = Bed::start().await;
    let one = SessionBucket::open(bed.context().await).await.unwrap();
    let other = SessionBucket::open(bed.context().await).await.unwrap();
    let (on_one, on_other) = (session("a.b *>", "one"), session("a.b *>", "other"));
    let (first, second) = tokio::join!(one.put(&on_one, None), other.put(&on_other, None));
    let (winner, revision) = match (first, second) {
        (Ok(revision), Err(PutError::Conflict(_))) => (on_one.clone(), revision),
        (Err(PutError::Conflict(_)), Ok(revision)) => (on_other.clone(), revision),
        both => panic!("{both:?}"),
    };
    let stored = other.get("a.b *>").await.unwrap();
    assert_eq!(stored, Some((winner, revision)));

    let changed = SessionRecord { epoch: 4, ..on_one };
    let newer = one.put(&changed, Some(revision)).await.unwrap();
    assert!(newer > revision);
    let late = other.put(&on_other, Some(revision)).await.unwrap_err();
    assert!(matches!(late, PutError::Conflict(_)), "{late}");
    let late = other.delete("a.b *>", revision).await.unwrap_err();
    assert!(matches!(late, PutError::Conflict(_)), "{late}");
    assert_eq!(one.get("a.b *>").await.unwrap(), Some((changed, newer)));

    other.delete("a.b *>", newer).await.unwrap();
    other.delete("a.b *>", newer).await.unwrap();
    assert_eq!(one.get("a.b *>").await.unwrap(), None);
    assert!(one.put(&on_other, None).await.unwrap() > newer);
}

/// Scenario: the answer to a put was lost, so it is put again.
/// Guarantee: the record is known again: its revision, no conflict with itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_put_can_be_repeated() {
    let bed = Bed::start().await;
    let bucket = SessionBucket::open(bed.context().await).await.unwrap();
    let record = session("1", "edge");
    let first = bucket.put(&record, None).await.unwrap();
    assert_eq!(bucket.put(&record, None).await.unwrap(), first);
    let changed = SessionRecord {
        connected: false,
        ..record
    };
    let second = bucket.put(&changed, Some(first)).await.unwrap();
    assert_eq!(bucket.put(&changed, Some(first)).await.unwrap(), second);
}

/// Scenario: sessions of any client id, one of them written twice, one deleted; nats-server is
/// killed and started again.
/// Guarantee: all are loaded as they were put, each once, with the revision that its next change
/// must name.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_survive_a_kill() {
    let mut bed = Bed::start().await;
    let bucket = SessionBucket::open(bed.context().await).await.unwrap();
    assert!(bucket.load_all().await.unwrap().sessions.is_empty());
    let long = "x".repeat(65_535);
    let mut expected: Vec<(SessionRecord, Revision)> = Vec::new();
    for client_id in ["", "1", "a/b", "\u{95e8}", &long] {
        let record = session(client_id, "edge");
        let revision = bucket.put(&record, None).await.unwrap();
        expected.push((record, revision));
    }
    let gone = bucket.put(&session("gone", "edge"), None).await.unwrap();
    bucket.delete("gone", gone).await.unwrap();
    let (record, revision) = &mut expected[1];
    record.epoch += 1;
    *revision = bucket.put(record, Some(*revision)).await.unwrap();

    bed.crash().await;
    let loaded = until_it_answers(async || bucket.load_all().await).await;
    assert!(loaded.unreadable.is_empty());
    let mut sessions = loaded.sessions;
    sessions.sort_by(|(one, _), (other, _)| one.client_id.cmp(&other.client_id));
    expected.sort_by(|(one, _), (other, _)| one.client_id.cmp(&other.client_id));
    assert_eq!(sessions, expected);
    let (record, revision) = sessions.pop().unwrap();
    until_it_answers(async || bucket.put(&record, Some(revision)).await).await;
}

/// Scenario: what another program, and a newer build, have written into the bucket.
/// Guarantee: those are told by key and cause; the others are loaded, and one can be put over what
/// can't be read.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told() {
    let bed = Bed::start().await;
    let context = bed.context().await;
    let bucket = SessionBucket::open(context.clone()).await.unwrap();
    bucket.put(&session("good", "edge"), None).await.unwrap();
    let store = context.get_key_value("session").await.unwrap();
    store.put("strange", "oops".into()).await.unwrap();
    let newer = r#"{"v":2,"client_id":"newer"}"#;
    store.put("newer", newer.into()).await.unwrap();
    let loaded = bucket.load_all().await.unwrap();
    assert_eq!(loaded.sessions.len(), 1);
    let mut told: Vec<String> = loaded.unreadable.iter().map(ToString::to_string).collect();
    told.sort();
    assert!(
        told[0].contains("`newer`") && told[0].contains("version 2"),
        "{told:?}"
    );
    assert!(
        told[1].contains("`strange`") && told[1].contains("not a session"),
        "{told:?}"
    );
    let error = bucket.get("strange").await.unwrap_err();
    assert!(matches!(error, GetError::Unreadable { .. }), "{error}");
    let strange = loaded.unreadable.iter().find(|one| one.key == "strange");
    let over = strange.unwrap().revision;
    bucket
        .put(&session("strange", "edge"), Some(over))
        .await
        .unwrap();
}

/// Scenario: a record that is larger than nats-server takes.
/// Guarantee: an error that says so, not one that asks to try again.
#[tokio::test(flavor = "multi_thread")]
async fn too_large_a_record_is_refused() {
    let bed = Bed::start().await;
    let bucket = SessionBucket::open(bed.context().await).await.unwrap();
    let record = SessionRecord {
        username: "x".repeat(9 << 20),
        ..session("1", "edge")
    };
    let error = bucket.put(&record, None).await.unwrap_err();
    assert!(matches!(error, PutError::TooLarge(_)), "{error}");
}

/// Scenario: nothing is provisioned; then a bucket of that name by somebody else.
/// Guarantee: errors that say what to do.
#[tokio::test(flavor = "multi_thread")]
async fn an_unfit_bucket_is_refused() {
    let bed = Bed::bare().await;
    let context = bed.context().await;
    let error = SessionBucket::open(context.clone()).await.unwrap_err();
    assert!(error.to_string().contains("latchwork provision"), "{error}");
    let bucket = kv::Config {
        bucket: "session".to_owned(),
        ..kv::Config::default()
    };
    context.create_key_value(bucket).await.unwrap();
    let error = SessionBucket::open(context).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}
