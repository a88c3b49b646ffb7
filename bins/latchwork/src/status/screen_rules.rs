//! Rules and their actions on a terminal.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use super::rule_cells::{self, ACTION_COLUMNS, RULE_COLUMNS};
use super::rules::RuleRow;
use super::screen::{PLAIN, WARNING, cells_of, draw_table};
use super::view::View;

/// Lines of a table's frame and headings.
const FRAME: u16 = 3;

/// Lines for both tables, of those that others need not: nothing where not even one row fits.
pub(super) fn height(view: &View, spare: u16) -> u16 {
    if view.rules.is_empty() || spare <= FRAME {
        return 0;
    }
    let (rules, actions) = rows(view);
    let both = rules.saturating_add(actions).saturating_add(2 * FRAME);
    both.min(spare)
}

fn rows(view: &View) -> (u16, u16) {
    let actions = view.rules.iter().map(|rule| rule.actions.len()).sum();
    (cells_of(view.rules.len()), cells_of(actions))
}

/// The rules come first; actions get what is left.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let (rules, _) = rows(view);
    let wanted = rules.saturating_add(FRAME).min(area.height);
    // One row of actions tells nothing that the rules do not.
    let wanted = if area.height - wanted > FRAME {
        wanted
    } else {
        area.height
    };
    let [top, bottom] =
        Layout::vertical([Constraint::Length(wanted), Constraint::Min(0)]).areas(area);
    let heading = rule_cells::heading(view);
    let title = match rules.saturating_sub(top.height.saturating_sub(FRAME)) {
        0 => format!("Rules, {heading}"),
        hidden => format!("Rules, {heading} (and {hidden} more)"),
    };
    // Those in trouble first: there may be more than fit.
    let mut rules: Vec<&RuleRow> = view.rules.iter().collect();
    rules.sort_by_key(|rule| rule.new_exceptions == 0);
    let rows = rules.into_iter().map(|rule| {
        let style = if rule.new_exceptions > 0 {
            WARNING
        } else {
            PLAIN
        };
        (rule_cells::rule(rule), style)
    });
    draw_table(frame, top, &title, &RULE_COLUMNS, rows);
    let actions = rule_cells::actions(view).map(|cells| (cells, PLAIN));
    draw_table(frame, bottom, "Actions", &ACTION_COLUMNS, actions);
}
