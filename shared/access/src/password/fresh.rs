//! New hashes of passwords.

use std::num::NonZeroU32;

use argon2::password_hash::{Ident, Output, ParamsString, PasswordHash as Phc, Salt, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::pbkdf2;
use zeroize::Zeroizing;

use super::hash::PBKDF2_SHA512;

/// Rounds of bcrypt, as a power of two: some 60 ms on a core of today.
const BCRYPT_COST: u32 = 10;

/// Iterations of PBKDF2-SHA512: the advice of the OWASP Password Storage Cheat Sheet (2023).
const PBKDF2_ITERATIONS: NonZeroU32 = match NonZeroU32::new(210_000) {
    Some(iterations) => iterations,
    None => NonZeroU32::MIN,
};

/// bcrypt takes no more bytes of a password into account.
const BCRYPT_BYTES: usize = 72;

/// How a new hash is made.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, clap::ValueEnum)]
pub enum HashKind {
    /// Argon2id with 19 MiB of memory and 2 passes. Hard to try even on graphics cards.
    #[default]
    Argon2id,
    /// bcrypt of cost 10; for passwords up to 72 bytes.
    Bcrypt,
    /// PBKDF2-SHA512 with 210,000 iterations; Mosquitto 2.0 reads it, too.
    #[value(name = "pbkdf2-sha512")]
    Pbkdf2Sha512,
}

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// An empty password.
    #[error("the password is empty; choose one with some characters")]
    Empty,
    /// bcrypt would not look at all of it.
    #[error("bcrypt takes passwords of up to 72 bytes without null bytes; choose --hash argon2id")]
    Bcrypt,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// A defect of this build.
    #[error("cannot compute a hash; this is a defect of this build")]
    Computation,
}

impl HashKind {
    /// A hash of the password under a new random salt, as text for a password file.
    pub fn hash(self, password: &[u8]) -> Result<String, HashError> {
        if password.is_empty() {
            return Err(HashError::Empty);
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(HashError::Random)?;
        match self {
            Self::Argon2id => argon2id(password, &salt),
            Self::Bcrypt => bcrypt(password, salt),
            Self::Pbkdf2Sha512 => Ok(pbkdf2_sha512(password, &salt)),
        }
    }
}

fn argon2id(password: &[u8], salt: &[u8]) -> Result<String, HashError> {
    let defect = |_| HashError::Computation;
    let params = Params::default();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut output = Zeroizing::new([0; Params::DEFAULT_OUTPUT_LEN]);
    argon2
        .hash_password_into(password, salt, output.as_mut_slice())
        .map_err(|_| HashError::Computation)?;
    let salt = SaltString::encode_b64(salt).map_err(defect)?;
    let phc = Phc {
        algorithm: Ident::from(Algorithm::Argon2id),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|_| HashError::Computation)?,
        salt: Some(Salt::from(&salt)),
        hash: Some(Output::new(output.as_slice()).map_err(defect)?),
    };
    Ok(phc.to_string())
}

fn bcrypt(password: &[u8], salt: [u8; 16]) -> Result<String, HashError> {
    // One byte ends the password.
    if password.len() >= BCRYPT_BYTES || password.contains(&0) {
        return Err(HashError::Bcrypt);
    }
    let parts = bcrypt::hash_with_salt(password, BCRYPT_COST, salt);
    let parts = parts.map_err(|_| HashError::Computation)?;
    Ok(parts.format_for_version(bcrypt::Version::TwoB))
}

fn pbkdf2_sha512(password: &[u8], salt: &[u8]) -> String {
    let mut output = Zeroizing::new([0; 64]);
    pbkdf2::derive(
        PBKDF2_SHA512,
        PBKDF2_ITERATIONS,
        salt,
        password,
        output.as_mut_slice(),
    );
    let (salt, output) = (STANDARD.encode(salt), STANDARD.encode(output.as_slice()));
    format!("$7${PBKDF2_ITERATIONS}${salt}${output}")
}
