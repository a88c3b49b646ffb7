//! The keys of checkpoints: Ed25519.

use std::fmt;
use std::path::PathBuf;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::hash::{from_hex, to_hex};

const PEM: &str = "-----BEGIN";

/// Why a key can't be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no private key.
    #[error(
        "not an Ed25519 private key: it takes PKCS#8 PEM (`latchwork audit keygen FILE` makes one) \
         or a seed of 64 lower-case hex digits"
    )]
    NotPrivate,
    /// The text is no public key.
    #[error(
        "not an Ed25519 public key: it takes PEM (BEGIN PUBLIC KEY) or 64 lower-case hex digits"
    )]
    NotPublic,
    /// The key can't be written as PEM.
    #[error("the key can't be written as PEM")]
    Encode,
    /// The system gave no randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// A file that can't be read or made.
    #[error("cannot {action} {}: {source}", file.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file that holds something else.
    #[error("{}: {source}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: Box<KeyError>,
    },
}

/// The private key that signs checkpoints. It is wiped from memory when it is dropped, and never
/// shown.
pub struct CheckpointKey {
    signing: SigningKey,
    public: PublicKey,
}

impl CheckpointKey {
    /// A new key from the system's randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(KeyError::Random)?;
        Ok(Self::from_seed(&seed))
    }

    /// Reads PKCS#8 PEM, or a seed of 64 lower-case hex digits. White space around it is ignored.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with(PEM) {
            let signing = SigningKey::from_pkcs8_pem(text).map_err(|_| KeyError::NotPrivate)?;
            return Ok(Self::from_signing(signing));
        }
        let seed = from_hex(text.as_bytes()).map(Zeroizing::new);
        Ok(Self::from_seed(&*seed.ok_or(KeyError::NotPrivate)?))
    }

    /// The key as PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` writes it.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        // Without the public half: OpenSSL reads no PKCS#8 that holds it.
        let pair = KeypairBytes {
            secret_key: self.signing.to_bytes(),
            public_key: None,
        };
        pair.to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| KeyError::Encode)
    }

    /// The half that verifies.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// [`PublicKey::id`] of the public half.
    pub fn id(&self) -> &str {
        self.public.id()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }

    fn from_seed(seed: &[u8; 32]) -> Self {
        Self::from_signing(SigningKey::from_bytes(seed))
    }

    fn from_signing(signing: SigningKey) -> Self {
        let public = PublicKey::new(signing.verifying_key());
        Self { signing, public }
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointKey")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// The public key that verifies checkpoints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    verifying: VerifyingKey,
    id: String,
}

impl PublicKey {
    /// Reads PEM (`BEGIN PUBLIC KEY`), or 64 lower-case hex digits. White space around it is
    /// ignored.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let verifying = if text.starts_with(PEM) {
            VerifyingKey::from_public_key_pem(text).ok()
        } else {
            from_hex(text.as_bytes()).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
        };
        verifying.map(Self::new).ok_or(KeyError::NotPublic)
    }

    /// The key as PEM.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.verifying
            .to_public_key_pem(LineEnding::LF)
            .map_err(|_| KeyError::Encode)
    }

    /// The key as 64 hex digits.
    pub fn to_hex(&self) -> String {
        to_hex(self.verifying.as_bytes())
    }

    /// 16 hex digits that name the key in checkpoints: the first 8 bytes of its SHA-256.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.verifying.verify_strict(message, &signature).is_ok()
    }

    fn new(verifying: VerifyingKey) -> Self {
        let digest = Sha256::digest(verifying.as_bytes());
        let id = to_hex(digest.get(..8).unwrap_or_default());
        Self { verifying, id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 section 7.1, test 1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    /// The same key as OpenSSL writes it.
    const OPENSSL: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";

    /// Scenario: the key of RFC 8032 as hex and as OpenSSL's PEM; its public half in both forms.
    /// Guarantee: all are the same key, PEM is written as OpenSSL writes it, and a signature of the
    /// one verifies with the other.
    #[test]
    fn both_forms_are_the_same_key() {
        for text in [SEED, OPENSSL, &format!("{SEED}\n")] {
            let key = CheckpointKey::from_text(text).unwrap();
            assert_eq!(key.public().to_hex(), PUBLIC);
            assert_eq!(*key.to_pem().unwrap(), OPENSSL);
            for public in [PUBLIC, &key.public().to_pem().unwrap()] {
                let public = PublicKey::from_text(public).unwrap();
                assert_eq!(&public, key.public());
                assert!(public.verify(b"text", &key.sign(b"text")));
                assert!(!public.verify(b"Text", &key.sign(b"text")));
            }
        }
    }

    /// Scenario: nonsense, a public key in place of a private one, and a private one printed.
    /// Guarantee: refused with what is wanted; and no digit of the seed is ever shown.
    #[test]
    fn secrets_stay_secret() {
        let key = CheckpointKey::from_text(SEED).unwrap();
        assert!(
            !format!("{key:?}").contains(SEED.get(..8).unwrap()),
            "{key:?}"
        );
        let pem = key.public().to_pem().unwrap();
        for text in ["", "9d61", pem.as_str(), &SEED.to_uppercase()] {
            let error = CheckpointKey::from_text(text).unwrap_err();
            assert!(error.to_string().contains("keygen"), "{error}");
        }
        assert!(PublicKey::from_text(OPENSSL).is_err());
        assert_ne!(CheckpointKey::generate().unwrap().id(), key.id());
    }
}
