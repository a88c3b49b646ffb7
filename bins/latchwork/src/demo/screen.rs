//! What the demo shows.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::account::Figures;
use crate::text::ellipsis;

/// Lines of messages a second: more than people can read are only counted.
const LINES: usize = 8;

/// Standard error shows the course; standard output gets the result.
pub(super) struct Screen {
    bar: ProgressBar,
    width: usize,
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
        let width = if std::io::stderr().is_terminal() {
            150
        } else {
            usize::MAX
        };
        Self {
            bar,
            width,
            shown: 0,
            hidden: 0,
            started: Instant::now(),
            length,
        }
    }

    /// A line that stays.
    pub(super) fn say(&self, text: &str) {
        if self.bar.is_hidden() {
            // Not a terminal: no bar, the same lines. A closed standard error ends nothing.
            drop(writeln!(std::io::stderr(), "{text}"));
        } else {
            self.bar.println(text);
        }
    }

    /// A message that arrived, unless there were too many this second.
    pub(super) fn message(&mut self, text: &str) {
        if self.shown < LINES {
            self.shown += 1;
            self.say(&format!("  {}", ellipsis(text, self.width)));
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

    /// The bar goes; what comes now is the result.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The result, aligned for people.
pub(super) fn account(figures: &Figures, out: &mut impl Write) -> std::io::Result<()> {
    for (name, value) in [
        ("published", figures.published),
        ("acknowledged", figures.acked),
        ("in Kafka", figures.in_kafka),
        ("dead letters", figures.dead_letters),
        ("lost", figures.lost),
        ("duplicates", figures.duplicates),
        ("out of order", figures.out_of_order),
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
    writeln!(out, "{verdict}")
}
