//! The options of the ports.

use std::path::PathBuf;
use std::time::Duration;

/// Whether TLS asks a client for its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ClientCertificate {
    /// It is not asked.
    None,
    /// A client may show one; a wrong one is refused.
    Optional,
    /// A client without one is refused.
    Required,
}

/// Where clients connect, and how many.
///
/// Limits per address hold for every address, loopback too. A load balancer or a NAT is one
/// address: behind one, raise them. An IPv6 address counts as its /64 network, which is what one
/// customer gets.
#[derive(Clone, Debug, clap::Args)]
pub struct ListenerArgs {
    /// Where MQTT clients connect, without encryption; "off" for nowhere.
    #[arg(
        long,
        env = "LATCHWORK_MQTT",
        value_name = "ADDR",
        default_value = "127.0.0.1:1883"
    )]
    pub mqtt: String,
    /// Where MQTT clients connect with TLS, such as 0.0.0.0:8883; needs --tls-cert and --tls-key.
    #[arg(long, env = "LATCHWORK_MQTTS", value_name = "ADDR")]
    pub mqtts: Option<String>,
    /// Where MQTT clients connect with WebSocket, path /mqtt, such as 0.0.0.0:8083.
    #[arg(long, env = "LATCHWORK_WS", value_name = "ADDR")]
    pub ws: Option<String>,
    /// Where MQTT clients connect with WebSocket on TLS, path /mqtt, such as 0.0.0.0:8084; needs
    /// --tls-cert and --tls-key.
    #[arg(long, env = "LATCHWORK_WSS", value_name = "ADDR")]
    pub wss: Option<String>,
    /// Certificates and key of the TLS ports.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// How many connections are let in.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How much one client may publish.
    #[command(flatten)]
    pub publish: PublishArgs,
}

/// Certificates and key of the TLS ports. The files are read again when they change, and at SIGHUP.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TlsArgs {
    /// Certificate of the edge and those between it and the root, in PEM.
    #[arg(
        long,
        env = "LATCHWORK_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub tls_cert: Option<PathBuf>,
    /// Private key of --tls-cert, in PEM.
    #[arg(
        long,
        env = "LATCHWORK_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub tls_key: Option<PathBuf>,
    /// Root certificates, in PEM, that clients' certificates come from.
    #[arg(long, env = "LATCHWORK_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,
    /// Whether TLS clients need a certificate. Default: required with --tls-client-ca, else none.
    #[arg(long, env = "LATCHWORK_TLS_CLIENT_CERT", value_name = "WHETHER")]
    pub tls_client_cert: Option<ClientCertificate>,
}

/// How many connections are let in.
#[derive(Clone, Debug, clap::Args)]
pub struct LimitArgs {
    /// Connections at most. Default: 1000000, or what the limit of open files leaves.
    #[arg(long, env = "LATCHWORK_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<u32>,
    /// Connections from one address at most. One address has some 28000 ports to connect from.
    #[arg(
        long,
        env = "LATCHWORK_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "N",
        default_value_t = 32_768
    )]
    pub max_connections_per_address: u32,
    /// Connections of one user at most. Default: unlimited.
    #[arg(long, env = "LATCHWORK_MAX_CONNECTIONS_PER_USER", value_name = "N")]
    pub max_connections_per_user: Option<u32>,
    /// New connections per second from one address, after --connection-burst.
    #[arg(
        long,
        env = "LATCHWORK_CONNECTION_RATE",
        value_name = "N",
        default_value_t = 1000
    )]
    pub connection_rate: u32,
    /// New connections from one address at once: the locks behind one NAT, after a power cut.
    #[arg(
        long,
        env = "LATCHWORK_CONNECTION_BURST",
        value_name = "N",
        default_value_t = 10_000
    )]
    pub connection_burst: u32,
    /// Connections without CONNECT at most.
    #[arg(
        long,
        env = "LATCHWORK_MAX_HALF_OPEN",
        value_name = "N",
        default_value_t = 20_000
    )]
    pub max_half_open: u32,
    /// Connections without CONNECT from one address at most.
    #[arg(
        long,
        env = "LATCHWORK_MAX_HALF_OPEN_PER_ADDRESS",
        value_name = "N",
        default_value_t = 5_000
    )]
    pub max_half_open_per_address: u32,
    /// Seconds for one MQTT packet, from its first byte to its last.
    #[arg(
        long,
        env = "LATCHWORK_PACKET_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = 30
    )]
    pub packet_timeout: u64,
}

impl LimitArgs {
    /// How long one MQTT packet may take, from its first byte to its last.
    pub fn packet_limit(&self) -> Duration {
        Duration::from_secs(self.packet_timeout.max(1))
    }
}

/// How much one client may publish.
#[derive(Clone, Debug, clap::Args)]
pub struct PublishArgs {
    /// Messages per second that one client may publish; it is slowed down to that. Default:
    /// unlimited.
    #[arg(long, env = "LATCHWORK_PUBLISH_RATE", value_name = "N")]
    pub publish_rate: Option<u32>,
    /// Payload bytes per second that one client may publish. Default: unlimited.
    #[arg(long, env = "LATCHWORK_PUBLISH_BYTES_RATE", value_name = "BYTES")]
    pub publish_bytes_rate: Option<u64>,
    /// Seconds that a client is slowed down before its connection is closed.
    #[arg(
        long,
        env = "LATCHWORK_PUBLISH_RATE_PATIENCE",
        value_name = "SECONDS",
        default_value_t = 60
    )]
    pub publish_rate_patience: u64,
}
