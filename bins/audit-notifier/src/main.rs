//! The stage audit-notifier as a process of its own.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    stage::main(|| audit_notifier::run(audit_notifier::Args::parse()))
}
