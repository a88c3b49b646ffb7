//! What `/metrics` says, in the format that the reader understands.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};

use crate::{LatencyHistogram, metrics::Metric};

/// The format with exemplars; Prometheus asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text";
const OPEN_METRICS_FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is served. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exposition {
    pub(crate) registry: Registry,
    latencies: Arc<Mutex<Vec<LatencyHistogram>>>,
}

impl Exposition {
    /// The latency histogram of a metric; the same when it is asked for again.
    pub(crate) fn latency(&self, metric: &'static Metric, stage: &str) -> LatencyHistogram {
        let mut latencies = self.latencies.lock();
        if let Some(known) = latencies
            .iter()
            .find(|known| known.metric().exposed == metric.exposed)
        {
            return known.clone();
        }
        let fresh = LatencyHistogram::new(metric, stage);
        latencies.push(fresh.clone());
        fresh
    }

    /// Content type and text for who sends this `Accept` header.
    pub(crate) fn render(&self, accept: &str) -> Result<(&'static str, String), String> {
        let families = self.registry.gather();
        let text = TextEncoder::new().encode_to_string(&families);
        let text = text.map_err(|error| error.to_string())?;
        if accept.contains(OPEN_METRICS) {
            let text = self.with_latencies(open_metrics(&text), true)?;
            Ok((OPEN_METRICS_FORMAT, text + "# EOF\n"))
        } else {
            Ok((TEXT_FORMAT, self.with_latencies(text, false)?))
        }
    }

    fn with_latencies(&self, mut text: String, with_exemplars: bool) -> Result<String, String> {
        for latency in self.latencies.lock().iter() {
            let written = latency.write(&mut text, with_exemplars);
            written.map_err(|error| error.to_string())?;
        }
        Ok(text)
    }
}

/// The Prometheus text in `OpenMetrics` 1.0. Of what we serve two things differ: a counter's family is
/// named without `_total`, and quotes in the help are escaped.
fn open_metrics(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let counters: HashSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    for line in text.lines() {
        match comment(line) {
            Some((keyword, name, words)) if counters.contains(name) => {
                let family = name.strip_suffix("_total").unwrap_or(name);
                out.extend([keyword, family, " ", &words.replace('"', "\\\"")]);
            }
            Some((keyword, name, words)) => {
                out.extend([keyword, name, " ", &words.replace('"', "\\\"")]);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Keyword, name of the metric, words of a line that is not a sample.
fn comment(line: &str) -> Option<(&str, &str, &str)> {
    let keyword = ["# HELP ", "# TYPE "];
    let keyword = keyword.into_iter().find(|word| line.starts_with(word))?;
    let (name, words) = line.strip_prefix(keyword)?.split_once(' ')?;
    Some((keyword, name, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a counter, a gauge whose help has quotes, and a histogram are served as `OpenMetrics`.
    /// Guarantee: families, samples and escapes are those of `OpenMetrics` 1.0.
    #[test]
    fn prometheus_text_becomes_open_metrics() {
        let text = "# HELP a_total Some \"A\".\n# TYPE a_total counter\na_total{x=\"1\"} 2\n\
                    # HELP b B.\n# TYPE b gauge\nb 1\n\
                    # HELP c C.\n# TYPE c histogram\nc_bucket{le=\"+Inf\"} 1\nc_sum 1\nc_count 1\n";
        let open = "# HELP a Some \\\"A\\\".\n# TYPE a counter\na_total{x=\"1\"} 2\n\
                    # HELP b B.\n# TYPE b gauge\nb 1\n\
                    # HELP c C.\n# TYPE c histogram\nc_bucket{le=\"+Inf\"} 1\nc_sum 1\nc_count 1\n";
        assert_eq!(open_metrics(text), open);
    }

    /// Scenario: the same latency is asked for twice; a reader takes plain text, another `OpenMetrics`.
    /// Guarantee: one family, in both; `OpenMetrics` has its end mark.
    #[test]
    fn readers_get_the_format_they_ask_for() {
        let exposition = Exposition::default();
        let metric = &crate::metrics::kafka::LATENCY;
        exposition.latency(metric, "s").record(5, [1], None);
        exposition.latency(metric, "s").record(5, [2], None);
        let (kind, plain) = exposition.render("text/plain").unwrap();
        assert_eq!(
            (kind, plain.contains("_count{stage=\"s\"} 2\n")),
            (TEXT_FORMAT, true)
        );
        assert!(!plain.contains("EOF"));
        let (kind, open) = exposition
            .render("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2")
            .unwrap();
        assert_eq!(kind, OPEN_METRICS_FORMAT);
        assert!(
            open.contains("_count{stage=\"s\"} 2\n") && open.ends_with("# EOF\n"),
            "{open}"
        );
    }
}
