//! Clients that are not who they say.

use alert::AlertKind;
use record::Record;

use crate::audit::command::text;
use crate::audit::scene::{Scene, data};
use crate::audit::text::clean;

pub(in crate::audit) const LOGINS_OVER: &str = "No login under this client id was refused of late.";

impl Scene<'_> {
    /// What an impostor says is not believed. Each impostor is told once per attack window.
    pub(super) fn impostor(&mut self, speaker: &str) {
        let (at_ms, span_ms) = (self.at.ts_ms, self.settings.attack_window_s * 1000);
        let speaker = clean(speaker);
        if !self.lock.rare().is_new_impostor(&speaker, at_ms, span_ms) {
            return;
        }
        self.changed = true;
        let message = if *speaker == *self.lock.id {
            "The lock reported under the client id of another.".to_owned()
        } else {
            format!("Client {speaker} spoke on the topic of this lock.")
        };
        self.happened(
            AlertKind::Impostor,
            message,
            data([("client", speaker.into())]),
        );
    }

    pub(super) fn login_failed(&mut self, record: &Record) {
        let (seconds, most) = (self.settings.login_window_s, self.settings.login_failures);
        let at_ms = self.at.ts_ms;
        self.changed = true;
        if self.lock.rare().logins.add(at_ms, seconds * 1000, most) {
            let most = most.max(1);
            let message = format!(
                "{most} logins under this client id were refused within {seconds} seconds."
            );
            let details = data([
                ("failures", most.into()),
                ("seconds", seconds.into()),
                ("peer", clean(text(&record.peer)).into()),
                ("reason", clean(text(&record.reason)).into()),
            ]);
            self.raise(AlertKind::LoginFailed, message, details);
        }
    }
}
