//! Keys that tokens are checked with. Each has one algorithm, whatever a token says.

use hmac::{Hmac, Mac};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Fewest bytes of a shared secret: those of the hash (RFC 7518 section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// Fewest bits of an RSA modulus (RFC 7518 section 3.3).
const MIN_RSA_BITS: usize = 2048;

/// Bytes of a point of P-256: both coordinates, and a 4 before them.
const POINT_BYTES: usize = 65;

/// How a token is signed (RFC 7518 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, clap::ValueEnum)]
pub enum Algorithm {
    /// RSA PKCS #1 1.5 with SHA-256; keys of 2048 bits or more.
    #[value(name = "RS256", alias = "rs256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[value(name = "ES256", alias = "es256")]
    Es256,
    /// HMAC-SHA256 with a shared secret of 32 bytes or more.
    #[value(name = "HS256", alias = "hs256")]
    Hs256,
}

impl Algorithm {
    /// The name in a token's header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with a key or its file. Never quotes a key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyFault {
    /// No usable key.
    #[error(
        "it holds no key for tokens; it must be PEM (`PUBLIC KEY`, `RSA PUBLIC KEY`, \
         `CERTIFICATE`), a JWKS, or with --jwt-algorithm HS256 a secret"
    )]
    None,
    /// Broken PEM.
    #[error("its PEM is damaged: {0}")]
    Pem(String),
    /// A private key.
    #[error("it holds a private key, which does not belong here; give the public one")]
    Private,
    /// Not a key that is known here.
    #[error("it holds a key of a kind that is not known here; RSA and EC P-256 are")]
    Kind,
    /// A short RSA key.
    #[error("its RSA key has {0} bits; 2048 is the least")]
    ShortRsa(usize),
    /// A short secret.
    #[error("its secret has {0} bytes; HS256 needs 32 or more (RFC 7518 section 3.2)")]
    ShortSecret(usize),
    /// No JWKS.
    #[error("it is no JWKS: {0}")]
    Jwks(String),
    /// A key for another algorithm than the one that is asked for.
    #[error("its key is for {found}, but --jwt-algorithm says {wanted}")]
    Algorithm {
        /// What the key can do.
        found: Algorithm,
        /// What is asked for.
        wanted: Algorithm,
    },
}

/// A key.
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    material: Material,
}

enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    Secret(Zeroizing<Vec<u8>>),
}

impl Key {
    /// An RSA public key; numbers are big-endian.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyFault> {
        let (modulus, exponent) = (significant(modulus), significant(exponent));
        let zeros = modulus.first().map_or(0, |byte| byte.leading_zeros());
        let bits = (modulus.len() * 8).saturating_sub(zeros as usize);
        if bits < MIN_RSA_BITS {
            return Err(KeyFault::ShortRsa(bits));
        }
        Ok(Self::new(Material::Rsa {
            modulus: modulus.to_vec(),
            exponent: exponent.to_vec(),
        }))
    }

    /// A point of P-256, not compressed.
    pub(crate) fn p256(point: &[u8]) -> Result<Self, KeyFault> {
        if point.len() != POINT_BYTES || point.first() != Some(&4) {
            return Err(KeyFault::Kind);
        }
        Ok(Self::new(Material::P256(point.to_vec())))
    }

    /// A shared secret.
    pub(crate) fn secret(secret: Zeroizing<Vec<u8>>) -> Result<Self, KeyFault> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyFault::ShortSecret(secret.len()));
        }
        Ok(Self::new(Material::Secret(secret)))
    }

    fn new(material: Material) -> Self {
        Self { id: None, material }
    }

    /// The one algorithm that the key is used with.
    pub(crate) fn algorithm(&self) -> Algorithm {
        match &self.material {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Secret(_) => Algorithm::Hs256,
        }
    }

    /// Whether the signature is that of the message under this key.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { modulus, exponent } => {
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                let verified = key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature);
                verified.is_ok()
            }
            Material::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok(),
            Material::Secret(secret) => {
                let mac = Hmac::<Sha256>::new_from_slice(secret);
                mac.is_ok_and(|mac| mac.chain_update(message).verify_slice(signature).is_ok())
            }
        }
    }
}

/// A number without its leading zeros.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
