//! The checkpoints of one chain during a verification.

use super::finding::{Fault, Findings, Spot};
use super::track::Entered;
use crate::checkpoint::{self, CHECKPOINT_EVERY};
use crate::entry::EntryKind;
use crate::key::PublicKey;
use crate::layout::Layout;

#[derive(Debug, Default)]
pub(super) struct Signatures {
    count: u64,
    /// Number of the newest checkpoint, or of what explains that one is missing.
    newest: u64,
    /// The newest one that the key verifies.
    signed: Option<u64>,
    is_missing: bool,
}

impl Signatures {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn signed_seq(&self) -> Option<u64> {
        self.signed
    }

    /// An entry whose hash fits.
    pub(super) fn sound(
        &mut self,
        layout: &Layout<'_>,
        entered: Entered,
        spot: Spot,
        key: Option<&PublicKey>,
        findings: &mut Findings,
    ) {
        let Layout {
            chain, seq, prev, ..
        } = *layout;
        if layout.kind != EntryKind::Checkpoint {
            return self.counted(chain, seq, entered, spot, findings);
        }
        self.took_checkpoint(seq);
        match checkpoint::check(chain, seq, prev, layout.data, key) {
            Ok(()) if key.is_some() => self.signed = self.signed.max(Some(seq)),
            Ok(()) => {}
            Err(detail) => {
                let at = Some((chain, seq, seq));
                findings.add(Fault::ForgedCheckpoint, at, spot, detail);
            }
        }
    }

    /// An entry that was changed: that is told already, so it only must not look like a missing
    /// checkpoint too.
    pub(super) fn changed(&mut self, seq: u64, entered: Entered, is_checkpoint: bool) {
        if is_checkpoint {
            self.took_checkpoint(seq);
        } else if entered == Entered::Jump {
            self.newest = seq;
        }
    }

    fn took_checkpoint(&mut self, seq: u64) {
        self.count += 1;
        self.newest = self.newest.max(seq);
        self.is_missing = false;
    }

    fn counted(
        &mut self,
        chain: u16,
        seq: u64,
        entered: Entered,
        spot: Spot,
        findings: &mut Findings,
    ) {
        if entered == Entered::Jump {
            // The checkpoint may be among the entries that are missing, which is told.
            self.newest = seq;
        }
        let is_signed = self.count > 0 && entered == Entered::Next;
        if is_signed && !self.is_missing && seq > self.newest + CHECKPOINT_EVERY {
            self.is_missing = true;
            let detail =
                format!("the {CHECKPOINT_EVERY} entries before it hold none: it had to be one");
            let at = Some((chain, seq, seq));
            findings.add(Fault::MissingCheckpoint, at, spot, detail);
        }
    }

    /// Before the first checkpoint a log may be unsigned for long: the first one covers it all.
    pub(super) fn finish(
        &self,
        chain: u16,
        newest: u64,
        key: Option<&PublicKey>,
        findings: &mut Findings,
    ) {
        if key.is_some() && self.count == 0 && newest > CHECKPOINT_EVERY {
            let seq = CHECKPOINT_EVERY + 1;
            let detail = "the chain holds no checkpoint at all";
            let at = Some((chain, seq, seq));
            findings.add(Fault::MissingCheckpoint, at, Spot::END, detail);
        }
    }
}
