//! What a session may do, from its login on.

use std::sync::Arc;

use serde_json::json;

use super::*;

/// Scenario: rules for the user `alice`; she comes with her password, and somebody without one
/// takes her name.
/// Guarantee: rules know proven names only.
#[tokio::test]
async fn rules_know_proven_names_only() {
    let folder = Folder::new();
    for (passwords, allowed) in [(true, true), (false, false)] {
        let settings = AccessSettings {
            allow_anonymous: true,
            password_file: passwords.then(|| folder.passwords()),
            acl_file: Some(folder.write("acl", "user alice allow all #")),
            ..AccessSettings::default()
        };
        let access = Access::open(settings).unwrap();
        let alice = connect("c", Some("alice"), Some(PASSWORD));
        let mut admitted = access.admit(&alice).await.unwrap();
        assert_eq!(admitted.username.as_deref(), Some("alice"));
        assert_eq!(admitted.permissions.publish("a").allowed, allowed);
    }
}

/// Scenario: the ACL file changes while a session is open; then it gets a fault; then everybody's
/// permissions are cleaned.
/// Guarantee: the session's permissions follow good files, and stay under the old rules with a bad
/// one.
#[tokio::test]
async fn permissions_follow_the_file() {
    let folder = Folder::new();
    let settings = AccessSettings {
        allow_anonymous: true,
        acl_file: Some(folder.write("acl", "all allow publish a\n")),
        ..AccessSettings::default()
    };
    let access = Arc::new(Access::open(settings).unwrap());
    let mut may = access
        .admit(&connect("c", None, None))
        .await
        .unwrap()
        .permissions;
    assert!(may.publish("a").allowed && !access.refresh(&mut may));

    folder.write("acl", "all allow publish bb\n");
    access.poll();
    assert!(may.publish("a").allowed && access.refresh(&mut may) && !access.refresh(&mut may));
    assert!(!may.publish("a").allowed && may.publish("bb").allowed);

    folder.write("acl", "nonsense\n");
    access.poll();
    assert!(!access.reload() && !access.refresh(&mut may) && may.publish("bb").allowed);
    folder.write("acl", "all allow publish ccc\n");
    assert!(access.reload() && access.refresh(&mut may) && may.publish("ccc").allowed);
    access.clean_permissions();
    assert!(access.refresh(&mut may) && may.publish("ccc").allowed);
}

/// Scenario: a token brings rules, and there is no ACL file.
/// Guarantee: what the token does not allow is denied, also after a refresh; the session's end is
/// the token's.
#[tokio::test]
async fn a_tokens_rules_are_all_there_is() {
    use base64::Engine as _;
    use hmac::Mac as _;
    let folder = Folder::new();
    let settings = AccessSettings {
        token_key_file: Some(folder.keys()),
        token_algorithm: Some(Algorithm::Hs256),
        ..AccessSettings::default()
    };
    let access = Access::open(settings).unwrap();
    let coder = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let rule = json!({"permission": "allow", "action": "publish", "topic": "a"});
    let claims = json!({"exp": 4_102_444_800_u64, "acl": [rule]});
    let text = format!(
        "{}.{}",
        coder.encode(r#"{"alg":"HS256"}"#),
        coder.encode(claims.to_string())
    );
    let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let signature = mac.chain_update(&text).finalize().into_bytes();
    let token = format!("{text}.{}", coder.encode(signature));
    let who = connect("c", None, Some(token.as_bytes()));
    let mut admitted = access.admit(&who).await.unwrap();
    assert!(admitted.expires_at.is_some());
    for _ in 0..2 {
        let may = &mut admitted.permissions;
        assert!(may.publish("a").allowed && !may.publish("b").allowed);
        access.clean_permissions();
        assert!(access.refresh(may));
    }
}
