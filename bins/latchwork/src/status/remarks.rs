//! What needs somebody, in one sentence each.

use std::collections::BTreeMap;

use serde::Serialize;
use topology::{MQTT_EDGE, TRANSFORM};

use super::rules::listed;
use super::view::{LaneRow, StreamRow, View};

/// How much it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// Something stands still.
    Broken,
    /// It goes on, but somebody should look.
    Warning,
}

/// One sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Remark {
    pub(super) level: Level,
    pub(super) text: String,
}

/// Percent at which a stream is nearly full, and full.
const NEARLY_FULL: u64 = 80;
const FULL: u64 = 99;

/// Lanes or rules that a sentence names.
const NAMED: usize = 5;

/// The worst first.
pub(super) fn remarks(view: &View) -> Vec<Remark> {
    if view.streams.is_empty() {
        let text = "no stage has run on this NATS server: its streams are not there".to_owned();
        return vec![Remark {
            level: Level::Broken,
            text,
        }];
    }
    let mut remarks = Vec::new();
    edge(view, &mut remarks);
    orphans(view, &mut remarks);
    remarks.extend(view.streams.iter().filter_map(fullness));
    growth(view, &mut remarks);
    retries(view, &mut remarks);
    versions(view, &mut remarks);
    exceptions(view, &mut remarks);
    dead_letters(view, &mut remarks);
    remarks.sort_by_key(|remark| remark.level);
    remarks
}

fn broken(text: String) -> Remark {
    Remark {
        level: Level::Broken,
        text,
    }
}

fn warning(text: String) -> Remark {
    Remark {
        level: Level::Warning,
        text,
    }
}

fn edge(view: &View, remarks: &mut Vec<Remark>) {
    let mut replicas = view.replicas.iter();
    if !replicas.any(|replica| replica.flow == MQTT_EDGE.name) {
        remarks.push(broken(
            "mqtt-edge does not run: no lock can connect".to_owned(),
        ));
    }
}

fn orphans(view: &View, remarks: &mut Vec<Remark>) {
    for (flow, lanes) in by_flow(view, |lane| lane.orphaned) {
        let waiting: u64 = lanes.iter().map(|lane| lane.pending + lane.unsettled).sum();
        let text = format!(
            "{flow}: no owner of {}; {waiting} frames wait",
            named(&lanes)
        );
        remarks.push(broken(text));
    }
}

fn growth(view: &View, remarks: &mut Vec<Remark>) {
    for (flow, lanes) in by_flow(view, |lane| lane.growing && !lane.orphaned) {
        let waiting: u64 = lanes.iter().map(|lane| lane.pending).sum();
        let text = format!(
            "{flow}: lag grows on {}; {waiting} frames wait",
            named(&lanes)
        );
        remarks.push(warning(text));
    }
}

fn by_flow(
    view: &View,
    chosen: impl Fn(&LaneRow) -> bool,
) -> BTreeMap<&'static str, Vec<&LaneRow>> {
    let mut flows: BTreeMap<_, Vec<&LaneRow>> = BTreeMap::new();
    for lane in view.lanes.iter().filter(|lane| chosen(lane)) {
        flows.entry(lane.flow).or_default().push(lane);
    }
    flows
}

/// `lane 3`, `lanes 1, 2 and 7 more`.
fn named(lanes: &[&LaneRow]) -> String {
    let names: Vec<&str> = lanes
        .iter()
        .take(NAMED)
        .map(|lane| lane.lane.as_str())
        .collect();
    let word = if lanes.len() == 1 { "lane" } else { "lanes" };
    let more = match lanes.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{word} {}{more}", names.join(", "))
}

/// A stream that forgets its oldest is full on purpose.
fn fullness(stream: &StreamRow) -> Option<Remark> {
    let percent = stream.percent.filter(|_| stream.refuses)?;
    let name = stream.name;
    match percent {
        FULL.. => Some(broken(format!("{name} is full, and refuses what is new"))),
        NEARLY_FULL.. => Some(warning(format!("{name} is {percent} % full"))),
        _ => None,
    }
}

fn retries(view: &View, remarks: &mut Vec<Remark>) {
    let mut flows: Vec<&str> = view
        .replicas
        .iter()
        .filter(|replica| replica.retrying)
        .map(|replica| replica.flow.as_str())
        .collect();
    flows.dedup();
    for flow in flows {
        let text = format!("{flow} sends again what was not taken; its log says why");
        remarks.push(warning(text));
    }
}

/// For a moment that is so at every change of the file.
fn versions(view: &View, remarks: &mut Vec<Remark>) {
    if view.rules_versions.len() < 2 {
        return;
    }
    remarks.push(warning(format!(
        "{}: replicas follow different versions: {}",
        TRANSFORM.name,
        listed(&view.rules_versions)
    )));
}

/// A rule may only count them: there need not be a dead letter.
fn exceptions(view: &View, remarks: &mut Vec<Remark>) {
    let failing = view.rules.iter().filter(|rule| rule.new_exceptions > 0);
    let mut rules: Vec<String> = failing
        .map(|rule| format!("{} ({} more)", rule.name, rule.new_exceptions))
        .collect();
    if rules.is_empty() {
        return;
    }
    let word = if rules.len() == 1 { "rule" } else { "rules" };
    let more = match rules.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} others"),
    };
    rules.truncate(NAMED);
    let text = format!("exceptions of {word} {}{more}", rules.join(", "));
    remarks.push(warning(format!("{}: {text}", TRANSFORM.name)));
}

fn dead_letters(view: &View, remarks: &mut Vec<Remark>) {
    let rejects = &view.rejects;
    let Some(cause) = rejects.causes.first().filter(|_| rejects.recent > 0) else {
        return;
    };
    let at_least = if rejects.recent == rejects.of_latest && rejects.recent > 1 {
        "at least "
    } else {
        ""
    };
    let letters = if rejects.recent == 1 {
        "dead letter"
    } else {
        "dead letters"
    };
    remarks.push(warning(format!(
        "{at_least}{} new {letters} in five minutes, mostly {} of {}; see `latchwork dlq list`",
        rejects.recent, cause.code, cause.stage
    )));
}
