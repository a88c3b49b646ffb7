//! What tokens say.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::acl::{Acl, Identity, Permissions};

/// Scenario: `exp` and `nbf` around now and the leeway, missing, and of other types.
/// Guarantee: only a token that is valid now passes; what is no time is never taken for nothing.
#[test]
fn times_are_checked() {
    let claim = |name: &str| Err(TokenFault::Claim(name.to_owned()));
    for (claims, expected) in [
        (json!({"exp": 1_000_001}), Ok(())),
        (json!({"exp": 1_000_000 - 29}), Ok(())),
        (json!({"exp": 1_000_000 - 30}), Err(TokenFault::Expired)),
        (json!({"exp": 1_000_000.5}), Ok(())),
        (json!({}), claim("exp")),
        (json!({"exp": "1000001"}), claim("exp")),
        (json!({"exp": null}), claim("exp")),
        (json!({"exp": -1}), claim("exp")),
        (json!({"exp": 1e30}), claim("exp")),
        (json!({"exp": 2_000_000, "nbf": 1_000_030}), Ok(())),
        (
            json!({"exp": 2_000_000, "nbf": 1_000_031}),
            Err(TokenFault::NotYet),
        ),
        (json!({"exp": 2_000_000, "nbf": "later"}), claim("nbf")),
    ] {
        let read = plain(&claims).map(|_| ());
        assert_eq!(read, expected, "{claims}");
    }
}

/// Scenario: issuer, audience and the claims with names, configured and not, right, wrong, missing.
/// Guarantee: what is asked for must be there, and the configured claims give the names.
#[test]
fn claims_are_checked() {
    let asking = TokenSettings {
        issuer: Some("door".to_owned()),
        audience: Some("mqtt".to_owned()),
        client_claim: "cid".to_owned(),
        user_claim: Some("name".to_owned()),
    };
    let with = |more: Value| {
        let mut claims = json!({"exp": 2_000_000});
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        claims
    };
    let name = || TokenFault::Claim("name".to_owned());
    for (claims, expected) in [
        (json!({"iss": "door", "aud": "mqtt"}), Ok((None, None))),
        (
            json!({"iss": "door", "aud": ["x", "mqtt"], "cid": "c", "name": "n", "sub": "s"}),
            Ok((Some("c".to_owned()), Some("n".to_owned()))),
        ),
        (json!({"aud": "mqtt"}), Err(TokenFault::Issuer)),
        (
            json!({"iss": "window", "aud": "mqtt"}),
            Err(TokenFault::Issuer),
        ),
        (json!({"iss": "door"}), Err(TokenFault::Audience)),
        (
            json!({"iss": "door", "aud": ["x"]}),
            Err(TokenFault::Audience),
        ),
        (
            json!({"iss": "door", "aud": "mqtt", "name": 7}),
            Err(name()),
        ),
        (
            json!({"iss": "door", "aud": "mqtt", "name": ""}),
            Err(name()),
        ),
    ] {
        let read = verify(&asking, &with(claims.clone()));
        assert_eq!(
            read.map(|token| (token.client_id, token.username)),
            expected,
            "{claims}"
        );
    }
    for (claims, user) in [
        (json!({"sub": "s", "username": "u"}), Some("u")),
        (json!({"sub": "s"}), Some("s")),
        (json!({}), None),
    ] {
        assert_eq!(plain(&with(claims)).unwrap().username.as_deref(), user);
    }
}

fn permissions(acl: &Value) -> Result<Permissions, TokenFault> {
    let token = plain(&json!({"exp": 2_000_000, "acl": acl}))?;
    let rest = Acl::parse(Path::new("acl"), b"all allow all rest/#").unwrap();
    let identity = Identity {
        client_id: "lock-7".to_owned(),
        username: Some("bob".to_owned()),
        ip: None,
    };
    Ok(Permissions::new(Arc::new(rest), token.rules, identity, 0))
}

/// Scenario: the `acl` claim as a list: placeholders, `eq`, a list of topics, a rule that denies.
/// Guarantee: its rules are asked in order, before those of the file, which get the rest.
#[test]
fn a_list_comes_before_the_file() {
    let mut may = permissions(&json!([
        {"permission": "deny", "action": "all", "topic": "rest/secret"},
        {"permission": "allow", "action": "publish", "topic": "d/${clientid}/x", "qos": [0, 1, 2]},
        {"permission": "allow", "action": "subscribe", "topics": ["u/%u/#", "eq t/1/#"]},
    ]))
    .unwrap();
    for (topic, publish, subscribe) in [
        ("d/lock-7/x", true, false),
        ("d/lock-8/x", false, false),
        ("u/bob/1", false, true),
        ("t/1/#", false, true),
        ("t/1/2", false, false),
        ("rest/a", true, true),
        ("rest/secret", false, false),
        ("rest/#", false, false),
    ] {
        assert_eq!(
            may.publish(topic).allowed,
            publish && !topic.contains('#'),
            "{topic}"
        );
        assert_eq!(may.subscribe(topic).allowed, subscribe, "{topic}");
    }
    assert_eq!(may.publish("d/lock-7/x").by, crate::acl::By::Token(2));
}

/// Scenario: the `acl` claim as an object, and an empty one.
/// Guarantee: it lists all that is allowed; the file gets nothing.
#[test]
fn an_object_lists_everything() {
    let mut may = permissions(&json!({"pub": ["p/%c"], "sub": "s/#", "all": ["a"]})).unwrap();
    for (topic, publish, subscribe) in [
        ("p/lock-7", true, false),
        ("s/1", false, true),
        ("a", true, true),
        ("rest/a", false, false),
        ("$SYS/a", false, false),
    ] {
        assert_eq!(may.publish(topic).allowed, publish, "{topic}");
        assert_eq!(may.subscribe(topic).allowed, subscribe, "{topic}");
    }
    assert!(!permissions(&json!({})).unwrap().publish("rest/a").allowed);
}

/// Scenario: `acl` claims with faults and conditions that are not known here.
/// Guarantee: the token is refused: to leave a condition out would allow too much or too little.
#[test]
fn unknown_rules_refuse_the_token() {
    for claim in [
        json!("all"),
        json!(["all"]),
        json!([{"permission": "allow", "action": "publish"}]),
        json!([{"permission": "allow", "action": "publish", "topic": []}]),
        json!([{"permission": "may", "action": "publish", "topic": "a"}]),
        json!([{"permission": "allow", "action": "read", "topic": "a"}]),
        json!([{"permission": "allow", "action": "all", "topic": "a", "qos": [1]}]),
        json!([{"permission": "deny", "action": "all", "topic": "a", "retain": true}]),
        json!([{"permission": "allow", "action": "all", "topic": "a/#/b"}]),
        json!({"pub": ["a"], "read": ["a"]}),
        json!({"pub": [7]}),
        json!({"pub": vec!["a"; 300]}),
    ] {
        let refused = permissions(&claim).map(|_| ());
        assert!(
            matches!(refused, Err(TokenFault::Acl(_))),
            "{claim} {refused:?}"
        );
    }
}
