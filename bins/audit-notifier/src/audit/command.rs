//! Commands on their way to a lock.

use std::borrow::Cow;

use record::{Record, Verdict};
use serde::{Deserialize, Serialize};

use super::report::Action;
use super::text::{clean, clip};

/// Commands of one lock that are remembered; the oldest give way.
pub(super) const MOST_COMMANDS: usize = 8;

/// A command that may cause the lock's next report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Command {
    pub(super) process_id: String,
    pub(super) action: Action,
    /// Who published it: client id and user name, cleaned.
    pub(super) client: String,
    pub(super) user: String,
    pub(super) sent_ms: u64,
    /// When the lock took it.
    pub(super) taken_ms: Option<u64>,
    /// The lock did it, or its failure was counted.
    pub(super) settled: bool,
}

impl Command {
    /// The end of the time in which it may cause a report. A command can wait long for a lock that
    /// is offline, so the time begins anew when the lock takes it.
    pub(super) fn ends_ms(&self, wait_s: u64) -> u64 {
        self.taken_ms.unwrap_or_default().max(self.sent_ms) + wait_s * 1000
    }
}

/// The fields of a command's payload that matter here.
#[derive(Deserialize, Debug)]
pub(super) struct CommandPayload<'p> {
    #[serde(borrow)]
    process_id: Cow<'p, str>,
    pub(super) action: Action,
}

impl<'p> CommandPayload<'p> {
    /// `None` when the payload is no command.
    pub(super) fn read(payload: &'p [u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// Joins the command to the report that it causes; limited in length.
    pub(super) fn process_id(&self) -> &str {
        clip(&self.process_id)
    }
}

/// Who published the command of a record: client id and user name, fit for people.
pub(super) fn publisher(record: &Record, acked: bool) -> (String, String) {
    let (client, user) = if acked {
        (&record.from_client_id, &record.from_username)
    } else {
        (&record.client_id, &record.username)
    };
    (clean(text(client)), clean(text(user)))
}

/// Text fields of a decoded record are UTF-8; others read as empty.
pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The word of a verdict that refuses.
pub(super) fn refusal(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Unchecked | Verdict::Ok => None,
        Verdict::BadSignature => Some("bad-signature"),
        Verdict::Stale => Some("stale"),
        Verdict::Future => Some("future"),
        Verdict::Replayed => Some("replayed"),
        Verdict::Malformed => Some("malformed"),
    }
}
