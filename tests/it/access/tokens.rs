//! JSON Web Tokens in the place of passwords.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::door::{Files, Knock, guarded, log, shown};
use crate::raw_mqtt::{Level, PUBACK};

const SECRET: &str = "a secret of more than thirty-two bytes";

/// How long after its `exp` a token still counts: clocks differ.
const LEEWAY_S: i64 = 30;

fn token(claims: &Value, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256"})), part(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let signature = mac.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Seconds since 1970, so many from now.
fn at(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + seconds
}

/// Scenario: a lock logs in with a token that has its rules and ends in a few seconds; others try
/// with one that is signed with another secret, that has expired, and that is another client's.
/// Guarantee: only the first comes in, it may do what the token says and nothing else, and is told
/// 0xA0 when the token ends; no token is in the edge's log.
#[tokio::test]
async fn a_token_opens_until_it_ends() {
    let files = Files::new();
    files.set_users(&["somebody-else"]).await;
    files.write(&files.keys(), SECRET);
    let setup = guarded(&files)
        .env("LATCHWORK_JWT_KEY_FILE", shown(&files.keys()))
        .env("LATCHWORK_JWT_ALGORITHM", "HS256");
    let bed = setup.start().await;
    let claims = |ends: i64, client_id: &str| {
        let own = json!({"permission": "allow", "action": "all", "topic": "things/${clientid}/#"});
        json!({"exp": at(ends), "sub": "lock", "client_id": client_id, "acl": [own]})
    };
    let knock = Knock::new(Level::V5, "7", "lock");
    let forged = token(&claims(60, "7"), "another secret of thirty-two bytes!!");
    let over = token(&claims(-LEEWAY_S - 1, "7"), SECRET);
    let others = token(&claims(60, "8"), SECRET);
    for (wrong, code) in [(&forged, 0x86), (&over, 0x86), (&others, 0x85)] {
        assert_eq!(knock.with(wrong).code(&bed).await, code);
    }

    let ends = Instant::now() + Duration::from_secs(4);
    let right = token(&claims(4 - LEEWAY_S, "7"), SECRET);
    let mut lock = knock.with(&right).comes_in(&bed).await;
    for (topic, code) in [("things/7/state", 0), ("things/8/state", 0x87)] {
        lock.publish(topic, b"{}", 1, 1).await;
        let puback = lock.expect(PUBACK, "PUBACK").await;
        assert_eq!(puback.body.get(2).copied().unwrap_or(0), code, "{topic}");
    }
    lock.closed_with(0xA0).await;
    let early = ends.saturating_duration_since(Instant::now());
    assert!(early < Duration::from_millis(1500), "{early:?} too early");
    let log = log(&bed);
    for token in [forged, over, others, right] {
        assert!(!log.contains(&token), "a token is in the log");
    }
}
