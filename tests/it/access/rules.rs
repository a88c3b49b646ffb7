//! What the rules deny, in the words of each version.

use super::door::{Files, Knock, ruled};
use crate::raw_mqtt::{LEVELS, Level, PUBACK, PUBLISH, RawClient};
use crate::testbed::Testbed;

/// The rules of the documentation's kind.
const RULES: &str = "
user app      allow all        things/+/command
all           allow publish    things/%c/state
all           allow subscribe  things/%c/command
all           allow publish    users/%u/#
";

/// First bytes of PUBREC.
const PUBREC: u8 = 0x50;

async fn bed(files: &Files) -> Testbed {
    files.set_users(&["app", "lock-7", "a/b"]).await;
    ruled(files, RULES).start().await
}

/// Scenario: in both versions a lock publishes to its own topic and to another lock's, at each
/// quality of service, while an app looks at the commands.
/// Guarantee: its own is acknowledged. The other's is refused: 5.0 gets 0x87 in PUBACK and PUBREC
/// and goes on, 3.1.1 is thrown out, because its acknowledgement would be a promise; at `QoS` 0 it
/// is dropped. Nobody gets what was refused.
#[tokio::test]
async fn a_denied_publish_goes_nowhere() {
    let files = Files::new();
    let bed = bed(&files).await;
    let mut app = Knock::new(Level::V5, "app-1", "app").comes_in(&bed).await;
    assert_eq!(app.subscribe(&[("things/+/command", 1)]).await, [1]);
    let denied = "things/8/command";
    for level in LEVELS {
        let knock = Knock::new(level, "7", "lock-7");
        let mut lock = knock.comes_in(&bed).await;
        lock.publish("things/7/state", b"own", 1, 1).await;
        assert_eq!(acknowledged(&mut lock, PUBACK).await, 0);
        lock.publish(denied, b"denied", 0, 0).await;
        lock.ping().await;
        if level == Level::V5 {
            lock.publish(denied, b"denied", 1, 2).await;
            assert_eq!(acknowledged(&mut lock, PUBACK).await, 0x87);
            lock.publish(denied, b"denied", 2, 3).await;
            assert_eq!(acknowledged(&mut lock, PUBREC).await, 0x87);
            lock.ping().await;
            continue;
        }
        for qos in [1, 2] {
            let mut lock = knock.comes_in(&bed).await;
            lock.publish(denied, b"denied", qos, 2).await;
            assert_eq!(lock.closed().await, []);
        }
    }
    let mut other = Knock::new(Level::V5, "app-2", "app").comes_in(&bed).await;
    other.publish(denied, b"allowed", 1, 1).await;
    assert_eq!(acknowledged(&mut other, PUBACK).await, 0);
    let first = app.expect(PUBLISH, "the app's command").await;
    assert!(first.body.ends_with(b"allowed"), "{first:?}");
}

/// The reason of an acknowledgement; in 5.0 it is left out when it is success.
async fn acknowledged(client: &mut RawClient, kind: u8) -> u8 {
    let packet = client.expect(kind, "an acknowledgement").await;
    packet.body.get(2).copied().unwrap_or(0)
}

/// Scenario: in both versions a lock subscribes to its own commands, to another's, to everybody's
/// and to everything, also as a shared subscription, and to `$SYS`.
/// Guarantee: each filter has its own answer: only the first is allowed; the others get 0x87, or
/// 0x80 in 3.1.1, and the connection goes on.
#[tokio::test]
async fn a_denied_subscription_is_answered() {
    let files = Files::new();
    let bed = bed(&files).await;
    for level in LEVELS {
        let mut lock = Knock::new(level, "7", "lock-7").comes_in(&bed).await;
        let filters = [
            ("things/7/command", 1),
            ("things/8/command", 1),
            ("things/+/command", 1),
            ("#", 0),
            ("$share/group/things/8/command", 1),
            ("$SYS/#", 0),
        ];
        let denied = if level == Level::V5 { 0x87 } else { 0x80 };
        let codes = lock.subscribe(&filters).await;
        assert_eq!(codes, [1, denied, denied, denied, denied, denied]);
        lock.ping().await;
    }
}

/// Scenario: in both versions a client comes with a will for its own topic, and with one for
/// another lock's.
/// Guarantee: the first comes in; the second gets 0x87, or 5 in 3.1.1.
#[tokio::test]
async fn a_denied_will_keeps_out() {
    let files = Files::new();
    let bed = bed(&files).await;
    for (level, code) in LEVELS.into_iter().zip([5, 0x87]) {
        let own = Knock {
            will: Some("things/7/state"),
            ..Knock::new(level, "7", "lock-7")
        };
        own.comes_in(&bed).await;
        let others = Knock {
            will: Some("things/8/state"),
            ..own
        };
        assert_eq!(others.code(&bed).await, code);
    }
}

/// Scenario: users publish below their own name; one has a slash in its name, and a client has a
/// wildcard in its id.
/// Guarantee: `%u` and `%c` stand for the names that were proven, and for none that would make a rule
/// mean something else.
#[tokio::test]
async fn names_are_no_patterns() {
    let files = Files::new();
    let bed = bed(&files).await;
    let publish = async |client_id: &str, user: &str, topic: &str| {
        let mut client = Knock::new(Level::V5, client_id, user).comes_in(&bed).await;
        client.publish(topic, b"{}", 1, 1).await;
        acknowledged(&mut client, PUBACK).await
    };
    assert_eq!(publish("7", "lock-7", "users/lock-7/door").await, 0);
    assert_eq!(publish("7", "lock-7", "users/app/door").await, 0x87);
    assert_eq!(publish("7", "a/b", "users/a/b/door").await, 0x87);
    let mut greedy = Knock::new(Level::V5, "+", "lock-7").comes_in(&bed).await;
    assert_eq!(greedy.subscribe(&[("things/+/command", 0)]).await, [0x87]);
}
