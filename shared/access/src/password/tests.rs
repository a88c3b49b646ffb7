//! Password files, read, asked and changed.
//!
//! The hashes were made with other programs: `$7$` and `$6$` with Python's hashlib
//! (`pbkdf2_hmac("sha512", b"open sesame", salt, n, 64)` and `sha512(b"open sesame" + salt)` under the
//! salt 00 01 .. 0b), Argon2 with argon2-cffi (the reference library; salt 00 .. 0f), bcrypt with
//! Python's bcrypt.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

const PASSWORD: &[u8] = b"open sesame";

const PBKDF2: &str = "$7$101$AAECAwQFBgcICQoL$xYDZRa0ktsuPF2wiCa+1DAhTrR9tSKs/65JqiBKzPXf4YQd5L5UbLYEBHCXCjbs5u4WRQ+InGJORYUR1mvm76Q==";

const VECTORS: [&str; 10] = [
    PBKDF2,
    "$7$1000$AAECAwQFBgcICQoL$dVbj+oos9o0p5QkCfxXbQStWG1tOjq0zV99w9B0EX/0qb4niEN2NgZsOaug5xHJRSqRIEBAR6AFzi4zJUv26uw==",
    "$6$AAECAwQFBgcICQoL$oGl2r9FFfY00pngACtho38Fp45DoXSRZKMqxjcDyXas2L3pbZhcYkyQo//EYjPzdrT4V4WcZAo6oKezdKdpdhQ==",
    "$argon2id$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$rmn/DJzzICS9EU3YzedFIoj2INsAfc8P27tE5wtDfQc",
    "$argon2i$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$UmsYyUkLSUG+A0xE8HHTII9HeIUjJ50onOq8gdSXCEc",
    "$argon2d$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$OUM2az7ZD60jvrzRxDtjQhieXgGlE9CoyAYINpckiTo",
    "$argon2id$v=16$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$rLzBTkOPt/QQlSoXxA79iIJWgdB0IwJNnOxSvI7s0/w",
    "$argon2id$v=19$m=64,t=1,p=4$AAECAwQFBgcICQoLDA0ODw$OotMq/ucJiyjLzNogMQlITbzvo6aXMwkRptAsV0Z3T6RVHHQbxMNO53OA0pbAFQGobjD1jqN5i4yq33L0Qk8DA",
    "$2a$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy",
    "$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy",
];

fn parse(text: &str) -> Result<PasswordFile, FileError> {
    PasswordFile::parse(Path::new("dir/passwords"), text.as_bytes())
}

/// Scenario: hashes of every kind, made by other programs, and passwords that differ a little.
/// Guarantee: the right password alone is right.
#[test]
fn foreign_hashes_are_understood() {
    for hash in VECTORS {
        let file = parse(&format!("alice:{hash}\n")).unwrap();
        assert!(file.verify("alice", PASSWORD), "{hash}");
        for wrong in [
            &b"open sesamE"[..],
            b"",
            b"open sesame ",
            b"open\0sesame",
            &[0xff; 80],
        ] {
            assert!(!file.verify("alice", wrong), "{hash} {wrong:?}");
        }
        assert!(!file.verify("bob", PASSWORD), "{hash}");
    }
}

/// Scenario: bcrypt would take `open sesame\0open sesame` for `open sesame`.
/// Guarantee: it is wrong.
#[test]
fn bcrypt_does_not_wrap_around() {
    let file = parse(&format!("alice:{}\n", VECTORS[8])).unwrap();
    assert!(!file.verify("alice", b"open sesame\0open sesame"));
}

/// Scenario: new hashes of each kind, and passwords that a kind can't take.
/// Guarantee: each is of its kind, fits its password alone, and differs each time; what can't be
/// hashed whole is refused.
#[test]
fn new_hashes_fit() {
    for (kind, begin) in [
        (HashKind::Argon2id, "$argon2id$v=19$m=19456,t=2,p=1$"),
        (HashKind::Bcrypt, "$2b$10$"),
        (HashKind::Pbkdf2Sha512, "$7$210000$"),
    ] {
        let hash = kind.hash(PASSWORD).unwrap();
        assert!(hash.starts_with(begin), "{hash}");
        let file = parse(&format!("alice:{hash}\n")).unwrap();
        assert!(
            file.verify("alice", PASSWORD) && !file.verify("alice", b"other"),
            "{hash}"
        );
        assert_ne!(hash, kind.hash(PASSWORD).unwrap());
        assert!(matches!(kind.hash(b""), Err(HashError::Empty)));
    }
    for password in [&[b'x'; 72][..], b"a\0b"] {
        assert!(matches!(
            HashKind::Bcrypt.hash(password),
            Err(HashError::Bcrypt)
        ));
    }
}

/// Scenario: a login is asked for before, after it was found right, with another password, and
/// after the file was read again.
/// Guarantee: only the right login of this reading is known.
#[test]
fn right_logins_are_remembered() {
    let text = format!("# users\n\nalice:{PBKDF2}\r\nbob:{}\n", VECTORS[2]);
    let file = parse(&text).unwrap();
    assert_eq!(file.len(), 2);
    assert!(!file.verified_before("alice", PASSWORD));
    assert!(!file.verify("alice", b"wrong") && !file.verified_before("alice", b"wrong"));
    assert!(file.verify("alice", PASSWORD) && file.verified_before("alice", PASSWORD));
    assert!(!file.verified_before("bob", PASSWORD) && !file.verified_before("alice", b"open"));
    assert!(!parse(&text).unwrap().verified_before("alice", PASSWORD));
}

/// Scenario: lines with each fault, a plain password among them.
/// Guarantee: the error names file and line and what to do, and quotes no hash and no password.
#[test]
fn faults_are_told_without_secrets() {
    let long = |from: &str, to: &str| PBKDF2.replace(from, to);
    for (line, told) in [
        ("alice", "USER:HASH"),
        (":secret", "USER:HASH"),
        ("alice:secret", "no hash"),
        ("alice:$1$secret", "no hash"),
        ("alice:$apr1$secret", "no hash"),
        ("alice:", "no hash"),
        ("alice:$7$0$AAAA$AAAA", "PBKDF2 hash is damaged"),
        ("alice:$7$101$AAECAwQFBgcICQoL$", "PBKDF2 hash is damaged"),
        (
            &format!("alice:{}", long("Q==", "Q=")),
            "PBKDF2 hash is damaged",
        ),
        (
            &format!("alice:{}", long("$101$", "$10000001$")),
            "10000001 iterations",
        ),
        ("alice:$6$secret", "SHA-512 hash is damaged"),
        ("alice:$2b$04$secret", "bcrypt hash is damaged"),
        (
            &format!("alice:{}", VECTORS[8].replace("$04$", "$31$")),
            "cost 31",
        ),
        (
            &format!("alice:{}", VECTORS[3].replace("m=64", "m=4194304")),
            "4194304 KiB",
        ),
        (
            &format!("alice:{}", VECTORS[3].replace("t=2", "t=65")),
            "65 passes",
        ),
        (
            "alice:$argon2id$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw",
            "Argon2 hash is damaged",
        ),
        (&format!("bob:{PBKDF2}\n"), "\"bob\" is there twice"),
    ] {
        let error = parse(&format!("bob:{PBKDF2}\n{line}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("dir/passwords, line 2: "), "{error}");
        assert!(error.contains(told), "{line}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

/// Scenario: users are added, changed and taken out of a file with comments.
/// Guarantee: comments, order and other users stay; only the owner can read the file; names that
/// would break a line are refused.
#[test]
fn a_file_is_changed_by_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    let link = folder.path().join("link");
    fs::write(
        &path,
        format!("# first\nalice:{PBKDF2}\n\n# then\nbob:{PBKDF2}\n"),
    )
    .unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();

    let mut edit = PasswordFileEdit::open(&link).unwrap();
    assert!(!edit.set("alice", VECTORS[2]).unwrap());
    assert!(edit.set("carol d", VECTORS[3]).unwrap());
    assert!(edit.delete("bob") && !edit.delete("bob"));
    for name in ["", "a:b", "#a", " a", "a\nb"] {
        let error = edit.set(name, PBKDF2).unwrap_err();
        assert!(matches!(error, LineFault::Name(_)), "{name:?}");
    }
    assert!(edit.set("dave", "plain").is_err());
    edit.save().unwrap();
    let expected = format!(
        "# first\nalice:{}\n\n# then\ncarol d:{}\n",
        VECTORS[2], VECTORS[3]
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// Scenario: two commands change a file at a time; one was stopped halfway; a broken file is
/// changed.
/// Guarantee: no change is undone, and the person is told what to do.
#[test]
fn changes_do_not_undo_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    let mut first = PasswordFileEdit::open(&path).unwrap();
    let mut second = PasswordFileEdit::open(&path).unwrap();
    first.set("alice", PBKDF2).unwrap();
    first.save().unwrap();
    second.set("bob", PBKDF2).unwrap();
    assert!(second.save().unwrap_err().to_string().contains("try again"));
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!("alice:{PBKDF2}\n")
    );

    let halfway = folder.path().join("passwords.new");
    fs::write(&halfway, "half").unwrap();
    let error = PasswordFileEdit::open(&path)
        .unwrap()
        .save()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("passwords.new") && error.contains("remove"),
        "{error}"
    );
    fs::remove_file(&halfway).unwrap();
    PasswordFileEdit::open(&path).unwrap().save().unwrap();

    fs::write(&path, "nonsense\n").unwrap();
    assert!(PasswordFileEdit::open(&path).is_err());
}

/// Scenario: files and their parts are shown by `Debug`.
/// Guarantee: neither hashes nor names are.
#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", parse(&format!("alice:{PBKDF2}")).unwrap());
    assert!(
        !shown.contains("xYDZ") && !shown.contains("alice"),
        "{shown}"
    );
}
