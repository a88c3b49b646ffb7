//! What a record means.

use alert::AlertKind;
use record::{Kind, Record};
use settings::AuditSettings;

use crate::audit::command::{CommandPayload, text};
use crate::audit::report::Report;
use crate::audit::scene::Scene;

/// What a record means for its lock.
#[derive(Debug)]
pub(in crate::audit) enum Event<'r> {
    /// The lock reported.
    Report(Report<'r>),
    /// Another client reported for it, or it for another; with the offender's client id.
    Impostor(&'r str),
    /// A payload on its state topic broke the contract; with how.
    Invalid(&'r str),
    /// A command was published; its payload may be none.
    Command(Option<CommandPayload<'r>>),
    /// The lock took a command.
    Taken(CommandPayload<'r>),
    /// A command broke its contract.
    InvalidCommand,
    Connected,
    Disconnected,
    LoginFailed,
}

impl<'r> Event<'r> {
    /// `None` when the record means nothing here.
    pub(in crate::audit) fn of(
        record: &'r Record,
        lock: &str,
        settings: &AuditSettings,
    ) -> Option<Self> {
        let speaker = record.client_id();
        let is_state = || settings.state_filter.matches(record.topic());
        match record.kind() {
            Kind::Publish if is_state() => {
                if speaker != lock && is_watched(settings) {
                    return Some(Self::Impostor(speaker));
                }
                Report::read(&record.payload).map(Self::Report)
            }
            Kind::Publish => Some(Self::Command(CommandPayload::read(&record.payload))),
            Kind::Acked if speaker == lock => {
                CommandPayload::read(&record.payload).map(Self::Taken)
            }
            Kind::Rejected if is_state() => Some(Self::of_rejected(record, lock, settings)),
            Kind::Rejected => Some(Self::InvalidCommand),
            Kind::Connected => Some(Self::Connected),
            Kind::Disconnected => Some(Self::Disconnected),
            Kind::LoginFailed => Some(Self::LoginFailed),
            _ => None,
        }
    }

    /// The reason is `<code> <schema> <pointer>: <detail>`.
    fn of_rejected(record: &'r Record, lock: &str, settings: &AuditSettings) -> Self {
        let (speaker, reason) = (record.client_id(), text(&record.reason));
        let place = reason.split_once(": ").map_or(reason, |(place, _)| place);
        let names_another = place.split(' ').nth(2) == Some("/client_id");
        if (speaker != lock || names_another) && is_watched(settings) {
            Self::Impostor(speaker)
        } else {
            Self::Invalid(reason)
        }
    }

    pub(in crate::audit) fn is_report(&self) -> bool {
        matches!(self, Self::Report(_))
    }

    /// Whether it makes a client known that was not. Presence alone does not: most clients that
    /// come and go are no locks.
    pub(in crate::audit) fn introduces(&self) -> bool {
        !matches!(self, Self::Connected | Self::Disconnected)
    }
}

/// Where the rule is off, a gateway may speak for its locks.
fn is_watched(settings: &AuditSettings) -> bool {
    let rule = settings.rules.get(&AlertKind::Impostor);
    !rule.is_some_and(|rule| rule.off)
}

impl Scene<'_> {
    /// Applies what a record means.
    pub(in crate::audit) fn apply(&mut self, event: Event<'_>, record: &Record) {
        match event {
            Event::Report(report) => self.report(&report, record),
            Event::Impostor(speaker) => self.impostor(speaker),
            Event::Invalid(reason) => self.invalid_payload(reason),
            Event::Command(payload) => self.command(payload.as_ref(), record),
            Event::Taken(payload) => self.command_taken(&payload, record),
            Event::InvalidCommand => self.invalid_command(record),
            Event::Connected => self.connected(record),
            Event::Disconnected => self.disconnected(record),
            Event::LoginFailed => self.login_failed(record),
        }
    }
}
