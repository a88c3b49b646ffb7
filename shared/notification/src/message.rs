//! What a channel sends.

use alert::Alert;

use crate::contacts::ChannelKind;
use crate::language::Language;

/// One mail, one SMS or one request: an alert, or a digest of several.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// 32 hex digits: the id of its only delivery, or a hash of those of the digest's members.
    /// A repeated attempt has the same id as long as nothing joined it.
    pub id: String,
    /// The channel that it is for.
    pub channel: ChannelKind,
    /// Where it goes: mail address, phone number or URL.
    pub address: String,
    /// The language of its texts.
    pub language: Language,
    /// One line, at most 200 characters.
    pub subject: String,
    /// Plain text of any number of lines.
    pub body: String,
    /// One line that fits one SMS: 160 characters of GSM 03.38, or 70 others.
    pub short: String,
    /// What it tells, the oldest delivery first.
    pub alerts: Vec<Alert>,
}
