//! Tokens, right and wrong.

mod claims;

use std::path::Path;

use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;

use super::*;
use crate::file::FileError;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Keys and tokens of another program; the file says which.
fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
}

fn vector(name: &str) -> String {
    vectors()[name].as_str().unwrap().to_owned()
}

fn keys(text: &str, algorithm: Option<Algorithm>) -> Result<TokenKeys, FileError> {
    TokenKeys::parse(Path::new("dir/keys"), text.as_bytes(), algorithm)
}

fn secret() -> TokenKeys {
    keys(&format!("{SECRET}\n"), Some(Algorithm::Hs256)).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed_with(secret: &[u8], header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", encoded(header), encoded(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret)
        .unwrap()
        .chain_update(&text);
    format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

fn signed(claims: &Value) -> String {
    signed_with(
        SECRET.as_bytes(),
        &json!({"alg": "HS256", "typ": "JWT"}),
        claims,
    )
}

/// 1,000,000 seconds after 1970.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)
}

fn verify(settings: &TokenSettings, claims: &Value) -> Result<Token, TokenFault> {
    settings.verify(&secret(), signed(claims).as_bytes(), now())
}

fn plain(claims: &Value) -> Result<Token, TokenFault> {
    verify(&TokenSettings::default(), claims)
}

/// Scenario: tokens of another program under RS256, ES256 and HS256, keys as PEM, PKCS #1 and JWKS.
/// Guarantee: each is accepted under its key and says who its bearer is; a changed one is not.
#[test]
fn foreign_tokens_are_understood() {
    let jwks = vectors()["jwks"].to_string();
    let both = vector("rsa") + &vector("ec");
    for (keys, token) in [
        (keys(&vector("rsa"), None), "rs"),
        (keys(&vector("rsa"), Some(Algorithm::Rs256)), "rs"),
        (keys(&vector("pkcs1"), None), "rs"),
        (keys(&vector("ec"), None), "es"),
        (keys(&both, None), "rs"),
        (keys(&both, None), "es"),
        (keys(&jwks, None), "rs_kid"),
        (keys(&jwks, None), "rs"),
        (keys(&jwks, None), "es"),
        (Ok(secret()), "hs"),
    ] {
        let (keys, mut text) = (keys.unwrap(), vector(token));
        assert!(looks_like_token(text.as_bytes()));
        let settings = TokenSettings::default();
        let read = settings.verify(&keys, text.as_bytes(), now()).unwrap();
        assert_eq!(read.client_id.as_deref(), Some("lock-7"), "{token}");
        assert_eq!(read.username.as_deref(), Some("alice"), "{token}");
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(4_102_444_800.0) + LEEWAY;
        assert_eq!(read.expires_at, end);
        // Another digit in the middle of the claims.
        let middle = text.find('.').unwrap() + 5;
        let other = if &text[middle..=middle] == "A" {
            "B"
        } else {
            "A"
        };
        text.replace_range(middle..=middle, other);
        let refused = settings.verify(&keys, text.as_bytes(), now());
        assert_eq!(refused, Err(TokenFault::Signature), "{token}");
    }
}

/// Scenario: `none`, a secret made of the public key, a key of another kind, another key id,
/// critical extensions, other secrets, and things that are no tokens.
/// Guarantee: none is let in.
#[test]
fn forged_tokens_are_refused() {
    let claims = json!({"exp": 2_000_000});
    let rsa = vector("rsa");
    let jwks = keys(&vectors()["jwks"].to_string(), None).unwrap();
    let hs = |header: &Value, key: &[u8]| signed_with(key, header, &claims);
    let none = format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&claims));
    let public = || keys(&rsa, None).unwrap();
    let long = json!({"alg": "HS256", "pad": "x".repeat(MAX_BYTES)});
    for (what, keys, token, fault) in [
        ("none", public(), none.clone(), TokenFault::NoKey),
        ("none", secret(), none, TokenFault::NoKey),
        (
            "confused",
            public(),
            hs(&json!({"alg": "HS256"}), rsa.as_bytes()),
            TokenFault::NoKey,
        ),
        (
            "RS256",
            secret(),
            hs(&json!({"alg": "RS256"}), SECRET.as_bytes()),
            TokenFault::NoKey,
        ),
        (
            "id",
            jwks,
            vector("rs").replacen(
                vector("rs").split('.').next().unwrap(),
                &encoded(&json!({"alg": "RS256", "kid": "r2"})),
                1,
            ),
            TokenFault::NoKey,
        ),
        (
            "crit",
            secret(),
            hs(&json!({"alg": "HS256", "crit": ["x"]}), SECRET.as_bytes()),
            TokenFault::Critical,
        ),
        (
            "secret",
            secret(),
            hs(&json!({"alg": "HS256"}), b"other"),
            TokenFault::Signature,
        ),
        (
            "long",
            secret(),
            hs(&long, SECRET.as_bytes()),
            TokenFault::Shape,
        ),
        ("parts", secret(), "eyJ.eyJ".to_owned(), TokenFault::Shape),
        (
            "json",
            secret(),
            "eyJ.eyJ.eyJ".to_owned(),
            TokenFault::Shape,
        ),
    ] {
        let read = TokenSettings::default().verify(&keys, token.as_bytes(), now());
        assert_eq!(read, Err(fault), "{what}");
    }
    for text in ["secret", "eyJ", "eyJ.x", "a.b.c", "eyJ.a.b.c", ""] {
        assert!(!looks_like_token(text.as_bytes()), "{text}");
    }
}

/// Scenario: files that hold no key, a private or weak one, or one for another algorithm.
/// Guarantee: each is refused by name, and no secret is quoted.
#[test]
fn bad_key_files_are_refused() {
    let jwk = |key: Value| json!({"keys": [key]}).to_string();
    let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let hs = Some(Algorithm::Hs256);
    for (text, algorithm, told) in [
        ("", None, "no key"),
        (SECRET, None, "no key"),
        ("topsecret", hs, "9 bytes"),
        (private, None, "private key"),
        (&vector("rsa"), hs, "its key is for RS256"),
        (
            &vector("ec"),
            Some(Algorithm::Rs256),
            "its key is for ES256",
        ),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            None,
            "PEM is damaged",
        ),
        ("{\"keys\": 7}", None, "no JWKS"),
        ("{\"keys\": []}", None, "no key"),
        (
            &jwk(json!({"kty": "RSA", "n": short, "e": "AQAB"})),
            None,
            "1024 bits",
        ),
        (
            &jwk(json!({"kty": "RSA", "e": "AQAB"})),
            None,
            "`n` of its RSA key is missing",
        ),
        (
            &jwk(json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"})),
            None,
            "private key",
        ),
        (
            &jwk(json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"})),
            None,
            "no key",
        ),
        (&jwk(json!({"kty": "oct", "k": "topsecre"})), None, "bytes"),
        (
            &jwk(json!({"kty": "RSA", "alg": "PS256", "n": short, "e": "AQAB"})),
            None,
            "no key",
        ),
    ] {
        let error = keys(text, algorithm).unwrap_err().to_string();
        assert!(
            error.contains("dir/keys") && error.contains(told),
            "{told}: {error}"
        );
        assert!(
            !error.contains("topsecret") && !error.contains(SECRET),
            "{error}"
        );
    }
    assert_eq!(format!("{:?}", secret()), "TokenKeys { keys: 1, .. }");
}
