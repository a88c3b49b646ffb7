//! `[notify]`: how people are told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// `[notify]`: how people are told. A pipeline without this table tells nobody; a channel without
/// its table is not used.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifySettings {
    /// Seconds in which the same alert, or the same delivery, is not told again.
    pub dedupe_window_s: u64,
    /// Seconds after which nobody wants to hear of an alert any more; quiet hours are not counted.
    pub deadline_s: u64,
    /// When more alerts than this wait for one address, they become one digest.
    pub digest_over: usize,
    /// The language of contacts that have none.
    pub language: NotifyLanguage,
    /// Folder of own texts: `en.toml`, `zh.toml`, `ja.toml`, with the entries to replace.
    pub templates: Option<PathBuf>,
    /// Mail.
    pub email: Option<EmailSettings>,
    /// SMS.
    pub sms: Option<SmsSettings>,
    /// Webhooks.
    pub webhook: Option<WebhookSettings>,
}

/// A language of the shipped texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifyLanguage {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
    /// Japanese.
    Ja,
}

/// `[notify.email]`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailSettings {
    /// Name or address of the mail server.
    pub host: String,
    /// Its port; without one 25, 587 with STARTTLS, 465 with TLS.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: EmailSecurity,
    /// Certificate authorities (PEM) besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Who logs in.
    pub user: Option<String>,
    /// The file of the password.
    pub password_file: Option<PathBuf>,
    /// The sender: `locks@example.com` or `Locks <locks@example.com>`.
    pub from: String,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// Longest time of one attempt, in seconds.
    #[serde(default = "thirty")]
    pub timeout_s: u64,
    /// Connections at once.
    #[serde(default = "four")]
    pub connections: u32,
    /// Mails per minute to all.
    #[serde(default = "six_hundred")]
    pub per_minute: u32,
    /// Mails per minute to one address.
    #[serde(default = "ten")]
    pub address_per_minute: u32,
}

/// How a connection to the mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailSecurity {
    /// Not at all.
    None,
    /// It begins in the clear and must change over.
    #[default]
    Starttls,
    /// From the first byte.
    Tls,
}

/// `[notify.sms]`: one HTTP request per SMS. Texts in `headers`, `json` and `form` are templates
/// that know `to`, `text` and `id`. One of `json` and `form` is needed.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsSettings {
    /// Where requests go.
    pub url: String,
    /// Their method.
    #[serde(default = "post")]
    pub method: String,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body as JSON.
    pub json: Option<toml::Value>,
    /// The body as a form.
    pub form: Option<BTreeMap<String, String>>,
    /// Who logs in by HTTP Basic.
    pub user: Option<String>,
    /// The file of the password.
    pub password_file: Option<PathBuf>,
    /// The file of a bearer token, instead of user and password.
    pub token_file: Option<PathBuf>,
    /// Where the answer's JSON says that the SMS was taken, as a JSON pointer.
    pub success_pointer: Option<String>,
    /// What must be there; without it anything but null and false.
    pub success_equals: Option<toml::Value>,
    /// Certificate authorities (PEM) besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Longest time of one attempt, in seconds.
    #[serde(default = "ten_seconds")]
    pub timeout_s: u64,
    /// SMS per minute to all.
    #[serde(default = "sixty")]
    pub per_minute: u32,
    /// SMS per minute to one number.
    #[serde(default = "three")]
    pub address_per_minute: u32,
}

/// `[notify.webhook]`: contacts have the URLs.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// The file of the secret that signs requests.
    pub secret_file: PathBuf,
    /// Certificate authorities (PEM) besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Longest time of one attempt, in seconds.
    #[serde(default = "ten_seconds")]
    pub timeout_s: u64,
    /// Requests per minute to all.
    #[serde(default = "six_thousand")]
    pub per_minute: u32,
    /// Requests per minute to one URL.
    #[serde(default = "six_hundred")]
    pub address_per_minute: u32,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            dedupe_window_s: 3600,
            deadline_s: 24 * 3600,
            digest_over: 5,
            language: NotifyLanguage::En,
            templates: None,
            email: None,
            sms: None,
            webhook: None,
        }
    }
}

fn post() -> String {
    "POST".to_owned()
}

fn three() -> u32 {
    3
}

fn four() -> u32 {
    4
}

fn ten() -> u32 {
    10
}

fn sixty() -> u32 {
    60
}

fn six_hundred() -> u32 {
    600
}

fn six_thousand() -> u32 {
    6000
}

fn ten_seconds() -> u64 {
    10
}

fn thirty() -> u64 {
    30
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<NotifySettings, toml::de::Error> {
        toml::from_str(text)
    }

    /// Scenario: an empty table, and one with every channel at its shortest.
    /// Guarantee: the rest are the defaults.
    #[test]
    fn defaults() {
        let empty = read("").unwrap();
        assert_eq!(empty, NotifySettings::default());
        let settings = read(
            "language = \"zh\"\n\
             [email]\nhost = \"mail.example.com\"\nfrom = \"locks@example.com\"\n\
             [sms]\nurl = \"https://sms.example.com\"\njson = { to = \"{{ to }}\", options = { n = 1 } }\n\
             [webhook]\nsecret_file = \"/run/secrets/webhook\"\n",
        )
        .unwrap();
        assert_eq!(settings.language, NotifyLanguage::Zh);
        let email = settings.email.unwrap();
        assert_eq!(
            (email.security, email.timeout_s),
            (EmailSecurity::Starttls, 30)
        );
        assert_eq!(email.address_per_minute, 10);
        assert_eq!(settings.sms.unwrap().method, "POST");
        assert_eq!(settings.webhook.unwrap().timeout_s, 10);
    }

    /// Scenario: misspelt keys, a password in the file itself, a table without what it needs.
    /// Guarantee: none is read.
    #[test]
    fn unknown_and_missing_keys_are_refused() {
        for text in [
            "digest_ovr = 3",
            "language = \"fr\"",
            "[email]\nhost = \"a\"",
            "[email]\nhost = \"a\"\nfrom = \"a@b.c\"\npassword = \"secret\"",
            "[email]\nhost = \"a\"\nfrom = \"a@b.c\"\nsecurity = \"ssl\"",
            "[sms]\nurl = \"https://a\"\nbody = \"b\"",
            "[webhook]\nsecret = \"b\"",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
