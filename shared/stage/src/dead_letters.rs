//! Makes dead letters.

use bytes::Bytes;
use record::{DeadLetter, Origin, Original};

use crate::clock::now_ms;
use crate::handler::Reject;
use crate::source::NotAFrame;

/// Characters of a cause at most: whoever sent the payload must not choose our size.
const DETAIL_CHARACTERS: usize = 1000;

/// The dead letters of one batch.
pub(crate) struct Letters {
    stage: &'static str,
    stream: &'static str,
    refused_at_ms: u64,
    items: Vec<DeadLetter>,
    codes: Vec<&'static str>,
}

impl Letters {
    /// None yet.
    pub(crate) fn new(stage: &'static str, stream: &'static str) -> Self {
        Self {
            stage,
            stream,
            refused_at_ms: now_ms(),
            items: Vec::new(),
            codes: Vec::new(),
        }
    }

    /// Adds the letter of one item.
    pub(crate) fn push(&mut self, place: Origin, original: Option<Original>, reject: Reject) {
        let detail: String = reject.detail.chars().take(DETAIL_CHARACTERS).collect();
        self.codes.push(reject.code);
        self.items.push(DeadLetter {
            stage: Bytes::from_static(self.stage.as_bytes()),
            code: Bytes::from_static(reject.code.as_bytes()),
            schema: Bytes::copy_from_slice(reject.schema.as_bytes()),
            pointer: reject.pointer.into(),
            detail: detail.into(),
            refused_at_ms: self.refused_at_ms,
            stream: Bytes::from_static(self.stream.as_bytes()),
            sequence: place.sequence,
            index: place.index,
            original,
        });
    }

    /// Adds the letter of a message that is no frame.
    pub(crate) fn push_broken(&mut self, place: Origin, broken: &NotAFrame) {
        let reject = Reject::new("frame", broken.error.to_string());
        self.push(place, Some(Original::Bytes(broken.bytes.clone())), reject);
    }

    pub(crate) fn as_slice(&self) -> &[DeadLetter] {
        &self.items
    }

    /// Each letter with the word for its cause.
    pub(crate) fn with_codes(&self) -> impl Iterator<Item = (&'static str, &DeadLetter)> {
        self.codes.iter().copied().zip(&self.items)
    }
}
