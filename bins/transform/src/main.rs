//! The stage transform as a process of its own.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    stage::main(|| transform::run(transform::Args::parse()))
}
