//! Checkpoints: signatures in the log over everything before them.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::hash::{Hash, from_hex, to_hex};
use crate::key::{CheckpointKey, PublicKey};

/// So many entries may follow each other without a checkpoint between them.
pub const CHECKPOINT_EVERY: u64 = 1000;

/// The bytes that a checkpoint's Ed25519 signature is over: four lines of ASCII joined by line feeds,
/// without one at the end: `latchwork-audit-checkpoint-v1`, the chain's number, the checkpoint's own
/// sequence (both decimal), and its `prev` (64 lower-case hex digits).
///
/// `prev` covers every entry before it, and the words keep the signature from meaning anything else.
pub fn checkpoint_message(chain: u16, seq: u64, prev: Hash) -> Vec<u8> {
    format!("latchwork-audit-checkpoint-v1\n{chain}\n{seq}\n{prev}").into_bytes()
}

/// `data` of a checkpoint entry.
pub(crate) fn checkpoint_data(
    chain: u16,
    seq: u64,
    prev: Hash,
    key: &CheckpointKey,
) -> Map<String, Value> {
    let signature = key.sign(&checkpoint_message(chain, seq, prev));
    Map::from_iter([
        ("count".to_owned(), Value::from(seq - 1)),
        ("key".to_owned(), Value::from(key.id())),
        ("signature".to_owned(), Value::from(to_hex(&signature))),
    ])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    count: u64,
    key: String,
    signature: String,
}

/// Says what is wrong with a checkpoint. Without a key only its shape is checked.
pub(crate) fn check(
    chain: u16,
    seq: u64,
    prev: Hash,
    data: &str,
    key: Option<&PublicKey>,
) -> Result<(), String> {
    let data: Data = serde_json::from_str(data).map_err(|_| "it has no signature in it")?;
    if data.count != seq - 1 {
        return Err(format!(
            "it counts {} entries before it, where there are {}",
            data.count,
            seq - 1
        ));
    }
    let signature: [u8; 64] =
        from_hex(data.signature.as_bytes()).ok_or("its signature is not 128 hex digits")?;
    let Some(key) = key else { return Ok(()) };
    if data.key != key.id() {
        let (signed_by, given) = (clean(&data.key), key.id());
        return Err(format!("signed by key {signed_by}, not by {given}"));
    }
    let message = checkpoint_message(chain, seq, prev);
    if key.verify(&message, &signature) {
        Ok(())
    } else {
        Err("its signature does not fit what comes before it".to_owned())
    }
}

/// A key id for a message: whatever it holds, it stays one short line.
fn clean(id: &str) -> String {
    let is_plain = |character: &char| character.is_ascii_alphanumeric();
    id.chars().filter(is_plain).take(16).collect()
}
