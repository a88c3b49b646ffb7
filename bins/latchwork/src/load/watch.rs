//! Looks at a load from outside while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::control::Control;
use super::run::GLANCE;
use super::sample::Second;
use super::schedule::{Schedule, nanoseconds};
use super::settings::LoadSettings;
use super::summary::{Measured, Usages};

/// Looks at the load from outside while it runs.
pub(super) struct Watch<'a> {
    pub(super) settings: &'a LoadSettings,
    pub(super) schedule: Schedule,
    pub(super) control: &'a Control,
    pub(super) arrived: Option<Arc<AtomicU64>>,
    pub(super) stop: &'a CancellationToken,
}

impl Watch<'_> {
    /// Follows the schedule to its end.
    pub(super) async fn measure(&self, start: Instant, mut tell: impl FnMut(&Second)) -> Measured {
        let begin = start + self.settings.warmup;
        let end = begin + self.settings.duration;
        let mut seconds = Vec::new();
        let mut usages = None;
        let mut moment = start;
        let mut was_interrupted = false;
        while moment < end && !was_interrupted {
            let next_second = moment + Duration::from_secs(1);
            moment = if moment < begin {
                next_second.min(begin)
            } else {
                next_second.min(end)
            };
            was_interrupted = tokio::select! {
                () = tokio::time::sleep_until(moment.into()) => false,
                () = self.stop.cancelled() => true,
            };
            let second = self.look(start);
            tell(&second);
            if moment >= begin {
                if seconds.is_empty() {
                    usages = Some(Usages::take(self.settings));
                }
                seconds.push(second);
            }
        }
        let end_usages = Usages::take(self.settings);
        let elapsed = start.elapsed().saturating_sub(self.settings.warmup);
        Measured {
            seconds,
            elapsed,
            usages: usages.map(|begin| (begin, end_usages)),
            was_interrupted,
        }
    }

    fn look(&self, start: Instant) -> Second {
        let elapsed = start.elapsed();
        // First what comes last on the way, so that nothing seems to be ahead of itself.
        let in_kafka = self
            .arrived
            .as_ref()
            .map(|arrived| arrived.load(Ordering::Relaxed));
        let totals = self.control.totals();
        Second {
            second: u32::try_from((elapsed + GLANCE).as_secs()).unwrap_or(u32::MAX),
            due: self.schedule.due_by(nanoseconds(elapsed)),
            sent: totals.sent,
            acknowledged: totals.acknowledged,
            in_kafka,
        }
    }
}
