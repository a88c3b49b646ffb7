//! What can go wrong on the bus.

use record::TopicFilterError;

/// Why a call to the bus failed.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The router's thread has died: no local subscriber gets anything any more.
    #[error(
        "the router of local subscriptions has died; restart the edge (nothing acknowledged is lost)"
    )]
    RouterDead,
    /// The dispatcher's thread could not be started.
    #[error("cannot start a thread for local subscriptions: {0}; raise the limit of threads")]
    Thread(#[source] std::io::Error),
    /// A message's topic is no MQTT topic name.
    #[error("a message cannot be routed: its topic is no valid topic name")]
    Topic,
    /// A subscription's filter is malformed.
    #[error("cannot subscribe: {0}")]
    Filter(#[from] TopicFilterError),
    /// A filter with wildcards has too many levels.
    #[error(
        "cannot subscribe: a filter with wildcards may have {max} levels, this one has {levels}"
    )]
    TooManyLevels {
        /// Levels of the filter.
        levels: usize,
        /// Levels that it may have.
        max: usize,
    },
    /// The session took its messages too slowly, and these were dropped.
    #[error("the client is too slow: {qos0} messages of QoS 0 and {qos1} of QoS 1 were dropped")]
    Lagged {
        /// Dropped messages that would have gone out with `QoS` 0.
        qos0: u64,
        /// Dropped messages that would have gone out with `QoS` 1 or 2.
        qos1: u64,
    },
}
