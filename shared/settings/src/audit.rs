//! `[audit]`: what the audit watches for.

use std::collections::BTreeMap;

use alert::{AlertKind, Severity};
use record::{Kind, Record, TopicFilter};
use serde::{Deserialize, Deserializer};

/// `[audit]`: what the audit watches for. A pipeline without this table has no audit.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// Topics on which locks report; the first `+` is the lock's client id.
    #[serde(deserialize_with = "filter")]
    pub state_filter: TopicFilter,
    /// Topics on which locks get commands; the first `+` is the lock's client id.
    #[serde(deserialize_with = "filter")]
    pub command_filter: TopicFilter,
    /// Kafka topic of the log.
    pub log_topic: String,
    /// Kafka topic of the alerts.
    pub alert_topic: String,
    /// Kafka topic of the locks' last known states; compact it.
    pub status_topic: String,
    /// The `lock_state` of an unlocked door: what 0 and 1 mean is the lock maker's matter.
    pub unlocked_state: u8,
    /// Percent below which the battery is low.
    pub battery_low: f64,
    /// Percent below which it is critical.
    pub battery_critical: f64,
    /// Percent above the threshold at which the matter is over.
    pub battery_hysteresis: f64,
    /// Reports in a row without a battery until that is a matter.
    pub battery_missing_reports: u32,
    /// Seconds between two reports of a lock.
    pub report_interval_s: u64,
    /// Missed reports until a lock counts as offline.
    pub offline_after: u32,
    /// Failed attempts in a row until a lock counts as jammed.
    pub jammed_after: u32,
    /// Connections within the window until that is flapping; 256 at most.
    pub flapping_connects: u32,
    /// Seconds of that window.
    pub flapping_window_s: u64,
    /// Seconds in which a command may cause an unlock.
    pub command_wait_s: u64,
    /// Refused commands within the window until that is an attack; 256 at most.
    pub attack_refusals: u32,
    /// Seconds of that window.
    pub attack_window_s: u64,
    /// Refused logins within the window until that is a matter; 256 at most.
    pub login_failures: u32,
    /// Seconds of that window.
    pub login_window_s: u64,
    /// Seconds until a matter that lasts is told again.
    pub repeat_s: u64,
    /// Seconds after which a lock's state is written again though only its last sign of life moved.
    pub status_interval_s: u64,
    /// File of the key that signs checkpoints; without one they are not signed.
    pub checkpoint_key_file: Option<std::path::PathBuf>,
    /// What differs for one kind of alert.
    pub rules: BTreeMap<AlertKind, RuleSettings>,
}

/// `[audit.rules.KIND]`.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleSettings {
    /// Whether the rule is off.
    pub off: bool,
    /// Another severity.
    pub severity: Option<Severity>,
    /// Another repeat interval, in seconds.
    pub repeat_s: Option<u64>,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            state_filter: builtin("devices/+/state"),
            command_filter: builtin("devices/+/command"),
            log_topic: "lock_audit".to_owned(),
            alert_topic: "lock_alert".to_owned(),
            status_topic: "lock_status".to_owned(),
            unlocked_state: 1,
            battery_low: 20.0,
            battery_critical: 10.0,
            battery_hysteresis: 5.0,
            battery_missing_reports: 5,
            report_interval_s: 60,
            offline_after: 3,
            jammed_after: 3,
            flapping_connects: 5,
            flapping_window_s: 60,
            command_wait_s: 30,
            attack_refusals: 5,
            attack_window_s: 60,
            login_failures: 5,
            login_window_s: 60,
            repeat_s: 24 * 3600,
            status_interval_s: 15 * 60,
            checkpoint_key_file: None,
            rules: BTreeMap::new(),
        }
    }
}

impl AuditSettings {
    /// The lock that a record is about, when the audit wants the record at all: named by the topic
    /// of a state or command, else the client itself.
    pub fn lock_of<'r>(&self, record: &'r Record) -> Option<&'r str> {
        let topic = record.topic();
        match record.kind() {
            Kind::Publish | Kind::Rejected => self
                .state_filter
                .first_wildcard(topic)
                .or_else(|| self.command_filter.first_wildcard(topic)),
            Kind::Delivered | Kind::Acked | Kind::Dropped => {
                self.command_filter.first_wildcard(topic)
            }
            Kind::Connected | Kind::Disconnected | Kind::LoginFailed | Kind::Operator => {
                Some(record.client_id())
            }
            Kind::Unspecified
            | Kind::Subscribed
            | Kind::Unsubscribed
            | Kind::Connack
            | Kind::LoggedIn
            | Kind::AccessChecked
            | Kind::Unrouted => None,
        }
    }

    /// Whether the edge must store events of this kind on this topic.
    pub fn wants(&self, kind: Kind, topic: &str) -> bool {
        match kind {
            Kind::Connected | Kind::Disconnected | Kind::LoginFailed => true,
            Kind::Acked => self.command_filter.matches(topic),
            _ => false,
        }
    }
}

fn builtin(text: &str) -> TopicFilter {
    text.parse().unwrap_or_else(|_| TopicFilter::everything())
}

fn filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TopicFilter, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}
