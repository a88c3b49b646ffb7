//! `latchwork load`: an open-loop load of valid lock states, and what became of them.
//!
//! Every message has a due time on a fixed schedule, and its latency counts from that time, whenever
//! it was sent: a stalled server can't hide its stall by slowing the generator down ("coordinated
//! omission"). Each client keeps a window of unacknowledged messages; when it is full, messages wait
//! and their latency grows.
//!
//! The generator shares the machine with what it measures, so it is built to cost little: one thread
//! with one poll loop drives hundreds of connections ([`driver`]), packets are templates with digits
//! filled in ([`message`]), and nothing is stored per message: a client and a number say when a message
//! was due ([`schedule`]), what its packet identifier is ([`flight`]), and how to find it in Kafka
//! ([`audit`]).
//!
//! Besides the load there may be connections that only stay ([`idle`]) and connections that send
//! malformed packets ([`hostile`]). They run on the runtime, so that the load's loop has nothing
//! to do with them.

mod answers;
mod args;
mod audit;
mod books;
mod client;
mod command;
mod control;
mod cpu;
mod driver;
mod error;
mod flight;
mod frame;
mod greeting;
mod hostile;
mod idle;
mod idle_handshake;
mod kafka_side;
mod link;
mod malformed;
mod message;
mod open_files;
mod origin;
mod report;
mod run;
mod sample;
mod schedule;
mod settings;
mod side_reports;
mod signed;
mod slices;
mod summary;
mod tables;
mod template;
mod verdict;
mod watch;

#[cfg(test)]
mod edge_tests;
#[cfg(test)]
mod tests;

pub use args::LoadArgs;
pub use command::run_command;
pub use cpu::NamedProcess;
pub use error::LoadError;
pub use report::{LatencyReport, LoadReport, ProcessReport};
pub use run::run;
pub use sample::Second;
pub use settings::LoadSettings;
pub use side_reports::{HostileReport, IdleMemory, IdleReport};

use hdrhistogram::Histogram;

/// A histogram of microseconds up to an hour, exact to 1 %. What is longer counts as an hour.
pub fn latency_histogram() -> Histogram<u64> {
    const HOUR: u64 = 3_600_000_000;
    // These bounds are valid: the smallest is 1, the largest at least twice that, the digits 0 to 5.
    Histogram::new_with_bounds(1, HOUR, 2).unwrap_or_else(|_| unreachable!("valid bounds"))
}
