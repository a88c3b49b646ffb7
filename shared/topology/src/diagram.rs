//! The data-flow picture, from the table.

use crate::flow::{End, FLOWS, Flow};
use crate::stream::DLQ;

/// The table as a Mermaid flowchart, as the README shows it.
pub fn mermaid() -> String {
    let roads = FLOWS.iter().flat_map(|flow| {
        let stage = stage(flow);
        [
            format!("{} --> {stage}", end(flow.from)),
            format!("{stage} --> {}", end(flow.to)),
        ]
    });
    let rejects = FLOWS
        .iter()
        .map(|flow| format!("{} -. rejects .-> {}", flow.stage, end(End::Stream(DLQ))));
    let lines: Vec<String> = roads.chain(rejects).collect();
    format!("flowchart LR\n  {}\n", lines.join("\n  "))
}

fn stage(flow: &Flow) -> String {
    format!("{0}[\"{0}<br/>{1}\"]", flow.stage, flow.does)
}

fn end(end: End) -> String {
    match end {
        End::Mqtt => "locks((MQTT))".into(),
        End::Kafka => "kafka((Kafka))".into(),
        End::Stream(stream) => format!("{0}[({0}<br/>{1})]", stream.name, stream.holds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the table changed and the README did not.
    /// Guarantee: the README shows the table's picture, to the letter.
    #[test]
    fn the_readme_shows_the_table() {
        let readme = include_str!("../../../README.md");
        let picture = format!("```mermaid\n{}```\n", mermaid());
        assert!(
            readme.contains(&picture),
            "put this into README.md:\n{picture}"
        );
    }
}
