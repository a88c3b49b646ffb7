//! The file of keys: PEM, JWKS or a secret.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::key::{Algorithm, Key, KeyFault};
use crate::file::FileError;

/// What the file is called in errors.
pub(crate) const KEY_FILE: &str = "JWT key file";

/// Every algorithm.
const KNOWN: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Hs256];

/// The keys that tokens are checked with.
pub struct TokenKeys {
    keys: Box<[Key]>,
}

impl TokenKeys {
    /// Reads a key file: PEM with public keys or certificates, a JWKS (RFC 7517), or, only for
    /// HS256, a secret, without the line end at its end. `algorithm` leaves keys for others out.
    pub fn parse(
        file: &Path,
        bytes: &[u8],
        algorithm: Option<Algorithm>,
    ) -> Result<Self, FileError> {
        let keys = read(bytes, algorithm)
            .map_err(|fault| FileError::content(KEY_FILE, file, fault))?
            .into();
        Ok(Self { keys })
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none; that never happens to a file that was read.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that a token may be signed with: of its algorithm, and of its key id, if it names
    /// one that is known. A key without an id serves any.
    pub(super) fn of<'k>(
        &'k self,
        algorithm: &'k str,
        id: Option<&'k str>,
    ) -> impl Iterator<Item = &'k Key> {
        let fits = move |key: &&Key| match (&key.id, id) {
            (Some(own), Some(id)) => own == id,
            _ => true,
        };
        let keys = self.keys.iter().filter(fits);
        keys.filter(move |key| key.algorithm().name() == algorithm)
    }
}

impl fmt::Debug for TokenKeys {
    /// Leaves the keys out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

fn read(bytes: &[u8], algorithm: Option<Algorithm>) -> Result<Vec<Key>, KeyFault> {
    let text = bytes.trim_ascii();
    let keys = if text.windows(11).any(|window| window == b"-----BEGIN ") {
        pem(text, algorithm)?
    } else if text.starts_with(b"{") {
        jwks(text, algorithm)?
    } else if algorithm == Some(Algorithm::Hs256) {
        let end = bytes
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let end = bytes.len() - end.count();
        let secret = bytes.get(..end).unwrap_or_default().to_vec();
        vec![Key::secret(Zeroizing::new(secret))?]
    } else {
        Vec::new()
    };
    if keys.is_empty() {
        return Err(KeyFault::None);
    }
    Ok(keys)
}

/// A public key that is taken for a secret would let everybody sign: PEM is never a secret here.
fn pem(text: &[u8], algorithm: Option<Algorithm>) -> Result<Vec<Key>, KeyFault> {
    let mut keys = Vec::new();
    for block in Pem::iter_from_buffer(text) {
        let block = block.map_err(|error| KeyFault::Pem(error.to_string()))?;
        let key = match block.label.as_str() {
            "PUBLIC KEY" => info(&block.contents)?,
            "RSA PUBLIC KEY" => pkcs1(&block.contents)?,
            "CERTIFICATE" => {
                let parsed = X509Certificate::from_der(&block.contents);
                let (_, certificate) = parsed.map_err(|error| KeyFault::Pem(error.to_string()))?;
                from_info(certificate.public_key())?
            }
            label if label.contains("PRIVATE") => return Err(KeyFault::Private),
            _ => continue,
        };
        let found = key.algorithm();
        match algorithm {
            Some(wanted) if wanted != found => {
                return Err(KeyFault::Algorithm { found, wanted });
            }
            _ => keys.push(key),
        }
    }
    Ok(keys)
}

fn info(der: &[u8]) -> Result<Key, KeyFault> {
    let parsed = SubjectPublicKeyInfo::from_der(der);
    let (_, info) = parsed.map_err(|error| KeyFault::Pem(error.to_string()))?;
    from_info(&info)
}

fn from_info(info: &SubjectPublicKeyInfo<'_>) -> Result<Key, KeyFault> {
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => Key::rsa(key.modulus, key.exponent),
        Ok(PublicKey::EC(point)) => Key::p256(point.data()),
        _ => Err(KeyFault::Kind),
    }
}

fn pkcs1(der: &[u8]) -> Result<Key, KeyFault> {
    let parsed = x509_parser::public_key::RSAPublicKey::from_der(der);
    let (_, key) = parsed.map_err(|error| KeyFault::Pem(error.to_string()))?;
    Key::rsa(key.modulus, key.exponent)
}

#[derive(Deserialize)]
struct Jwks<'t> {
    #[serde(borrow)]
    keys: Vec<Jwk<'t>>,
}

/// What matters of a key in a JWKS (RFC 7518 section 6).
#[derive(Deserialize)]
struct Jwk<'t> {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// A secret; borrowed, so that it has no copy here.
    k: Option<&'t str>,
    /// A private number; its value is not kept.
    d: Option<serde::de::IgnoredAny>,
}

fn jwks(text: &[u8], algorithm: Option<Algorithm>) -> Result<Vec<Key>, KeyFault> {
    // Errors of the JSON reader could quote a secret; the place is enough.
    let place = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        KeyFault::Jwks(format!(
            "line {line}, column {column}; an object with `keys` is expected"
        ))
    };
    let set: Jwks<'_> = serde_json::from_slice(text).map_err(place)?;
    let mut keys = Vec::new();
    for jwk in set.keys {
        if jwk.d.is_some() {
            return Err(KeyFault::Private);
        }
        // A key set has keys for other uses, too; they are left out.
        let known = |name: &str| KNOWN.iter().any(|known| known.name() == name);
        if jwk.usage.as_deref() == Some("enc") || !jwk.alg.as_deref().is_none_or(known) {
            continue;
        }
        let Some(mut key) = jwk.key()? else { continue };
        let own = key.algorithm();
        let named = jwk.alg.as_deref().is_none_or(|name| name == own.name());
        if named && algorithm.is_none_or(|wanted| wanted == own) {
            key.id = jwk.kid;
            keys.push(key);
        }
    }
    Ok(keys)
}

impl Jwk<'_> {
    /// `None` for a kind that is not known here.
    fn key(&self) -> Result<Option<Key>, KeyFault> {
        let broken = |field: &str| {
            KeyFault::Jwks(format!(
                "`{field}` of its {} key is missing or no base64url",
                self.kty
            ))
        };
        let bytes = |field: &str, text: Option<&str>| {
            text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
                .ok_or_else(|| broken(field))
        };
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (
                    bytes("n", self.n.as_deref())?,
                    bytes("e", self.e.as_deref())?,
                );
                Key::rsa(&n, &e).map(Some)
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (
                    bytes("x", self.x.as_deref())?,
                    bytes("y", self.y.as_deref())?,
                );
                Key::p256(&[&[4], x.as_slice(), &y].concat()).map(Some)
            }
            ("oct", _) => {
                let secret = bytes("k", self.k)?;
                Key::secret(Zeroizing::new(secret)).map(Some)
            }
            _ => Ok(None),
        }
    }
}
