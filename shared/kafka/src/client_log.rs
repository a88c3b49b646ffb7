//! librdkafka's own log lines, through `tracing`, and not too many of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;

/// Lines that repeat come once in this time. While a broker is away librdkafka writes one for
/// every attempt to connect.
const REPEAT_AFTER: Duration = Duration::from_mins(1);

/// Different keys that are remembered; past that, the oldest are forgotten together.
const MOST_KEYS: usize = 1000;

/// Lets something be said once a minute per key.
#[derive(Default)]
pub(crate) struct OncePerMinute {
    said: Mutex<HashMap<String, Said>>,
}

struct Said {
    at: Instant,
    suppressed: u64,
}

impl OncePerMinute {
    /// Whether to say it now: how often it was kept back since it was last said, or `None`.
    pub(crate) fn due(&self, key: &str) -> Option<u64> {
        let mut said = self.said.lock();
        if let Some(last) = said.get_mut(key) {
            if last.at.elapsed() < REPEAT_AFTER {
                last.suppressed += 1;
                return None;
            }
            last.at = Instant::now();
            return Some(std::mem::take(&mut last.suppressed));
        }
        if said.len() >= MOST_KEYS {
            said.clear();
        }
        let (at, suppressed) = (Instant::now(), 0);
        said.insert(key.into(), Said { at, suppressed });
        Some(0)
    }

    /// Forgets that it was said, when its cause has gone.
    pub(crate) fn forget(&self, key: &str) {
        self.said.lock().remove(key);
    }
}

/// Log lines of one librdkafka client.
#[derive(Default)]
pub(crate) struct ClientLog(OncePerMinute);

impl ClientLog {
    /// Writes a line, or keeps it back. librdkafka goes on by itself after everything but a fatal
    /// error, so its errors are our warnings.
    pub(crate) fn line(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        use RDKafkaLogLevel::{Alert, Critical, Debug, Emerg, Error, Info, Notice, Warning};
        if matches!(level, Info | Debug) {
            tracing::debug!(target: "librdkafka", "{facility}: {text}");
            return;
        }
        let Some(suppressed) = self.0.due(facility) else {
            return;
        };
        match level {
            // A fatal error is told by whoever replaces the producer.
            Notice | Emerg => {
                tracing::info!(target: "librdkafka", suppressed, "{facility}: {text}");
            }
            Alert | Critical | Error | Warning => {
                tracing::warn!(target: "librdkafka", suppressed, "{facility}: {text}");
            }
            Info | Debug => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the same thing is to be said three times, another one once, then it is forgotten.
    /// Guarantee: each comes once within the minute, and again at once when it was forgotten.
    #[test]
    fn repeats_are_kept_back() {
        let limit = OncePerMinute::default();
        assert_eq!(limit.due("a"), Some(0));
        assert_eq!(limit.due("a"), None);
        assert_eq!(limit.due("b"), Some(0));
        assert_eq!(limit.due("a"), None);
        limit.forget("a");
        assert_eq!(limit.due("a"), Some(0));
    }
}
