//! The tamper-evident log: entries, their chain, checkpoints, and the proof that nothing was changed.
//!
//! A log has one chain per partition. An entry is one canonical JSON document (RFC 8785), described
//! by `schemas/lock-audit.schema.json`; its `hash` is the SHA-256 of that document without the
//! member `hash`, and its `prev` is the hash of the entry before it. The chain's number is part of
//! what is hashed, so that entries can't be moved to another chain.
//!
//! Hashes alone stop nobody who can write the whole log anew. Two things do: a signed checkpoint
//! (see [`checkpoint_message`]) covers every entry before it, and a head (`chain:seq:hash`) that was
//! noted elsewhere covers everything up to it, the newest entries too.
//!
//! [`Chain`] writes, [`Verification`] reads. Only [`CheckpointKey::create`], [`CheckpointKey::read`]
//! and [`PublicKey::read`] touch files.

mod canonical;
mod chain;
mod checkpoint;
mod entry;
mod hash;
mod key;
mod key_file;
mod layout;
mod verification;

pub use chain::{Chain, Head};
pub use checkpoint::{CHECKPOINT_EVERY, checkpoint_message};
pub use entry::{Draft, Entry, EntryError, EntryKind, Place};
pub use hash::{Hash, HashError};
pub use key::{CheckpointKey, KeyError, PublicKey};
pub use verification::{
    ChainSummary, ExpectedHead, Fault, Finding, Position, Repeats, Report, Verification,
};
