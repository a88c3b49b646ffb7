//! Finds, fetches, starts, kills and restarts nats-server and Kafka for the demo, tests and benchmarks.
//!
//! - [`NatsServer`] and [`KafkaServer`]: one real server each, on 127.0.0.1, with its data in a
//!   folder of the caller's choice. Both can be killed (SIGKILL), paused and restarted on the same
//!   data and the same port.
//! - [`ChildProcess`]: any other program, such as a stage, with the same rights.
//! - [`free_port`] and [`wait_until`]: what every test of real parts needs.
//!
//! Nothing started here outlives this process, not even when it dies by SIGKILL: see
//! [`ChildProcess`]. Unix only.

mod cache;
mod child;
mod command;
mod container;
mod error;
mod fetch_kafka;
mod fetch_nats;
mod fetch_packages;
mod kafka;
mod lookup;
mod nats;
mod port;
mod ready;
mod server;
mod wait;

pub use child::{ChildProcess, OutputLines};
pub use command::{ChildCommand, Output};
pub use error::ServerError;
pub use fetch_kafka::KAFKA_VERSION;
pub use fetch_nats::{NATS_MINIMUM, NATS_VERSION};
pub use fetch_packages::{node_packages, python_packages};
pub use kafka::{KafkaOptions, KafkaServer, external_kafka};
pub use nats::{NatsOptions, NatsServer};
pub use port::free_port;
pub use wait::wait_until;
