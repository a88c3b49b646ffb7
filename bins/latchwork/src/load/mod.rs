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

mod args;
mod audit;
mod client;
mod command;
mod control;
mod cpu;
mod driver;
mod flight;
mod frame;
mod kafka_side;
mod link;
mod message;
mod report;
mod run;
mod sample;
mod schedule;
mod settings;
mod signed;
mod summary;
mod verdict;

#[cfg(test)]
mod tests;

pub use args::LoadArgs;
pub use command::run_command;
pub use cpu::NamedProcess;
pub use report::{LatencyReport, LoadReport, ProcessReport};
pub use run::{LoadError, run};
pub use sample::Second;
pub use settings::LoadSettings;

use hdrhistogram::Histogram;

/// A histogram of microseconds up to an hour, exact to 1 %. What is longer counts as an hour.
pub fn latency_histogram() -> Histogram<u64> {
    const HOUR: u64 = 3_600_000_000;
    // These bounds are valid: the smallest is 1, the largest at least twice that, the digits 0 to 5.
    Histogram::new_with_bounds(1, HOUR, 2).unwrap_or_else(|_| unreachable!("valid bounds"))
}
