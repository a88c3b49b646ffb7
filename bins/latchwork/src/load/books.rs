//! What one thread of the load counts and measures.

use std::time::Instant;

use hdrhistogram::Histogram;
use rmqtt_codec::types::QoS;

use super::control::Totals;
use super::flight::Outcome;
use super::schedule::{Schedule, nanoseconds};
use super::settings::LoadSettings;
use super::slices::Slices;

/// What is counted and measured.
#[derive(Debug)]
pub(super) struct Books {
    schedule: Schedule,
    qos: QoS,
    pub(super) start: Option<Instant>,
    pub(super) totals: Totals,
    pubacks: Histogram<u64>,
    sends: Histogram<u64>,
    slices: Option<Slices>,
    by_slice: Vec<Histogram<u64>>,
}

/// What a thread brings home.
#[derive(Debug)]
pub(super) struct Harvest {
    /// From the due time to the PUBACK (with `QoS` 2 to the PUBREC), in microseconds.
    pub(super) pubacks: Histogram<u64>,
    /// From the due time to the write, in microseconds.
    pub(super) sends: Histogram<u64>,
    /// The same as `pubacks`, of each slice; empty when there is no hostile traffic.
    pub(super) by_slice: Vec<Histogram<u64>>,
    /// By the number of the client.
    pub(super) outcomes: Vec<(usize, Outcome)>,
}

impl Books {
    pub(super) fn new(settings: &LoadSettings, schedule: Schedule) -> Self {
        let slices = settings.slices();
        let count = slices.map_or(0, |slices| slices.count());
        Self {
            schedule,
            qos: settings.qos,
            start: None,
            totals: Totals::default(),
            pubacks: super::latency_histogram(),
            sends: super::latency_histogram(),
            slices,
            by_slice: vec![super::latency_histogram(); count],
        }
    }

    /// Nanoseconds since the start; `None` before it.
    pub(super) fn elapsed(&self) -> Option<u64> {
        Some(nanoseconds(
            Instant::now().checked_duration_since(self.start?)?,
        ))
    }

    /// A message is sent for the first time.
    pub(super) fn sent(&mut self, client: usize, sequence: u64) {
        self.totals.sent += 1;
        // Nobody will acknowledge it.
        self.totals.acknowledged += u64::from(self.qos == QoS::AtMostOnce);
        let due = self.schedule.due(client, sequence);
        if let Some(now) = self.elapsed().filter(|_| self.schedule.is_measured(due)) {
            self.sends.saturating_record(now.saturating_sub(due) / 1000);
        }
    }

    /// The server has a message, or refuses it.
    pub(super) fn acknowledged(
        &mut self,
        client: usize,
        sequence: u64,
        refused: bool,
        now: Option<u64>,
    ) {
        self.totals.acknowledged += 1;
        self.totals.refused += u64::from(refused);
        let due = self.schedule.due(client, sequence);
        let Some(now) = now.filter(|_| self.schedule.is_measured(due)) else {
            return;
        };
        let microseconds = now.saturating_sub(due) / 1000;
        self.pubacks.saturating_record(microseconds);
        let slice = self.slices.and_then(|slices| slices.compared(due));
        if let Some(slice) = slice.and_then(|number| self.by_slice.get_mut(number)) {
            slice.saturating_record(microseconds);
        }
    }

    pub(super) fn into_harvest(self, outcomes: Vec<(usize, Outcome)>) -> Harvest {
        Harvest {
            pubacks: self.pubacks,
            sends: self.sends,
            by_slice: self.by_slice,
            outcomes,
        }
    }
}
