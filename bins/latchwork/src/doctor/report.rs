//! What the doctor says.

use std::io::{self, Write};

use serde::Serialize;

use super::finding::{Finding, Verdict};
use crate::text::visible;

/// Columns of what was tested.
const WHAT: usize = 22;

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    verdict: Verdict,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        let verdicts = findings.iter().map(|finding| finding.verdict);
        // What was not tested makes nothing worse.
        let worst = verdicts
            .filter(|verdict| *verdict != Verdict::Skipped)
            .max();
        Self {
            verdict: worst.unwrap_or(Verdict::Ok),
            findings,
        }
    }

    pub(super) fn count(&self, verdict: Verdict) -> usize {
        let same = |finding: &&Finding| finding.verdict == verdict;
        self.findings.iter().filter(same).count()
    }

    /// One JSON object.
    pub(super) fn json(&self, out: &mut impl Write) -> anyhow::Result<()> {
        writeln!(out, "{}", serde_json::to_string(self)?)?;
        Ok(())
    }

    /// One row each, and below it what to do.
    pub(super) fn text(&self, out: &mut impl Write, colours: bool) -> io::Result<()> {
        for finding in &self.findings {
            row(finding, out, colours)?;
        }
        let count = |verdict: Verdict| format!("{} {}", verdict.word(), self.count(verdict));
        let counts = [
            Verdict::Ok,
            Verdict::Warning,
            Verdict::Failed,
            Verdict::Skipped,
        ]
        .map(count);
        writeln!(out, "\n{}", counts.join(", "))
    }
}

fn row(finding: &Finding, out: &mut impl Write, colours: bool) -> io::Result<()> {
    let verdict = format!("{:<8}", finding.verdict.word());
    let verdict = if colours {
        format!("\x1b[{}m{verdict}\x1b[0m", colour(finding.verdict))
    } else {
        verdict
    };
    // Servers wrote some of it.
    let detail = visible(finding.detail.as_bytes());
    writeln!(out, "{verdict} {:<WHAT$} {detail}", finding.what)?;
    match &finding.fix {
        Some(fix) => writeln!(out, "{:9}{:WHAT$} fix: {}", "", "", visible(fix.as_bytes())),
        None => Ok(()),
    }
}

/// Parameter of the escape sequence.
fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "32",
        Verdict::Skipped => "2",
        Verdict::Warning => "33",
        Verdict::Failed => "1;31",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(report: &Report, colours: bool) -> String {
        let mut out = Vec::new();
        report.text(&mut out, colours).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Scenario: a row of each verdict; one detail tries to move the cursor.
    /// Guarantee: each row has its verdict and its fix, nothing moves the cursor, only failures make
    /// the whole a failure, and colours come only where they are wanted.
    #[test]
    fn rows_verdicts_and_fixes() {
        let mut findings = vec![
            Finding::ok("NATS", "nats-server\x1b[2J"),
            Finding::skipped("SMS", "no [notify.sms]"),
            Finding::warning("clock", "2 s ahead", "run NTP"),
        ];
        let report = Report::new(findings.clone());
        assert_eq!(report.verdict, Verdict::Warning);
        let plain = text(&report, false);
        assert!(plain.contains("ok       NATS"), "{plain}");
        assert!(plain.contains("fix: run NTP"), "{plain}");
        assert!(
            plain.ends_with("\nok 1, warning 1, failed 0, skipped 1\n"),
            "{plain}"
        );
        assert!(!plain.contains('\x1b'), "{plain}");
        assert!(text(&report, true).contains("\x1b[33mwarning \x1b[0m"));
        findings.push(Finding::failed("Kafka", "refused", "start it"));
        assert_eq!(Report::new(findings).verdict, Verdict::Failed);
        assert_eq!(
            Report::new(vec![Finding::skipped("a", "b")]).verdict,
            Verdict::Ok
        );
    }
}
