//! `metrics.md`: the tables of `telemetry::metrics`.

use std::fmt::Write;

use telemetry::metrics::{self, Metric};

use super::markdown::{MADE, code, codes, table};

pub(super) fn page() -> String {
    let tables = [
        ("Every stage", metrics::stage::ALL),
        ("mqtt-edge", metrics::edge::ALL),
        ("kafka-sink", metrics::kafka::ALL),
        ("Rules (transform)", metrics::rules::ALL),
        ("audit-notifier", metrics::audit::ALL),
    ];
    let rows: usize = tables.iter().map(|(_, rows)| rows.len()).sum();
    assert_eq!(rows, metrics::all().count(), "a table is missing here");
    let mut page = format!(
        "# Metrics\n\n{MADE}\n\n\
         Served on `/metrics` of each stage's `--health` address, and pushed over OTLP under the names \
         in brackets. The label `stage` is the name of a flow. What to watch: [alerts](alerts.md).\n"
    );
    for (title, rows) in tables {
        let rows = rows.iter().map(|metric| row(metric));
        let table = table(&["Metric", "Kind", "Unit", "Labels", "Meaning"], rows);
        write!(page, "\n## {title}\n\n{table}").unwrap();
    }
    page
}

fn row(metric: &Metric) -> Vec<String> {
    vec![
        format!("`{}` [`{}`]", metric.exposed, metric.name),
        format!("{:?}", metric.kind).to_lowercase(),
        code(metric.unit),
        codes(metric.labels),
        metric.meaning.to_owned(),
    ]
}
