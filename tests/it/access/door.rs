//! An edge that lets nobody in without credentials, and whoever knocks.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::raw_mqtt::{CONNACK, Level, RawClient, RawPacket, packet, text};
use crate::run_command::latchwork;
use crate::testbed::{Setup, Testbed};
use crate::waiting::soon;

/// What every user of these tests has; it must not be in any log.
pub(super) const PASSWORD: &str = "correct-horse-battery";

/// What no user has; it must not be in any log either.
pub(super) const WRONG: &str = "wrong-staple-guess";

/// The files of users and rules.
pub(super) struct Files(TempDir);

impl Files {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Sets [`PASSWORD`] for these users, as an operator does.
    pub(super) async fn set_users(&self, names: &[&str]) {
        let secret = self.0.path().join("secret");
        std::fs::write(&secret, PASSWORD).unwrap();
        for name in names {
            let (file, secret) = (shown(&self.passwords()), shown(&secret));
            let outcome = latchwork(&["passwd", &file, name, "--password-file", &secret]).await;
            assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        }
    }

    pub(super) async fn remove_user(&self, name: &str) {
        let file = shown(&self.passwords());
        let outcome = latchwork(&["passwd", &file, name, "--delete"]).await;
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    }

    /// As an editor does: the file is another one, never half of it.
    pub(super) fn write(&self, file: &Path, text: &str) {
        let draft = self.0.path().join("draft");
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, file).unwrap();
    }

    pub(super) fn passwords(&self) -> PathBuf {
        self.0.path().join("passwords")
    }

    pub(super) fn rules(&self) -> PathBuf {
        self.0.path().join("acl")
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.0.path().join("keys")
    }
}

/// A path for the environment.
pub(super) fn shown(file: &Path) -> String {
    file.to_str().unwrap().to_owned()
}

/// An edge alone that asks for passwords.
pub(super) fn guarded(files: &Files) -> Setup {
    Setup::new()
        .stages(&["mqtt-edge"])
        .refuse_anonymous()
        .env("RUST_LOG", "info,mqtt_edge=trace,access=trace")
        .env("LATCHWORK_PASSWORD_FILE", shown(&files.passwords()))
}

/// The same, with rules.
pub(super) fn ruled(files: &Files, rules: &str) -> Setup {
    files.write(&files.rules(), rules);
    guarded(files).env("LATCHWORK_ACL_FILE", shown(&files.rules()))
}

/// What the edge has logged so far.
pub(super) fn log(bed: &Testbed) -> String {
    // Its standard error is the log.
    let file = format!("/proc/{}/fd/2", bed.pid("mqtt-edge"));
    std::fs::read_to_string(file).unwrap()
}

/// A CONNECT.
#[derive(Clone, Copy)]
pub(super) struct Knock<'k> {
    pub(super) level: Level,
    pub(super) client_id: &'k str,
    pub(super) user: Option<&'k str>,
    pub(super) password: Option<&'k str>,
    /// Where the will goes.
    pub(super) will: Option<&'k str>,
    /// A session that waits for its client.
    pub(super) lasting: bool,
}

impl<'k> Knock<'k> {
    /// A user with the right password.
    pub(super) fn new(level: Level, client_id: &'k str, user: &'k str) -> Self {
        Self {
            user: Some(user),
            password: Some(PASSWORD),
            ..Self::anonymous(level, client_id)
        }
    }

    pub(super) fn anonymous(level: Level, client_id: &'k str) -> Self {
        Self {
            level,
            client_id,
            user: None,
            password: None,
            will: None,
            lasting: false,
        }
    }

    pub(super) fn with(self, password: &'k str) -> Self {
        Self {
            password: Some(password),
            ..self
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let flags = [
            (self.user.is_some(), 0x80),
            (self.password.is_some(), 0x40),
            (self.will.is_some(), 0x04),
            (!self.lasting, 0x02),
        ];
        let flags: u8 = flags.iter().map(|(set, bit)| u8::from(*set) * bit).sum();
        let mut body = text("MQTT");
        body.extend([self.level as u8, flags, 0, 0]);
        let v5 = self.level == Level::V5;
        match (v5, self.lasting) {
            (true, true) => body.extend([5, 0x11, 0, 0, 2, 0x58]),
            (true, false) => body.push(0),
            (false, _) => {}
        }
        body.extend(text(self.client_id));
        if let Some(topic) = self.will {
            body.extend(&[0][..usize::from(v5)]);
            body.extend([text(topic), text("gone")].concat());
        }
        for word in [self.user, self.password].into_iter().flatten() {
            body.extend(text(word));
        }
        packet(0x10, &body)
    }

    /// Knocks, and gives the answer.
    pub(super) async fn at(&self, bed: &Testbed) -> (RawClient, RawPacket) {
        let mut client = RawClient::open(bed.mqtt(), self.level).await;
        client.send(&self.bytes()).await;
        let connack = client.expect(CONNACK, "CONNACK").await;
        (client, connack)
    }

    /// Comes in.
    pub(super) async fn comes_in(&self, bed: &Testbed) -> RawClient {
        let (client, connack) = self.at(bed).await;
        assert_eq!(connack.body[1], 0, "{} is refused", self.client_id);
        client
    }

    /// The code of the answer.
    pub(super) async fn code(&self, bed: &Testbed) -> u8 {
        self.at(bed).await.1.body[1]
    }

    /// The code of the answer to the same from another address of this machine.
    pub(super) async fn code_from(&self, address: &str, bed: &Testbed) -> u8 {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(format!("{address}:0").parse().unwrap())
            .unwrap();
        let stream = socket.connect(bed.mqtt().parse().unwrap());
        let mut stream = soon("a connection", stream).await.unwrap();
        stream.write_all(&self.bytes()).await.unwrap();
        let mut connack = [0; 4];
        let read = stream.read_exact(&mut connack);
        soon("CONNACK", read).await.unwrap();
        assert_eq!(connack[0], CONNACK);
        connack[3]
    }
}
