//! The stage transform as a process of its own.

fn main() -> std::process::ExitCode {
    stage::binary_main(transform::run)
}
