//! A lock's state for others.

use alert::AlertKind;
use serde::Serialize;
use serde_json::value::RawValue;

use super::lock::Lock;
use super::report::Action;

/// `schemas/lock-status.schema.json`. What is not known is left out.
#[derive(Serialize)]
struct Status<'a> {
    client_id: &'a str,
    online: bool,
    session_epoch: u64,
    last_seen: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    battery: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_state: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    #[serde(skip_serializing_if = "str::is_empty")]
    process_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a RawValue>,
    alerts: Vec<AlertKind>,
}

impl Lock {
    /// The status as JSON.
    pub(super) fn status(&self) -> Vec<u8> {
        let mut alerts: Vec<_> = self.matters().iter().map(|matter| matter.kind).collect();
        alerts.sort_unstable();
        let status = Status {
            client_id: &self.id,
            online: self.online,
            session_epoch: self.epoch,
            last_seen: self.seen_ms,
            battery: self.battery,
            lock_state: self.reported,
            action: self.action,
            process_id: &self.process_id,
            version: self.version.as_deref(),
            alerts,
        };
        // Numbers and texts: there is nothing in it that JSON can't say.
        serde_json::to_vec(&status).unwrap_or_default()
    }
}
