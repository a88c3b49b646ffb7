//! The figures of a simulation.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::event::{MessageKind, SimulationEvent};

/// Counts what happened, from the events.
#[derive(Clone, Debug)]
pub struct SimulationTally {
    /// Valid states published.
    pub states: u64,
    /// Broken states published.
    pub broken: u64,
    /// Commands published.
    pub commands: u64,
    /// Messages with a PUBACK.
    pub acknowledged: u64,
    /// Those of them that were refused.
    pub refused: u64,
    /// Commands that arrived at a lock; a repeated one counts again.
    pub commands_received: u64,
    /// Commands that a lock has answered.
    pub commands_answered: u64,
    /// From the due time to the PUBACK, in microseconds.
    latencies: Histogram<u64>,
}

impl SimulationTally {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            states: 0,
            broken: 0,
            commands: 0,
            acknowledged: 0,
            refused: 0,
            commands_received: 0,
            commands_answered: 0,
            latencies: crate::load::latency_histogram(),
        }
    }

    /// Messages published.
    pub fn published(&self) -> u64 {
        self.states + self.broken + self.commands
    }

    /// The latency, from the due time to the PUBACK, of this share of the messages, 0 to 1.
    pub fn latency(&self, share: f64) -> Duration {
        Duration::from_micros(self.latencies.value_at_quantile(share))
    }

    /// Counts an event.
    pub fn count(&mut self, event: &SimulationEvent) {
        match event {
            SimulationEvent::Published { kind, .. } => match kind {
                MessageKind::State => self.states += 1,
                MessageKind::Broken(_) => self.broken += 1,
                MessageKind::Command => self.commands += 1,
            },
            SimulationEvent::Acknowledged {
                due, at, reason, ..
            } => {
                self.acknowledged += 1;
                self.refused += u64::from(reason.is_failure());
                let latency = at.saturating_duration_since(*due).as_micros();
                self.latencies
                    .saturating_record(u64::try_from(latency).unwrap_or(u64::MAX));
            }
            SimulationEvent::CommandReceived { .. } => self.commands_received += 1,
            SimulationEvent::CommandAnswered { .. } => self.commands_answered += 1,
            SimulationEvent::Unreachable { .. } | SimulationEvent::Reachable => {}
        }
    }
}

impl Default for SimulationTally {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for SimulationTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "published {}", self.published())?;
        if self.broken > 0 {
            write!(f, " ({} broken on purpose)", self.broken)?;
        }
        write!(f, ", acknowledged {}", self.acknowledged)?;
        if self.refused > 0 {
            write!(f, " ({} refused)", self.refused)?;
        }
        let Self {
            commands,
            commands_received,
            commands_answered,
            ..
        } = self;
        write!(
            f,
            "; commands {commands} sent, {commands_received} received, {commands_answered} answered"
        )?;
        let ms = |share| self.latency(share).as_secs_f64() * 1000.0;
        write!(f, "; PUBACK p50 {:.1} ms, p99 {:.1} ms", ms(0.5), ms(0.99))
    }
}
