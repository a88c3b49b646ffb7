//! Contracts: which payload must be what.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use schema::{Contract, Contracts, Schemas};

fn contract(filter: &str, schema: &str) -> Contract {
    let schemas = Schemas::builtin().unwrap();
    Contract::new(
        filter.parse().unwrap(),
        Arc::clone(schemas.get(schema).unwrap()),
    )
}

fn contracts() -> Contracts {
    [
        contract("devices/+/state", "lock-state"),
        contract("devices/+/command", "lock-command"),
    ]
    .into_iter()
    .collect()
}

fn state_of(client_id: &str) -> Vec<u8> {
    format!(
        r#"{{"process_id":"7802441525528958","action":"unlock","battery":83.4,"lock_state":1,"version":1.1,"client_id":{client_id}}}"#
    )
    .into_bytes()
}

const COMMAND: &[u8] = br#"{"process_id":"7802441525528958","action":"unlock","nonce_str":"u7u4p0n8","ts":1574744434,"sign":"e9f5af7deaa28563"}"#;

/// Scenario: the articles' own payloads on their own topics.
/// Guarantee: they satisfy their contracts; swapped, they do not.
#[test]
fn the_given_payloads_pass() {
    let state = state_of("\"10083618796833171\"");
    let contracts = contracts();
    assert_eq!(
        contracts.check("devices/10083618796833171/state", &state),
        Ok(())
    );
    assert_eq!(
        contracts.check("devices/10083618796833171/command", COMMAND),
        Ok(())
    );
    assert!(
        contracts
            .check("devices/10083618796833171/command", &state)
            .is_err()
    );
    assert!(
        contracts
            .check("devices/10083618796833171/state", COMMAND)
            .is_err()
    );
}

/// Scenario: a lock that states the id of another, nearly its own id, or its id as a number that
/// a reader with 53-bit integers would round to another lock's.
/// Guarantee: code `client-id` with the pointer and both ids, or code `schema` for the number.
#[test]
fn no_lock_speaks_for_another() {
    let topic = "devices/10083618796833171/state";
    for other in [
        "10083618796833170",
        "010083618796833171",
        "10083618796833171 ",
        "",
    ] {
        let violation = contracts()
            .check(topic, &state_of(&format!("{other:?}")))
            .unwrap_err();
        if other.is_empty() {
            assert_eq!(violation.code, "schema");
            continue;
        }
        assert_eq!(
            (violation.code, violation.pointer.as_str()),
            ("client-id", "/client_id")
        );
        assert_eq!(violation.schema, "lock-state");
        assert_eq!(
            violation.text,
            format!("client_id is {other:?}, but the topic's is \"10083618796833171\"")
        );
    }
    let violation = contracts()
        .check(topic, &state_of("10083618796833171"))
        .unwrap_err();
    assert_eq!(
        (violation.code, violation.pointer.as_str()),
        ("schema", "/client_id")
    );
}

/// Scenario: client ids with spaces, `*`, `>`, quotes, letters of other alphabets, escaped or not.
/// Guarantee: they are compared as text, after JSON's escapes are undone.
#[test]
fn client_ids_are_compared_as_text() {
    for (id, written) in [
        ("*", r#""*""#),
        ("a > b", r#""a > b""#),
        ("a\"b", r#""a\"b""#),
        ("\u{95e8}", r#""\u95e8""#),
        ("\u{1f512}", r#""\ud83d\udd12""#),
    ] {
        let topic = format!("devices/{id}/state");
        assert_eq!(
            contracts().check(&topic, &state_of(written)),
            Ok(()),
            "{id}"
        );
    }
    let violation = contracts()
        .check("devices//state", &state_of("\"1\""))
        .unwrap_err();
    assert_eq!(violation.code, "client-id");
}

/// Scenario: filters whose `+` stands elsewhere, is missing, or is not the client's; a schema
/// that asks for no client id.
/// Guarantee: the first `+` counts; without one, or when told so, any id passes.
#[test]
fn the_first_plus_names_the_client() {
    let state = state_of("\"7\"");
    let home = contract("home/+/locks/+/state", "lock-state");
    assert_eq!(home.check("home/7/locks/8/state", &state), Ok(()));
    assert_eq!(
        home.check("home/8/locks/7/state", &state).unwrap_err().code,
        "client-id"
    );
    assert!(home.checks_client_id());
    assert_eq!(
        home.with_any_client_id()
            .check("home/8/locks/7/state", &state),
        Ok(())
    );
    assert_eq!(
        contract("devices/#", "lock-state").check("devices/8/state", &state),
        Ok(())
    );
    assert!(!contract("devices/+/command", "lock-command").checks_client_id());
}

/// Scenario: topics that two filters match, one, and none.
/// Guarantee: the first contract in order counts; a topic without a contract passes unread.
#[test]
fn the_first_match_counts() {
    let contracts: Contracts = [
        contract("devices/1/#", "lock-command"),
        contract("devices/+/state", "lock-state"),
    ]
    .into_iter()
    .collect();
    let name = |topic| {
        contracts
            .find(topic)
            .map(|contract| contract.schema().name())
    };
    assert_eq!(name("devices/1/state"), Some("lock-command"));
    assert_eq!(name("devices/2/state"), Some("lock-state"));
    assert_eq!(name("devices/2/other"), None);
    assert_eq!(contracts.check("devices/2/other", b"\xff"), Ok(()));
    assert_eq!(contracts.iter().count(), 2);
}

/// Scenario: a client id of 60,000 bytes in topic and payload, not the same.
/// Guarantee: the violation quotes the beginnings.
#[test]
fn long_client_ids_are_cut() {
    let topic = format!("devices/{}/state", "x".repeat(60_000));
    let violation = contracts().check(&topic, &state_of(&format!("{:?}", "y".repeat(60_000))));
    assert!(violation.unwrap_err().text.chars().count() <= 300);
}
