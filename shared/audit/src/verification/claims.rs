//! What bytes that are no sound entry still say of themselves.

use crate::hash::Hash;
use crate::layout::Layout;

/// What a changed entry says, as far as it can be read.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) chain: Option<u16>,
    pub(super) seq: Option<u64>,
    pub(super) prev: Option<Hash>,
    /// What the next entry's `prev` may be: the hash it says, and the one it should say. One of
    /// them is the old one, unless both the hash and another byte were changed.
    pub(super) hashes: [Option<Hash>; 2],
    pub(super) is_checkpoint: bool,
}

impl Claims {
    /// Of an entry whose hash does not fit.
    pub(super) fn of(layout: &Layout<'_>, computed: Hash) -> Self {
        Self {
            chain: Some(layout.chain),
            seq: Some(layout.seq),
            prev: Some(layout.prev),
            hashes: [Some(layout.hash), Some(computed)],
            is_checkpoint: layout.kind == crate::EntryKind::Checkpoint,
        }
    }

    /// Of bytes that are no entry: looks for the members by their names, wherever they are. A string
    /// can't fake these names, because a quote in it is escaped.
    pub(super) fn search(bytes: &[u8]) -> Self {
        Self {
            chain: number(bytes, b"\"chain\":").and_then(|number| u16::try_from(number).ok()),
            seq: number(bytes, b"\"seq\":"),
            prev: hash(bytes, b"\"prev\":\""),
            hashes: [hash(bytes, b"\"hash\":\""), None],
            is_checkpoint: after_last(bytes, b"\"kind\":\"checkpoint\"").is_some(),
        }
    }
}

/// What follows the last place of a name: `data`, which may hold the same name, comes early.
fn after_last<'b>(bytes: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    let at = bytes
        .windows(name.len())
        .rposition(|window| window == name)?;
    bytes.get(at + name.len()..)
}

fn number(bytes: &[u8], name: &[u8]) -> Option<u64> {
    let digits = after_last(bytes, name)?
        .split(|byte| !byte.is_ascii_digit())
        .next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn hash(bytes: &[u8], name: &[u8]) -> Option<Hash> {
    after_last(bytes, name)?
        .get(..64)
        .and_then(Hash::from_digits)
}
