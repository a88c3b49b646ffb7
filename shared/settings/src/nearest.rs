//! What somebody who misspelt a name may have meant.

/// Edits up to which two names are near: a letter more, less, other, or two swapped.
const NEAR: usize = 3;

/// ``did you mean `x`?`` when a known name is near, else all that are known.
pub(crate) fn did_you_mean<'n>(wrong: &str, known: impl Iterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.collect();
    let distance = |name: &&&str| strsim::damerau_levenshtein(wrong, name);
    let near = known
        .iter()
        .filter(|name| distance(name) <= NEAR.min(name.len() / 2));
    match near.min_by_key(distance) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known are {}", known.join(", ")),
    }
}
