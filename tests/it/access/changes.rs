//! Users and rules that change while the edge runs.

use rustix::process::Signal;

use super::door::{Files, Knock, guarded, log, ruled};
use crate::raw_mqtt::{LEVELS, Level, PUBACK, PUBLISH, RawClient};
use crate::testbed::{Testbed, send_signal};
use crate::waiting::until;

const OPEN: &str = "all allow all #\n";

/// What of `a/#` is left when the rules are tightened.
const TIGHT: &str = "all deny subscribe a/secret/#\nall deny subscribe a/#\nall allow all #\n";

/// SIGHUP; returns when the log has this line once more.
async fn reloaded(bed: &Testbed, line: &str) {
    let count = || log(bed).matches(line).count();
    let before = count();
    send_signal(bed.pid("mqtt-edge"), Signal::HUP);
    until(line, async || count() > before).await;
}

/// Scenario: while the edge runs, a user is added, the file is damaged, mended, and the user is
/// removed; nobody tells the edge of the first change, later ones come with SIGHUP.
/// Guarantee: the user comes in and is refused accordingly, without a restart; a damaged file is
/// refused with its name and line, and what was read before stays in force.
#[tokio::test]
async fn users_come_and_go() {
    let files = Files::new();
    files.set_users(&["alice"]).await;
    let bed = guarded(&files)
        // Bob tries until he is in.
        .env("LATCHWORK_LOGIN_FAILURES", "0")
        .start()
        .await;
    let pid = bed.pid("mqtt-edge");
    let alice = Knock::new(Level::V5, "phone", "alice");
    let bob = Knock::new(Level::V5, "tablet", "bob");
    alice.comes_in(&bed).await;
    assert_eq!(bob.code(&bed).await, 0x86);
    files.set_users(&["bob"]).await;
    until("bob to be let in", async || bob.code(&bed).await == 0).await;

    let good = std::fs::read_to_string(files.passwords()).unwrap();
    files.write(&files.passwords(), &format!("{good}carol-without-a-hash\n"));
    reloaded(&bed, "the old one stays in force").await;
    let told = log(&bed);
    assert!(
        told.contains("passwords") && told.contains("line 3"),
        "{told}"
    );
    assert!(!told.contains("carol-without"), "{told}");
    for user in [alice, bob] {
        user.comes_in(&bed).await;
    }
    files.write(&files.passwords(), &good);
    files.remove_user("bob").await;
    reloaded(&bed, "was read again").await;
    assert_eq!(bob.code(&bed).await, 0x86);
    alice.comes_in(&bed).await;
    assert_eq!(bed.pid("mqtt-edge"), pid, "the edge was started again");
}

/// Scenario: in both versions a client is subscribed; the file of rules is damaged; then new rules
/// deny the subscription, and somebody publishes; then the rules are as before.
/// Guarantee: a damaged file changes nothing. The new rules take the subscription away: the client
/// gets nothing of what is published from then on, keeps its others and its connection, and is not
/// let back to it by the rules alone.
#[tokio::test]
async fn new_rules_take_a_subscription_away() {
    let files = Files::new();
    files.set_users(&["alice"]).await;
    let bed = ruled(&files, OPEN).start().await;
    let mut app = Knock::new(Level::V5, "app", "alice").comes_in(&bed).await;
    for level in LEVELS {
        let mut phone = Knock::new(level, "phone", "alice").comes_in(&bed).await;
        assert_eq!(phone.subscribe(&[("a/#", 0), ("b/#", 0)]).await, [0, 0]);
        files.write(&files.rules(), "all permit all #\n");
        reloaded(&bed, "the old one stays in force").await;
        publish(&mut app, "a/1", "before").await;
        assert_eq!(received(&mut phone).await, "before");

        files.write(&files.rules(), TIGHT);
        reloaded(&bed, "was read again").await;
        publish(&mut app, "a/1", "denied").await;
        publish(&mut app, "b/1", "allowed").await;
        assert_eq!(received(&mut phone).await, "allowed", "{level:?}");

        files.write(&files.rules(), OPEN);
        reloaded(&bed, "was read again").await;
        publish(&mut app, "a/1", "nobody's").await;
        publish(&mut app, "b/1", "last").await;
        assert_eq!(received(&mut phone).await, "last", "{level:?}");
    }
}

/// Scenario: in both versions a client with a session that waits for it is subscribed and leaves;
/// new rules deny the subscription; somebody publishes; the client comes back to its session.
/// Guarantee: what the rules deny it does not get, neither what was published before it came back
/// nor after; its other subscriptions went on.
#[tokio::test]
async fn new_rules_hold_for_who_was_away() {
    let files = Files::new();
    files.set_users(&["alice"]).await;
    let bed = ruled(&files, OPEN).start().await;
    let mut app = Knock::new(Level::V5, "app", "alice").comes_in(&bed).await;
    for (level, client_id) in LEVELS.into_iter().zip(["phone-4", "phone-5"]) {
        let phone = Knock {
            lasting: true,
            ..Knock::new(level, client_id, "alice")
        };
        let mut here = phone.comes_in(&bed).await;
        assert_eq!(here.subscribe(&[("a/#", 1), ("b/#", 1)]).await, [1, 1]);
        here.send(&[0xE0, 0]).await;
        here.closed().await;

        files.write(&files.rules(), TIGHT);
        reloaded(&bed, "was read again").await;
        let (mut back, connack) = phone.at(&bed).await;
        assert_eq!(connack.body[..2], [1, 0], "{level:?}: no session");
        publish(&mut app, "a/1", "denied").await;
        publish(&mut app, "b/1", "allowed").await;
        assert_eq!(received(&mut back).await, "allowed", "{level:?}");
        files.write(&files.rules(), OPEN);
        reloaded(&bed, "was read again").await;
    }
}

/// At `QoS` 1, and waits for the PUBACK.
async fn publish(client: &mut RawClient, topic: &str, payload: &str) {
    client.publish(topic, payload.as_bytes(), 1, 9).await;
    let puback = client.expect(PUBACK, "PUBACK").await;
    assert!(
        puback.body.get(2).is_none_or(|code| *code < 0x80),
        "{puback:?}"
    );
}

/// The next message's payload: here they are all of one word.
async fn received(client: &mut RawClient) -> String {
    let publish = client.expect(PUBLISH, "a message").await;
    let text = String::from_utf8_lossy(&publish.body);
    text.rsplit(|c: char| !(c.is_ascii_lowercase() || c == '\''))
        .next()
        .unwrap()
        .to_owned()
}
