//! The pipeline file: contracts, hooks, streams and Kafka settings, checked before anything starts.
//!
//! Without a file the built-in door-lock pipeline is in force.

mod error;
mod file;
mod hook;
mod pipeline;
mod size;

pub use error::SettingsError;
pub use hook::{Hook, WantedEvents};
pub use pipeline::{KafkaTopic, Pipeline, Streams, UnknownTopic};
