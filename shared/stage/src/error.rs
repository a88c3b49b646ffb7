//! What can go wrong before a stage runs.

use std::path::PathBuf;

use topology::MINIMUM_NATS_SERVER;

/// Why there is no connection to NATS.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing answers, or it refuses us.
    #[error(
        "cannot connect to NATS at {url}: {reason}; start nats-server there, or name another with --nats"
    )]
    Unreachable {
        /// Address without passwords.
        url: String,
        /// What the client said.
        reason: String,
    },
    /// The server is there, but does not let us.
    #[error("NATS refuses {what}: {reason}; allow it to this user")]
    Refused {
        /// A subject.
        what: String,
        /// What the client said.
        reason: String,
    },
    /// The credentials file can't be used.
    #[error("cannot use the NATS credentials file {}: {source}; check --nats-creds", .file.display())]
    Credentials {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// Consumer reset and atomic batches need a newer server.
    #[error(
        "nats-server at {url} is version {version}; Latchwork needs {}.{} or newer: upgrade it",
        MINIMUM_NATS_SERVER.0, MINIMUM_NATS_SERVER.1
    )]
    TooOld {
        /// Address without passwords.
        url: String,
        /// What it is.
        version: String,
    },
    /// JetStream is the durable store of everything.
    #[error("nats-server at {url} runs without JetStream; start it with `jetstream` enabled (-js)")]
    NoJetStream {
        /// Address without passwords.
        url: String,
    },
}

impl ConnectError {
    /// Whether waiting may mend it.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// Why the streams and durables are not as a stage needs them.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The number of partitions is fixed when the streams are made.
    #[error(
        "stream {stream} was made with {stored} partitions, but {wanted} are asked for; \
         set partitions = {stored}, or drain the pipeline and delete its streams"
    )]
    Partitions {
        /// The stream.
        stream: &'static str,
        /// Partitions it was made with.
        stored: u16,
        /// Partitions somebody wants now.
        wanted: u16,
    },
    /// Somebody else's stream has our name.
    #[error("stream {stream} exists but was not made by Latchwork; use another NATS account")]
    Foreign {
        /// The stream.
        stream: &'static str,
    },
    /// The number of partitions is out of range.
    #[error("{0} partitions are asked for; 1 to 256 are possible")]
    OutOfRange(u16),
    /// JetStream refused.
    #[error("cannot make {what} in JetStream: {reason}{}", hint(.reason))]
    Refused {
        /// The stream or durable.
        what: String,
        /// What the server said.
        reason: String,
    },
}

fn hint(reason: &str) -> &'static str {
    if reason.contains("insufficient storage") || reason.contains("10047") {
        "; the server has less room than the streams may fill: lower [streams] in the pipeline file, \
         or raise max_file_store"
    } else {
        ""
    }
}

/// Why a stage could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No connection to NATS.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The streams are not as they must be.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// Telemetry could not start, e.g. its port is in use.
    #[error(transparent)]
    Telemetry(#[from] telemetry::TelemetryError),
    /// It was told to stop before it had started: no fault.
    #[error("stopped before it had started")]
    Stopped,
}

/// A lane ended although nobody told it to: a defect.
#[derive(Debug, thiserror::Error)]
#[error(
    "a lane of {stage} died of a defect (its log says where); start the stage again: nothing \
     acknowledged is lost"
)]
pub struct LaneDied {
    /// The stage.
    pub stage: &'static str,
}
