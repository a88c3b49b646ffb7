//! What carries messages to people.

mod email;
mod http;
mod sms;
mod webhook;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use crate::contacts::ChannelKind;
use crate::message::Message;
use crate::secret::SecretError;

pub use email::{Email, EmailOptions, Security};
pub use sms::{Sms, SmsBody, SmsOptions, SmsSuccess};
pub use webhook::{Webhook, WebhookOptions};

/// Characters of another side's words that are told.
const REASON_LIMIT: usize = 300;
/// No side is left alone for longer than this, whatever it asks.
const RETRY_AFTER_MOST: Duration = Duration::from_hours(1);

/// What carries messages to people. Each attempt ends within the channel's own timeout.
pub trait Channel: Send + Sync {
    /// Which deliveries it is for.
    fn kind(&self) -> ChannelKind;

    /// Sends a message. `Ok` means that the other side took it over.
    fn send(&self, message: &Message) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// A message that was not sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// Whether the same message may work later.
    pub retry: bool,
    /// How long the other side asks to wait; at most an hour.
    pub retry_after: Option<Duration>,
    /// What does not work.
    pub scope: Scope,
    /// A sentence for people, without secrets and control characters.
    pub reason: String,
}

/// What does not work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// This message or its address; others may work.
    Message,
    /// The channel: nothing would be sent now.
    Channel,
}

/// A channel that can't be opened: its settings are wrong.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// A secret is missing.
    #[error("channel {}: {source}", kind.name())]
    Secret {
        /// The channel.
        kind: ChannelKind,
        /// Which and why.
        source: SecretError,
    },
    /// A file of certificates can't be used.
    #[error("channel {}: certificates {path}: {fault}", kind.name())]
    Certificates {
        /// The channel.
        kind: ChannelKind,
        /// The file.
        path: PathBuf,
        /// Why not.
        fault: String,
    },
    /// A setting is wrong.
    #[error("channel {}: {setting}: {fault}", kind.name())]
    Setting {
        /// The channel.
        kind: ChannelKind,
        /// As settings write it.
        setting: &'static str,
        /// What is wrong and what to do.
        fault: String,
    },
}

impl SendError {
    /// It will never work.
    fn permanent(reason: impl AsRef<str>) -> Self {
        Self::new(false, Scope::Message, reason)
    }

    /// It may work later, for this address.
    fn later(reason: impl AsRef<str>) -> Self {
        Self::new(true, Scope::Message, reason)
    }

    /// Nothing works now.
    fn outage(reason: impl AsRef<str>) -> Self {
        Self::new(true, Scope::Channel, reason)
    }

    fn new(retry: bool, scope: Scope, reason: impl AsRef<str>) -> Self {
        Self {
            retry,
            retry_after: None,
            scope,
            reason: tellable(reason.as_ref()),
        }
    }

    fn after(self, asked: Option<Duration>) -> Self {
        Self {
            retry_after: asked.map(|asked| asked.min(RETRY_AFTER_MOST)),
            ..self
        }
    }
}

/// Another side's words, fit for a log line.
fn tellable(text: &str) -> String {
    let kept = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    kept.take(REASON_LIMIT).collect()
}
