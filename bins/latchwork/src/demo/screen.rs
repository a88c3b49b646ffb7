//! What the demo shows.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::account::Figures;
use super::course::Outcome;
use crate::text::ellipsis;

/// Lines of messages a second: more than people can read are only counted.
const LINES: usize = 8;

/// Standard error shows the course; standard output gets the result.
pub(super) struct Screen {
    bar: ProgressBar,
    width: usize,
    colours: bool,
    shown: usize,
    hidden: usize,
    started: Instant,
    length: Duration,
}

impl Screen {
    pub(super) fn new(length: Duration) -> Self {
        let bar = ProgressBar::new(length.as_secs().max(1));
        bar.set_draw_target(ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30.green/black} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let is_terminal = std::io::stderr().is_terminal();
        let width = if is_terminal { 150 } else { usize::MAX };
        Self {
            bar,
            width,
            colours: is_terminal && std::env::var_os("NO_COLOR").is_none(),
            shown: 0,
            hidden: 0,
            started: Instant::now(),
            length,
        }
    }

    /// A line that stays.
    pub(super) fn say(&self, text: &str) {
        if self.bar.is_hidden() || self.bar.is_finished() {
            // Not a terminal, or its end: no bar, the same lines. A closed standard error ends nothing.
            drop(writeln!(std::io::stderr(), "{text}"));
        } else {
            self.bar.println(text);
        }
    }

    /// A line of the show; without a label one that goes on. It takes the place of a message, so that
    /// the screen stays readable.
    pub(super) fn show(&mut self, label: &str, text: &str) {
        self.shown += 1;
        let mark = if label.is_empty() { ' ' } else { '>' };
        let label = format!("{mark} {label:<16}");
        let room = self.width - label.len() - 1;
        let label = if self.colours {
            format!("\x1b[1;36m{label}\x1b[0m")
        } else {
            label
        };
        self.say(&format!("{label} {}", ellipsis(text, room)));
    }

    /// A message that arrived, unless there were too many this second.
    pub(super) fn message(&mut self, text: &str) {
        if self.shown < LINES {
            self.shown += 1;
            self.say(&ellipsis(&format!("  {text}"), self.width));
        } else {
            self.hidden += 1;
        }
    }

    /// The line of figures, each second.
    pub(super) fn tick(&mut self, figures: &Figures, state: &str) {
        let elapsed = self.started.elapsed();
        let line = format!(
            "{:>3} s  published {}, acknowledged {}, in Kafka {}, dead letters {}, on the way {}  {state}",
            elapsed.as_secs(),
            figures.published,
            figures.acked,
            figures.in_kafka,
            figures.dead_letters,
            figures.lost,
        );
        if self.hidden > 0 {
            self.say(&format!("  ... and {} more", self.hidden));
        }
        (self.shown, self.hidden) = (0, 0);
        if self.bar.is_hidden() {
            self.say(&line);
        } else {
            self.bar.set_position(elapsed.min(self.length).as_secs());
            self.bar.set_message(line);
        }
    }

    /// The bar goes, for others have one of their own; lines may still come.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The result, aligned for people.
pub(super) fn account(outcome: &Outcome, out: &mut impl Write) -> std::io::Result<()> {
    let figures = &outcome.figures;
    for (name, value) in [
        ("published", figures.published),
        ("acknowledged", figures.acked),
        ("in Kafka", figures.in_kafka),
        ("dead letters", figures.dead_letters),
        ("lost", figures.lost),
        ("duplicates", figures.duplicates),
        ("out of order", figures.out_of_order),
        ("refused commands", figures.refused_commands),
        ("mails", outcome.mails),
        ("audit entries", outcome.audit.entries),
    ] {
        writeln!(out, "{name:<24} {value:>10}")?;
    }
    writeln!(
        out,
        "{:<24} {:>7.1} ms",
        "PUBLISH to Kafka, p50", figures.p50_ms
    )?;
    writeln!(
        out,
        "{:<24} {:>7.1} ms",
        "PUBLISH to Kafka, p99", figures.p99_ms
    )?;
    let verdict = if figures.lost == 0 {
        "every acknowledged message is in Kafka or in the dead letters"
    } else {
        "LOST: acknowledged, and neither in Kafka nor in the dead letters"
    };
    writeln!(out, "{verdict}")?;
    let verdict = if outcome.audit.intact {
        "the audit log is intact"
    } else {
        "the audit log is NOT KNOWN TO BE INTACT"
    };
    writeln!(out, "{verdict}")
}
