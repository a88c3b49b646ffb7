//! What a connection remembers, without a network.

mod aliases;
mod unanswered;
