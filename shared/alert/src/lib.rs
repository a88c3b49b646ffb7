//! Alerts: what the audit finds and the notification tells. No I/O.
//!
//! An alert travels as one JSON document, the same in the stream ALERT and in the Kafka topic
//! `lock_alert`; `schemas/lock-alert.schema.json` describes it.

mod alert;
mod kind;

pub use alert::{Alert, AlertError, Change};
pub use kind::{AlertKind, Severity};
