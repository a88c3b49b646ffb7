//! What times count in.

use std::time::{SystemTime, UNIX_EPOCH};

use super::super::{Arguments, Failure};

/// Nanoseconds of a second.
pub(super) const SECOND: i128 = 1_000_000_000;

/// A unit of time.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl Unit {
    /// Digits behind the point of a second.
    pub(super) fn digits(self) -> usize {
        match self {
            Self::Second => 0,
            Self::Millisecond => 3,
            Self::Microsecond => 6,
            Self::Nanosecond => 9,
        }
    }

    /// How long it is.
    pub(super) fn nanos(self) -> i128 {
        match self {
            Self::Second => SECOND,
            Self::Millisecond => 1_000_000,
            Self::Microsecond => 1_000,
            Self::Nanosecond => 1,
        }
    }

    /// Whole units of a time, before 1970 too.
    pub(super) fn count(self, nanos: i128) -> i128 {
        nanos.div_euclid(self.nanos())
    }

    /// The time by the system's clock, down to a whole unit.
    pub(super) fn now(self) -> i128 {
        self.count(now()).saturating_mul(self.nanos())
    }
}

/// The argument that names a unit; seconds when it was left out.
pub(super) fn read(a: &Arguments<'_>, number: usize) -> Result<Unit, Failure> {
    a.option(
        number,
        &[
            ("second", Unit::Second),
            ("millisecond", Unit::Millisecond),
            ("microsecond", Unit::Microsecond),
            ("nanosecond", Unit::Nanosecond),
        ],
    )
}

/// Nanoseconds since 1970 by the system's clock.
pub(super) fn now() -> i128 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => {
            i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, |nanos| -nanos)
        }
    }
}
