//! One root key, and the keys of locks that come from it.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a key, and of a whole signature.
pub(crate) const KEY_BYTES: usize = 32;

/// Names the use of a derived key, so that no other use of the root key can give the same.
const PURPOSE: &[u8] = b"latchwork lock command v1";

/// A root key with its id.
pub(crate) struct RootKey {
    pub(crate) id: String,
    pub(crate) key: Zeroizing<[u8; KEY_BYTES]>,
}

/// The key of one lock.
pub(crate) struct LockKey(pub(crate) Zeroizing<[u8; KEY_BYTES]>);

impl RootKey {
    /// The key of a lock: HKDF-SHA256 (RFC 5869) without salt, 32 bytes, with the info
    ///
    /// ```text
    /// "latchwork lock command v1" | length of key id | key id | length of client id | client id
    /// ```
    ///
    /// where a length is that of the UTF-8 bytes, as 8 bytes, big-endian. `None` never happens:
    /// HKDF-SHA256 gives up to 8,160 bytes.
    pub(crate) fn lock_key(&self, client_id: &str) -> Option<LockKey> {
        let length = |text: &str| (text.len() as u64).to_be_bytes();
        let info = [
            PURPOSE,
            &length(&self.id),
            self.id.as_bytes(),
            &length(client_id),
            client_id.as_bytes(),
        ];
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let derivation = Hkdf::<Sha256>::new(None, self.key.as_slice());
        derivation
            .expand_multi_info(&info, key.as_mut_slice())
            .ok()?;
        Some(LockKey(key))
    }
}

impl fmt::Debug for RootKey {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
