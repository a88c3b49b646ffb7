//! Passwords, and what is told and kept of those that are wrong.

use record::{Frame, Kind, Record};
use topology::UP;

use super::door::{Files, Knock, PASSWORD, WRONG, guarded, log};
use crate::raw_mqtt::{LEVELS, Level};
use crate::testbed::Testbed;
use crate::waiting::soon;

/// Codes of CONNACK: bad user name or password, and not authorized, in each version.
fn codes(level: Level) -> (u8, u8) {
    match level {
        Level::V311 => (4, 5),
        Level::V5 => (0x86, 0x87),
    }
}

/// Scenario: in both versions a user logs in with the right password, with a wrong one, with none;
/// somebody whom nobody knows tries; and somebody without a name.
/// Guarantee: only the right password opens; each other gets the code that its version has for it,
/// and can't tell an unknown user from a wrong password. The audit has a record of each that was
/// refused, with the names, and no other. Neither password is in the edge's log, at any level.
#[tokio::test]
async fn only_the_right_password_opens() {
    let files = Files::new();
    files.set_users(&["alice"]).await;
    let setup = guarded(&files).pipeline("[audit]\n");
    let bed = setup.start().await;
    let mut refused = Vec::new();
    for level in LEVELS {
        let (bad, none) = codes(level);
        let alice = Knock::new(level, "phone", "alice");
        let nobody = Knock::new(level, "stranger", "mallory");
        let unproven = Knock {
            password: None,
            ..alice
        };
        let anonymous = Knock::anonymous(level, "quiet");
        alice.comes_in(&bed).await;
        for (knock, code) in [
            (alice.with(WRONG), bad),
            (nobody, bad),
            (unproven, bad),
            (anonymous, none),
        ] {
            assert_eq!(knock.code(&bed).await, code, "{}", knock.client_id);
            let names = [knock.client_id, knock.user.unwrap_or_default()];
            refused.push(names.map(str::to_owned));
        }
    }
    assert_eq!(refused_logins(&bed, refused.len()).await, refused);
    let log = log(&bed);
    assert!(log.contains("taking MQTT connections"), "{log}");
    for secret in [PASSWORD, WRONG] {
        assert!(!log.contains(secret), "a password is in the log");
    }
}

/// Client id and user name of the records of refused logins, in their order.
async fn refused_logins(bed: &Testbed, count: usize) -> Vec<[String; 2]> {
    let jetstream = bed.jetstream().await;
    let stream = jetstream.get_stream(UP.name).await.unwrap();
    let mut refused = Vec::new();
    let mut sequence = 1;
    soon("the records of refused logins", async {
        while refused.len() < count {
            match stream.get_raw_message(sequence).await {
                Ok(message) => {
                    let frame = Frame::<Record>::read(message.payload).unwrap();
                    let items = frame.items.into_iter();
                    refused.extend(items.filter(|item| item.kind() == Kind::LoginFailed));
                    sequence += 1;
                }
                Err(_not_yet) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    let names = |record: &Record| {
        assert!(record.peer.starts_with(b"127.0.0.1:"), "{record:?}");
        [&record.client_id, &record.username].map(|name| String::from_utf8(name.to_vec()).unwrap())
    };
    refused.iter().map(names).collect()
}
