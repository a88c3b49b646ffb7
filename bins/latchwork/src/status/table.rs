//! The view as a table of text.

use std::io::{self, Write};

use super::cells::{self, Column};
use super::remarks::Level;
use super::rule_cells;
use super::view::View;
use crate::text::time;

/// Writes everything that there is to see.
pub(super) fn write(view: &View, out: &mut impl Write, colours: bool) -> io::Result<()> {
    verdict(view, out, colours)?;
    let replicas = view
        .replicas
        .iter()
        .map(|row| cells::replica(row, view.at_ms));
    section(out, &cells::REPLICA_COLUMNS, replicas)?;
    section(
        out,
        &cells::LANE_COLUMNS,
        view.lanes.iter().map(cells::lane),
    )?;
    section(
        out,
        &cells::STREAM_COLUMNS,
        view.streams.iter().map(cells::stream),
    )?;
    rules(view, out)?;
    writeln!(out, "\nDEAD LETTERS {}", cells::rejects(view))?;
    if !view.alerts.is_empty() {
        writeln!(out, "\nALERTS")?;
    }
    for alert in &view.alerts {
        writeln!(out, "{}", cells::alert(alert))?;
    }
    Ok(())
}

/// The worst on top, each further remark below it.
fn verdict(view: &View, out: &mut impl Write, colours: bool) -> io::Result<()> {
    let (level, text) = cells::verdict(view);
    let line = format!("{}  {text}", time(view.at_ms));
    let (on, off) = match (level, colours) {
        (_, false) => ("", ""),
        (None, true) => ("\x1b[32m", "\x1b[0m"),
        (Some(Level::Warning), true) => ("\x1b[33m", "\x1b[0m"),
        (Some(Level::Broken), true) => ("\x1b[1;31m", "\x1b[0m"),
    };
    writeln!(out, "{on}{line}{off}")?;
    for remark in view.remarks.iter().skip(1) {
        writeln!(
            out,
            "  also: {}",
            crate::text::visible(remark.text.as_bytes())
        )?;
    }
    Ok(())
}

/// Nothing where there are no rules.
fn rules(view: &View, out: &mut impl Write) -> io::Result<()> {
    if view.rules.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nRULES {}", rule_cells::heading(view))?;
    let rules = view.rules.iter().map(rule_cells::rule);
    section(out, &rule_cells::RULE_COLUMNS, rules)?;
    section(out, &rule_cells::ACTION_COLUMNS, rule_cells::actions(view))
}

fn section<const N: usize>(
    out: &mut impl Write,
    columns: &[Column; N],
    rows: impl Iterator<Item = [String; N]>,
) -> io::Result<()> {
    let headings = columns.map(|column| column.heading.to_owned());
    writeln!(out)?;
    line(out, columns, &headings)?;
    for row in rows {
        line(out, columns, &row)?;
    }
    Ok(())
}

fn line<const N: usize>(
    out: &mut impl Write,
    columns: &[Column; N],
    cells: &[String; N],
) -> io::Result<()> {
    let mut text = String::new();
    for (column, cell) in columns.iter().zip(cells) {
        let width = column.width;
        text = if column.is_number {
            format!("{text}{cell:>width$}  ")
        } else {
            format!("{text}{cell:<width$}  ")
        };
    }
    writeln!(out, "{}", text.trim_end())
}
