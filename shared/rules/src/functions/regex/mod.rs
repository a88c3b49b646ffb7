//! Regular expressions, on an engine that takes linear time whatever the pattern.
//!
//! EMQX's are Perl's on bytes. The same syntax is read here but for look-around and back-references,
//! which no linear engine has: such a pattern fails and says so. `$` is the end of the text only, not
//! the place before a last line feed.

mod cache;
mod replacement;

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::output::{Output, members};
use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "regex_extract" (2, 2) regex_extract;
    "regex_match" (2, 2) regex_match;
    "regex_replace" (3, 3) regex_replace;
}

fn regex_match(a: &Arguments<'_>) -> Result<Value, Failure> {
    let text = a.text(1)?;
    Ok(Value::Bool(cache::compiled(a, 2)?.is_match(&text)))
}

/// Bytes that the searches of one replacement may have looked at before its time counts. Few patterns
/// make each search look at all of the rest to find where a match ends, but those take quadratic time
/// for a long text with many matches.
const CAREFREE: usize = 256 * 1024 * 1024;

/// The time that counts then.
const MOST_TIME: Duration = Duration::from_secs(1);

/// Every match, from left to right.
fn regex_replace(a: &Arguments<'_>) -> Result<Value, Failure> {
    let text = a.text(1)?;
    let regex = cache::compiled(a, 2)?;
    let replacement = replacement::read(a.bytes(3)?);
    let mut out = Output::new(a, text.len());
    let mut behind = 0;
    let mut work: usize = 0;
    let began = Instant::now();
    for captures in regex.captures_iter(&text) {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        work = work.saturating_add(text.len() - whole.start());
        if work > CAREFREE {
            work = 0;
            if began.elapsed() > MOST_TIME {
                return Err(a.fail(format_args!("the pattern takes too long for this text")));
            }
        }
        out.push(text.get(behind..whole.start()).unwrap_or_default())?;
        replacement::expand(&replacement, &captures, &mut out)?;
        behind = whole.end();
    }
    out.push(text.get(behind..).unwrap_or_default())?;
    Ok(out.finish())
}

/// The groups of the first match up to the last one that took part; none without a match.
fn regex_extract(a: &Arguments<'_>) -> Result<Value, Failure> {
    let text = a.text(1)?;
    let regex = cache::compiled(a, 2)?;
    let Some(captures) = regex.captures(&text) else {
        return Ok(Value::array(Vec::new()));
    };
    let mut groups: Vec<_> = captures.iter().skip(1).collect();
    while groups.last().is_some_and(Option::is_none) {
        groups.pop();
    }
    let part = |group: Option<::regex::bytes::Match<'_>>| match group {
        Some(group) => Value::Text(text.slice(group.range())),
        None => Value::Text(Bytes::new()),
    };
    members(a, groups.into_iter().map(part))
}
