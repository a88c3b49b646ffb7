//! The load, second by second.

use serde::Serialize;

/// Where everything stood at one moment, counted from the start of the load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Second {
    /// Seconds since the start, the warm-up included.
    pub second: u32,
    /// Messages that were due.
    pub due: u64,
    /// Messages that were sent.
    pub sent: u64,
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Different messages that had arrived in Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_kafka: Option<u64>,
}

impl Second {
    /// Due and not acknowledged.
    pub fn backlog(&self) -> u64 {
        self.due.saturating_sub(self.acknowledged)
    }

    /// Acknowledged and not in Kafka. What is in Kafka first counts as none.
    pub fn lag(&self) -> Option<u64> {
        Some(self.acknowledged.saturating_sub(self.in_kafka?))
    }
}
