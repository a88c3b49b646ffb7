//! The latchwork command, for the tests.
fn main() {}
