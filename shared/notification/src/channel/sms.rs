//! SMS through an HTTP gateway.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use form_urlencoded::Serializer;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use http_body_util::Full;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde_json::Value;

use super::http::{Answer, HttpClient, USER_AGENT};
use super::{Channel, ChannelError, SendError};
use crate::contacts::{ChannelKind, check_address};
use crate::message::Message;
use crate::secret::{Secret, SecretError};

/// How SMS are sent. Texts in headers and body are templates that know `to` (the number), `text`
/// and `id` (the message's, 32 hex digits, the same when it is tried again). Each value is put in
/// as the body's format wants it: no text can add a field.
///
/// The gateway of Twilio:
///
/// ```toml
/// [notify.sms]
/// url = "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef/Messages.json"
/// user = "AC0123456789abcdef"
/// password_file = "/run/secrets/twilio"
/// form = { To = "{{ to }}", From = "+15005550006", Body = "{{ text }}" }
/// success_pointer = "/sid"
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct SmsOptions {
    /// Where requests go.
    pub url: String,
    /// POST unless the gateway wants another.
    pub method: String,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: SmsBody,
    /// Who logs in by HTTP Basic.
    pub user: Option<String>,
    /// The file of the password of `user`.
    pub password_file: Option<PathBuf>,
    /// The file of a bearer token, instead of user and password.
    pub token_file: Option<PathBuf>,
    /// What an answer must hold besides a status of 2xx.
    pub success: Option<SmsSuccess>,
    /// Further certificate authorities (PEM), besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Longest time of one attempt.
    pub timeout: Duration,
}

/// The body of a request.
#[derive(Clone, PartialEq, Debug)]
pub enum SmsBody {
    /// JSON; every text in it, however deep, is a template.
    Json(Value),
    /// `application/x-www-form-urlencoded`; every value is a template.
    Form(BTreeMap<String, String>),
}

/// What an answer in JSON must hold for the SMS to count as taken.
#[derive(Clone, PartialEq, Debug)]
pub struct SmsSuccess {
    /// A JSON pointer (RFC 6901), such as `/sid`.
    pub pointer: String,
    /// What must be there; None is anything but null and false.
    pub equals: Option<Value>,
}

/// The channel of SMS.
pub struct Sms {
    client: HttpClient,
    url: Uri,
    method: Method,
    headers: Vec<(HeaderName, String)>,
    authorization: Option<HeaderValue>,
    body: SmsBody,
    success: Option<SmsSuccess>,
    texts: Environment<'static>,
}

impl fmt::Debug for Sms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sms")
    }
}

impl Sms {
    /// Reads the secrets and tries every template.
    pub fn open(options: &SmsOptions) -> Result<Self, ChannelError> {
        check_address(ChannelKind::Webhook, &options.url)
            .map_err(|error| setting("url", error.to_string()))?;
        let url = options
            .url
            .parse()
            .map_err(|_| setting("url", "is not a URL"))?;
        let method = Method::from_bytes(options.method.as_bytes())
            .map_err(|_| setting("method", "is not an HTTP method"))?;
        let ca_file = options.ca_file.as_deref();
        let sms = Self {
            client: HttpClient::open(ChannelKind::Sms, options.timeout, ca_file)?,
            url,
            method,
            headers: header_names(&options.headers)?,
            authorization: authorization(options)?,
            body: options.body.clone(),
            success: options.success.clone(),
            texts: environment(),
        };
        if sms
            .success
            .as_ref()
            .is_some_and(|s| !s.pointer.starts_with('/'))
        {
            return Err(setting("success_pointer", "does not begin with /"));
        }
        // A broken template shows now and not at night.
        let sample = Slots {
            to: "+15005550006",
            text: "text",
            id: "00000000000000000000000000000000",
        };
        sms.request(&sample)
            .map_err(|fault| setting("headers, json or form", fault))?;
        Ok(sms)
    }

    /// Asks the gateway's host for its start page's head, without credentials, and gives the status
    /// of whatever it answers: it is there and its certificate is good. No SMS is sent, and nothing
    /// about the account is known.
    pub async fn reach(
        url: &str,
        ca_file: Option<&Path>,
        timeout: Duration,
    ) -> Result<u16, SendError> {
        let host: Uri = url
            .parse()
            .map_err(|_| SendError::permanent("the SMS gateway's url is not a URL"))?;
        let mut parts = host.into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        let host = Uri::from_parts(parts)
            .map_err(|error| SendError::permanent(format!("the SMS gateway's url: {error}")))?;
        let client = HttpClient::open(ChannelKind::Sms, timeout, ca_file)
            .map_err(|error| SendError::permanent(error.to_string()))?;
        let request = Request::head(host)
            .header(http::header::USER_AGENT, USER_AGENT)
            .body(Full::default())
            .map_err(|error| SendError::permanent(error.to_string()))?;
        match client.send(request).await {
            Ok(answer) => Ok(answer.status.as_u16()),
            Err(reason) => Err(SendError::outage(format!("SMS gateway: {reason}"))),
        }
    }

    fn request(&self, slots: &Slots<'_>) -> Result<Request<Full<Bytes>>, String> {
        let (content_type, body) = match &self.body {
            SmsBody::Json(template) => {
                let body = self.json(template, slots)?.to_string();
                ("application/json", body)
            }
            SmsBody::Form(fields) => {
                let mut form = Serializer::new(String::new());
                for (name, template) in fields {
                    form.append_pair(name, &self.text(template, slots)?);
                }
                ("application/x-www-form-urlencoded", form.finish())
            }
        };
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(
            http::header::USER_AGENT,
            HeaderValue::from_static(USER_AGENT),
        );
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        self.add_headers(headers, slots)?;
        Ok(request)
    }

    fn add_headers(&self, headers: &mut HeaderMap, slots: &Slots<'_>) -> Result<(), String> {
        for (name, template) in &self.headers {
            // Refuses line ends and other control characters.
            let value = HeaderValue::from_str(&self.text(template, slots)?)
                .map_err(|_| format!("the header {name} can't hold such a value"))?;
            headers.insert(name.clone(), value);
        }
        Ok(())
    }

    /// The same JSON with its texts filled in.
    fn json(&self, template: &Value, slots: &Slots<'_>) -> Result<Value, String> {
        Ok(match template {
            Value::String(text) => Value::String(self.text(text, slots)?),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.json(item, slots));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), self.json(value, slots)?)));
                Value::Object(members.collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }

    fn text(&self, template: &str, slots: &Slots<'_>) -> Result<String, String> {
        let values = context! { to => slots.to, text => slots.text, id => slots.id };
        self.texts
            .render_str(template, values)
            .map_err(|error| format!("the template {template:?}: {error}"))
    }

    fn judge(&self, answer: &Answer) -> Result<(), SendError> {
        let status = answer.status;
        if status.is_success() {
            return self.judge_body(&answer.body);
        }
        let reason = format!("the SMS gateway answered {status}");
        let error = match status.as_u16() {
            // Wrong credentials and no money, too: only the operator can heal those.
            401 | 402 | 429 | 500..=599 => SendError::outage(reason),
            403 | 408 | 425 => SendError::later(reason),
            _ => SendError::permanent(format!("{reason}: {}", answer.beginning())),
        };
        Err(error.after(answer.retry_after))
    }

    /// The gateway took the request; whether it took the message, some say only in the body.
    fn judge_body(&self, body: &[u8]) -> Result<(), SendError> {
        let Some(success) = &self.success else {
            return Ok(());
        };
        let answer: Value = serde_json::from_slice(body).map_err(|_| {
            SendError::permanent("the SMS gateway answered something that is not JSON")
        })?;
        let found = answer.pointer(&success.pointer).unwrap_or(&Value::Null);
        let is_good = match &success.equals {
            Some(wanted) => found == wanted,
            None => !matches!(found, Value::Null | Value::Bool(false)),
        };
        if is_good {
            return Ok(());
        }
        Err(SendError::permanent(format!(
            "the SMS gateway did not take it: {} is {found}",
            success.pointer
        )))
    }
}

impl Channel for Sms {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Sms
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        check_address(ChannelKind::Sms, &message.address)
            .map_err(|error| SendError::permanent(error.to_string()))?;
        let slots = Slots {
            to: &message.address,
            text: &message.short,
            id: &message.id,
        };
        let request = self.request(&slots).map_err(SendError::permanent)?;
        match self.client.send(request).await {
            Ok(answer) => self.judge(&answer),
            Err(reason) => Err(SendError::outage(format!("SMS gateway: {reason}"))),
        }
    }
}

/// What templates know.
struct Slots<'m> {
    to: &'m str,
    text: &'m str,
    id: &'m str,
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // A misspelt name is a fault, not an empty number.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(10_000));
    environment
}

fn setting(setting: &'static str, fault: impl Into<String>) -> ChannelError {
    ChannelError::Setting {
        kind: ChannelKind::Sms,
        setting,
        fault: fault.into(),
    }
}

fn header_names(
    headers: &BTreeMap<String, String>,
) -> Result<Vec<(HeaderName, String)>, ChannelError> {
    let mut named = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| setting("headers", format!("{name:?} is not the name of a header")))?;
        if header == AUTHORIZATION {
            let fault =
                "authorization belongs into a file: use user and password_file, or token_file";
            return Err(setting("headers", fault));
        }
        named.push((header, value.clone()));
    }
    Ok(named)
}

fn authorization(options: &SmsOptions) -> Result<Option<HeaderValue>, ChannelError> {
    let read = |path: &PathBuf| {
        Secret::read(path).map_err(|source: SecretError| ChannelError::Secret {
            kind: ChannelKind::Sms,
            source,
        })
    };
    let text = match (&options.user, &options.password_file, &options.token_file) {
        (None, None, None) => return Ok(None),
        (Some(user), Some(path), None) => {
            let pair = zeroize::Zeroizing::new(format!("{user}:{}", read(path)?.reveal()));
            format!("Basic {}", BASE64.encode(pair.as_bytes()))
        }
        (None, None, Some(path)) => format!("Bearer {}", read(path)?.reveal()),
        _ => {
            let fault = "give user and password_file, or token_file alone";
            return Err(setting("user", fault));
        }
    };
    let text = zeroize::Zeroizing::new(text);
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| setting("token_file", "has characters that no header can hold"))?;
    // Keeps it out of every `Debug`.
    value.set_sensitive(true);
    Ok(Some(value))
}
