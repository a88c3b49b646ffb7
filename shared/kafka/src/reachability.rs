//! Whether Kafka answers, and since when it does not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use parking_lot::Mutex;

use crate::client_log::OncePerMinute;

/// What is known about the way to Kafka. Shared by a producer's callbacks and its sinks.
#[derive(Default)]
pub(crate) struct Reachability {
    /// Whether anything was ever heard from Kafka.
    heard: AtomicBool,
    /// Whether `outage` is set: read for every flight, so it is not behind the lock.
    down: AtomicBool,
    outage: Mutex<Option<Outage>>,
    /// What a connection met last: better than "all brokers are down".
    trouble: Mutex<String>,
    limit: OncePerMinute,
}

/// A time without Kafka.
#[derive(Clone, Debug)]
pub(crate) struct Outage {
    pub(crate) since: SystemTime,
    pub(crate) reason: String,
    start: Instant,
}

impl Reachability {
    /// A connection failed; others may be fine.
    pub(crate) fn trouble(&self, reason: &str) {
        if let Some(outage) = self.outage.lock().as_mut() {
            reason.clone_into(&mut outage.reason);
        }
        reason.clone_into(&mut self.trouble.lock());
    }

    /// No broker can be reached, or none accepts us.
    pub(crate) fn lost(&self, what: &str) {
        self.outage.lock().get_or_insert_with(|| {
            let trouble = self.trouble.lock();
            let reason = if trouble.is_empty() { what } else { &trouble };
            Outage {
                since: SystemTime::now(),
                reason: reason.into(),
                start: Instant::now(),
            }
        });
        self.down.store(true, Ordering::Release);
        self.remind();
    }

    /// Says each minute that Kafka is still away.
    pub(crate) fn remind(&self) {
        let Some(outage) = self.outage() else { return };
        if self.limit.due("down").is_some() {
            let for_s = outage.start.elapsed().as_secs();
            tracing::warn!(
                for_s,
                "Kafka is unreachable ({}): records wait and nothing is lost; check --kafka and \
                 the brokers",
                outage.reason
            );
        }
    }

    /// Kafka answered.
    pub(crate) fn found(&self) {
        self.heard.store(true, Ordering::Relaxed);
        if self.down.swap(false, Ordering::AcqRel) {
            let outage = self.outage.lock().take();
            self.trouble.lock().clear();
            self.limit.forget("down");
            let for_s = outage.map_or(0, |outage| outage.start.elapsed().as_secs());
            tracing::info!(for_s, "Kafka is reachable again");
        }
    }

    /// Whether Kafka has answered and is not known to be away.
    pub(crate) fn is_up(&self) -> bool {
        self.heard.load(Ordering::Relaxed) && !self.down.load(Ordering::Acquire)
    }

    pub(crate) fn outage(&self) -> Option<Outage> {
        if !self.down.load(Ordering::Acquire) {
            return None;
        }
        self.outage.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: never heard, heard, lost for two reasons, heard again.
    /// Guarantee: up only when heard and not lost; an outage keeps its start and shows its last
    /// reason.
    #[test]
    fn follows_outages() {
        let reach = Reachability::default();
        assert!(!reach.is_up());
        reach.found();
        assert!(reach.is_up() && reach.outage().is_none());
        reach.lost("all brokers are down");
        let first = reach.outage().unwrap();
        reach.trouble("refused");
        let second = reach.outage().unwrap();
        assert_eq!(second.since, first.since);
        assert_eq!(second.reason, "refused");
        assert!(!reach.is_up());
        reach.found();
        assert!(reach.is_up() && reach.outage().is_none());
    }
}
