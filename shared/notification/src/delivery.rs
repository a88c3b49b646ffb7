//! One alert for one contact over one channel.

use alert::Alert;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::contacts::{ChannelKind, Zone};
use crate::language::Language;

/// One alert for one contact over one channel: what the stream NOTIFY holds, as JSON.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// 32 hex digits of SHA-256 over alert id, channel and address: the same whenever the same
    /// alert is planned again, so that a stream recognises it.
    pub id: String,
    /// Over what it goes.
    pub channel: ChannelKind,
    /// Mail address, phone number or URL. A channel checks it again before it uses it.
    pub address: String,
    /// Whom the texts address; empty is nobody by name.
    #[serde(default)]
    pub name: String,
    /// The language of the texts.
    pub language: Language,
    /// The zone of times in the texts.
    #[serde(default)]
    pub zone: Zone,
    /// What to tell.
    pub alert: Alert,
    /// Not to be sent before: milliseconds since 1970.
    pub not_before_ms: u64,
    /// Not to be sent from then on: milliseconds since 1970.
    pub deadline_ms: u64,
}

/// Bytes that are no delivery.
#[derive(Debug, thiserror::Error)]
#[error("not a delivery: {0}")]
pub struct DeliveryError(#[from] serde_json::Error);

impl Delivery {
    /// Reads a delivery's JSON.
    pub fn read(json: &[u8]) -> Result<Self, DeliveryError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// The delivery as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and maps with text keys: there is nothing in it that JSON can't say.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// First 32 hex digits of SHA-256 over the parts, each with its length in front, so that no two
/// lists of parts are the same bytes.
pub(crate) fn id_of<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut id = HEXLOWER.encode(&hash.finalize());
    id.truncate(32);
    id
}
