//! The door as a whole, with files.

mod chain;
mod guessing;
mod permissions;

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::*;

/// PBKDF2-SHA512 of `open sesame`, made with Python's hashlib.
const HASH: &str = "$7$101$AAECAwQFBgcICQoL$xYDZRa0ktsuPF2wiCa+1DAhTrR9tSKs/65JqiBKzPXf4YQd5L5UbLYEBHCXCjbs5u4WRQ+InGJORYUR1mvm76Q==";

const PASSWORD: &[u8] = b"open sesame";

/// Keys and tokens of the client `lock-7`, user `alice`; the file says how they were made.
const VECTORS: &str = include_str!("../token/vectors.json");

const SECRET: &str = "0123456789abcdef0123456789abcdef";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }

    fn passwords(&self) -> PathBuf {
        self.write("passwords", &format!("alice:{HASH}\n"))
    }

    fn keys(&self) -> PathBuf {
        self.write("keys", SECRET)
    }
}

fn connect<'a>(
    client_id: &'a str,
    username: Option<&'a str>,
    password: Option<&'a [u8]>,
) -> Credentials<'a> {
    Credentials {
        client_id,
        assigned_client_id: "assigned",
        username,
        password,
        peer_ip: IpAddr::from([192, 0, 2, 1]),
        certificate: None,
    }
}

fn token() -> String {
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    vectors["hs"].as_str().unwrap().to_owned()
}

/// What came of it, in short.
async fn outcome(access: &Access, credentials: &Credentials<'_>) -> String {
    match access.admit(credentials).await {
        Ok(Admitted {
            client_id,
            username,
            method,
            ..
        }) => format!(
            "{} {client_id} {}",
            method.name(),
            username.unwrap_or_default()
        ),
        Err(refusal) => format!("{refusal:?}")
            .split([' ', '('])
            .next()
            .unwrap()
            .to_owned(),
    }
}

/// Scenario: settings that name files which are missing or broken; credentials are shown by `Debug`.
/// Guarantee: the door does not open half; no password is shown.
#[test]
fn broken_files_are_refused_and_nothing_leaks() {
    let folder = Folder::new();
    let broken = folder.write("broken", "???");
    let with = |change: fn(&mut AccessSettings, Option<PathBuf>), file: Option<PathBuf>| {
        let mut settings = AccessSettings::default();
        change(&mut settings, file);
        Access::open(settings).unwrap_err().to_string()
    };
    for (change, what) in [
        (
            (|s, file| s.password_file = file) as fn(&mut AccessSettings, _),
            "password file",
        ),
        (|s, file| s.acl_file = file, "ACL file"),
        (|s, file| s.token_key_file = file, "JWT key file"),
    ] {
        for file in [broken.clone(), "/no/such/file".into()] {
            let error = with(change, Some(file));
            assert!(error.contains(what), "{error}");
        }
    }
    let shown = format!("{:?}", connect("c", Some("alice"), Some(b"secret")));
    assert!(
        shown.contains("alice") && !shown.contains("115, 101"),
        "{shown}"
    );
}
