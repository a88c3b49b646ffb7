//! The texts of rows, as the table and the screen show them.

use std::time::Duration;

use super::observation::Alert;
use super::remarks::Level;
use super::view::{LaneRow, ReplicaRow, StreamRow, View};
use crate::text::{ellipsis, time, visible};

/// What stands for something that is not there.
const NOTHING: &str = "-";

/// One column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) heading: &'static str,
    pub(super) width: usize,
    /// Numbers stand on the right, so that their digits are below each other.
    pub(super) is_number: bool,
}

pub(super) const fn words(heading: &'static str, width: usize) -> Column {
    Column {
        heading,
        width,
        is_number: false,
    }
}

pub(super) const fn numbers(heading: &'static str, width: usize) -> Column {
    Column {
        heading,
        width,
        is_number: true,
    }
}

/// Characters of a host's name that are shown.
const HOST: usize = 14;

/// Columns of the replicas.
pub(super) const REPLICA_COLUMNS: [Column; 11] = [
    words("FLOW", 10),
    words("REPLICA", 22),
    words("HOST", HOST),
    numbers("PID", 8),
    words("VERSION", 7),
    numbers("UP", 5),
    numbers("LANES", 5),
    numbers("TAKEN/s", 8),
    numbers("STORED/s", 8),
    numbers("DEAD", 6),
    numbers("IN FLIGHT", 9),
];

/// Columns of the lanes.
pub(super) const LANE_COLUMNS: [Column; 6] = [
    words("LANE", 16),
    words("OWNER", 22),
    numbers("WAITING", 8),
    numbers("UNSETTLED", 9),
    numbers("REPEATED", 8),
    words("", 7),
];

/// Columns of the streams.
pub(super) const STREAM_COLUMNS: [Column; 4] = [
    words("STREAM", 7),
    numbers("FRAMES", 9),
    numbers("SIZE", 10),
    numbers("FULL", 6),
];

pub(super) fn replica(row: &ReplicaRow, at_ms: u64) -> [String; 11] {
    let lanes = match row.lanes {
        0 => NOTHING.to_owned(),
        lanes => lanes.to_string(),
    };
    [
        row.flow.clone(),
        visible(row.id.as_bytes()),
        ellipsis(&visible(row.host.as_bytes()), HOST),
        row.pid.to_string(),
        visible(row.version.as_bytes()),
        age(at_ms.saturating_sub(row.started_ms)),
        lanes,
        rate(row.taken_per_s),
        rate(row.stored_per_s),
        row.counts.dead_letters.to_string(),
        row.counts.in_flight.to_string(),
    ]
}

pub(super) fn lane(row: &LaneRow) -> [String; 6] {
    let owner = match &row.owner {
        Some(owner) => visible(owner.as_bytes()),
        None if row.orphaned => "NO OWNER".to_owned(),
        None => NOTHING.to_owned(),
    };
    [
        format!("{}/{}", row.flow, row.lane),
        owner,
        row.pending.to_string(),
        row.unsettled.to_string(),
        row.redelivered.to_string(),
        if row.growing { "growing" } else { "" }.to_owned(),
    ]
}

pub(super) fn stream(row: &StreamRow) -> [String; 4] {
    let full = row.percent.map(|percent| format!("{percent} %"));
    [
        row.name.to_owned(),
        row.messages.to_string(),
        size(row.bytes),
        full.unwrap_or_else(|| NOTHING.to_owned()),
    ]
}

/// One line about the dead letters.
pub(super) fn rejects(view: &View) -> String {
    let rejects = &view.rejects;
    if rejects.of_latest == 0 {
        return "none".to_owned();
    }
    let cause =
        |cause: &super::view::Cause| format!("{} {} of {}", cause.count, cause.code, cause.stage);
    let causes: Vec<String> = rejects.causes.iter().map(cause).collect();
    let newest = rejects.newest_ms.map(time).unwrap_or_default();
    let causes = visible(causes.join(", ").as_bytes());
    format!(
        "of the latest {}: {causes}; newest {newest}",
        rejects.of_latest
    )
}

/// One line about an alert.
pub(super) fn alert(alert: &Alert) -> String {
    let text = format!(
        "{} {:<8} {:<8} {} {} {}",
        time(alert.ts_ms),
        alert.severity,
        alert.change,
        alert.kind,
        alert.lock,
        alert.message
    );
    visible(text.as_bytes())
}

/// The verdict in one line: the worst, and what else there is.
pub(super) fn verdict(view: &View) -> (Option<Level>, String) {
    let Some(worst) = view.remarks.first() else {
        return (None, "healthy".to_owned());
    };
    let more = match view.remarks.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    (
        Some(worst.level),
        visible(format!("{}{more}", worst.text).as_bytes()),
    )
}

/// `42s`, `7m`, `3h`, `12d`.
fn age(ms: u64) -> String {
    let seconds = Duration::from_millis(ms).as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Without digits behind the point.
pub(super) fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| NOTHING.to_owned(), |rate| format!("{rate:.0}"))
}

/// `512 KiB`, `3 MiB`.
fn size(bytes: u64) -> String {
    const MEBIBYTE: u64 = 1024 * 1024;
    if bytes < MEBIBYTE {
        format!("{} KiB", bytes.div_ceil(1024))
    } else {
        format!("{} MiB", bytes / MEBIBYTE)
    }
}
