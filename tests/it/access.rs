//! Who comes in and who may do what, through the edge itself.

mod changes;
mod door;
mod limits;
mod login;
mod rules;
mod tokens;
