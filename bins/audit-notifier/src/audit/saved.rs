//! A lock's state as it is kept for a restart.

use std::borrow::Cow;
use std::sync::Arc;

use audit::Place;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lock::{Lock, Rare};
use super::report::Action;

/// Why a stored state can't be gone on from.
#[derive(Debug, thiserror::Error)]
#[error("the stored state of lock {lock:?} is unreadable ({source}); delete it to begin anew")]
pub struct RestoreError {
    lock: String,
    source: serde_json::Error,
}

/// The stored JSON.
#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    /// Sequence and index of the last record that was applied.
    place: (u64, u32),
    seen_ms: u64,
    touched_ms: u64,
    since_ms: u64,
    epoch: u64,
    gone_epoch: u64,
    online: bool,
    battery: Option<f64>,
    lock_state: Option<i32>,
    action: Option<Action>,
    process_id: Cow<'a, str>,
    version: Option<Cow<'a, RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rare: Option<Cow<'a, Rare>>,
}

impl Lock {
    /// The state as JSON.
    pub(super) fn save(&self) -> Vec<u8> {
        let saved = Saved {
            place: (self.place.sequence, self.place.index),
            seen_ms: self.seen_ms,
            touched_ms: self.touched_ms,
            since_ms: self.since_ms,
            epoch: self.epoch,
            gone_epoch: self.gone_epoch,
            online: self.online,
            battery: self.battery,
            lock_state: self.reported,
            action: self.action,
            process_id: Cow::Borrowed(&self.process_id),
            version: self.version.as_deref().map(Cow::Borrowed),
            rare: self.rare.as_deref().map(Cow::Borrowed),
        };
        // Numbers, texts and maps with text keys: there is nothing in it that JSON can't say.
        serde_json::to_vec(&saved).unwrap_or_default()
    }

    /// Reads what [`save`](Self::save) wrote.
    pub(super) fn restore(id: &str, json: &[u8]) -> Result<Self, RestoreError> {
        let saved: Saved<'_> = serde_json::from_slice(json).map_err(|source| RestoreError {
            lock: id.to_owned(),
            source,
        })?;
        let (sequence, index) = saved.place;
        Ok(Self {
            place: Place {
                sequence,
                index,
                output: 0,
            },
            seen_ms: saved.seen_ms,
            touched_ms: saved.touched_ms,
            written_ms: saved.seen_ms,
            since_ms: saved.since_ms,
            restored: true,
            epoch: saved.epoch,
            gone_epoch: saved.gone_epoch,
            online: saved.online,
            battery: saved.battery,
            reported: saved.lock_state,
            action: saved.action,
            process_id: saved.process_id.into(),
            version: saved.version.map(Cow::into_owned),
            rare: saved.rare.map(|rare| Box::new(rare.into_owned())),
            ..Self::new(Arc::from(id))
        })
    }
}
