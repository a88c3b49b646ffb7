//! The stage mqtt-edge as a process of its own.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    stage::main(|| mqtt_edge::run(mqtt_edge::Args::parse()))
}
