//! Who owns which lane: leases in the KV bucket `lease`.
//!
//! Replicas of a flow share its lanes evenly. Each replica holds a key of its own and one per lane,
//! and renews them; the server forgets what is not renewed. A lane changes hands
//! * at once when its owner leaves politely: it drains the lane and gives the key back;
//! * within about a second when the owner's connection is gone: nobody answers at its address;
//! * within [`TTL`] plus a renewal when it hangs: its keys are forgotten, and its [`Lease`] has run
//!   out before that, so that it stores and settles nothing when it wakes.
//!
//! What an owner had fetched and not settled is delivered to the next one first, because opening a
//! source resets its durable. Two replicas must not read a lane at once, or each would get a part:
//! a source reads nothing without its lease, and after any break of its pull only when the server has
//! renewed the lease since. What an old owner still stores then is what it had in its hands: it comes
//! twice, and never before something older.

mod bucket;
mod guard;
mod holding;
mod identity;
mod leaseholder;
mod share;
mod snapshot;
mod view;

use std::time::Duration;

pub use bucket::is_gone;
pub use guard::Lease;
pub(crate) use identity::Identity;
pub(crate) use leaseholder::Leaseholder;
pub use snapshot::{About, Counts, LaneOwner, Replica, Snapshot, SnapshotError};

/// KV bucket of the leases; in memory, because a lost lease is only taken again.
pub const LEASE_BUCKET: &str = "lease";

/// After this the server forgets a key that was not renewed.
///
/// The life of a pull must be well below it: a hanging owner's pull goes on taking messages.
const TTL: Duration = Duration::from_secs(3);

/// How often keys are renewed.
const RENEW_EVERY: Duration = Duration::from_millis(750);

/// A lease that was not renewed for so long, by the owner's own clock, has run out for the owner.
const HELD_FOR: Duration = Duration::from_millis(2100);

/// How often the owner looks whether leases have run out, and whether others are overdue.
const CHECK_EVERY: Duration = Duration::from_millis(250);

/// A replica that has not renewed for so long is asked whether it is there.
const OVERDUE: Duration = Duration::from_secs(1);
