//! Compiled JSON Schemas and the contracts that name them.
//!
//! A [`Schema`] checks bytes and gives the first [`Violation`]: a stable code, a JSON pointer and a
//! short text for people. A [`Contract`] says which schema the payloads of a topic filter satisfy.
//! Nothing here opens a socket: a schema that refers to another file or address is refused.
//!
//! JSON is read strictly: a name that comes twice in one object is a violation (`repeated-name`).
//! Readers disagree on which of the two counts, so that a document could pass here as one command
//! and be obeyed elsewhere as another (RFC 8259 section 4 leaves it open).

mod contract;
mod document;
mod error;
mod read;
mod schema;
mod schemas;
mod text;
mod violation;

pub use contract::{Contract, Contracts};
pub use error::SchemaError;
pub use schema::Schema;
pub use schemas::{BUILT_IN, Schemas};
pub use violation::Violation;
