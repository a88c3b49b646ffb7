//! Signed HTTP requests.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alert::Alert;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT as USER_AGENT_HEADER};
use http::{Request, Uri};
use http_body_util::Full;
use serde::Serialize;
use sha2::Sha256;

use super::http::{Answer, HttpClient, USER_AGENT};
use super::{Channel, ChannelError, SendError};
use crate::contacts::{ChannelKind, check_address};
use crate::message::Message;
use crate::secret::Secret;

/// Bytes of a secret at least: 128 bits in hex are 32, a passphrase of fewer is guessed.
const SECRET_MIN: usize = 16;

/// How webhooks are called.
///
/// The request is a POST with the body `{"id": "...", "alerts": [...]}`; each alert is as
/// `schemas/lock-alert.schema.json` describes it, a digest has several. Its headers:
///
/// - `X-Latchwork-Timestamp`: when it was sent, seconds since 1970. Refuse what is older than some
///   minutes.
/// - `X-Latchwork-Signature`: `v1=` and HMAC-SHA256, in hex, with the secret's text as key, of
///   timestamp, a dot and the body's bytes.
/// - `Idempotency-Key`: the message's id. A request that comes again has the same.
///
/// A 2xx takes it over. Other statuses of 4xx than 408, 425 and 429 are final, as are 3xx.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebhookOptions {
    /// The file of the secret that signs requests, at least 16 bytes.
    pub secret_file: PathBuf,
    /// Further certificate authorities (PEM), besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Longest time of one attempt.
    pub timeout: Duration,
}

/// The channel of webhooks. Each contact has a URL of its own: one that fails says nothing about
/// the others.
pub struct Webhook {
    client: HttpClient,
    key: Hmac<Sha256>,
}

#[derive(Serialize)]
struct Body<'m> {
    id: &'m str,
    alerts: &'m [Alert],
}

impl Webhook {
    /// Reads the secret.
    pub fn open(options: &WebhookOptions) -> Result<Self, ChannelError> {
        let kind = ChannelKind::Webhook;
        let secret = Secret::read(&options.secret_file)
            .map_err(|source| ChannelError::Secret { kind, source })?;
        let short = || ChannelError::Setting {
            kind,
            setting: "secret_file",
            fault: format!("holds fewer than {SECRET_MIN} bytes; `openssl rand -hex 32` makes one"),
        };
        if secret.reveal().len() < SECRET_MIN {
            return Err(short());
        }
        let key = Hmac::new_from_slice(secret.reveal().as_bytes()).map_err(|_| short())?;
        let client = HttpClient::open(kind, options.timeout, options.ca_file.as_deref())?;
        Ok(Self { client, key })
    }

    fn request(&self, message: &Message) -> Result<Request<Full<Bytes>>, SendError> {
        let permanent = |fault: &str| SendError::permanent(fault);
        check_address(ChannelKind::Webhook, &message.address)
            .map_err(|error| permanent(&error.to_string()))?;
        let url: Uri = message
            .address
            .parse()
            .map_err(|_| permanent("the webhook address is not a URL"))?;
        let body = Body {
            id: &message.id,
            alerts: &message.alerts,
        };
        let body = serde_json::to_vec(&body).map_err(|error| permanent(&error.to_string()))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let timestamp = now.unwrap_or_default().as_secs().to_string();
        Request::post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT_HEADER, HeaderValue::from_static(USER_AGENT))
            .header("Idempotency-Key", &message.id)
            .header("X-Latchwork-Signature", self.signature(&timestamp, &body))
            .header("X-Latchwork-Timestamp", timestamp)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| permanent(&error.to_string()))
    }

    fn signature(&self, timestamp: &str, body: &[u8]) -> String {
        let mut mac = self.key.clone();
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        format!("v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
    }
}

impl Channel for Webhook {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Webhook
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let request = self.request(message)?;
        let host = request.uri().host().unwrap_or_default().to_owned();
        match self.client.send(request).await {
            Ok(answer) => judge(&host, &answer),
            Err(reason) => Err(SendError::later(format!("webhook at {host}: {reason}"))),
        }
    }
}

fn judge(host: &str, answer: &Answer) -> Result<(), SendError> {
    let status = answer.status;
    if status.is_success() {
        return Ok(());
    }
    let reason = format!("the webhook at {host} answered {status}");
    let error = match status.as_u16() {
        408 | 425 | 429 | 500..=599 => SendError::later(reason),
        _ => SendError::permanent(format!("{reason}: {}", answer.beginning())),
    };
    Err(error.after(answer.retry_after))
}
