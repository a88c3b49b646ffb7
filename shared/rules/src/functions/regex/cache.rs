//! Compiled patterns.

use std::cell::RefCell;
use std::rc::Rc;

use ::regex::bytes::{Regex, RegexBuilder};
use bytes::Bytes;

use super::super::{Arguments, Failure};

/// Bytes of a pattern, at most: people write dozens. A pattern may come from a payload.
const MAX_PATTERN: usize = 4096;

/// Bytes of a compiled pattern, at most, and of the states that it makes while it searches.
const MAX_COMPILED: usize = 1 << 20;

/// Patterns that each thread keeps: those of all rules of a usual rule set. A pattern costs far more
/// to compile than a message to search, and most are literals of a statement; but one may be a field
/// of a message, so that their number must have a bound.
const KEPT: usize = 64;

thread_local! {
    /// The latest used at the end. One cache a thread, so that no lock is on the way of a message;
    /// shared by reference, as a clone of a pattern begins without the states that searches made.
    static CACHE: RefCell<Vec<(Bytes, Rc<Regex>)>> = const { RefCell::new(Vec::new()) };
}

/// The pattern that an argument is.
pub(super) fn compiled(a: &Arguments<'_>, number: usize) -> Result<Rc<Regex>, Failure> {
    let pattern = a.bytes(number)?;
    CACHE.with_borrow_mut(|cache| {
        let known = cache.iter().rposition(|(known, _)| known == pattern);
        let entry = if let Some(place) = known {
            cache.remove(place)
        } else {
            // A copy: the pattern may be a part of a large payload.
            let regex = compile(a, number, pattern)?;
            (Bytes::copy_from_slice(pattern), Rc::new(regex))
        };
        let regex = Rc::clone(&entry.1);
        if cache.len() >= KEPT {
            cache.remove(0);
        }
        cache.push(entry);
        Ok(regex)
    })
}

/// As in EMQX a character is a byte. Patterns that need Unicode, such as a class of letters that are
/// not ASCII, are compiled with it.
fn compile(a: &Arguments<'_>, number: usize, pattern: &[u8]) -> Result<Regex, Failure> {
    if pattern.len() > MAX_PATTERN {
        return Err(a.fail(format_args!(
            "argument {number} is too long for a pattern; the limit is {MAX_PATTERN} bytes"
        )));
    }
    let pattern = std::str::from_utf8(pattern)
        .map_err(|_| a.fail(format_args!("argument {number} is not UTF-8")))?;
    let build = |unicode: bool| {
        RegexBuilder::new(pattern)
            .unicode(unicode)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .build()
    };
    build(false).or_else(|_| build(true)).map_err(|error| {
        // The last line says what is wrong; those before it show the pattern.
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default();
        let reason = reason.strip_prefix("error: ").unwrap_or(reason);
        a.fail(format_args!("argument {number} is no pattern: {reason}"))
    })
}
