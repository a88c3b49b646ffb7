//! What is read, what is refused, and that text and tree say the same.

mod build;
mod carets;
mod errors;
mod hostile;
mod round_trip;
mod sources;
mod trees;
mod vectors;

pub(crate) use round_trip::any_statement;
