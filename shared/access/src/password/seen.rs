//! Passwords that were found right.

use std::collections::{HashSet, VecDeque};

use hmac::{Hmac, Mac};
use parking_lot::Mutex;
use sha2::Sha256;
use zeroize::Zeroizing;

/// How many are remembered: what a hash table of 65,536 places holds; some 2 MiB.
const REMEMBERED: usize = 57_344;

/// Half of an HMAC-SHA256: enough that no two logins meet.
type Mark = [u8; 16];

/// Logins that were found right: of each, an HMAC of user name and password under a key that only
/// this process has, and only as long as the password file is the same. So locks that come back,
/// all at once, cost microseconds each instead of a slow hash.
pub(crate) struct Seen {
    key: Zeroizing<[u8; 32]>,
    marks: Mutex<Marks>,
}

#[derive(Default)]
struct Marks {
    known: HashSet<Mark>,
    order: VecDeque<Mark>,
}

impl Seen {
    /// Remembers nothing yet. Without random numbers from the system, nothing ever.
    pub(crate) fn new() -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).ok()?;
        let marks = Mutex::default();
        Some(Self { key, marks })
    }

    /// What stands for a login. A user name holds no null byte, so no two logins give the same text.
    pub(crate) fn mark(&self, user: &str, password: &[u8]) -> Option<Mark> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_slice()).ok()?;
        mac.update(user.as_bytes());
        mac.update(&[0]);
        mac.update(password);
        mac.finalize().into_bytes().first_chunk().copied()
    }

    pub(crate) fn contains(&self, mark: &Mark) -> bool {
        self.marks.lock().known.contains(mark)
    }

    pub(crate) fn insert(&self, mark: Mark) {
        let mut marks = self.marks.lock();
        if !marks.known.insert(mark) {
            return;
        }
        marks.order.push_back(mark);
        if marks.order.len() > REMEMBERED
            && let Some(oldest) = marks.order.pop_front()
        {
            marks.known.remove(&oldest);
        }
    }
}
