//! The statements of MQTT 3.1.1 and 5.0 that a server has to keep while clients are connected,
//! against a real edge with its store.
//!
//! What one packet alone can break is in the tables of the edge's codec. Here are conversations:
//! each row names the statements, and `conversation.rs` tells how to read it. The client's side is
//! written and read by the byte; it shares no code with the edge.

mod bed;
mod bystander;
mod bytes;
mod change;
mod conversation;
mod corpus;
mod pattern;
mod properties;
mod rows;
mod seen;
mod written;

mod acknowledging;
mod connecting;
mod ending;
mod flowing;
mod fuzz;
mod malformed;
mod overlapping;
mod passing;
mod peer;
mod resuming;
mod retaining;
mod sharing;
mod subscribing;
mod wills;
