//! Commands, and what was found when they were checked.

use alert::AlertKind;
use audit::EntryKind;
use record::{Record, Verdict};

use crate::audit::command::{Command, CommandPayload, publisher, refusal};
use crate::audit::report::Action;
use crate::audit::scene::{Scene, data};
use crate::audit::text::clean;

pub(in crate::audit) const REFUSALS_OVER: &str = "No command was refused of late.";

impl Scene<'_> {
    /// A command was published.
    pub(super) fn command(&mut self, payload: Option<&CommandPayload<'_>>, record: &Record) {
        let (client, user) = publisher(record, false);
        let process_id = payload.map(CommandPayload::process_id).unwrap_or_default();
        let members = data([
            ("step", "sent".into()),
            ("process_id", clean(process_id).into()),
            (
                "action",
                payload.map(|payload| payload.action.name()).into(),
            ),
            ("by_client", client.clone().into()),
            ("by_user", user.clone().into()),
            ("let_through", (!record.is_refused()).into()),
        ]);
        self.entry(EntryKind::Command, members);
        if let Some(verdict) = refusal(record.verdict()) {
            self.refused(verdict, process_id, record);
        }
        if let Some(payload) = payload.filter(|_| !record.is_refused()) {
            self.expect(payload, client, user, None);
        }
    }

    /// The lock took a command: what it does from now on may be its effect.
    pub(super) fn command_taken(&mut self, payload: &CommandPayload<'_>, record: &Record) {
        let (client, user) = publisher(record, true);
        let members = data([
            ("step", "taken".into()),
            ("process_id", clean(payload.process_id()).into()),
            ("action", payload.action.name().into()),
            ("by_client", client.clone().into()),
            ("by_user", user.clone().into()),
        ]);
        self.entry(EntryKind::Command, members);
        self.expect(payload, client, user, Some(self.at.ts_ms));
    }

    /// A command broke its contract, so nobody got it.
    pub(super) fn invalid_command(&mut self, record: &Record) {
        let verdict = refusal(record.verdict()).or_else(|| refusal(Verdict::Malformed));
        self.refused(verdict.unwrap_or_default(), "", record);
    }

    fn expect(
        &mut self,
        payload: &CommandPayload<'_>,
        client: String,
        user: String,
        taken_ms: Option<u64>,
    ) {
        let (process_id, at_ms) = (payload.process_id(), self.at.ts_ms);
        self.changed = true;
        let rare = self.lock.rare();
        let mut known = rare.commands.iter_mut();
        let known = known.find(|command| command.process_id == process_id);
        match known {
            Some(command) if taken_ms.is_some() => command.taken_ms = taken_ms,
            _ => rare.push_command(Command {
                process_id: process_id.to_owned(),
                action: payload.action,
                client,
                user,
                sent_ms: at_ms,
                taken_ms,
                settled: false,
            }),
        }
    }

    fn refused(&mut self, verdict: &'static str, process_id: &str, record: &Record) {
        let (client, user) = publisher(record, false);
        let members = data([
            ("verdict", verdict.into()),
            ("process_id", clean(process_id).into()),
            ("by_client", client.into()),
            ("by_user", user.into()),
        ]);
        self.entry(EntryKind::Verdict, members.clone());
        self.changed = true;
        let (at_ms, span_ms) = (self.at.ts_ms, self.settings.attack_window_s * 1000);
        let told_ms = self.lock.rare().refused_ms.get(verdict).copied();
        // Each verdict is told, each once per window: the burst has its own alert.
        if told_ms.is_none_or(|told_ms| told_ms + span_ms <= at_ms) {
            let rare = self.lock.rare();
            rare.refused_ms.insert(verdict.to_owned(), at_ms);
            let message = format!("A command failed its check: {verdict}.");
            self.happened(AlertKind::CommandRefused, message, members);
        }
        self.burst();
    }

    fn burst(&mut self) {
        let (seconds, most) = (self.settings.attack_window_s, self.settings.attack_refusals);
        let at_ms = self.at.ts_ms;
        if self.lock.rare().refusals.add(at_ms, seconds * 1000, most) {
            let most = most.max(1);
            let message = format!("{most} commands failed their check within {seconds} seconds.");
            let details = data([("refusals", most.into()), ("seconds", seconds.into())]);
            self.raise(AlertKind::CommandAttack, message, details);
        }
    }

    /// The time of the commands that end now is over. One that the lock took and did not do is a
    /// failed attempt.
    pub(in crate::audit) fn command_over(&mut self, now_ms: u64) {
        let wait_s = self.settings.command_wait_s;
        let Some(rare) = &mut self.lock.rare else {
            return;
        };
        let (over, pending) = std::mem::take(&mut rare.commands)
            .into_iter()
            .partition::<std::collections::VecDeque<_>, _>(|command| {
            command.ends_ms(wait_s) <= now_ms
        });
        rare.commands = pending;
        self.changed = true;
        for command in over {
            if command.taken_ms.is_some() && !command.settled {
                self.command_not_done(&command);
            }
        }
    }

    fn command_not_done(&mut self, command: &Command) {
        let told_open = match command.action {
            Action::Lock => false,
            Action::Unlock => true,
            Action::Other => return,
        };
        let Some(is_open) = self.is_open() else {
            return;
        };
        if is_open == told_open {
            return;
        }
        self.lock.rare().told_open = Some(told_open);
        let told = command.action.name();
        let says = if is_open { "unlocked" } else { "locked" };
        let message = format!("The lock was told to {told} and still says {says}.");
        let details = data([
            ("told", told.into()),
            ("says", says.into()),
            ("process_id", clean(&command.process_id).into()),
        ]);
        self.raise(AlertKind::AbnormalState, message, details);
        self.attempt_failed();
    }
}
