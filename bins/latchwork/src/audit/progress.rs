//! How far the reading is, on standard error when that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use super::source::LogSource;

pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:30.green/black} {percent} %  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    pub(super) fn update(&self, source: &LogSource, entries: u64) {
        let (read, total) = source.progress();
        self.0.set_length(total);
        self.0.set_position(read);
        self.0.set_message(format!("{entries} entries"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
