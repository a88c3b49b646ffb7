//! The pipeline file: contracts, hooks, streams and Kafka settings, checked before anything starts.
//!
//! Without a file the built-in door-lock pipeline is in force.

mod audit;
mod commands;
mod error;
mod file;
mod hook;
mod librdkafka;
mod nearest;
mod notify;
mod pipeline;
mod reader;
mod rules;
mod sessions;
mod size;
mod sources;
mod summary;
#[cfg(test)]
mod tests;

pub use audit::{AuditSettings, RuleSettings};
pub use commands::{CommandFilter, CommandMode, CommandSettings};
pub use error::{Fault, Place, SettingsError};
pub use hook::{Hook, WantedEvents};
pub use notify::{
    EmailSecurity, EmailSettings, NotifyLanguage, NotifySettings, SmsSettings, WebhookSettings,
};
pub use pipeline::{KafkaTopic, Pipeline, Streams, UnknownTopic};
pub use sessions::SessionSettings;
pub use sources::Sources;
