//! The latchwork command.

fn main() -> std::process::ExitCode {
    latchwork::main()
}
