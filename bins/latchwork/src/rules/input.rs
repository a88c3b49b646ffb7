//! What options and files say.

use std::io::Read as _;
use std::path::Path;

use super::RulesError;

/// The bytes of a file; `-` is standard input.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, RulesError> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    read.map_err(|source| RulesError::Read {
        file: file.display().to_string(),
        source,
    })
}

/// What an option gives: a text, or `@FILE`, or `@-` for standard input.
pub(super) fn bytes(given: &str) -> Result<Vec<u8>, RulesError> {
    match given.strip_prefix('@') {
        Some(file) => read(Path::new(file)),
        None => Ok(given.as_bytes().to_vec()),
    }
}

/// The same where only a text will do, without a byte order mark.
pub(super) fn text(given: &str) -> Result<String, RulesError> {
    as_text(given.trim_start_matches('@'), bytes(given)?)
}

/// The bytes of what has this name, as a text.
pub(super) fn as_text(name: &str, bytes: Vec<u8>) -> Result<String, RulesError> {
    let text = String::from_utf8(bytes).map_err(|_| RulesError::NotText(name.to_owned()))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}
