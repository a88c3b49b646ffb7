//! Alerts become deliveries.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use alert::{Alert, AlertKind, Change, Severity};
use notification::{ChannelKind, Contacts, Delivery, Language, Planner, PlannerOptions};

/// 2026-03-01T23:00 in Shanghai.
const NIGHT_MS: u64 = 1_772_377_200_000;
/// 2026-03-02T07:00 in Shanghai.
const MORNING_MS: u64 = NIGHT_MS + 8 * 3_600_000;

fn alert(id: &str, severity: Severity, change: Change) -> Alert {
    Alert {
        id: id.to_owned(),
        kind: AlertKind::Jammed,
        severity,
        change,
        lock: "7".to_owned(),
        ts: NIGHT_MS,
        message: "Jammed.".to_owned(),
        details: BTreeMap::new(),
    }
}

fn contacts(json: &str) -> Contacts {
    Contacts::read(json.as_bytes()).unwrap()
}

fn two() -> Contacts {
    contacts(
        r#"{"contacts": [
            {"name": "Mei", "language": "zh", "zone": "Asia/Shanghai",
             "channels": [{"channel": "email", "address": "mei@example.com", "severity": "info"},
                          {"channel": "sms", "address": "+8613812345678", "severity": "critical"}],
             "quiet": {"from": "22:00", "to": "07:00"}},
            {"name": "Desk", "channels": [
                {"channel": "webhook", "address": "https://example.com/a"},
                {"channel": "email", "address": "mei@example.com", "severity": "info"}]}]}"#,
    )
}

fn planned(planner: &mut Planner, alert: &Alert) -> Vec<(ChannelKind, u64)> {
    let deliveries = planner.plan(alert, &two(), NIGHT_MS);
    deliveries
        .iter()
        .map(|delivery| (delivery.channel, delivery.not_before_ms))
        .collect()
}

/// Scenario: an alert of each severity, at night, for two contacts that share an address.
/// Guarantee: each channel gets what it asked for, once per address; quiet hours hold back all but
/// what is critical, and the end of something critical.
#[test]
fn severity_and_quiet_hours() {
    use ChannelKind::{Email, Sms, Webhook};
    let mut planner = Planner::new(PlannerOptions::default());
    let mut plan = |id, severity, change| planned(&mut planner, &alert(id, severity, change));
    assert_eq!(
        plan("1", Severity::Info, Change::Raised),
        [(Email, MORNING_MS)]
    );
    assert_eq!(
        plan("2", Severity::Warning, Change::Raised),
        [(Email, MORNING_MS), (Webhook, NIGHT_MS)]
    );
    assert_eq!(
        plan("3", Severity::Critical, Change::Raised),
        [(Email, NIGHT_MS), (Sms, NIGHT_MS), (Webhook, NIGHT_MS)]
    );
    assert_eq!(
        plan("4", Severity::Critical, Change::Cleared),
        [(Email, MORNING_MS), (Sms, MORNING_MS), (Webhook, NIGHT_MS)]
    );
}

/// Scenario: a contact whose quiet hours hold for critical alerts too.
/// Guarantee: they wait, and the deadline counts from then.
#[test]
fn critical_can_wait() {
    let contacts = contacts(
        r#"{"contacts": [{"name": "Mei", "zone": "+08:00",
            "channels": [{"channel": "email", "address": "mei@example.com"}],
            "quiet": {"from": "22:00", "to": "07:00", "critical_waits": true}}]}"#,
    );
    let mut planner = Planner::new(PlannerOptions::default());
    let alert = alert("1", Severity::Critical, Change::Raised);
    let [delivery] = &planner.plan(&alert, &contacts, NIGHT_MS)[..] else {
        panic!("one contact");
    };
    assert_eq!(delivery.not_before_ms, MORNING_MS);
    assert_eq!(delivery.deadline_ms, MORNING_MS + 86_400_000);
    assert_eq!(delivery.language, Language::En);
    assert_eq!(Delivery::read(&delivery.to_json()).unwrap(), *delivery);
}

/// Scenario: an alert comes again within the window, after it, and after it was forgotten; another
/// planner plans it too.
/// Guarantee: it is planned once per window, and its deliveries always have the same ids.
#[test]
fn an_alert_is_planned_once() {
    let mut planner = Planner::new(PlannerOptions {
        dedupe_window_ms: 1000,
        ..PlannerOptions::default()
    });
    let alert = alert("1", Severity::Critical, Change::Raised);
    let ids = |deliveries: Vec<Delivery>| -> Vec<String> {
        deliveries.into_iter().map(|delivery| delivery.id).collect()
    };
    let first = ids(planner.plan(&alert, &two(), NIGHT_MS));
    assert_eq!(first.len(), 3);
    let is_hex = |id: &String| id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    assert!(first.iter().all(is_hex));
    assert!(planner.plan(&alert, &two(), NIGHT_MS + 999).is_empty());
    assert_eq!(ids(planner.plan(&alert, &two(), NIGHT_MS + 1000)), first);
    planner.forget(&alert.id);
    assert_eq!(ids(planner.plan(&alert, &two(), NIGHT_MS + 1001)), first);
    let mut other = Planner::new(PlannerOptions::default());
    assert_eq!(ids(other.plan(&alert, &two(), NIGHT_MS)), first);
}

/// Scenario: contacts with bad names, double names, no channel, unknown keys, bad addresses.
/// Guarantee: none is read.
#[test]
fn bad_contacts_are_refused() {
    let email = r#"[{"channel": "email", "address": "a@example.com"}]"#;
    for contact in [
        format!(r#"{{"name": "", "channels": {email}}}"#),
        format!(r#"{{"name": "a\nb", "channels": {email}}}"#),
        format!(r#"{{"name": "a", "channels": {email}}}, {{"name": "a", "channels": {email}}}"#),
        r#"{"name": "a", "channels": []}"#.to_owned(),
        format!(r#"{{"name": "a", "channels": {email}, "phone": "1"}}"#),
        format!(r#"{{"name": "a", "channels": {email}, "zone": "Mars/Olympus"}}"#),
        r#"{"name": "a", "channels": [{"channel": "email", "address": "a@b.c\r\nBcc: d@e.f"}]}"#
            .to_owned(),
        r#"{"name": "a", "channels": [{"channel": "sms", "address": "12345"}]}"#.to_owned(),
    ] {
        let json = format!(r#"{{"contacts": [{contact}]}}"#);
        assert!(Contacts::read(json.as_bytes()).is_err(), "{json}");
    }
}
