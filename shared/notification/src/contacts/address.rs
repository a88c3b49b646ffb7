//! Addresses, strictly checked: what is wrong is refused when it is entered, not when it rings.

use alert::Severity;
use http::Uri;
use serde::{Deserialize, Serialize};

/// Octets of a mail address (RFC 5321 s.4.5.3.1.3: a path of 256 with its brackets).
const MAIL_LIMIT: usize = 254;
/// Characters of a URL that everything between here and there takes.
const URL_LIMIT: usize = 2000;

/// Over what people are told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    /// Mail over SMTP.
    Email,
    /// SMS through an HTTP gateway.
    Sms,
    /// A signed HTTP request.
    Webhook,
}

impl ChannelKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Webhook];

    /// As JSON, contact lists and subjects write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Webhook => "webhook",
        }
    }

    /// The channel of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

/// One way to reach a contact. Its address is checked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "WrittenReach")]
pub struct Reach {
    channel: ChannelKind,
    address: String,
    severity: Severity,
}

/// An address that its channel can't use.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// Line ends, escapes and the like; they are not shown.
    #[error("the {} address has a control character", .0.name())]
    Control(ChannelKind),
    /// Not a mail address.
    #[error("{0:?} is not a mail address of ASCII characters; it looks like name@example.com")]
    Email(String),
    /// Not a phone number.
    #[error(
        "{0:?} is not a phone number of the form E.164: + and 7 to 15 digits, the country's first"
    )]
    Phone(String),
    /// Not a URL, or not one to send to.
    #[error("the webhook address {0}; it looks like https://example.com/alerts")]
    Url(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReach {
    channel: ChannelKind,
    address: String,
    #[serde(default = "from_warning")]
    severity: Severity,
}

fn from_warning() -> Severity {
    Severity::Warning
}

impl TryFrom<WrittenReach> for Reach {
    type Error = AddressError;

    fn try_from(written: WrittenReach) -> Result<Self, AddressError> {
        Self::new(written.channel, written.address, written.severity)
    }
}

impl Reach {
    /// This address, for alerts of this severity or a higher one.
    pub fn new(
        channel: ChannelKind,
        address: String,
        severity: Severity,
    ) -> Result<Self, AddressError> {
        check_address(channel, &address)?;
        Ok(Self {
            channel,
            address,
            severity,
        })
    }

    /// Over what.
    pub fn channel(&self) -> ChannelKind {
        self.channel
    }

    /// Mail address, phone number or URL.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The least severity that is told this way.
    pub fn severity(&self) -> Severity {
        self.severity
    }
}

/// Whether a channel can use this address.
pub fn check_address(channel: ChannelKind, address: &str) -> Result<(), AddressError> {
    if address.contains(char::is_control) {
        return Err(AddressError::Control(channel));
    }
    match channel {
        ChannelKind::Email => {
            let parsed = address.parse::<lettre::Address>();
            // Others need SMTPUTF8 (RFC 6531) all the way, which few servers have.
            if parsed.is_err() || !address.is_ascii() || address.len() > MAIL_LIMIT {
                return Err(AddressError::Email(address.to_owned()));
            }
        }
        ChannelKind::Sms if !is_e164(address) => {
            return Err(AddressError::Phone(address.to_owned()));
        }
        ChannelKind::Sms => {}
        ChannelKind::Webhook => check_url(address).map_err(AddressError::Url)?,
    }
    Ok(())
}

/// ITU-T E.164: at most 15 digits, no leading 0. Fewer than 7 are a short code of one country.
fn is_e164(number: &str) -> bool {
    let Some(digits) = number.strip_prefix('+') else {
        return false;
    };
    (7..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// The URL itself stays out of the error: it may hold a token.
fn check_url(url: &str) -> Result<(), &'static str> {
    if url.len() > URL_LIMIT {
        return Err("has more than 2,000 characters");
    }
    if url.contains('#') {
        return Err("has a fragment, which is never sent");
    }
    let uri: Uri = url.parse().map_err(|_| "is not a URL")?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("does not begin with http:// or https://");
    }
    let Some(authority) = uri.authority() else {
        return Err("names no host");
    };
    if authority.as_str().contains('@') {
        return Err("has a password in it; requests are signed instead");
    }
    if authority.host().is_empty() {
        return Err("names no host");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: addresses as people have them.
    /// Guarantee: they are taken.
    #[test]
    fn good_addresses_are_taken() {
        for (channel, address) in [
            (ChannelKind::Email, "mei@example.com"),
            (ChannelKind::Email, "first.last+locks@mail.example.co.jp"),
            (ChannelKind::Sms, "+8613812345678"),
            (ChannelKind::Sms, "+15005550006"),
            (ChannelKind::Webhook, "https://example.com/alerts?site=7"),
            (ChannelKind::Webhook, "http://127.0.0.1:8080"),
        ] {
            assert_eq!(check_address(channel, address), Ok(()), "{address}");
        }
    }

    /// Scenario: addresses with a second header, a second recipient, another scheme, a password.
    /// Guarantee: none is taken.
    #[test]
    fn bad_addresses_are_refused() {
        for (channel, address) in [
            (
                ChannelKind::Email,
                "mei@example.com\r\nBcc: all@example.com",
            ),
            (ChannelKind::Email, "mei@example.com\n"),
            (ChannelKind::Email, "mei@example.com, eve@example.com"),
            (ChannelKind::Email, "Mei <mei@example.com>"),
            (ChannelKind::Email, "mei@example.com> SIZE=1"),
            (ChannelKind::Email, "m\u{e9}i@example.com"),
            (ChannelKind::Email, "example.com"),
            (ChannelKind::Email, ""),
            (ChannelKind::Sms, "13812345678"),
            (ChannelKind::Sms, "+0123456789"),
            (ChannelKind::Sms, "+1 500 555 0006"),
            (ChannelKind::Sms, "+1234567890123456"),
            (ChannelKind::Sms, "+15005550006\u{0}"),
            (ChannelKind::Webhook, "ftp://example.com/"),
            (ChannelKind::Webhook, "file:///etc/passwd"),
            (ChannelKind::Webhook, "/alerts"),
            (ChannelKind::Webhook, "https://"),
            (ChannelKind::Webhook, "https://user:password@example.com/"),
            (
                ChannelKind::Webhook,
                "https://example.com/ HTTP/1.1\r\nX: y",
            ),
            (ChannelKind::Webhook, "https://example.com/#top"),
        ] {
            assert!(check_address(channel, address).is_err(), "{address:?}");
        }
    }
}
