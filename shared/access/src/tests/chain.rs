//! What is shown, and in which order it is asked for.

use rcgen::{CertificateParams, DnType, KeyPair};

use super::*;

/// A door with a password file, keys for tokens, and open to anonymous clients, or not.
fn door(folder: &Folder, passwords: bool, keys: bool, allow_anonymous: bool) -> Access {
    let settings = AccessSettings {
        allow_anonymous,
        password_file: passwords.then(|| folder.passwords()),
        token_key_file: keys.then(|| folder.keys()),
        token_algorithm: Some(Algorithm::Hs256),
        ..AccessSettings::default()
    };
    let access = Access::open(settings).unwrap();
    assert_eq!(
        access.lets_anybody_in(),
        passwords || keys || allow_anonymous
    );
    access
}

/// Scenario: user names, passwords and nothing at doors with and without a password file and
/// anonymous clients.
/// Guarantee: what is shown must be right where it can be checked; nothing shown is let in only when
/// anonymous clients are; a wrong password never becomes an anonymous client.
#[tokio::test]
async fn passwords_are_checked() {
    let folder = Folder::new();
    let alice = Some("alice");
    let (right, wrong) = (Some(PASSWORD), Some(&b"wrong"[..]));
    let bad = "BadCredentials";
    for (passwords, anonymous, who, expected) in [
        (true, false, connect("c", alice, right), "password c alice"),
        (
            true,
            false,
            connect("", alice, right),
            "password assigned alice",
        ),
        (true, false, connect("c", alice, wrong), bad),
        (true, true, connect("c", alice, wrong), bad),
        (true, true, connect("c", Some("bob"), right), bad),
        (true, true, connect("c", alice, None), bad),
        (true, true, connect("c", None, right), bad),
        (true, true, connect("c", None, None), "anonymous c "),
        (true, false, connect("c", None, None), "NotAuthorized"),
        (false, true, connect("c", alice, wrong), "anonymous c alice"),
        (false, false, connect("c", alice, right), bad),
        (false, false, connect("c", None, None), "NotAuthorized"),
    ] {
        let came = outcome(&door(&folder, passwords, false, anonymous), &who).await;
        assert_eq!(came, expected, "{passwords} {anonymous} {who:?}");
    }
}

/// Scenario: tokens and passwords at doors with keys for tokens, with and without a password file.
/// Guarantee: what looks like a token is judged as one where there are keys, and names its bearer,
/// whatever user name comes with it; all else is a password.
#[tokio::test]
async fn tokens_are_checked() {
    let folder = Folder::new();
    let token = token();
    let alice = Some("alice");
    let (right, wrong, jwt) = (Some(PASSWORD), Some(&b"wrong"[..]), Some(token.as_bytes()));
    let bad = "BadCredentials";
    for (passwords, keys, anonymous, who, expected) in [
        (true, false, false, connect("c", alice, jwt), bad),
        (
            false,
            true,
            false,
            connect("lock-7", None, jwt),
            "token lock-7 alice",
        ),
        (
            false,
            true,
            false,
            connect("lock-7", Some("bob"), jwt),
            "token lock-7 alice",
        ),
        (
            false,
            true,
            false,
            connect("", None, jwt),
            "token lock-7 alice",
        ),
        (
            false,
            true,
            true,
            connect("lock-8", None, jwt),
            "ClientIdMismatch",
        ),
        (false, true, true, connect("c", alice, wrong), bad),
        (
            false,
            true,
            true,
            connect("c", None, Some(b"eyJ.a.b")),
            "BadToken",
        ),
        (
            true,
            true,
            false,
            connect("lock-7", None, jwt),
            "token lock-7 alice",
        ),
        (
            true,
            true,
            false,
            connect("c", alice, right),
            "password c alice",
        ),
    ] {
        let came = outcome(&door(&folder, passwords, keys, anonymous), &who).await;
        assert_eq!(came, expected, "{passwords} {keys} {anonymous} {who:?}");
    }
}

/// Scenario: certificates that name a client or a user, with and without credentials besides.
/// Guarantee: the certificate's name counts, whatever CONNECT says; a user who is named besides must
/// be proven; a connection without a certificate gets nothing from this.
#[tokio::test]
async fn certificates_let_in() {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "lock-7");
    let key = KeyPair::generate().unwrap();
    let der = params.self_signed(&key).unwrap().der().to_vec();
    let folder = Folder::new();
    let token = token();
    let (id, user) = (NameMeans::ClientId, NameMeans::User);
    let alice = Some("alice");
    for (means, certificate, who, expected) in [
        (
            id,
            true,
            connect("lock-7", None, None),
            "certificate lock-7 ",
        ),
        (id, true, connect("", None, None), "certificate lock-7 "),
        (id, true, connect("lock-8", None, None), "ClientIdMismatch"),
        (
            id,
            true,
            connect("lock-8", alice, Some(PASSWORD)),
            "ClientIdMismatch",
        ),
        (
            id,
            true,
            connect("lock-7", alice, Some(PASSWORD)),
            "password lock-7 alice",
        ),
        (
            id,
            true,
            connect("lock-7", alice, Some(b"wrong")),
            "BadCredentials",
        ),
        (
            id,
            true,
            connect("", None, Some(token.as_bytes())),
            "token lock-7 alice",
        ),
        (id, false, connect("lock-7", None, None), "NotAuthorized"),
        (user, true, connect("c", None, None), "certificate c lock-7"),
        (
            user,
            true,
            connect("c", Some("root"), Some(b"x")),
            "certificate c lock-7",
        ),
        (
            user,
            true,
            connect("lock-7", None, Some(token.as_bytes())),
            "BadCredentials",
        ),
        (
            user,
            false,
            connect("c", alice, Some(PASSWORD)),
            "password c alice",
        ),
    ] {
        let settings = AccessSettings {
            password_file: Some(folder.passwords()),
            token_key_file: Some(folder.keys()),
            token_algorithm: Some(Algorithm::Hs256),
            certificates: Some(CertificatePolicy {
                name: CertificateName::Cn,
                means,
            }),
            ..AccessSettings::default()
        };
        let access = Access::open(settings).unwrap();
        let who = Credentials {
            certificate: certificate.then_some(&der[..]),
            ..who
        };
        assert_eq!(outcome(&access, &who).await, expected, "{means:?} {who:?}");
    }
}
