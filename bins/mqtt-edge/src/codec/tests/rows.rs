//! A row of a table of malformed packets, and what the tables share.

use super::*;

/// A packet that breaks one rule.
pub(super) struct Row {
    pub(super) version: Version,
    /// What must be named.
    pub(super) statement: &'static str,
    pub(super) reason: u8,
    pub(super) what: &'static str,
    /// What went over the connection before.
    pub(super) connect: Option<Vec<u8>>,
    pub(super) bytes: Vec<u8>,
}

impl Row {
    /// After a plain CONNECT.
    pub(super) fn open(
        version: Version,
        statement: &'static str,
        reason: u8,
        what: &'static str,
        bytes: Vec<u8>,
    ) -> Self {
        let connect = Some(connect(version, 2, &[&field("lock-1")]));
        Self {
            version,
            statement,
            reason,
            what,
            connect,
            bytes,
        }
    }

    /// On a new connection.
    pub(super) fn first(
        version: Version,
        statement: &'static str,
        reason: u8,
        what: &'static str,
        bytes: Vec<u8>,
    ) -> Self {
        Self {
            connect: None,
            ..Self::open(version, statement, reason, what, bytes)
        }
    }

    fn check(&self) {
        let mut decoder = match &self.connect {
            Some(connect) => after(connect),
            None => Decoder::new(Limits::default()),
        };
        let context = format!("MQTT {}, {}", self.version, self.what);
        match decode_all(&mut decoder, &self.bytes) {
            Ok(packets) => panic!("{context}: accepted as {packets:?}"),
            Err(error) => {
                assert_eq!(error.statement(), self.statement, "{context}: {error}");
                assert_eq!(error.reason().0, self.reason, "{context}: {error}");
            }
        }
    }
}

/// Checks all rows and says how many there were.
pub(super) fn check(what: &str, rows: &[Row]) {
    for row in rows {
        row.check();
    }
    println!("{what}: {} malformed packets refused", rows.len());
}

/// The statement that goes with the version.
pub(super) fn by(version: Version, v311: &'static str, v5: &'static str) -> &'static str {
    match version {
        Version::V311 => v311,
        Version::V5 => v5,
    }
}

/// Text fields that no packet may carry, with the statement each breaks.
pub(super) fn bad_texts(version: Version) -> [(&'static str, &'static str, Vec<u8>); 10] {
    let utf8 = by(version, "MQTT-1.5.3-1", "MQTT-1.5.4-1");
    let nul = by(version, "MQTT-1.5.3-2", "MQTT-1.5.4-2");
    let control = by(version, "1.5.3", "1.5.4");
    [
        (utf8, "a byte that starts nothing", b"to\xffp".to_vec()),
        (utf8, "a surrogate", b"to\xed\xa0\x80".to_vec()),
        (utf8, "an overlong slash", b"to\xc0\xaf".to_vec()),
        (utf8, "a cut sequence", b"top\xe2\x82".to_vec()),
        (nul, "U+0000", b"to\0p".to_vec()),
        (control, "U+0001", b"to\x01p".to_vec()),
        (control, "U+001F", b"to\x1fp".to_vec()),
        (control, "U+007F", b"to\x7fp".to_vec()),
        (control, "U+009F", b"to\xc2\x9fp".to_vec()),
        (control, "U+FFFF", b"to\xef\xbf\xbfp".to_vec()),
    ]
}
