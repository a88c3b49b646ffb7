//! The edge's options.

use access::AccessArgs;
use stage::StageArgs;

use crate::listener::ListenerArgs;

/// Speaks MQTT 3.1.1 and 5.0 with locks and apps, and acknowledges a message when JetStream has it.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "mqtt-edge", version)]
pub struct Args {
    /// Options of every stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// Where clients connect, and how many.
    #[command(flatten)]
    pub listeners: ListenerArgs,
    /// Who may connect, and who may do what.
    #[command(flatten)]
    pub access: AccessArgs,
    /// Name of this edge in records, envelopes and the header lw-seq; each edge needs its own.
    /// Default: mqtt-edge@HOSTNAME.
    #[arg(long, env = "LATCHWORK_NODE", value_name = "NAME")]
    pub node: Option<String>,
    /// Largest MQTT packet that a client may send, in bytes.
    #[arg(
        long,
        env = "LATCHWORK_MAX_PACKET",
        value_name = "BYTES",
        default_value_t = 1_114_112
    )]
    pub max_packet: u32,
    /// Messages that an MQTT 5 client may send before their PUBACKs (its Receive Maximum).
    #[arg(
        long,
        env = "LATCHWORK_RECEIVE_MAXIMUM",
        value_name = "N",
        default_value_t = 1024
    )]
    pub receive_maximum: u16,
    /// Clients that are connected or whose sessions wait for them, together; beyond that no session
    /// begins that outlives its connection. A session that waits costs about 2 KB of memory here.
    #[arg(
        long,
        env = "LATCHWORK_MAX_SESSIONS",
        value_name = "N",
        default_value_t = 200_000
    )]
    pub max_sessions: usize,
    /// Longest time that a session waits for its client, in seconds (MQTT 5: Session Expiry
    /// Interval; MQTT 3.1.1: without Clean Session). Default: seven days.
    #[arg(
        long,
        env = "LATCHWORK_MAX_SESSION_EXPIRY",
        value_name = "SECONDS",
        default_value_t = 604_800
    )]
    pub max_session_expiry: u32,
    /// Longest keep-alive in seconds, told to MQTT 5 clients that ask for a longer one or none
    /// (Server Keep Alive); 0 is without a limit.
    #[arg(
        long,
        env = "LATCHWORK_MAX_KEEP_ALIVE",
        value_name = "SECONDS",
        default_value_t = 0
    )]
    pub max_keep_alive: u16,
}

impl Args {
    /// The edge's name.
    pub(crate) fn node_name(&self) -> String {
        let host = || {
            let name = telemetry::host_name();
            format!("mqtt-edge@{}", name.as_deref().unwrap_or("127.0.0.1"))
        };
        self.node.clone().unwrap_or_else(host)
    }
}
