//! Battery, firmware, presence: what lasts, repeats and ends.

use alert::AlertKind::{
    BatteryCritical, BatteryLow, BatteryMissing, FirmwareChanged, Flapping, Offline,
};
use alert::Change::{Cleared, Raised, Repeated};
use settings::{AuditSettings, RuleSettings};

use super::records::{LOCKED, State, connected, disconnected};
use super::{Told, Watch, alerts};

fn watch() -> Watch {
    Watch::new(AuditSettings::default())
}

fn battery(percent: f64, second: u64) -> record::Record {
    State {
        battery: Some(percent),
        ..LOCKED
    }
    .at(second)
}

/// Scenario: the battery falls to the threshold, below it, swings around it, and is changed.
/// Guarantee: told once below it; the swing is silent; over above the hysteresis.
#[test]
fn battery_low_has_hysteresis() {
    let mut watch = watch();
    assert_eq!(watch.tell(&[battery(21.0, 0), battery(20.0, 60)]), []);
    assert_eq!(watch.tell(&[battery(19.9, 120)]), [(BatteryLow, Raised)]);
    let swing = [20.5, 19.0, 24.9, 19.5].map(|percent| battery(percent, 180));
    assert_eq!(watch.tell(&swing), []);
    assert_eq!(watch.tell(&[battery(25.0, 240)]), [(BatteryLow, Cleared)]);
}

/// Scenario: the battery falls through both thresholds, and at once far below both.
/// Guarantee: each is told; critical alone where low adds nothing.
#[test]
fn battery_critical() {
    let mut watch = watch();
    let fall = [15.0, 9.9, 9.0].map(|percent| battery(percent, 10));
    let expected = [(BatteryLow, Raised), (BatteryCritical, Raised)];
    assert_eq!(watch.tell(&fall), expected);
    let rise = [14.9, 15.0, 50.0].map(|percent| battery(percent, 20));
    let expected = [(BatteryCritical, Cleared), (BatteryLow, Cleared)];
    assert_eq!(watch.tell(&rise), expected);
    assert_eq!(watch.tell(&[battery(1.0, 30)]), [(BatteryCritical, Raised)]);
}

/// Scenario: reports without a battery, one fewer than the threshold, then as many.
/// Guarantee: told at the threshold, over with the next battery.
#[test]
fn battery_missing() {
    let mut watch = watch();
    let silent = |second| {
        State {
            battery: None,
            ..LOCKED
        }
        .at(second)
    };
    let four = [1, 2, 3, 4].map(silent);
    assert_eq!(watch.tell(&four), []);
    assert_eq!(watch.tell(&[LOCKED.at(5)]), [], "the count begins anew");
    assert_eq!(watch.tell(&four), []);
    assert_eq!(watch.tell(&[silent(5)]), [(BatteryMissing, Raised)]);
    assert_eq!(watch.tell(&[silent(6)]), []);
    assert_eq!(watch.tell(&[LOCKED.at(7)]), [(BatteryMissing, Cleared)]);
}

/// Scenario: a low battery that nobody changes for three days, with a report each minute.
/// Guarantee: told again each day, each time with an id of its own, until it is over.
#[test]
fn what_lasts_is_told_again() {
    let mut watch = watch();
    let mut told: Vec<Told> = Vec::new();
    for minute in 0..3 * 24 * 60 + 10 {
        told.extend(watch.tell(&[battery(15.0, minute * 60)]));
        told.extend(watch.until(minute * 60 + 1));
    }
    let expected = [Raised, Repeated, Repeated, Repeated].map(|change| (BatteryLow, change));
    assert_eq!(told, expected);
    assert_eq!(
        watch.tell(&[battery(90.0, 3 * 86_400 + 600)]),
        [(BatteryLow, Cleared)]
    );
    let alerts = alerts(&watch.outputs);
    let ids: std::collections::BTreeSet<_> = alerts.iter().map(|alert| &alert.id).collect();
    assert_eq!(ids.len(), alerts.len());
    assert_eq!(alerts[1].ts, 86_400_000);
}

/// Scenario: a rule is off, another has its own severity and repeat interval.
/// Guarantee: the first is silent, the second is told so.
#[test]
fn rules_have_settings() {
    let mut settings = AuditSettings::default();
    let off = RuleSettings {
        off: true,
        ..RuleSettings::default()
    };
    let own = RuleSettings {
        severity: Some(alert::Severity::Info),
        repeat_s: Some(100),
        ..RuleSettings::default()
    };
    settings.rules.extend([(Offline, off), (BatteryLow, own)]);
    let mut watch = Watch::new(settings);
    watch.tell(&[battery(15.0, 0)]);
    assert_eq!(watch.until(250), [(BatteryLow, Repeated); 2]);
    let alerts = alerts(&watch.outputs);
    assert!(
        alerts
            .iter()
            .all(|alert| alert.severity == alert::Severity::Info)
    );
}

/// Scenario: another firmware version; the same number written in another way is another one.
/// Guarantee: told with both versions; the first version ever is no change.
#[test]
fn firmware_changes() {
    let mut watch = watch();
    assert_eq!(watch.tell(&[LOCKED.at(0), LOCKED.at(60)]), []);
    let newer = State {
        version: 1.2,
        ..LOCKED
    };
    assert_eq!(watch.tell(&[newer.at(120)]), [(FirmwareChanged, Raised)]);
    assert_eq!(watch.tell(&[newer.at(180)]), []);
    let alert = &alerts(&watch.outputs)[0];
    assert_eq!(
        (alert.details["from"].as_str(), alert.details["to"].as_str()),
        (Some("1.1"), Some("1.2"))
    );
}

/// Scenario: a lock reports each minute, then no more, then again.
/// Guarantee: offline after three intervals and not before; over with the next report.
#[test]
fn silence_is_offline() {
    let mut watch = watch();
    watch.tell(&[LOCKED.at(0), LOCKED.at(60)]);
    assert_eq!(watch.until(239), []);
    assert_eq!(watch.until(241), [(Offline, Raised)]);
    assert_eq!(alerts(&watch.outputs)[0].ts, 240_000);
    assert_eq!(watch.until(2000), []);
    assert_eq!(watch.tell(&[LOCKED.at(2000)]), [(Offline, Cleared)]);
    assert_eq!(watch.until(2179), []);
    assert_eq!(watch.until(2180), [(Offline, Raised)]);
}

/// Scenario: the silence is found by the lock's own next report, since no tick came.
/// Guarantee: the same is told, and before the report.
#[test]
fn silence_is_found_without_a_tick() {
    let mut watch = watch();
    watch.tell(&[LOCKED.at(20)]);
    let expected = [(Offline, Raised), (Offline, Cleared)];
    assert_eq!(watch.tell(&[LOCKED.at(1000)]), expected);
    assert_eq!(alerts(&watch.outputs)[0].ts, 200_000);
}

/// Scenario: a connection breaks and comes back; another ends in an orderly way.
/// Guarantee: the break is told with its reason, the orderly end is not.
#[test]
fn broken_connection_is_offline() {
    let mut watch = watch();
    watch.tell(&[connected(1, 0), LOCKED.at(1)]);
    let broken = [disconnected(1, "keepalive_timeout", 10)];
    assert_eq!(watch.tell(&broken), [(Offline, Raised)]);
    assert_eq!(
        alerts(&watch.outputs)[0].details["reason"],
        "keepalive_timeout"
    );
    assert_eq!(watch.tell(&[connected(2, 20)]), [(Offline, Cleared)]);
    assert_eq!(watch.tell(&[disconnected(2, "normal", 30)]), []);
}

/// Scenario: the end of an old connection comes after the new one began (takeover).
/// Guarantee: the lock stays online.
#[test]
fn stale_disconnect_is_ignored() {
    let mut watch = watch();
    watch.tell(&[LOCKED.at(0), connected(2, 1)]);
    assert_eq!(watch.take(&disconnected(1, "tcp_closed", 2)), []);
}

/// Scenario: four connections in a minute, then a fifth, then quiet.
/// Guarantee: told at the fifth; breaks within are not told each; over after a quiet window.
#[test]
fn flapping() {
    let mut watch = watch();
    watch.tell(&[LOCKED.at(0)]);
    let connects = |epochs: std::ops::Range<u64>| epochs.map(|epoch| connected(epoch, epoch * 10));
    let four: Vec<_> = connects(1..5).collect();
    assert_eq!(watch.tell(&four), []);
    assert_eq!(watch.tell(&[connected(5, 50)]), [(Flapping, Raised)]);
    assert_eq!(
        watch.tell(&[disconnected(5, "tcp_closed", 51), connected(6, 52)]),
        []
    );
    assert_eq!(watch.tell(&[LOCKED.at(60)]), []);
    assert_eq!(watch.until(111), []);
    assert_eq!(watch.until(112), [(Flapping, Cleared)]);
}

/// Scenario: five connections with a quarter of a minute between them.
/// Guarantee: that is no flapping.
#[test]
fn slow_connections_are_no_flapping() {
    let mut watch = watch();
    watch.tell(&[LOCKED.at(0)]);
    let slow: Vec<_> = (1..20).map(|epoch| connected(epoch, epoch * 16)).collect();
    assert!(!watch.tell(&slow).iter().any(|(kind, _)| *kind == Flapping));
}
