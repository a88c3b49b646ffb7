//! What idle and hostile connections have shown.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::books::Harvest;
use super::hostile::Tally;
use super::report::LatencyReport;
use super::settings::LoadSettings;
use super::summary::sum;
use super::verdict::{float, per_second};

/// Connections that only connected.
#[derive(Clone, Debug, Serialize)]
pub struct IdleReport {
    /// How many.
    pub connections: usize,
    /// Whether each subscribed to its own commands.
    pub subscribed: bool,
    /// Seconds from the first attempt to the last CONNACK, or SUBACK.
    pub opening_s: f64,
    /// Handshakes per second in that time.
    pub handshakes_per_s: f64,
    /// Handshakes at the same time at most. More per second mean less time for each.
    pub at_once: usize,
    /// From CONNECT to CONNACK.
    pub handshake: LatencyReport,
    /// Attempts that failed and were made again.
    pub failed_attempts: u64,
    /// Connections that were gone at the end of the load.
    pub gone: usize,
    /// Memory before and after, of each process that was named.
    pub memory: Vec<IdleMemory>,
}

/// Memory of a process before and after the idle connections came.
#[derive(Clone, Debug, Serialize)]
pub struct IdleMemory {
    /// Its name.
    pub name: String,
    /// Resident memory before, in MiB; the load's clients were connected.
    pub before_mib: f64,
    /// Resident memory when all idle connections stood, in MiB.
    pub after_mib: f64,
    /// What each connection costs, in bytes.
    pub bytes_per_connection: f64,
}

impl IdleReport {
    /// What speaks against calling the run sustained.
    pub(super) fn objection(&self) -> Option<String> {
        let gone = self.gone;
        (gone > 0).then(|| format!("{gone} idle connections were closed"))
    }
}

impl fmt::Display for IdleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections,
            opening_s,
            handshakes_per_s,
            at_once,
            handshake,
            failed_attempts,
            gone,
            ..
        } = self;
        let kind = if self.subscribed {
            "idle, one subscription each"
        } else {
            "idle"
        };
        write!(
            f,
            "{connections} connections, {kind}: opened in {opening_s:.2} s, {handshakes_per_s:.0} handshakes/s, \
             {at_once} at once; CONNECT to CONNACK p50 {:.2} ms, p99 {:.2} ms; {failed_attempts} attempts failed, \
             {gone} gone at the end",
            handshake.p50_ms, handshake.p99_ms
        )?;
        for memory in &self.memory {
            let IdleMemory {
                name,
                before_mib,
                after_mib,
                bytes_per_connection,
            } = memory;
            write!(
                f,
                "\n  {name}: RSS {before_mib:.1} MiB before, {after_mib:.1} MiB after, {bytes_per_connection:.0} bytes per idle connection"
            )?;
        }
        Ok(())
    }
}

/// What malformed packets did to the others.
#[derive(Clone, Debug, Serialize)]
pub struct HostileReport {
    /// How many connections sent them.
    pub connections: usize,
    /// Attempts per second of one connection at most.
    pub rate: u32,
    /// Seconds of a slice.
    pub slice_s: f64,
    /// Slices of both kinds together.
    pub slices: usize,
    /// Connections made, each with one malformed packet.
    pub attempts: u64,
    /// The same per second of hostile slices.
    pub attempts_per_s: f64,
    /// Attempts whose connection the server closed, or refused.
    pub closed: u64,
    /// The same per second of hostile slices.
    pub closed_per_s: f64,
    /// Attempts for which there was no connection.
    pub unreachable: u64,
    /// Packets that the server did not close the connection for, by name: none is right.
    pub left_open: BTreeMap<&'static str, u64>,
    /// The well-behaved clients' latency in quiet slices.
    pub quiet: LatencyReport,
    /// The same in hostile slices.
    pub hostile: LatencyReport,
    /// Median of hostile divided by that of quiet.
    pub p50_ratio: Option<f64>,
    /// The same of the 99th percentile.
    pub p99_ratio: Option<f64>,
    /// 99th percentile of each hostile slice divided by that of the quiet one before it: the median
    /// of these. A stall of the machine in a single slice does not move it.
    pub p99_ratio_of_pairs: Option<f64>,
}

impl HostileReport {
    pub(super) fn new(settings: &LoadSettings, tally: Tally, harvests: &[Harvest]) -> Self {
        let slices = settings.slices();
        let count = slices.map_or(0, |slices| slices.count());
        let of_all = |number: usize| sum(harvests.iter().filter_map(|h| h.by_slice.get(number)));
        let each: Vec<_> = (0..count).map(of_all).collect();
        let quiet = LatencyReport::new(&sum(each.iter().step_by(2)));
        let hostile = LatencyReport::new(&sum(each.iter().skip(1).step_by(2)));
        let seconds = slices.map_or(0.0, |slices| slices.hostile_time().as_secs_f64());
        Self {
            connections: settings.hostile,
            rate: settings.hostile_rate,
            slice_s: settings.slice.as_secs_f64(),
            slices: count,
            attempts: tally.attempts,
            attempts_per_s: per_second(tally.attempts, seconds),
            closed: tally.closed,
            closed_per_s: per_second(tally.closed, seconds),
            unreachable: tally.unreachable,
            left_open: tally.left_open,
            quiet,
            hostile,
            p50_ratio: ratio(hostile.p50_ms, quiet.p50_ms),
            p99_ratio: ratio(hostile.p99_ms, quiet.p99_ms),
            p99_ratio_of_pairs: ratio_of_pairs(&each),
        }
    }
}

impl HostileReport {
    /// What speaks against calling the run sustained.
    pub(super) fn objection(&self) -> Option<String> {
        let left: u64 = self.left_open.values().sum();
        (left > 0).then(|| format!("{left} malformed packets did not close their connections"))
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// The median over the pairs in which both slices have messages.
fn ratio_of_pairs(slices: &[Histogram<u64>]) -> Option<f64> {
    let p99 = |slice: &Histogram<u64>| float(slice.value_at_quantile(0.99));
    let mut ratios: Vec<_> = slices
        .chunks_exact(2)
        .filter_map(|pair| match pair {
            [quiet, hostile] if !hostile.is_empty() => ratio(p99(hostile), p99(quiet)),
            _ => None,
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let upper = ratios.get(ratios.len() / 2)?;
    let lower = ratios.get(ratios.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

impl fmt::Display for HostileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections,
            rate,
            slice_s,
            slices,
            attempts,
            attempts_per_s,
            closed,
            closed_per_s,
            unreachable,
            ..
        } = self;
        writeln!(
            f,
            "{connections} hostile connections, {rate}/s each at most, in every second of {slices} slices of {slice_s} s: \
             {attempts} attempts ({attempts_per_s:.0}/s), {closed} closed ({closed_per_s:.0}/s), {unreachable} unreachable"
        )?;
        for (name, count) in &self.left_open {
            writeln!(f, "  not closed: {name}, {count} times")?;
        }
        let [p50, p90, p99, p999, max] = ["p50", "p90", "p99", "p99.9", "max"];
        writeln!(
            f,
            "{:<22}{p50:>10}{p90:>10}{p99:>10}{p999:>10}{max:>10}",
            "ms of the others"
        )?;
        writeln!(f, "{:<22}{}", "quiet slices", self.quiet)?;
        writeln!(f, "{:<22}{}", "hostile slices", self.hostile)?;
        let shown = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |r| format!("{r:.3}"));
        write!(
            f,
            "hostile to quiet: p50 {}, p99 {}, p99 of neighbours {} (median of the pairs)",
            shown(self.p50_ratio),
            shown(self.p99_ratio),
            shown(self.p99_ratio_of_pairs)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(p99: u64) -> Histogram<u64> {
        let mut histogram = super::super::latency_histogram();
        histogram.record_n(p99, 100).unwrap();
        histogram
    }

    /// Scenario: three pairs, in one of which the machine stalls; and slices without messages.
    /// Guarantee: the stall does not move the ratio of the pairs, and nothing has no ratio.
    #[test]
    fn one_stall_does_not_move_the_ratio_of_pairs() {
        let slices = [1000, 1100, 1000, 50_000, 2000, 2100].map(slice);
        let ratio = ratio_of_pairs(&slices).unwrap();
        assert!((1.08..1.12).contains(&ratio), "{ratio}");
        assert_eq!(
            ratio_of_pairs(&[slice(1), super::super::latency_histogram()]),
            None
        );
        assert_eq!(ratio_of_pairs(&[]), None);
    }
}
