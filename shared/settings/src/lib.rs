//! The pipeline file: contracts, hooks, streams and Kafka settings, checked before anything starts.
//!
//! Without a file the built-in door-lock pipeline is in force.

mod error;
mod file;
mod hook;
mod librdkafka;
mod nearest;
mod pipeline;
mod reader;
mod size;
mod summary;
#[cfg(test)]
mod tests;

pub use error::{Fault, Place, SettingsError};
pub use hook::{Hook, WantedEvents};
pub use pipeline::{KafkaTopic, Pipeline, Streams, UnknownTopic};
