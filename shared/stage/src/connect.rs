//! The connection to NATS.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::{self, context::ContextBuilder};
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use percent_encoding::percent_decode_str;
use tracing::{info, warn};

use crate::error::ConnectError;
use crate::retry::Backoff;

/// How to reach NATS. Every stage and command takes these.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "NATS")]
pub struct NatsArgs {
    /// Address of nats-server (2.14 or newer, with JetStream); several with commas.
    /// `nats://user:password@host` and `tls://host` work too.
    #[arg(
        long,
        global = true,
        env = "LATCHWORK_NATS",
        value_name = "URL",
        default_value = "nats://127.0.0.1:4222"
    )]
    pub nats: String,
    /// Credentials file (.creds) with a JWT and its seed.
    #[arg(long, global = true, env = "LATCHWORK_NATS_CREDS", value_name = "FILE")]
    pub nats_creds: Option<PathBuf>,
    /// Certificates (PEM) to trust besides the system's; switches TLS on.
    #[arg(long, global = true, env = "LATCHWORK_NATS_CA", value_name = "FILE")]
    pub nats_ca: Option<PathBuf>,
    /// Own certificate (PEM) for mutual TLS; needs --nats-key.
    #[arg(
        long,
        global = true,
        env = "LATCHWORK_NATS_CERT",
        value_name = "FILE",
        requires = "nats_key"
    )]
    pub nats_cert: Option<PathBuf>,
    /// Key (PEM) of the own certificate.
    #[arg(
        long,
        global = true,
        env = "LATCHWORK_NATS_KEY",
        value_name = "FILE",
        requires = "nats_cert"
    )]
    pub nats_key: Option<PathBuf>,
}

/// How long one publish waits for its acknowledgement. When the server dies the answer never
/// comes, so this bounds the recovery; the repeat carries the same id and is stored once.
pub(crate) const ACK_TIMEOUT: Duration = Duration::from_secs(2);

impl NatsArgs {
    /// A server at an address, without credentials or TLS of its own.
    pub fn at(url: &str) -> Self {
        Self {
            nats: url.to_owned(),
            nats_creds: None,
            nats_ca: None,
            nats_cert: None,
            nats_key: None,
        }
    }

    /// Connects once; fails when the server is away, too old or has no JetStream.
    pub async fn connect(&self, name: &str) -> Result<Client, ConnectError> {
        let unreachable = |reason: String| ConnectError::Unreachable {
            url: self.shown(),
            reason,
        };
        let addresses = self.nats.split(',').map(|one| one.trim().parse());
        let addresses: Vec<ServerAddr> = addresses
            .collect::<Result<_, std::io::Error>>()
            .map_err(|error| unreachable(error.to_string()))?;
        let mut options = self.options(name).await?;
        if let Some((user, password)) = addresses.iter().find_map(user_of) {
            options = options.user_and_password(user, password);
        }
        let connected = options.connect(addresses).await;
        let client = connected.map_err(|error| unreachable(error.to_string()))?;
        check_server(&client, &self.shown())?;
        Ok(client)
    }

    /// Connects, waiting for a server that is away; what waiting can't mend still fails.
    pub async fn connect_when_ready(&self, name: &str) -> Result<Client, ConnectError> {
        let mut backoff = Backoff::up_to(Duration::from_secs(2));
        let mut told = tokio::time::Instant::now();
        let mut first = true;
        loop {
            match self.connect(name).await {
                Err(error) if error.may_pass() => {
                    if first || told.elapsed() > Duration::from_secs(10) {
                        warn!("{error}; still trying");
                        told = tokio::time::Instant::now();
                        first = false;
                    }
                    backoff.wait().await;
                }
                other => return other,
            }
        }
    }

    async fn options(&self, name: &str) -> Result<ConnectOptions, ConnectError> {
        let mut options = ConnectOptions::new()
            .name(format!("latchwork-{name}"))
            .connection_timeout(Duration::from_secs(3))
            .ping_interval(Duration::from_secs(10))
            // A restarted server is back in a fraction of a second; so are we.
            .reconnect_delay_callback(|attempts| {
                Duration::from_millis(50 * u64::try_from(attempts.min(10)).unwrap_or(10))
            })
            .event_callback(report);
        if let Some(file) = &self.nats_creds {
            let text = tokio::fs::read_to_string(file).await;
            options = text
                .and_then(|text| options.credentials(&text))
                .map_err(|source| ConnectError::Credentials {
                    file: file.clone(),
                    source,
                })?;
        }
        if let Some(file) = &self.nats_ca {
            options = options
                .add_root_certificates(file.clone())
                .require_tls(true);
        }
        if let (Some(cert), Some(key)) = (&self.nats_cert, &self.nats_key) {
            options = options.add_client_certificate(cert.clone(), key.clone());
        }
        Ok(options)
    }

    /// The addresses without passwords.
    fn shown(&self) -> String {
        let hide = |address: &str| match (address.split_once("://"), address.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
            (None, Some((_, host))) => host.to_owned(),
            _ => address.to_owned(),
        };
        self.nats
            .split(',')
            .map(|address| hide(address.trim()))
            .collect::<Vec<_>>()
            .join(",")
    }
}

/// The user and password in an address. The client knows them there, and does not use them.
fn user_of(address: &ServerAddr) -> Option<(String, String)> {
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let password = address.password().unwrap_or_default();
    Some((plain(address.username()?), plain(password)))
}

/// A JetStream context for publishing one frame at a time per lane.
pub fn jetstream_context(client: &Client) -> jetstream::Context {
    ContextBuilder::new()
        .timeout(ACK_TIMEOUT)
        .max_ack_inflight(1024)
        .backpressure_on_inflight(true)
        .build(client.clone())
}

fn check_server(client: &Client, url: &str) -> Result<(), ConnectError> {
    let server = client.server_info();
    let mut numbers = server
        .version
        .split(['.', '-'])
        .map(|part| part.parse().unwrap_or(0_u32));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < topology::MINIMUM_NATS_SERVER {
        return Err(ConnectError::TooOld {
            url: url.to_owned(),
            version: server.version,
        });
    }
    if !server.jetstream {
        return Err(ConnectError::NoJetStream {
            url: url.to_owned(),
        });
    }
    Ok(())
}

async fn report(event: Event) {
    match event {
        Event::Connected => info!("NATS connected"),
        Event::Disconnected => warn!("NATS disconnected; reconnecting"),
        Event::SlowConsumer(subscription) => {
            warn!(subscription, "NATS client fell behind its subscription");
        }
        Event::ServerError(error) => warn!(%error, "NATS server reports an error"),
        Event::ClientError(error) => warn!(%error, "NATS client reports an error"),
        Event::LameDuckMode | Event::Draining | Event::Closed => {}
    }
}
