//! The bytes of an entry: written once, and read without building a document.
//!
//! Canonical JSON sorts names, so that an entry always looks like this, in one line:
//!
//! ```json
//! {"chain":0,"data":{},"hash":"..","kind":"unlock","lock":"1",
//!  "origin":{"index":0,"output":0,"sequence":1},"prev":"..","seq":1,"ts":1574753026269}
//! ```
//!
//! The hash is defined over the canonical form without the member `hash`. When bytes have exactly
//! this layout, cutting `"hash":"..",` out of them gives that form, provided that `data` and `lock`
//! are canonical too; so there is no need to build the document and write it again. If they are not
//! canonical, the digest is taken over bytes that no [`Chain`](crate::Chain) has ever hashed, and it
//! differs: whoever wants it to fit must compute a new hash, which is to replace the entry, and that
//! shows in the next entry's `prev` and in the next checkpoint like any other replacement. Every
//! byte is either compared with the layout, or part of the hash itself, or hashed.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::canonical::{self, MAX_EXACT};
use crate::entry::{Draft, EntryKind, Place};
use crate::hash::Hash;

const HASH: &[u8] = b"\"hash\":\"";

/// An entry's members, as they are in its bytes.
#[derive(Debug)]
pub(crate) struct Layout<'e> {
    pub(crate) chain: u16,
    /// A JSON object.
    pub(crate) data: &'e str,
    pub(crate) hash: Hash,
    pub(crate) kind: EntryKind,
    /// A JSON string, in quotes.
    lock: &'e str,
    pub(crate) origin: Place,
    pub(crate) prev: Hash,
    pub(crate) seq: u64,
    pub(crate) ts_ms: u64,
    /// Where the member `hash` is.
    cut: Range<usize>,
}

impl<'e> Layout<'e> {
    /// `None` when the bytes differ from the layout anywhere.
    pub(crate) fn parse(bytes: &'e [u8]) -> Option<Self> {
        let mut cursor = Cursor { bytes, at: 0 };
        cursor.literal(b"{\"chain\":")?;
        let chain = u16::try_from(cursor.number()?).ok()?;
        cursor.literal(b",\"data\":")?;
        let data = cursor.value(b'{')?;
        cursor.literal(b",")?;
        let start = cursor.at;
        cursor.literal(HASH)?;
        let hash = cursor.hash()?;
        cursor.literal(b"\",")?;
        let cut = start..cursor.at;
        cursor.literal(b"\"kind\":\"")?;
        let kind = cursor.word()?;
        cursor.literal(b"\",\"lock\":")?;
        let lock = cursor.value(b'"')?;
        cursor.literal(b",\"origin\":")?;
        let origin = cursor.place()?;
        cursor.literal(b",\"prev\":\"")?;
        let prev = cursor.hash()?;
        cursor.literal(b"\",\"seq\":")?;
        let seq = cursor.number().filter(|seq| *seq > 0)?;
        cursor.literal(b",\"ts\":")?;
        let ts_ms = cursor.number()?;
        cursor.literal(b"}")?;
        cursor.is_at_end().then_some(Self {
            chain,
            data,
            hash,
            kind,
            lock,
            origin,
            prev,
            seq,
            ts_ms,
            cut,
        })
    }

    /// The hash that these bytes should have.
    pub(crate) fn digest(&self, bytes: &[u8]) -> Hash {
        digest(bytes, &self.cut)
    }

    /// The lock as text; `None` when the string holds half of a surrogate pair.
    pub(crate) fn lock_text(&self) -> Option<Cow<'e, str>> {
        let inner = self.lock.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            serde_json::from_str(self.lock).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }
}

fn digest(bytes: &[u8], cut: &Range<usize>) -> Hash {
    let mut digest = Sha256::new();
    digest.update(bytes.get(..cut.start).unwrap_or_default());
    digest.update(bytes.get(cut.end..).unwrap_or_default());
    Hash::new(digest.finalize().into())
}

/// Writes an entry: its bytes and its hash.
pub(crate) fn write(chain: u16, seq: u64, prev: Hash, draft: &Draft) -> (Vec<u8>, Hash) {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(format!("{{\"chain\":{chain},\"data\":").as_bytes());
    canonical::write(&draft.data, &mut out);
    out.push(b',');
    let start = out.len();
    out.extend_from_slice(HASH);
    let digits = out.len();
    out.extend_from_slice(&Hash::ZERO.digits());
    out.extend_from_slice(b"\",");
    let cut = start..out.len();
    out.extend_from_slice(format!("\"kind\":\"{}\",\"lock\":", draft.kind.name()).as_bytes());
    // JSON of a text, escaped as RFC 8785 does: with a vector behind it, it can't fail.
    out.extend_from_slice(&serde_json::to_vec(&draft.lock).unwrap_or_else(|_| b"\"\"".to_vec()));
    let Place {
        sequence,
        index,
        output,
    } = draft.origin;
    let (sequence, ts) = (sequence.min(MAX_EXACT), draft.ts_ms.min(MAX_EXACT));
    let rest = format!(
        ",\"origin\":{{\"index\":{index},\"output\":{output},\"sequence\":{sequence}}},\
         \"prev\":\"{prev}\",\"seq\":{seq},\"ts\":{ts}}}"
    );
    out.extend_from_slice(rest.as_bytes());
    let hash = digest(&out, &cut);
    if let Some(place) = out.get_mut(digits..digits + 64) {
        place.copy_from_slice(&hash.digits());
    }
    (out, hash)
}

/// Reads on from where it is; `None` from any of these ends the reading.
struct Cursor<'e> {
    bytes: &'e [u8],
    at: usize,
}

impl<'e> Cursor<'e> {
    fn rest(&self) -> &'e [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.rest().starts_with(literal).then(|| {
            self.at += literal.len();
        })
    }

    fn take(&mut self, count: usize) -> Option<&'e [u8]> {
        let taken = self.rest().get(..count)?;
        self.at += count;
        Some(taken)
    }

    /// Digits without a leading zero, within what a double holds exactly.
    fn number(&mut self) -> Option<u64> {
        let rest = self.rest();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = self.take(count)?;
        if count > 16 || (count > 1 && digits.first() == Some(&b'0')) {
            return None;
        }
        let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (number <= MAX_EXACT).then_some(number)
    }

    fn hash(&mut self) -> Option<Hash> {
        self.take(64).and_then(Hash::from_digits)
    }

    fn word(&mut self) -> Option<EntryKind> {
        let count = self.rest().iter().position(|byte| *byte == b'"')?;
        self.take(count).and_then(EntryKind::from_name)
    }

    fn place(&mut self) -> Option<Place> {
        self.literal(b"{\"index\":")?;
        let index = u32::try_from(self.number()?).ok()?;
        self.literal(b",\"output\":")?;
        let output = u32::try_from(self.number()?).ok()?;
        self.literal(b",\"sequence\":")?;
        let sequence = self.number()?;
        self.literal(b"}")?;
        Some(Place {
            sequence,
            index,
            output,
        })
    }

    /// One JSON value that begins with this byte, as it is written.
    fn value(&mut self, first: u8) -> Option<&'e str> {
        let rest = self.rest();
        if rest.first() != Some(&first) {
            return None;
        }
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
        let value = values.next()?.ok()?.get();
        self.at += value.len();
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use serde_json::{Map, Value, json};

    fn draft() -> Draft {
        let Value::Object(data) = json!({"by": "command", "process_id": "44", "battery": 83.4})
        else {
            unreachable!()
        };
        Draft {
            kind: EntryKind::Unlock,
            ts_ms: 1_574_753_026_269,
            lock: "10083618796833171".into(),
            origin: Place {
                sequence: 7,
                index: 2,
                output: 1,
            },
            data,
        }
    }

    /// Scenario: entries with plain and hostile text in every place that takes text.
    /// Guarantee: the bytes are exactly what a stock RFC 8785 writer makes of the same document,
    /// the hash is SHA-256 of that without `hash`, and reading gives back what was written.
    #[test]
    fn an_entry_is_canonical_json() {
        for text in ["1", "\"hash\":\"", "\u{1f512}\\\n\u{1}\u{7f}", ""] {
            let mut draft = draft();
            draft.lock = text.into();
            draft.data.insert(text.into(), text.into());
            let (bytes, hash) = write(3, 9, Hash::new([1; 32]), &draft);
            let mut value: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), bytes);
            value.as_object_mut().unwrap().remove("hash");
            let without = serde_json_canonicalizer::to_vec(&value).unwrap();
            assert_eq!(hash, Hash::new(Sha256::digest(without).into()));
            let entry = Entry::read(&bytes).unwrap();
            assert_eq!((entry.chain, entry.seq, entry.hash), (3, 9, hash));
            assert_eq!((&*entry.lock, entry.origin), (text, draft.origin));
            let data: Map<String, Value> = serde_json::from_str(entry.data).unwrap();
            assert_eq!(data, draft.data);
        }
    }

    /// Scenario: numbers beyond what a double holds exactly.
    /// Guarantee: what is written is an entry.
    #[test]
    fn numbers_stay_exact() {
        let mut draft = draft();
        (draft.ts_ms, draft.origin.sequence) = (u64::MAX, u64::MAX);
        let (bytes, _) = write(u16::MAX, 1, Hash::ZERO, &draft);
        assert_eq!(Entry::read(&bytes).unwrap().ts_ms, MAX_EXACT);
    }

    /// Scenario: every byte of an entry is replaced by every other byte, dropped, and doubled.
    /// Guarantee: none of these reads as an entry.
    #[test]
    fn no_other_bytes_read_as_this_entry() {
        let (bytes, _) = write(3, 9, Hash::new([1; 32]), &draft());
        for at in 0..bytes.len() {
            for byte in 0..=255 {
                let mut other = bytes.clone();
                other[at] = byte;
                assert_eq!(
                    Entry::read(&other).is_ok(),
                    other == bytes,
                    "{byte} at {at}"
                );
            }
            let mut other = bytes.clone();
            other.remove(at);
            assert!(Entry::read(&other).is_err(), "without {at}");
            other.insert(at, bytes[at]);
            other.insert(at, bytes[at]);
            assert!(Entry::read(&other).is_err(), "{at} twice");
        }
    }
}
