//! The view on a terminal.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Row, Table};

use super::cells::{self, Column};
use super::remarks::Level;
use super::screen_rules;
use super::view::{LaneRow, View};
use crate::text::{time, visible};

/// Lines of remarks below the verdict.
const REMARKS: usize = 4;

/// Lines of the alerts with their frame.
const ALERTS: u16 = 7;

/// The same of dead letters and of help, and the fewest of the lanes.
const REJECTS: u16 = 3;
const HELP: u16 = 1;
const LANES: u16 = 5;

pub(super) const PLAIN: Style = Style::new();
const HEADING: Style = Style::new().add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green).add_modifier(Modifier::BOLD);
pub(super) const WARNING: Style = Style::new().fg(Color::Yellow);
const BROKEN: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

/// Draws everything; `trouble` says why the view is an old one.
pub(super) fn draw(frame: &mut Frame<'_>, view: Option<&View>, trouble: Option<&str>) {
    let Some(view) = view else {
        let text = trouble.unwrap_or("asking NATS ...").to_owned();
        frame.render_widget(Paragraph::new(visible(text.as_bytes())), frame.area());
        return;
    };
    let [top, replicas, middle, rules, rejects, alerts, help] = areas(frame.area(), view);
    let [lanes, streams] =
        Layout::horizontal([Constraint::Min(60), Constraint::Length(37)]).areas(middle);
    draw_verdict(frame, top, view, trouble);
    draw_replicas(frame, replicas, view);
    draw_lanes(frame, lanes, view);
    draw_streams(frame, streams, view);
    screen_rules::draw(frame, rules, view);
    let dead_letters =
        Paragraph::new(cells::rejects(view)).block(Block::bordered().title("Dead letters"));
    frame.render_widget(dead_letters, rejects);
    draw_alerts(frame, alerts, view);
    frame.render_widget(Paragraph::new("q, Esc or Ctrl-C leaves"), help);
}

/// Verdict, replicas, lanes and streams, rules, dead letters, alerts, help.
fn areas(area: Rect, view: &View) -> [Rect; 7] {
    let remarks = view.remarks.len().saturating_sub(1).min(REMARKS);
    let top = cells_of(1 + remarks);
    let replicas = cells_of(view.replicas.len() + 3);
    let alerts = if view.alerts.is_empty() { 0 } else { ALERTS };
    let others = [top, replicas, REJECTS, alerts, HELP];
    let taken = others.into_iter().fold(0, u16::saturating_add);
    let left = area.height.saturating_sub(taken);
    // Lanes may be in trouble: rules get what those leave, or half where both need more.
    let wanted = cells_of(view.lanes.len().max(view.streams.len()) + 3);
    let lanes = wanted.min(left.div_ceil(2)).max(LANES);
    let rules = screen_rules::height(view, left.saturating_sub(lanes));
    Layout::vertical([
        Constraint::Length(top),
        Constraint::Length(replicas),
        Constraint::Min(LANES),
        Constraint::Length(rules),
        Constraint::Length(REJECTS),
        Constraint::Length(alerts),
        Constraint::Length(HELP),
    ])
    .areas(area)
}

/// A number of lines or characters, as layouts count them.
pub(super) fn cells_of(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn style(level: Option<Level>) -> Style {
    match level {
        None => GOOD,
        Some(Level::Warning) => WARNING,
        Some(Level::Broken) => BROKEN,
    }
}

fn draw_verdict(frame: &mut Frame<'_>, area: Rect, view: &View, trouble: Option<&str>) {
    let (level, text) = cells::verdict(view);
    let now = Span::styled(format!("{}  ", time(view.at_ms)), HEADING);
    // An old verdict must not look like one of now.
    let verdict = match trouble {
        Some(trouble) => Span::styled(visible(trouble.as_bytes()), BROKEN),
        None => Span::styled(text, style(level)),
    };
    let mut lines = vec![Line::from(vec![now, verdict])];
    for remark in view.remarks.iter().skip(1).take(REMARKS) {
        let text = format!("  {}", visible(remark.text.as_bytes()));
        lines.push(Line::styled(text, style(Some(remark.level))));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_replicas(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let rows = view.replicas.iter().map(|replica| {
        let style = if replica.retrying { WARNING } else { PLAIN };
        (cells::replica(replica, view.at_ms), style)
    });
    draw_table(frame, area, "Stages", &cells::REPLICA_COLUMNS, rows);
}

/// Those in trouble first: there may be more than fit.
fn draw_lanes(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let mut lanes: Vec<&LaneRow> = view.lanes.iter().collect();
    lanes.sort_by_key(|lane| (!lane.orphaned, !lane.growing));
    let room = usize::from(area.height.saturating_sub(3));
    let title = match lanes.len().saturating_sub(room) {
        0 => "Lanes".to_owned(),
        hidden => format!("Lanes (and {hidden} more)"),
    };
    let rows = lanes.into_iter().map(|lane| {
        let style = match (lane.orphaned, lane.growing) {
            (true, _) => BROKEN,
            (false, true) => WARNING,
            (false, false) => PLAIN,
        };
        (cells::lane(lane), style)
    });
    draw_table(frame, area, &title, &cells::LANE_COLUMNS, rows);
}

fn draw_streams(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let rows = view.streams.iter().map(|stream| {
        let nearly_full = stream.refuses && stream.percent.is_some_and(|percent| percent >= 80);
        let style = if nearly_full { WARNING } else { PLAIN };
        (cells::stream(stream), style)
    });
    draw_table(frame, area, "Streams", &cells::STREAM_COLUMNS, rows);
}

fn draw_alerts(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let alerts = view.alerts.iter();
    let lines: Vec<Line<'_>> = alerts
        .map(|alert| Line::from(cells::alert(alert)))
        .collect();
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title("Alerts")),
        area,
    );
}

pub(super) fn draw_table<const N: usize>(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    columns: &[Column; N],
    rows: impl Iterator<Item = ([String; N], Style)>,
) {
    let widths = columns.map(|column| Constraint::Length(cells_of(column.width)));
    let headings = columns.map(|column| column.heading.to_owned());
    let rows = rows.map(|(cells, style)| aligned(columns, cells).style(style));
    let table = Table::new(rows, widths).header(aligned(columns, headings).style(HEADING));
    frame.render_widget(table.block(Block::bordered().title(title.to_owned())), area);
}

fn aligned<const N: usize>(columns: &[Column; N], cells: [String; N]) -> Row<'static> {
    let cells = columns.iter().zip(cells).map(|(column, cell)| {
        let cell = Line::from(cell);
        if column.is_number {
            cell.right_aligned()
        } else {
            cell
        }
    });
    Row::new(cells)
}
