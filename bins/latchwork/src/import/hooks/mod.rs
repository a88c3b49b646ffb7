//! Hooks of EMQX's Kafka bridge and of the Kafka plugin.

mod bridge;
mod conf;
mod plugin;

#[cfg(test)]
mod tests;

use super::draft::Draft;
use super::error::ImportError;
use super::input::Input;

/// Reads a file, of whichever of the two it is, and writes what its hooks do.
pub(super) fn import(input: &Input) -> Result<Draft, ImportError> {
    let lines = conf::lines(input);
    if lines.iter().any(|line| line.key.starts_with(bridge::KEYS)) {
        bridge::import(input, &lines)
    } else {
        plugin::import(input)
    }
}
