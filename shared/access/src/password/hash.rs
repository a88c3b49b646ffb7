//! Hashes of passwords: reading a line's hash, and comparing a password with it.

use std::num::NonZeroU32;

use argon2::password_hash::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::pbkdf2;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Most memory of one Argon2 computation, in KiB: 1 GiB. A larger one could stop the machine.
const MAX_ARGON2_KIB: u32 = 1 << 20;

/// Most passes of one Argon2 computation.
const MAX_ARGON2_PASSES: u32 = 64;

/// Highest bcrypt cost: 2^16 rounds take some 4 seconds.
const MAX_BCRYPT_COST: u32 = 16;

/// Most PBKDF2 iterations, which take some 5 seconds.
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// Bytes of a SHA-512 hash.
const SHA512_BYTES: usize = 64;

/// The least bytes of an Argon2 hash: fewer could be met by chance.
const MIN_ARGON2_BYTES: usize = 16;

/// A hash of a password, as a line of the file has it.
pub(crate) enum PasswordHash {
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        params: Params,
        salt: Vec<u8>,
        output: Vec<u8>,
    },
    Bcrypt(Box<str>),
    /// Mosquitto's `$7$`.
    Pbkdf2Sha512 {
        iterations: NonZeroU32,
        salt: Vec<u8>,
        output: Vec<u8>,
    },
    /// Mosquitto's `$6$`: SHA-512 of the password and the salt, once.
    Sha512 {
        salt: Vec<u8>,
        output: Vec<u8>,
    },
}

/// What is wrong with a line of a password file. Never quotes the hash: it may be a password that
/// nobody hashed yet.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LineFault {
    /// No colon, or nothing before it.
    #[error("a line is USER:HASH; `latchwork passwd FILE USER` writes it")]
    Shape,
    /// Not a user name that a line can hold.
    #[error(
        "{0:?} can't be a user name here: it is empty, begins with `#`, begins or ends with a space, \
         or has a colon or a control character in it"
    )]
    Name(String),
    /// The user has two lines.
    #[error("the user {0:?} is there twice; leave one line")]
    Twice(String),
    /// Not a hash that is known here.
    #[error(
        "this is no hash of a password; known are $argon2id$, $argon2i$, $argon2d$, $2a$, $2b$, \
         $2y$ (bcrypt), $7$ and $6$ (Mosquitto); `latchwork passwd FILE USER` makes one"
    )]
    Kind,
    /// The kind is known, the rest is wrong.
    #[error("the {0} hash is damaged; make it anew with `latchwork passwd FILE USER`")]
    Damaged(&'static str),
    /// A login would take too long.
    #[error(
        "the {kind} hash asks for {what}, and the limit is {limit}; make it anew with \
         `latchwork passwd FILE USER`"
    )]
    Costly {
        /// The kind of hash.
        kind: &'static str,
        /// What is too much.
        what: String,
        /// The limit.
        limit: u32,
    },
}

impl PasswordHash {
    /// Reads the text behind the colon.
    pub(crate) fn parse(text: &str) -> Result<Self, LineFault> {
        match text.split('$').nth(1) {
            _ if !text.starts_with('$') => Err(LineFault::Kind),
            Some("argon2id" | "argon2i" | "argon2d") => argon2(text),
            Some("2a" | "2b" | "2y") => bcrypt(text),
            Some("7") => pbkdf2_sha512(text),
            Some("6") => sha512(text),
            _ => Err(LineFault::Kind),
        }
    }

    /// Whether this is the password. Takes as long as the hash was made to take; the comparison at
    /// its end takes the same time for every wrong password.
    pub(crate) fn verify(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2 {
                algorithm,
                version,
                params,
                salt,
                output,
            } => {
                let argon2 = Argon2::new(*algorithm, *version, params.clone());
                let mut computed = Zeroizing::new(vec![0; output.len()]);
                let done = argon2.hash_password_into(password, salt, &mut computed);
                done.is_ok() && bool::from(computed.as_slice().ct_eq(output))
            }
            // bcrypt repeats the password behind a null byte, so that `a` and `a\0a` look the same.
            Self::Bcrypt(text) => {
                let same = bcrypt::verify(password, text).unwrap_or(false);
                same && !password.contains(&0)
            }
            Self::Pbkdf2Sha512 {
                iterations,
                salt,
                output,
            } => pbkdf2::verify(PBKDF2_SHA512, *iterations, salt, password, output).is_ok(),
            Self::Sha512 { salt, output } => {
                let computed = Sha512::new().chain_update(password).chain_update(salt);
                computed.finalize().as_slice().ct_eq(output).into()
            }
        }
    }
}

/// The algorithm of Mosquitto's `$7$`.
pub(super) const PBKDF2_SHA512: pbkdf2::Algorithm = pbkdf2::PBKDF2_HMAC_SHA512;

fn argon2(text: &str) -> Result<PasswordHash, LineFault> {
    const KIND: &str = "Argon2";
    let damaged = || LineFault::Damaged(KIND);
    let phc = Phc::new(text).map_err(|_| damaged())?;
    let algorithm = Algorithm::try_from(phc.algorithm).map_err(|_| damaged())?;
    // Argon2 strings without a version are those of version 1.0.
    let version = phc.version.unwrap_or(Version::V0x10.into());
    let version = Version::try_from(version).map_err(|_| damaged())?;
    let params = Params::try_from(&phc).map_err(|_| damaged())?;
    let costly = |what, limit| LineFault::Costly {
        kind: KIND,
        what,
        limit,
    };
    if params.m_cost() > MAX_ARGON2_KIB {
        return Err(costly(format!("{} KiB", params.m_cost()), MAX_ARGON2_KIB));
    }
    if params.t_cost() > MAX_ARGON2_PASSES {
        return Err(costly(
            format!("{} passes", params.t_cost()),
            MAX_ARGON2_PASSES,
        ));
    }
    let mut salt = [0; 64];
    let salt = phc
        .salt
        .and_then(|text| text.decode_b64(&mut salt).ok().map(<[u8]>::to_vec));
    let salt = salt.filter(|salt| salt.len() >= argon2::MIN_SALT_LEN);
    let output = phc.hash.map(|hash| hash.as_bytes().to_vec());
    let output = output.filter(|output| output.len() >= MIN_ARGON2_BYTES);
    Ok(PasswordHash::Argon2 {
        algorithm,
        version,
        params,
        salt: salt.ok_or_else(damaged)?,
        output: output.ok_or_else(damaged)?,
    })
}

fn bcrypt(text: &str) -> Result<PasswordHash, LineFault> {
    const KIND: &str = "bcrypt";
    let parts: bcrypt::HashParts = text.parse().map_err(|_| LineFault::Damaged(KIND))?;
    let cost = parts.get_cost();
    if cost > MAX_BCRYPT_COST {
        return Err(LineFault::Costly {
            kind: KIND,
            what: format!("cost {cost}"),
            limit: MAX_BCRYPT_COST,
        });
    }
    // Its digits and the lowest cost are checked by the computation alone; damage must be found
    // here, not at a login.
    let digits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
    let tail = text.rsplit('$').next().unwrap_or_default();
    let whole = tail.len() == 53 && tail.bytes().all(digits) && cost >= 4;
    if whole {
        Ok(PasswordHash::Bcrypt(text.into()))
    } else {
        Err(LineFault::Damaged(KIND))
    }
}

fn pbkdf2_sha512(text: &str) -> Result<PasswordHash, LineFault> {
    const KIND: &str = "PBKDF2";
    let damaged = || LineFault::Damaged(KIND);
    let mut parts = text.split('$').skip(2);
    let iterations = parts.next().and_then(|count| count.parse().ok());
    let iterations: NonZeroU32 = iterations.ok_or_else(damaged)?;
    if iterations.get() > MAX_PBKDF2_ITERATIONS {
        return Err(LineFault::Costly {
            kind: KIND,
            what: format!("{iterations} iterations"),
            limit: MAX_PBKDF2_ITERATIONS,
        });
    }
    let (salt, output) = salt_and_hash(parts).ok_or_else(damaged)?;
    Ok(PasswordHash::Pbkdf2Sha512 {
        iterations,
        salt,
        output,
    })
}

fn sha512(text: &str) -> Result<PasswordHash, LineFault> {
    let parts = text.split('$').skip(2);
    let (salt, output) = salt_and_hash(parts).ok_or(LineFault::Damaged("SHA-512"))?;
    Ok(PasswordHash::Sha512 { salt, output })
}

/// The two base64 fields at the end of Mosquitto's hashes.
fn salt_and_hash<'t>(mut parts: impl Iterator<Item = &'t str>) -> Option<(Vec<u8>, Vec<u8>)> {
    let salt = STANDARD.decode(parts.next()?).ok()?;
    let output = STANDARD.decode(parts.next()?).ok()?;
    // A shorter hash could be met by chance, an empty one by every password.
    let whole = parts.next().is_none() && !salt.is_empty() && output.len() == SHA512_BYTES;
    whole.then_some((salt, output))
}
