//! The stage kafka-sink as a process of its own.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    stage::main(|| kafka_sink::run(kafka_sink::Args::parse()))
}
