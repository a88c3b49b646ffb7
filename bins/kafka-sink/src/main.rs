//! The stage kafka-sink as a process of its own.

fn main() -> std::process::ExitCode {
    stage::binary_main(kafka_sink::run)
}
