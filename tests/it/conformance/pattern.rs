//! Whether a packet is the one that a row expects.
//!
//! Words may come in any order, those of one key in theirs. A value `*` is any, `?name` is any the
//! first time and then the same, `a|b` is one of both. A word `...` lets words come that the row
//! does not name. A reason string may always come, unless the row says `reason=none`.

use std::collections::HashMap;

/// Values by their `?name`.
pub(super) type Names = HashMap<String, String>;

/// Compares, and notes what `?names` stand for when the packet matches.
pub(super) fn matches(expected: &[&str], seen: &[String], names: &mut Names) -> bool {
    let mut found = names.clone();
    let names_no_reason = expected.contains(&"reason=none");
    let says_reason = expected.iter().any(|word| key(word) == "reason");
    let mut left: Vec<&str> = seen.iter().map(String::as_str).collect();
    if !says_reason && !names_no_reason {
        left.retain(|word| key(word) != "reason");
    }
    for word in expected {
        if matches!(*word, "..." | "reason=none") {
            continue;
        }
        let Some(at) = left.iter().position(|seen| key(seen) == key(word)) else {
            return false;
        };
        if !value_matches(value(word), value(left.remove(at)), &mut found) {
            return false;
        }
    }
    let all = left.is_empty() || expected.contains(&"...");
    if all {
        *names = found;
    }
    all
}

fn key(word: &str) -> &str {
    word.split_once('=').map_or(word, |(key, _)| key)
}

fn value(word: &str) -> &str {
    word.split_once('=').map_or("", |(_, value)| value)
}

fn value_matches(expected: &str, seen: &str, names: &mut Names) -> bool {
    if let Some(name) = expected.strip_prefix('?') {
        let known = names.entry(name.to_owned());
        return known.or_insert_with(|| seen.to_owned()) == seen;
    }
    expected == "*" || expected.split('|').any(|one| one == seen)
}
