//! Clients that are not who they say, and payloads that are not what they should be.

use alert::AlertKind::{Impostor, InvalidPayload, LoginFailed};
use alert::Change::{Cleared, Raised};
use bytes::Bytes;
use record::{Kind, Record};
use settings::AuditSettings;

use super::records::{LOCK, LOCKED, OPEN, record, rejected};
use super::{Watch, alerts};
use crate::audit::Output;

fn watch() -> Watch {
    Watch::new(AuditSettings::default())
}

/// Scenario: a lock sends invalid payloads, valid ones between them, and then only valid ones.
/// Guarantee: told once with the cause, over after a whole interval without any.
#[test]
fn invalid_payloads() {
    let mut watch = watch();
    let bad = |second| rejected(LOCK, "schema lock-state /battery: 101 is too much", second);
    assert_eq!(watch.tell(&[bad(0)]), [(InvalidPayload, Raised)]);
    assert_eq!(watch.tell(&[LOCKED.at(1), bad(2), LOCKED.at(61)]), []);
    assert_eq!(watch.tell(&[LOCKED.at(62)]), [(InvalidPayload, Cleared)]);
    assert!(
        alerts(&watch.outputs)[0]
            .message
            .contains("101 is too much")
    );
}

/// Scenario: another client reports on the lock's topic; the lock names another in its payload.
/// Guarantee: told with the offender, once per window each; what it says is not believed.
#[test]
fn impostors() {
    let mut watch = watch();
    watch.tell(&[LOCKED.at(0)]);
    let forged = |client: &str, second| Record {
        client_id: Bytes::from(client.to_owned()),
        ..OPEN.at(second)
    };
    let told = watch.tell(&[
        forged("mallory", 1),
        forged("mallory", 2),
        forged("trudy", 3),
    ]);
    assert_eq!(told, [(Impostor, Raised); 2]);
    let names_another = rejected(LOCK, "client-id lock-state /client_id: it is 5", 4);
    assert_eq!(watch.tell(&[names_another]), [(Impostor, Raised)]);
    assert_eq!(alerts(&watch.outputs)[0].details["client"], "mallory");
    assert_eq!(watch.tell(&[LOCKED.at(60)]), [], "it was never open");
}

/// Scenario: four refused logins, a fifth in the window, and a client that nobody knows.
/// Guarantee: told at the fifth, over after a quiet window; nobody keeps a state for the unknown.
#[test]
fn failed_logins() {
    let mut watch = watch();
    let login = |second| record(Kind::LoginFailed, "stranger", second);
    assert_eq!(watch.tell(&[login(1), login(2), login(3), login(4)]), []);
    assert_eq!(watch.tell(&[login(61)]), [(LoginFailed, Raised)]);
    assert_eq!(watch.until(120), []);
    assert_eq!(watch.until(121), [(LoginFailed, Cleared)]);
    watch.until(2000);
    assert_eq!(watch.handler.locks(), 0);
    let last = watch.outputs.last().unwrap();
    assert!(matches!(last, Output::State { value, .. } if value.is_empty()));
    assert!(
        !watch
            .outputs
            .iter()
            .any(|output| matches!(output, Output::Status(_)))
    );
}

/// Scenario: texts from outside hold line feeds and escapes.
/// Guarantee: no alert's message or detail does.
#[test]
fn texts_are_cleaned() {
    let mut watch = watch();
    watch.tell(&[
        rejected(LOCK, "json lock-state : a\r\nBcc: \u{1b}[31m", 0),
        rejected("mal\r\nlory", "json lock-state : x", 1),
    ]);
    let alerts = alerts(&watch.outputs);
    assert_eq!(alerts.len(), 2);
    for alert in alerts {
        assert!(!alert.message.contains(char::is_control), "{alert:?}");
        let details = serde_json::to_string(&alert.details).unwrap();
        assert!(!details.contains('\\'), "{details}");
    }
}

/// Scenario: records that mean nothing: payloads that are no state, presence of unknown clients.
/// Guarantee: nothing is put out, nothing is kept.
#[test]
fn what_means_nothing_leaves_nothing() {
    let mut watch = watch();
    let broken = Record {
        payload: Bytes::from_static(b"{\"battery\": [1"),
        ..LOCKED.at(1)
    };
    let presence = [Kind::Connected, Kind::Disconnected].map(|kind| record(kind, "app", 2));
    for record in presence.iter().chain([&broken]) {
        assert_eq!(watch.take(record), []);
    }
    assert_eq!(watch.handler.locks(), 0);
}
