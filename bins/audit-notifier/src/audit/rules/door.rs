//! Unlocking, locking, and what contradicts itself.

use alert::AlertKind;
use audit::EntryKind;
use serde_json::{Map, Value};

use crate::audit::command::Command;
use crate::audit::report::{Action, Report};
use crate::audit::scene::{Scene, data};
use crate::audit::text::clean;

/// Who moved the lock.
#[derive(Clone, PartialEq, Eq, Debug)]
enum By {
    /// A command that somebody published: client id and user name.
    Command(String, String),
    /// Somebody at the door: the state moved while the lock ran nothing new.
    Local,
    /// The lock ran something that nobody is known to have sent.
    Unknown,
}

impl By {
    fn name(&self) -> &'static str {
        match self {
            Self::Command(..) => "command",
            Self::Local => "local",
            Self::Unknown => "unknown",
        }
    }
}

/// What a report says that the one before did not.
#[derive(Clone, Copy, Debug)]
struct News {
    is_first: bool,
    process: bool,
    state: bool,
}

impl Scene<'_> {
    pub(super) fn door(&mut self, report: &Report<'_>, is_first: bool) {
        let state = report.lock_state;
        let process_id = report
            .process_id()
            .filter(|id| **id != *self.lock.process_id);
        let news = News {
            is_first,
            process: process_id.is_some(),
            state: !is_first && state.is_some() && state != self.lock.reported,
        };
        self.visible |= news.process || news.state;
        self.visible |= report.action.is_some() && report.action != self.lock.action;
        if let Some(process_id) = process_id {
            self.lock.process_id = process_id.into();
        }
        self.lock.reported = state.or(self.lock.reported);
        self.lock.action = report.action.or(self.lock.action);

        // An ordinary report ends here: nothing new, nothing the matter.
        let is_quiet = self.lock.rare.is_none() && !news.process && !news.state && !is_first;
        let fault = self.fault(report);
        if is_quiet && fault.is_none() {
            return;
        }
        self.moved(report, news);
        self.judge(fault, news);
    }

    /// Whether the door is open, as far as that is known.
    pub(super) fn is_open(&self) -> Option<bool> {
        let unlocked = i32::from(self.settings.unlocked_state);
        match (self.lock.reported, self.lock.action) {
            (Some(state), _) => Some(state == unlocked),
            (None, Some(Action::Unlock)) => Some(true),
            (None, Some(Action::Lock)) => Some(false),
            (None, _) => None,
        }
    }

    /// Logs and tells what moved the lock.
    fn moved(&mut self, report: &Report<'_>, news: News) {
        let is_open = self.is_open() == Some(true);
        let unlocks = report.action == Some(Action::Unlock);
        let is_move = news.state || (unlocks && (news.process || (news.is_first && is_open)));
        if is_move {
            let by = self.cause(report, news);
            let details = self.move_details(&by);
            self.entry(EntryKind::Unlock, details.clone());
            if is_open {
                self.unlocked(&by, details, news, unlocks);
            }
        }
        if self.is_open() == Some(false) {
            self.clear(AlertKind::Unlocked, "The door is locked again.");
        }
    }

    fn unlocked(&mut self, by: &By, details: Map<String, Value>, news: News, unlocks: bool) {
        let message = match by {
            By::Command(client, _) => format!("The door was unlocked by a command of {client}."),
            By::Local => "The door was unlocked at the door itself.".to_owned(),
            By::Unknown => "The door was unlocked; nobody is known to have sent a command.".into(),
        };
        // Each unlocking is told, also of a door that is open already.
        self.forget(AlertKind::Unlocked);
        self.raise(AlertKind::Unlocked, message, details.clone());
        // Of a lock's first report nobody knows what came before.
        if *by == By::Unknown && unlocks && news.process && !news.is_first {
            let message = "The door was unlocked by a command that nobody is known to have sent.";
            self.happened(AlertKind::UnlockWithoutCommand, message.to_owned(), details);
        }
    }

    fn move_details(&self, by: &By) -> Map<String, Value> {
        let (client, user) = match by {
            By::Command(client, user) => (client.as_str(), user.as_str()),
            By::Local | By::Unknown => ("", ""),
        };
        data([
            ("by", by.name().into()),
            ("by_client", client.into()),
            ("by_user", user.into()),
            ("process_id", clean(&self.lock.process_id).into()),
            ("action", self.lock.action.map(Action::name).into()),
            ("lock_state", self.lock.reported.into()),
        ])
    }

    fn cause(&self, report: &Report<'_>, news: News) -> By {
        match self.command_of(report) {
            Some(command) if report.action == Some(command.action) => {
                By::Command(command.client.clone(), command.user.clone())
            }
            _ if news.process || news.is_first => By::Unknown,
            _ => By::Local,
        }
    }

    /// The command whose run the lock reports. Commands that are too old are gone already.
    fn command_of(&self, report: &Report<'_>) -> Option<&Command> {
        let process_id = report.process_id()?;
        let mut commands = self.lock.commands();
        commands.find(|command| command.process_id == process_id)
    }

    /// What contradicts itself in a report.
    fn fault(&self, report: &Report<'_>) -> Option<String> {
        let unlocked = i32::from(self.settings.unlocked_state);
        let says = match report.lock_state {
            Some(state @ (0 | 1)) if state == unlocked => "unlocked",
            Some(0 | 1) => "locked",
            Some(state) => return Some(format!("The lock reports the unknown state {state}.")),
            None => return None,
        };
        let told = self.command_of(report).map(|command| command.action);
        match (told, report.action?) {
            (Some(told @ (Action::Lock | Action::Unlock)), action) if told != action => {
                let (told, action) = (told.name(), action.name());
                Some(format!("The lock was told to {told} and did {action}."))
            }
            (_, Action::Lock) if says == "unlocked" => {
                Some("The lock was told to lock and says unlocked.".to_owned())
            }
            (_, Action::Unlock) if says == "locked" => {
                Some("The lock was told to unlock and says locked.".to_owned())
            }
            _ => None,
        }
    }

    /// Counts the attempt, and raises or clears what contradicts itself.
    fn judge(&mut self, fault: Option<String>, news: News) {
        let (is_open, is_failed) = (self.is_open(), fault.is_some());
        self.settle_command();
        if let Some(rare) = &mut self.lock.rare
            && (news.process || news.state || rare.told_open == is_open)
            && rare.told_open.take().is_some()
        {
            self.changed = true;
        }
        if let Some(message) = fault {
            let details = self.move_details(&By::Unknown);
            let details = details
                .into_iter()
                .filter(|(name, _)| name != "by")
                .collect();
            self.raise(AlertKind::AbnormalState, message, details);
        } else if self
            .lock
            .rare
            .as_ref()
            .is_some_and(|rare| rare.told_open.is_none())
        {
            let message = "The lock's action and state agree again.";
            self.clear(AlertKind::AbnormalState, message);
        }
        match (is_failed, news.process || news.state) {
            (true, _) if news.process => self.attempt_failed(),
            (false, true) => self.attempt_done(),
            _ => {}
        }
    }

    /// A command whose run was reported was done, or its failure is counted with the report.
    fn settle_command(&mut self) {
        let process_id = self.lock.process_id.clone();
        let Some(rare) = &mut self.lock.rare else {
            return;
        };
        for command in &mut rare.commands {
            if !command.settled && *command.process_id == *process_id {
                command.settled = true;
                self.changed = true;
            }
        }
    }

    /// One more attempt of the lock failed.
    pub(super) fn attempt_failed(&mut self) {
        let threshold = self.settings.jammed_after.max(1);
        let rare = self.lock.rare();
        rare.failed = rare.failed.saturating_add(1);
        let failed = rare.failed;
        self.changed = true;
        if failed >= threshold {
            let message = format!("{failed} attempts in a row failed: the lock may be jammed.");
            self.raise(
                AlertKind::Jammed,
                message,
                data([("attempts", failed.into())]),
            );
        }
    }

    fn attempt_done(&mut self) {
        let Some(rare) = &mut self.lock.rare else {
            return;
        };
        if std::mem::take(&mut rare.failed) > 0 {
            self.changed = true;
        }
        self.clear(AlertKind::Jammed, "The lock moves again.");
    }
}
