//! Clocks that differ: a command's age, an alert's time and a record's time come from several.

use std::time::Duration;

use settings::Pipeline;

use super::finding::Finding;

/// A difference that disturbs nothing.
const FINE: Duration = Duration::from_millis(500);

/// The same moment by two clocks.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    /// By theirs, in milliseconds since 1970.
    pub(super) theirs_ms: i64,
    /// By ours.
    pub(super) ours_ms: i64,
    /// How far apart the two readings may have been.
    pub(super) uncertain: Duration,
}

/// How far a sender's clock may be ahead until its commands are refused.
pub(super) fn allowed(pipeline: &Pipeline) -> Duration {
    Duration::from_secs(pipeline.commands().future_s.max(1))
}

/// Says whether the clocks agree.
pub(super) fn judge(what: &str, comparison: Comparison, allowed: Duration) -> Finding {
    let Comparison {
        theirs_ms,
        ours_ms,
        uncertain,
    } = comparison;
    let apart = Duration::from_millis(theirs_ms.abs_diff(ours_ms));
    let direction = if theirs_ms >= ours_ms {
        "ahead of"
    } else {
        "behind"
    };
    let detail = format!(
        "{} ms {direction} this machine's (+/- {} ms)",
        apart.as_millis(),
        uncertain.as_millis() + 1
    );
    let fix = "let both machines keep their time by NTP: `timedatectl` tells whether they do";
    if apart <= FINE + uncertain {
        Finding::ok(what, detail)
    } else if apart <= allowed + uncertain {
        Finding::warning(what, detail, fix)
    } else {
        Finding::failed(
            what,
            format!("{detail}: signed commands will be refused"),
            fix,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    /// Scenario: clocks that agree, differ by seconds, and by more than commands may.
    /// Guarantee: ok, warning, failed, each with the difference and its direction.
    #[test]
    fn differences_are_judged() {
        let at = |theirs_ms| {
            let uncertain = Duration::from_millis(2);
            let comparison = Comparison {
                theirs_ms,
                ours_ms: 100_000,
                uncertain,
            };
            judge("clock", comparison, Duration::from_secs(30))
        };
        assert_eq!(at(100_400).verdict, Verdict::Ok);
        let behind = at(97_000);
        assert_eq!(behind.verdict, Verdict::Warning);
        assert!(
            behind.detail.starts_with("3000 ms behind this"),
            "{behind:?}"
        );
        let ahead = at(140_000);
        assert_eq!(ahead.verdict, Verdict::Failed);
        assert!(
            ahead.detail.starts_with("40000 ms ahead of this"),
            "{ahead:?}"
        );
    }
}
