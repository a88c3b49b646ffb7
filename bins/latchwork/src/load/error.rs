//! Why a load could not be made.

use std::io;
use std::time::Duration;

use kafka::KafkaError;

/// Why a load could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The address is not one.
    #[error("cannot find MQTT at {address:?}: {reason}; give --mqtt as HOST:PORT")]
    Address {
        /// What was given.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// Not all clients got a connection.
    #[error("only {connected} of {clients} clients could connect: {reason}")]
    Connect {
        /// How many could.
        connected: u64,
        /// How many should.
        clients: usize,
        /// The last failure.
        reason: String,
    },
    /// Not all idle connections got one.
    #[error("only {open} of {wanted} idle connections could be opened: {reason}")]
    Idle {
        /// How many could.
        open: usize,
        /// How many should.
        wanted: usize,
        /// Why the first that gave up did so.
        reason: String,
    },
    /// The measured part is too short to be cut in slices.
    #[error("--hostile compares slices: --for needs room for two of {slice:?} at least")]
    Slices {
        /// Length of a slice.
        slice: Duration,
    },
    /// Hostile traffic is judged by acknowledgements, and there are none.
    #[error("--hostile compares the latencies of PUBACKs: it needs --qos 1 or 2")]
    NothingToCompare,
    /// The system allows too few connections.
    #[error("this process may open {limit} files and needs {needed}; raise it: ulimit -n {needed}")]
    OpenFiles {
        /// Files that are needed.
        needed: u64,
        /// Files that it may open at most.
        limit: u64,
    },
    /// It was stopped before the first message.
    #[error("stopped before the load began")]
    Stopped,
    /// Kafka can't be read.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// The system refuses threads or polling.
    #[error("the load generator broke: {0}")]
    System(String),
}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        Self::System(error.to_string())
    }
}
