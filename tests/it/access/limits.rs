//! Guessing, crowding and flooding.

use std::time::{Duration, Instant};

use futures::future::join_all;

use super::door::{Files, Knock, WRONG, guarded};
use crate::raw_mqtt::{LEVELS, Level, PUBACK};
use crate::waiting::{soon, until};

/// Scenario: somebody tries ten wrong passwords for one user from one address, at once and with
/// client ids of its own, then the right one; meanwhile a lock of that address and user that was in
/// before comes again, and so does a user from another address.
/// Guarantee: each try is told "wrong", from then on 0x8A (5 in 3.1.1) at once, even the right
/// password. Who logged in before from there with these names still comes in, and another user from
/// another address does; but from nowhere a new client of the user that was tried.
#[tokio::test]
async fn ten_wrong_passwords_ban() {
    let files = Files::new();
    files.set_users(&["alice", "bob"]).await;
    let bed = guarded(&files).start().await;
    let known = Knock::new(Level::V5, "known", "alice");
    known.comes_in(&bed).await;

    let ids: Vec<String> = (0..10).map(|n| format!("guess-{n}")).collect();
    let guesses = ids
        .iter()
        .map(|id| Knock::new(Level::V5, id, "alice").with(WRONG));
    let guesses: Vec<_> = guesses.collect();
    let answers = guesses.iter().map(|guess| Box::pin(guess.code(&bed)));
    assert_eq!(join_all(answers).await, [0x86; 10]);

    let begun = Instant::now();
    for (level, code) in LEVELS.into_iter().zip([5, 0x8A]) {
        let right = Knock::new(level, "new", "alice");
        assert_eq!(right.code(&bed).await, code);
        assert_eq!(Knock::new(level, "new", "bob").code(&bed).await, code);
        assert_eq!(right.code_from("127.0.0.2", &bed).await, code);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "a ban is told at once"
    );
    known.comes_in(&bed).await;
    let bob = Knock::new(Level::V311, "bob's", "bob");
    assert_eq!(bob.code_from("127.0.0.2", &bed).await, 0);
}

/// Scenario: a client may come and go three times a minute; it does so once more, and another of its
/// user once.
/// Guarantee: it is told 0x8A (5 in 3.1.1) then; the other comes in.
#[tokio::test]
async fn a_flapping_client_is_banned() {
    let files = Files::new();
    files.set_users(&["alice"]).await;
    let bed = guarded(&files).env("LATCHWORK_FLAPPING", "3").start().await;
    for (level, client_id, code) in [(Level::V311, "4", 5), (Level::V5, "5", 0x8A)] {
        let knock = Knock::new(level, client_id, "alice");
        for _ in 0..4 {
            let mut client = knock.comes_in(&bed).await;
            client.send(&[0xE0, 0]).await;
            client.closed().await;
        }
        until("the client to be banned", async || {
            knock.code(&bed).await == code
        })
        .await;
        Knock::new(level, "calm", "alice").comes_in(&bed).await;
    }
}

/// Scenario: with two connections for each user, a user opens three, closes one, and opens another;
/// a second user comes meanwhile.
/// Guarantee: the third is told 0x97 (3 in 3.1.1); a place that is free again can be had; users do
/// not take each other's places.
#[tokio::test]
async fn a_user_has_so_many_connections() {
    let files = Files::new();
    files.set_users(&["alice", "bob"]).await;
    let setup = guarded(&files).env("LATCHWORK_MAX_CONNECTIONS_PER_USER", "2");
    let bed = setup.start().await;
    let _first = Knock::new(Level::V5, "1", "alice").comes_in(&bed).await;
    let mut second = Knock::new(Level::V5, "2", "alice").comes_in(&bed).await;
    for (level, code) in LEVELS.into_iter().zip([3, 0x97]) {
        assert_eq!(Knock::new(level, "3", "alice").code(&bed).await, code);
    }
    let _other = Knock::new(Level::V5, "4", "bob").comes_in(&bed).await;
    second.send(&[0xE0, 0]).await;
    second.closed().await;
    let third = Knock::new(Level::V5, "3", "alice");
    until("the place to be free", async || third.code(&bed).await == 0).await;
}

/// Messages a second that a client may publish.
const RATE: u32 = 50;

/// Scenario: clients may publish 50 messages a second and are borne for 2 s; one publishes without
/// an end and reads its PUBACKs, another publishes now and then.
/// Guarantee: the first gets its PUBACKs at the rate, not faster, and after that time DISCONNECT
/// 0x97; the other is not slowed down meanwhile.
#[tokio::test]
async fn a_flood_is_slowed_and_ended() {
    let files = Files::new();
    files.set_users(&["alice"]).await;
    let bed = guarded(&files)
        .env("LATCHWORK_PUBLISH_RATE", RATE.to_string())
        .env("LATCHWORK_PUBLISH_RATE_PATIENCE", "2")
        .start()
        .await;
    let mut flood = Knock::new(Level::V5, "flood", "alice").comes_in(&bed).await;
    let mut calm = Knock::new(Level::V5, "calm", "alice").comes_in(&bed).await;
    let begun = Instant::now();
    let mut acknowledged = 0_u32;
    let flooding = async {
        loop {
            // One second's worth may come at once; what follows is withheld.
            flood.publish("a/b", b"{}", 1, 1).await;
            let packet = flood.next("PUBACK or the end").await.unwrap();
            if packet.first & 0xF0 != PUBACK {
                break packet;
            }
            acknowledged += 1;
            if acknowledged.is_multiple_of(RATE / 2) {
                let asked = Instant::now();
                calm.publish("a/b", b"{}", 1, 1).await;
                calm.expect(PUBACK, "PUBACK of the calm one").await;
                let waited = asked.elapsed();
                assert!(waited < Duration::from_secs(1), "the calm one waited");
            }
        }
    };
    let end = soon("the end of the flood", flooding).await;
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!((end.first, end.body[0]), (0xE0, 0x97));
    assert!(seconds > 1.9, "ended after {seconds} s");
    let allowed = f64::from(RATE) * (seconds + 1.2);
    assert!(
        f64::from(acknowledged) < allowed,
        "{acknowledged} in {seconds} s"
    );
}
