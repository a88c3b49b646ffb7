//! The command line of the password file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use access::PasswordFile;
use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: PasswdArgs,
}

struct Passwords {
    folder: tempfile::TempDir,
    file: PathBuf,
}

impl Passwords {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwords");
        Self { folder, file }
    }

    fn run(&self, words: &[&str], input: &str) -> Result<String, String> {
        let begin = ["passwd", self.file.to_str().unwrap()];
        let line = Line::try_parse_from(begin.iter().chain(words)).unwrap();
        let mut out = Vec::new();
        run_with(&line.args, &mut input.as_bytes(), &mut out, |_| None)
            .map_err(|error| format!("{error:#}"))?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn verify(&self, user: &str, password: &str) -> bool {
        let file = PasswordFile::parse(&self.file, &fs::read(&self.file).unwrap()).unwrap();
        file.verify(user, password.as_bytes())
    }
}

/// Scenario: users are added with each kind of hash, one is changed, one is deleted.
/// Guarantee: the file lets in who should come in; comments stay; its mode is 0600; the password is
/// never printed.
#[test]
fn users_come_and_go() {
    let passwords = Passwords::new();
    for (user, kind, begin) in [
        ("alice", "argon2id", "alice:$argon2id$"),
        ("bob", "bcrypt", "bob:$2b$"),
        ("carol", "pbkdf2-sha512", "carol:$7$"),
    ] {
        let words = [user, "--hash", kind, "--password-file", "-"];
        let printed = passwords.run(&words, "open sesame\r\n").unwrap();
        assert_eq!(printed, format!("{user}: added\n"));
        let text = fs::read_to_string(&passwords.file).unwrap();
        assert!(text.contains(begin) && !text.contains("sesame"), "{text}");
        assert!(passwords.verify(user, "open sesame"));
    }
    let mode = fs::metadata(&passwords.file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let text = fs::read_to_string(&passwords.file).unwrap();
    fs::write(&passwords.file, format!("# people\n{text}")).unwrap();
    let secret = passwords.folder.path().join("secret");
    fs::write(&secret, "changed").unwrap();
    let words = [
        "bob",
        "--hash",
        "bcrypt",
        "--password-file",
        secret.to_str().unwrap(),
    ];
    assert_eq!(passwords.run(&words, "").unwrap(), "bob: changed\n");
    assert!(passwords.verify("bob", "changed") && !passwords.verify("bob", "open sesame"));
    assert_eq!(
        passwords.run(&["alice", "--delete"], "").unwrap(),
        "alice: deleted\n"
    );
    assert!(!passwords.verify("alice", "open sesame"));
    let text = fs::read_to_string(&passwords.file).unwrap();
    assert!(text.starts_with("# people\nbob:$2b$"), "{text}");
}

/// Scenario: empty, long and two-line passwords, a missing secret, an unknown user, a broken file, a
/// name with a colon.
/// Guarantee: each is refused in words, and the file stays as it was.
#[test]
fn nonsense_changes_nothing() {
    let passwords = Passwords::new();
    passwords
        .run(&["alice", "--hash", "bcrypt"], "piped in\n")
        .unwrap();
    let before = fs::read_to_string(&passwords.file).unwrap();
    let long = "x".repeat(MAX_PASSWORD + 1);
    for (words, input, told) in [
        (&["bob"][..], "", "empty"),
        (&["bob"], "a\nb\n", "more than one line"),
        (&["bob"], &long, "65,535"),
        (&["bob", "--hash", "bcrypt"], &long[..72], "72 bytes"),
        (&["bob", "--password-file", "/no/such"], "", "/no/such"),
        (&["bob", "--delete"], "", "no user \"bob\""),
        (&["b:ob", "--hash", "bcrypt"], "x", "colon"),
    ] {
        let error = passwords.run(words, input).unwrap_err();
        assert!(error.contains(told), "{error}");
        assert_eq!(fs::read_to_string(&passwords.file).unwrap(), before);
    }
    fs::write(&passwords.file, "nonsense\n").unwrap();
    let error = passwords.run(&["bob"], "x").unwrap_err();
    assert!(error.contains("line 1"), "{error}");
}

/// Scenario: a password is typed with corrections, broken off, ended, and typed without end.
/// Guarantee: what is left of it is read; a break is told from an empty line.
#[test]
fn typing_can_be_corrected() {
    let typed = |text: &str| {
        let read = prompt::read_typed(&mut text.as_bytes()).unwrap();
        read.map(|line| String::from_utf8(line.to_vec()).unwrap())
    };
    for (text, expected) in [
        ("open\r", Some("open")),
        ("opem\x7fn\nrest", Some("open")),
        ("op\u{e4}\x08en\n", Some("open")),
        ("wrong\x15open\n", Some("open")),
        ("\n", Some("")),
        ("open", Some("open")),
        ("op\x03en\n", None),
        ("\x04", None),
        ("", None),
    ] {
        assert_eq!(typed(text).as_deref(), expected, "{text:?}");
    }
    assert!(prompt::read_typed(&mut [b'x'; 2000].as_slice()).is_err());
}
