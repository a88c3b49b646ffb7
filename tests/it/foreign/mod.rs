//! The edge, driven by MQTT libraries that nobody here wrote.
//!
//! Each test is a scenario, and runs it with every client of [`lineup`] at once, against one
//! nats-server and one mqtt-edge. When it fails, it tells what each client met.

mod bed;
mod certificates;
mod connection;
mod lineup;
mod messages;
mod orders;
mod program;
mod retained;
mod rides;
mod rumqttc;
mod rumqttc_v4;
mod rumqttc_v5;
mod sessions;
mod transports;
mod wills;
