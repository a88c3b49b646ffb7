//! What can be called in a statement.
//!
//! Names, arguments and results are EMQX's (its documentation of 5.9, "Built-in SQL functions"), so
//! that a rule gives the same records here. Two things read more than their arguments: the clock
//! (`now_timestamp`, `now_rfc3339`, `format_date` without a time, `local` as an offset) and the
//! system's randomness (`random`, `uuid_v4`); `getenv` reads the environment once.
//!
//! Input may be hostile: no function panics, each takes time linear in its input and result, and no
//! result is larger than [`MAX_TEXT`] bytes or [`MAX_MEMBERS`] members.

mod arguments;
mod array;
mod bits;
mod codec;
mod compress;
mod convert;
mod environment;
mod hash;
mod is;
mod map;
mod math;
mod message;
mod null;
mod output;
mod random;
mod regex;
mod subbits;
mod term;
#[cfg(test)]
mod tests;
mod text;
mod time;

use std::fmt;

use crate::event::Event;
use crate::value::Value;

use arguments::Arguments;
pub use output::{MAX_MEMBERS, MAX_TEXT};

/// A function of the rule SQL.
pub struct Function {
    /// As it is written, in lower case; names are found whatever their case.
    pub name: &'static str,
    /// Fewest and most arguments.
    pub arguments: (usize, usize),
    /// What it does.
    pub call: Native,
}

/// The code behind a function. The number of arguments has been checked.
pub type Native = fn(&[Value], &dyn Event) -> Result<Value, Failure>;

/// The same with a view of the arguments that knows the function's name, for errors.
type Code = fn(&Arguments<'_>) -> Result<Value, Failure>;

/// Why an expression has no value; the message's rule fails.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Makes the table of a group: each line is a name, how many arguments it takes, and its code.
macro_rules! functions {
    ($($name:literal ($min:literal, $max:literal) $code:expr;)*) => {
        pub(in crate::functions) static TABLE: &[$crate::functions::Function] = &[
            $($crate::functions::Function {
                name: $name,
                arguments: ($min, $max),
                call: |values, event| {
                    let code: $crate::functions::Code = $code;
                    code(&$crate::functions::Arguments::new($name, values, event))
                },
            },)*
        ];
    };
}
use functions;

/// The tables of all groups.
static GROUPS: &[&[Function]] = &[
    message::TABLE,
    null::TABLE,
    is::TABLE,
    math::TABLE,
    bits::TABLE,
    convert::TABLE,
    text::TABLE,
    regex::TABLE,
    map::TABLE,
    array::TABLE,
    hash::TABLE,
    compress::TABLE,
    codec::TABLE,
    time::TABLE,
    random::TABLE,
    environment::TABLE,
];

/// Names longer than this are not compared with the known ones: nobody meant one of them.
const LONGEST_GUESS: usize = 64;

/// Edits up to which two names are near: a letter more, less, other, or two swapped.
const NEAR: usize = 3;

/// All functions, group by group.
pub fn all() -> impl Iterator<Item = &'static Function> {
    GROUPS.iter().copied().flatten()
}

/// Finds a function by its name, in any case. Statements are read once, so a walk is fast enough.
pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name.eq_ignore_ascii_case(name))
}

/// The known name that is most like this one, when one is near.
pub fn nearest(name: &str) -> Option<&'static str> {
    if name.len() > LONGEST_GUESS {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let near = all().map(|function| {
        let distance = strsim::damerau_levenshtein(&name, function.name);
        (distance, function.name)
    });
    near.filter(|(distance, known)| *distance <= NEAR.min(known.len() / 2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}
