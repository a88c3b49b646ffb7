//! The stage audit-notifier as a process of its own.

fn main() -> std::process::ExitCode {
    stage::binary_main(audit_notifier::run)
}
