//! White space at the ends.

use super::super::{Arguments, Failure};
use super::characters::slice;
use crate::value::Value;

/// Which ends are trimmed.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    leading: bool,
    trailing: bool,
}

impl Ends {
    pub(super) const LEADING: Self = Self {
        leading: true,
        trailing: false,
    };
    pub(super) const TRAILING: Self = Self {
        leading: false,
        trailing: true,
    };
    pub(super) const BOTH: Self = Self {
        leading: true,
        trailing: true,
    };
}

/// What Erlang's `string:trim` takes for white space: Unicode's `Pattern_White_Space`.
fn is_space(character: char) -> bool {
    matches!(
        character,
        '\t'..='\r' | ' ' | '\u{85}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
    )
}

/// `trim(text [, characters])`: white space, or whatever is among the characters.
pub(super) fn trim(a: &Arguments<'_>, ends: Ends) -> Result<Value, Failure> {
    let text = a.unicode(1)?;
    let mut set: Vec<char> = Vec::new();
    if a.count() == 2 {
        set.extend(a.unicode(2)?.chars());
        set.sort_unstable();
    }
    let goes = |character: char| match a.count() {
        2 => set.binary_search(&character).is_ok(),
        _ => is_space(character),
    };
    let mut rest = &*text;
    if ends.leading {
        rest = rest.trim_start_matches(goes);
    }
    if ends.trailing {
        rest = rest.trim_end_matches(goes);
    }
    Ok(slice(&text, rest))
}
