//! The latchwork command, as the tests start and kill it.

fn main() -> std::process::ExitCode {
    latchwork::main()
}
