//! The documentation: its reference is made from the code, its links lead somewhere, and its
//! commands are run.

mod bed;
mod commands;
mod compose_lines;
mod lines;
mod links;
mod pages;
mod reference;
mod seen;
