//! What one evaluation may cost.

use std::cell::Cell;

use crate::functions::Failure;
use crate::value::Value;

/// Steps of one evaluation, and bytes and members that its steps look at: about a tenth of a second. A
/// lock's message needs some hundred; a hostile one, whose every member has the whole message looked at again,
/// fails here.
pub(super) const LIMIT: u64 = 32 * 1024 * 1024;

/// Burns while an event is evaluated.
#[derive(Debug)]
pub(super) struct Fuel(Cell<u64>);

impl Fuel {
    pub(super) fn full() -> Self {
        Self(Cell::new(LIMIT))
    }

    #[cfg(test)]
    pub(super) fn left(&self) -> u64 {
        self.0.get()
    }

    /// Pays for one step.
    pub(super) fn step(&self) -> Result<(), Failure> {
        self.burn(1)
    }

    /// Pays for looking at a value.
    pub(super) fn look_at(&self, value: &Value) -> Result<(), Failure> {
        let size = match value {
            Value::Text(text) => text.len(),
            Value::Array(members) => members.len(),
            Value::Map(map) => map.len(),
            _ => 1,
        };
        self.burn(size as u64)
    }

    fn burn(&self, amount: u64) -> Result<(), Failure> {
        match self.0.get().checked_sub(amount) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(Failure(format!(
                "the statement takes more than {LIMIT} steps for this message"
            ))),
        }
    }
}
