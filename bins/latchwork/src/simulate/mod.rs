//! `latchwork simulate`: locks that publish their states and answer commands, and an app that
//! sends the commands.
//!
//! [`run`] is the library behind it: it tells every step as a [`SimulationEvent`], so that the demo
//! and the tests can account for each message. A message is known by the topic's lock and by its
//! `process_id`, which grows with every message of a lock: see [`MessageId`].

mod app;
mod command;
mod device;
mod duration;
mod event;
mod lock;
mod payload;
mod run;
mod settings;
mod tally;

#[cfg(test)]
mod tests;

pub use command::{SimulateArgs, run_command};
pub use duration::parse_duration;
pub use event::{Breakage, MessageId, MessageKind, SimulationEvent};
pub(crate) use payload::{Action, LockState, command as command_payload, first_process_id};
pub use run::run;
pub use settings::{FIRST_CLIENT_ID, SimulationSettings};
pub use tally::SimulationTally;
