//! Runs all tests at once, each under a deadline.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use futures::{Future, FutureExt};
use indicatif::{ProgressBar, ProgressStyle};

use super::finding::Finding;

/// One test, which may find several things.
pub(super) struct Examination {
    name: &'static str,
    findings: BoxFuture<'static, Vec<Finding>>,
}

impl Examination {
    pub(super) fn new(
        name: &'static str,
        findings: impl Future<Output = Vec<Finding>> + Send + 'static,
    ) -> Self {
        Self {
            name,
            findings: findings.boxed(),
        }
    }

    /// A test with nothing to wait for.
    pub(super) fn at_once(name: &'static str, findings: Vec<Finding>) -> Self {
        Self::new(name, std::future::ready(findings))
    }

    async fn within(self, deadline: Duration) -> Vec<Finding> {
        let found = tokio::time::timeout(deadline, self.findings).await;
        found.unwrap_or_else(|_elapsed| {
            vec![Finding::failed(
                self.name,
                format!("no answer within {deadline:?}"),
                "look whether the other side hangs or a firewall drops packets; --within waits longer",
            )]
        })
    }
}

/// Runs them all at once, shows how far they are where standard error is a terminal, and gives what
/// they found, in their order.
pub(super) async fn examine(examinations: Vec<Examination>, within: Duration) -> Vec<Finding> {
    let bar = progress(examinations.len());
    let mut waiting: Vec<&'static str> = examinations.iter().map(|each| each.name).collect();
    let mut running: FuturesUnordered<_> = examinations
        .into_iter()
        .enumerate()
        .map(|(place, each)| async move { (place, each.name, each.within(within).await) })
        .collect();
    let mut found = Vec::with_capacity(waiting.len());
    while let Some((place, name, findings)) = running.next().await {
        waiting.retain(|other| *other != name);
        bar.inc(1);
        bar.set_message(waiting.join(", "));
        found.push((place, findings));
    }
    bar.finish_and_clear();
    found.sort_by_key(|(place, _)| *place);
    found
        .into_iter()
        .flat_map(|(_, findings)| findings)
        .collect()
}

fn progress(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    let style = ProgressStyle::with_template("{bar:20.green/black} {pos} of {len}  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: three tests, of which the first is the slowest and the second never ends.
    /// Guarantee: their rows come in their order; the endless one has failed by its name.
    #[tokio::test(start_paused = true)]
    async fn rows_keep_their_order_and_deadlines() {
        let slow = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            vec![Finding::ok("slow", "")]
        };
        let examinations = vec![
            Examination::new("slow", slow),
            Examination::new("endless", std::future::pending()),
            Examination::at_once("quick", vec![Finding::ok("quick", "")]),
        ];
        let found = examine(examinations, Duration::from_secs(9)).await;
        let names: Vec<&str> = found.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(names, ["slow", "endless", "quick"]);
        assert_eq!(found[1].detail, "no answer within 9s");
        assert_eq!(found[1].verdict, super::super::finding::Verdict::Failed);
    }
}
