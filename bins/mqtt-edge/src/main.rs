//! The stage mqtt-edge as a process of its own.

fn main() -> std::process::ExitCode {
    stage::binary_main(mqtt_edge::run)
}
