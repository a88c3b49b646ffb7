//! JSON Web Tokens as MQTT passwords (RFC 7519, RFC 7515).
//!
//! Written on `ring`, which TLS needs anyway: current releases of the usual crate offer only
//! backends that are not in this tree, and its last one on `ring` skips the check of a malformed
//! `nbf`. What is taken is little: three algorithms, compact form, no critical extensions.

mod claim;
mod key;
mod key_file;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::acl::Rule;
pub use claim::ClaimFault;
pub use key::{Algorithm, KeyFault};
pub(crate) use key_file::KEY_FILE;
pub use key_file::TokenKeys;

/// How far clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(30);

/// Longest token: an MQTT password ends at 65,535 bytes, and no use needs more than this.
const MAX_BYTES: usize = 16 * 1024;

/// The latest `exp` that is taken for a time, in seconds since 1970: the end of the year 9999.
const MAX_SECONDS: f64 = 253_402_300_799.0;

/// What a token must say besides being signed and in time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenSettings {
    /// Its `iss`, when one is asked for.
    pub issuer: Option<String>,
    /// Its `aud`, or one of them, when one is asked for.
    pub audience: Option<String>,
    /// The claim with the client id.
    pub client_claim: String,
    /// The claim with the user name. `None`: `username`, or else `sub`.
    pub user_claim: Option<String>,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            client_claim: "client_id".to_owned(),
            user_claim: None,
        }
    }
}

/// Why a token is refused. Never quotes the token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenFault {
    /// Not three parts of base64url JSON, or too long.
    #[error("it is no token")]
    Shape,
    /// `none`, or an algorithm that no key has.
    #[error("there is no key for its algorithm and key id")]
    NoKey,
    /// It has critical extensions.
    #[error("it has extensions that must be understood (`crit`), and none is known here")]
    Critical,
    /// The signature is not that of any key.
    #[error("its signature is wrong")]
    Signature,
    /// A claim is missing or of another type.
    #[error("its claim {0:?} is missing or of the wrong type")]
    Claim(String),
    /// It is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet (nbf); are the clocks right?")]
    NotYet,
    /// Somebody else made it.
    #[error("its issuer is another one")]
    Issuer,
    /// It is for somebody else.
    #[error("it is for another audience")]
    Audience,
    /// Its `acl` claim is wrong.
    #[error("its acl claim is wrong: {0}")]
    Acl(#[from] ClaimFault),
}

/// What a token says about its bearer.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) client_id: Option<String>,
    pub(crate) username: Option<String>,
    /// `None` without an `acl` claim.
    pub(crate) rules: Option<Arc<[Rule]>>,
    /// When the session ends: the claim `exp` and the leeway.
    pub(crate) expires_at: SystemTime,
}

/// Whether a password has the look of a token, so that it is judged as one.
pub(crate) fn looks_like_token(password: &[u8]) -> bool {
    // A token begins with `{"` in base64.
    password.starts_with(b"eyJ") && password.split(|byte| *byte == b'.').count() == 3
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    #[serde(default)]
    crit: Value,
}

impl TokenSettings {
    /// Checks a token. The signature comes first: nothing of an unsigned token is looked at, but its
    /// header.
    pub(crate) fn verify(
        &self,
        keys: &TokenKeys,
        token: &[u8],
        now: SystemTime,
    ) -> Result<Token, TokenFault> {
        let token = std::str::from_utf8(token).map_err(|_| TokenFault::Shape)?;
        if token.len() > MAX_BYTES {
            return Err(TokenFault::Shape);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Shape)?;
        let header: Header = json(header)?;
        if !header.crit.is_null() {
            return Err(TokenFault::Critical);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature);
        let signature = signature.map_err(|_| TokenFault::Shape)?;
        let mut candidates = keys.of(&header.alg, header.kid.as_deref()).peekable();
        candidates.peek().ok_or(TokenFault::NoKey)?;
        if !candidates.any(|key| key.accepts(signed.as_bytes(), &signature)) {
            return Err(TokenFault::Signature);
        }
        self.read(&json(claims)?, now)
    }

    fn read(&self, claims: &Map<String, Value>, now: SystemTime) -> Result<Token, TokenFault> {
        let expires_at = time(claims, "exp")?.ok_or_else(|| missing("exp"))? + LEEWAY;
        if now >= expires_at {
            return Err(TokenFault::Expired);
        }
        if time(claims, "nbf")?.is_some_and(|from| from > now + LEEWAY) {
            return Err(TokenFault::NotYet);
        }
        if self.issuer.is_some() && text(claims, "iss")? != self.issuer {
            return Err(TokenFault::Issuer);
        }
        if let Some(audience) = &self.audience
            && !is_for(claims.get("aud"), audience)
        {
            return Err(TokenFault::Audience);
        }
        let username = match &self.user_claim {
            Some(claim) => text(claims, claim)?,
            None => text(claims, "username")?
                .map_or_else(|| text(claims, "sub"), |name| Ok(Some(name)))?,
        };
        let rules = claims.get("acl").map(claim::rules).transpose()?;
        Ok(Token {
            client_id: text(claims, &self.client_claim)?,
            username,
            rules: rules.map(Arc::from),
            expires_at,
        })
    }
}

/// A part of a token.
fn json<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, TokenFault> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenFault::Shape)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenFault::Shape)
}

fn missing(claim: &str) -> TokenFault {
    TokenFault::Claim(claim.to_owned())
}

/// A time in seconds since 1970, with or without a fraction. What is there but is no time is a
/// fault, never the same as nothing.
fn time(claims: &Map<String, Value>, claim: &str) -> Result<Option<SystemTime>, TokenFault> {
    let Some(value) = claims.get(claim) else {
        return Ok(None);
    };
    let seconds = value.as_f64().ok_or_else(|| missing(claim))?;
    if !(0.0..=MAX_SECONDS).contains(&seconds) {
        return Err(missing(claim));
    }
    Ok(Some(
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds),
    ))
}

/// A text that is not empty.
fn text(claims: &Map<String, Value>, claim: &str) -> Result<Option<String>, TokenFault> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(missing(claim)),
    }
}

fn is_for(claim: Option<&Value>, audience: &str) -> bool {
    match claim {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}
