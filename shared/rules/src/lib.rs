//! Rules: which message becomes which record, as files that people can test.

mod action;
mod case;
mod evaluate;
pub mod event;
mod expectation;
pub mod functions;
mod routes;
mod rule;
pub mod sql;
mod template;
pub mod value;
mod vectors;

pub use action::{
    Action, ActionFailed, ActionText, Effect, KafkaAction, KafkaMessage, PartitionChoice,
    PartitionRule, Publication, RepublishAction,
};
pub use case::{Case, Difference, selected, simulated};
pub use evaluate::Failed;
pub use routes::{Routes, Selector, rule_event};
pub use rule::{OnFailure, Outcome, Rule};
pub use template::{Missing, MissingField, Template};
pub use vectors::{Vector, Verdict};
