//! The edge follows the pipeline's files, and records what rules want to hear of clients: the binary
//! itself, with a real nats-server.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bed;
mod client;
mod events;
mod reload;
