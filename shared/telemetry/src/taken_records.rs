//! Records that a stage has taken and not settled: counted so that none can be forgotten.

use crate::{Counter, Level, StageMetrics};

/// A batch that was taken. It counts as in flight until it is [settled](Self::settle); dropped
/// before, as when its lane is cut, it counts as returned.
///
/// So `taken = settled + returned + in flight` holds at every moment, whatever path the code takes.
#[must_use = "dropping it says that the records were given up"]
#[derive(Debug)]
pub struct TakenRecords {
    records: u64,
    in_flight: Level,
    settled: Counter,
    returned: Counter,
}

impl TakenRecords {
    pub(crate) fn new(metrics: &StageMetrics, records: usize) -> Self {
        let records = records as u64;
        metrics.records_taken.add(records);
        metrics.in_flight.add(change(records));
        Self {
            records,
            in_flight: metrics.in_flight.clone(),
            settled: metrics.records_settled.clone(),
            returned: metrics.records_returned.clone(),
        }
    }

    /// What came of them is stored: the source may forget them.
    pub fn settle(mut self) {
        self.settled.add(self.records);
        self.land();
    }

    fn land(&mut self) {
        self.in_flight
            .add(-change(std::mem::take(&mut self.records)));
    }
}

impl Drop for TakenRecords {
    fn drop(&mut self) {
        if self.records > 0 {
            self.returned.add(self.records);
            self.land();
        }
    }
}

fn change(records: u64) -> i64 {
    i64::try_from(records).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: of three batches one is settled, one is cut, one is under way.
    /// Guarantee: each record counts in exactly one place.
    #[test]
    fn every_record_counts_once() {
        let metrics = StageMetrics::disabled();
        metrics.take(5).settle();
        drop(metrics.take(3));
        let under_way = metrics.take(2);
        let counts = || {
            (
                metrics.records_taken.total(),
                metrics.records_settled.total(),
                metrics.records_returned.total(),
                metrics.in_flight.value(),
            )
        };
        assert_eq!(counts(), (10, 5, 3, 2));
        under_way.settle();
        assert_eq!(counts(), (10, 7, 3, 0));
    }
}
