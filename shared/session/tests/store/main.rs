//! Sessions, queues and retained messages on a real nats-server that syncs every write.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bed;
mod down;
mod down_limits;
mod proto;
mod retained;
mod scale;
mod sessions;
