//! Mail over SMTP.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Channel, ChannelError, SendError};
use crate::contacts::{ChannelKind, check_address};
use crate::message::Message;
use crate::secret::Secret;

/// How a connection to the mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Security {
    /// Not at all: only for a relay on this machine or in its own network.
    None,
    /// It begins in the clear and must change over (RFC 3207); a server that can't is refused.
    StartTls,
    /// From the first byte (RFC 8314).
    Tls,
}

/// How mails are sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmailOptions {
    /// Name or address of the mail server; its certificate must bear it.
    pub host: String,
    /// None is the usual one: 25, 587 with STARTTLS, 465 with TLS.
    pub port: Option<u16>,
    /// Protection of the connection.
    pub security: Security,
    /// Further certificate authorities (PEM), besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Who logs in (AUTH PLAIN or LOGIN); without one nobody does.
    pub user: Option<String>,
    /// The file of the password.
    pub password_file: Option<PathBuf>,
    /// The sender: `latchwork@example.com` or `Locks <latchwork@example.com>`.
    pub from: String,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// Longest time of one attempt.
    pub timeout: Duration,
    /// Connections at once.
    pub connections: u32,
}

/// The channel of mails.
pub struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    timeout: Duration,
}

impl Email {
    /// Reads the secrets and prepares connections; the first is made by the first mail. Call it
    /// within a Tokio runtime.
    pub fn open(options: &EmailOptions) -> Result<Self, ChannelError> {
        let from = mailbox("from", &options.from)?;
        let reply_to = options.reply_to.as_deref();
        let reply_to = reply_to.map(|text| mailbox("reply_to", text)).transpose()?;
        if options.host.is_empty() {
            return Err(setting("host", "is empty; name the mail server"));
        }
        // The server wants to know who speaks; the name behind the sender is one it can look up.
        let domain = from.email.domain().to_owned();
        let pool = PoolConfig::new()
            .max_size(options.connections.max(1))
            .idle_timeout(Duration::from_secs(30));
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(options.host.as_str())
                .port(options.port.unwrap_or(usual_port(options.security)))
                .tls(tls(options)?)
                .hello_name(ClientId::Domain(domain))
                .timeout(Some(options.timeout))
                .pool_config(pool);
        if let Some(credentials) = credentials(options)? {
            transport = transport
                .credentials(credentials)
                .authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        Ok(Self {
            transport: transport.build(),
            from,
            reply_to,
            timeout: options.timeout,
        })
    }

    /// Connects, changes over to TLS, logs in and asks for nothing (NOOP): sends no mail.
    pub async fn test_connection(&self) -> Result<(), SendError> {
        match tokio::time::timeout(self.timeout, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(SendError::outage("the mail server hung up after the login")),
            Ok(Err(error)) => Err(send_error(&error)),
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> SendError {
        SendError::outage(format!(
            "the mail server did not answer within {} ms",
            self.timeout.as_millis()
        ))
    }

    fn mail(&self, message: &Message) -> Result<lettre::Message, SendError> {
        let permanent = |error: String| SendError::permanent(format!("mail: {error}"));
        check_address(ChannelKind::Email, &message.address)
            .map_err(|error| permanent(error.to_string()))?;
        let to: Address = message
            .address
            .parse()
            .map_err(|error| permanent(format!("{error}")))?;
        // The sender's domain, so that the id is unique in the world (RFC 5322 s.3.6.4).
        let id = format!("<{}@{}>", message.id, self.from.email.domain());
        let mut mail = MessageBuilder::new()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject.as_str())
            .message_id(Some(id))
            .raw_header(auto_submitted())
            .header(ContentType::TEXT_PLAIN);
        if let Some(reply_to) = &self.reply_to {
            mail = mail.reply_to(reply_to.clone());
        }
        mail.body(message.body.clone())
            .map_err(|error| permanent(error.to_string()))
    }
}

/// Out-of-office programs do not answer a mail with this (RFC 3834 s.5).
fn auto_submitted() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

impl Channel for Email {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Email
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let mail = self.mail(message)?;
        // Lettre's own timeout is that of one SMTP command; this one is of them all.
        match tokio::time::timeout(self.timeout, self.transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(send_error(&error)),
            Err(_) => Err(self.late()),
        }
    }
}

/// What an SMTP error means for the message (RFC 5321 s.4.2.1, RFC 4954 s.6).
fn send_error(error: &smtp::Error) -> SendError {
    let reason = format!("mail server: {error}");
    // Without a code: no connection, or a server that lacks STARTTLS or a way to log in. It is never
    // about the message, whose bytes are all ASCII.
    let Some(code) = error.status() else {
        return SendError::outage(reason);
    };
    match u16::from(code) {
        // Shutting down; and: the login is missing or refused, which only the operator can heal.
        421 | 454 | 530 | 534 | 535 | 538 => SendError::outage(reason),
        _ if error.is_permanent() => SendError::permanent(reason),
        _ => SendError::later(reason),
    }
}

fn setting(setting: &'static str, fault: impl Into<String>) -> ChannelError {
    ChannelError::Setting {
        kind: ChannelKind::Email,
        setting,
        fault: fault.into(),
    }
}

fn mailbox(name: &'static str, text: &str) -> Result<Mailbox, ChannelError> {
    let fault = || {
        let example = "it looks like locks@example.com or Locks <locks@example.com>";
        setting(name, format!("{text:?} is not a sender; {example}"))
    };
    if text.contains(char::is_control) {
        return Err(fault());
    }
    text.parse().map_err(|_| fault())
}

fn usual_port(security: Security) -> u16 {
    match security {
        Security::None => smtp::SMTP_PORT,
        Security::StartTls => smtp::SUBMISSION_PORT,
        Security::Tls => smtp::SUBMISSIONS_PORT,
    }
}

fn tls(options: &EmailOptions) -> Result<Tls, ChannelError> {
    if options.security == Security::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(options.host.clone());
    if let Some(path) = &options.ca_file {
        let fault = |fault: String| ChannelError::Certificates {
            kind: ChannelKind::Email,
            path: path.clone(),
            fault,
        };
        let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| fault(error.to_string()))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let parameters = parameters
        .build()
        .map_err(|error| setting("host", error.to_string()))?;
    Ok(match options.security {
        Security::StartTls => Tls::Required(parameters),
        _ => Tls::Wrapper(parameters),
    })
}

/// User and password. Lettre keeps them as it needs them for each connection.
fn credentials(options: &EmailOptions) -> Result<Option<Credentials>, ChannelError> {
    let (user, path) = match (&options.user, &options.password_file) {
        (None, None) => return Ok(None),
        (Some(user), Some(path)) => (user, path),
        (Some(_), None) => return Err(setting("password_file", "is missing beside user")),
        (None, Some(_)) => return Err(setting("user", "is missing beside password_file")),
    };
    if options.security == Security::None && !is_loopback(&options.host) {
        let fault = "the password would cross the network in the clear; use starttls or tls";
        return Err(setting("security", fault));
    }
    let secret = Secret::read(path).map_err(|source| ChannelError::Secret {
        kind: ChannelKind::Email,
        source,
    })?;
    Ok(Some(Credentials::new(
        user.clone(),
        secret.reveal().to_owned(),
    )))
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
