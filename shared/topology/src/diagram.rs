//! The data-flow picture, from the table.

use crate::flow::{End, FLOWS, Flow};
use crate::stream::DLQ;

/// The table as a Mermaid flowchart, as the README shows it.
pub fn mermaid() -> String {
    let roads = FLOWS.iter().flat_map(|flow| {
        let stage = stage(flow);
        let out = flow
            .to
            .iter()
            .map(|to| format!("{} {} {}", flow.name, arrow(*to), end(*to)));
        std::iter::once(format!("{} --> {stage}", end(flow.from))).chain(out)
    });
    let rejects = FLOWS
        .iter()
        .map(|flow| format!("{} -. rejects .-> {}", flow.name, end(End::Stream(DLQ))));
    let lines: Vec<String> = roads.chain(rejects).collect();
    format!("flowchart LR\n  {}\n", lines.join("\n  "))
}

/// A flow's box: under the stage's name too, where that is another.
fn stage(flow: &Flow) -> String {
    let Flow {
        name, stage, does, ..
    } = flow;
    if name == stage {
        format!("{name}[\"{name}<br/>{does}\"]")
    } else {
        format!("{name}[\"{stage}: {name}<br/>{does}\"]")
    }
}

/// Queues are emptied by the edge, which fills them too.
fn arrow(to: End) -> &'static str {
    match to {
        End::Stream(stream) if stream.queue.is_some() => "<-->",
        End::Mqtt | End::Stream(_) | End::Kafka | End::People => "-->",
    }
}

fn end(end: End) -> String {
    match end {
        End::Mqtt => "locks((MQTT))".into(),
        End::Kafka => "kafka((Kafka))".into(),
        End::People => "people((people))".into(),
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
