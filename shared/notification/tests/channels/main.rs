//! Channels against real servers: SMTP and HTTP, in the clear and over TLS, that take, refuse, hang.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod email;
mod http_receiver;
mod message;
mod queue;
mod sms;
mod smtp_server;
mod tls;
mod webhook;
