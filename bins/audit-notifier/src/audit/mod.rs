//! The audit flow: watches the records of a partition's locks, keeps the log, raises alerts.
//!
//! Everything here is pure: records and the time come in, [`Output`]s go out. All state of a lock
//! that decides about later outputs is in its [`Output::State`], so that after a crash the same
//! records make the same entries and the same alert ids.
//!
//! Time is that of the records. A lock's timers that are due before its next record fire before
//! that record is applied, so that a late tick changes nothing but when people hear of it.

mod alerts;
mod clock;
mod command;
mod deadlines;
mod handler;
mod lock;
mod log;
mod output;
mod recover;
mod repeats;
mod report;
mod rules;
mod saved;
mod scene;
mod status;
mod text;
mod timers;
mod window;

pub use handler::AuditHandler;
pub use output::Output;
pub use saved::RestoreError;

#[cfg(test)]
mod tests;
