//! May a run be called sustained?

use super::sample::Second;

/// Largest part of the messages by which the schedule may slip, or the lag may grow.
const TOLERANCE: f64 = 0.01;

/// Growth of the lag that is no growth but a stall that happened to be there: so many seconds'
/// worth of messages.
const STALL: f64 = 0.05;

/// What is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    /// The measured part: its first moment, each second, its last moment.
    pub(super) seconds: &'a [Second],
    /// Messages per second.
    pub(super) rate: f64,
    pub(super) broken_connections: u64,
    pub(super) refused: u64,
    /// Sent and neither acknowledged nor refused in the end.
    pub(super) unacknowledged: u64,
    pub(super) lost: u64,
    pub(super) out_of_order: u64,
    pub(super) was_interrupted: bool,
}

/// Why the run may not be called sustained; nothing when it may.
pub(super) fn objections(evidence: &Evidence<'_>) -> Vec<String> {
    let mut objections = Vec::new();
    if evidence.was_interrupted {
        objections.push("it was interrupted".to_owned());
    }
    objections.extend(slip(evidence));
    objections.extend(growth(
        evidence,
        "lag (acknowledged, not in Kafka)",
        Second::lag,
    ));
    objections.extend(growth(evidence, "backlog (due, not acknowledged)", |s| {
        Some(s.backlog())
    }));
    let mut faults = |count: u64, what: &str| {
        if count > 0 {
            objections.push(format!("{count} {what}"));
        }
    };
    faults(evidence.broken_connections, "connections broke");
    faults(evidence.refused, "messages were refused");
    faults(
        evidence.unacknowledged,
        "messages were not acknowledged in the end",
    );
    faults(evidence.lost, "acknowledged messages are not in Kafka");
    faults(evidence.out_of_order, "messages changed places");
    objections
}

/// The part of the due messages that was not acknowledged in their time.
fn slip(evidence: &Evidence<'_>) -> Option<String> {
    let (first, last) = (evidence.seconds.first()?, evidence.seconds.last()?);
    let due = float(last.due - first.due);
    let behind = float(last.backlog().saturating_sub(first.backlog()));
    let slip = if due > 0.0 { behind / due } else { 0.0 };
    (slip > TOLERANCE).then(|| {
        format!(
            "the schedule slipped: {:.1} % of the messages were not acknowledged in time",
            slip * 100.0
        )
    })
}

/// Compares the means of the first and of the last third.
fn growth(
    evidence: &Evidence<'_>,
    what: &str,
    measure: impl Fn(&Second) -> Option<u64>,
) -> Option<String> {
    let series: Option<Vec<f64>> = evidence
        .seconds
        .iter()
        .map(|second| measure(second).map(float))
        .collect();
    let series = series.filter(|series| series.len() >= 3)?;
    let third = series.len() / 3;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / float(part.len() as u64);
    let first = mean(series.get(..third)?);
    let last = mean(series.get(series.len() - third..)?);
    let (begin, end) = (evidence.seconds.first()?, evidence.seconds.last()?);
    let between = float(end.due - begin.due) * 2.0 / 3.0;
    let grew = last - first > (between * TOLERANCE).max(evidence.rate * STALL);
    grew.then(|| format!("the {what} grew from {first:.0} to {last:.0} messages"))
}

/// Counts of messages are far below the 2^52 that a float holds exactly.
#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^52")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// None in no time.
pub(super) fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        float(count) / seconds
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run at 1,000 messages a second, with this backlog and lag after so many seconds.
    fn run(backlog: impl Fn(u32) -> u64, lag: impl Fn(u32) -> u64) -> Vec<String> {
        let second = |second: u32| {
            let due = u64::from(second) * 1000 + 1000;
            let acknowledged = due - backlog(second);
            let in_kafka = Some(acknowledged - lag(second));
            Second {
                second,
                due,
                sent: due,
                acknowledged,
                in_kafka,
            }
        };
        let seconds: Vec<_> = (3..=33).map(second).collect();
        objections(&Evidence {
            seconds: &seconds,
            rate: 1000.0,
            broken_connections: 0,
            refused: 0,
            unacknowledged: 0,
            lost: 0,
            out_of_order: 0,
            was_interrupted: false,
        })
    }

    /// Scenario: flat runs, also with a large but steady backlog and with two short stalls; and
    /// runs that fall behind slowly, in the server or behind it.
    /// Guarantee: the flat ones have no objection, the others say what grew.
    #[test]
    fn only_flat_runs_pass() {
        assert_eq!(run(|_| 5, |_| 10), [""; 0]);
        assert_eq!(run(|_| 900, |_| 100), [""; 0]);
        assert_eq!(run(|s| if s % 10 == 0 { 300 } else { 5 }, |_| 10), [""; 0]);
        let behind = run(|s| u64::from(s) * 15, |_| 10);
        assert!(behind[0].contains("schedule slipped: 1.5 %"), "{behind:?}");
        let lagging = run(|_| 5, |s| u64::from(s) * 15);
        assert!(
            lagging.len() == 1 && lagging[0].contains("lag"),
            "{lagging:?}"
        );
    }

    /// Scenario: a flat run in which something went wrong.
    /// Guarantee: each fault is an objection of its own.
    #[test]
    fn faults_are_objections() {
        let evidence = Evidence {
            seconds: &[],
            rate: 1.0,
            broken_connections: 1,
            refused: 2,
            unacknowledged: 3,
            lost: 4,
            out_of_order: 5,
            was_interrupted: true,
        };
        assert_eq!(objections(&evidence).len(), 6);
    }
}
