//! The edge's options.

use stage::StageArgs;

/// Speaks MQTT 3.1.1 and 5.0 with locks and apps, and acknowledges a message when JetStream has it.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "mqtt-edge", version)]
pub struct Args {
    /// Options of every stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// Where MQTT clients connect.
    #[arg(
        long,
        env = "LATCHWORK_MQTT",
        value_name = "ADDR",
        default_value = "127.0.0.1:1883"
    )]
    pub mqtt: String,
    /// Let every client in without credentials. Without this, and until other authentication is
    /// set up, every connection is refused.
    #[arg(long, env = "LATCHWORK_ALLOW_ANONYMOUS")]
    pub allow_anonymous: bool,
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
