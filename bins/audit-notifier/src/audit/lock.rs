//! What the audit knows of one lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alert::AlertKind;
use audit::Place;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use settings::AuditSettings;

use super::command::{Command, MOST_COMMANDS};
use super::deadlines::NEVER;
use super::report::Action;
use super::window::Window;

/// Clients that are remembered for having spoken for this lock.
const MOST_IMPOSTORS: usize = 4;

/// One lock. What an ordinary lock does not have is in [`Rare`], so that it costs nothing.
#[derive(Clone, Debug)]
pub(super) struct Lock {
    pub(super) id: Arc<str>,
    /// The last record that was applied.
    pub(super) place: Place,
    /// When it reported last; 0 is never: then it may be no lock at all.
    pub(super) seen_ms: u64,
    /// When the last record about it came.
    pub(super) touched_ms: u64,
    /// `seen_ms` as it was written last.
    pub(super) written_ms: u64,
    /// Since when it counts as there.
    pub(super) since_ms: u64,
    /// It comes from before a restart: `seen_ms` may be as old as its writing.
    pub(super) restored: bool,
    /// Where it stands in the deadlines.
    pub(super) scheduled: u64,
    /// Its newest connection, and the newest one that ended.
    pub(super) epoch: u64,
    pub(super) gone_epoch: u64,
    pub(super) online: bool,
    /// Percent, as it was written last.
    pub(super) battery: Option<f64>,
    /// `lock_state` as it was reported.
    pub(super) reported: Option<i32>,
    pub(super) action: Option<Action>,
    pub(super) process_id: Box<str>,
    pub(super) version: Option<Box<RawValue>>,
    pub(super) rare: Option<Box<Rare>>,
}

/// What only some locks have.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Rare {
    /// What is the matter with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) matters: Vec<Matter>,
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    pub(super) commands: VecDeque<Command>,
    #[serde(skip_serializing_if = "Window::is_empty")]
    pub(super) connects: Window,
    #[serde(skip_serializing_if = "Window::is_empty")]
    pub(super) refusals: Window,
    #[serde(skip_serializing_if = "Window::is_empty")]
    pub(super) logins: Window,
    /// When a refusal was told last, by verdict.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) refused_ms: BTreeMap<String, u64>,
    /// Who spoke for it, and when that was told.
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    pub(super) impostors: VecDeque<(String, u64)>,
    /// When its last invalid payload came.
    pub(super) invalid_ms: u64,
    /// Reports in a row without a battery.
    pub(super) batteries_missing: u32,
    /// Failed attempts in a row.
    pub(super) failed: u32,
    /// It was told to be open (or closed), took the command, and did not do it.
    pub(super) told_open: Option<bool>,
}

/// Something that lasts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Matter {
    pub(super) kind: AlertKind,
    /// What tells it from the same matter at another time.
    pub(super) key: String,
    pub(super) since_ms: u64,
    pub(super) repeat_ms: u64,
    pub(super) repeats: u64,
    /// As it was told.
    pub(super) message: String,
    pub(super) details: BTreeMap<String, Value>,
}

impl Lock {
    pub(super) fn new(id: Arc<str>) -> Self {
        Self {
            id,
            place: Place::default(),
            seen_ms: 0,
            touched_ms: 0,
            written_ms: 0,
            since_ms: 0,
            restored: false,
            scheduled: NEVER,
            epoch: 0,
            gone_epoch: 0,
            online: false,
            battery: None,
            reported: None,
            action: None,
            process_id: Box::default(),
            version: None,
            rare: None,
        }
    }

    /// Whether it ever reported. Commands and logins also name clients that never do.
    pub(super) fn has_reported(&self) -> bool {
        self.seen_ms != 0
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn matters(&self) -> &[Matter] {
        self.rare.as_ref().map_or(&[], |rare| &rare.matters)
    }

    pub(super) fn matter(&self, kind: AlertKind) -> Option<&Matter> {
        self.matters().iter().find(|matter| matter.kind == kind)
    }

    pub(super) fn has(&self, kind: AlertKind) -> bool {
        self.matter(kind).is_some()
    }

    pub(super) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.rare.iter().flat_map(|rare| &rare.commands)
    }

    /// Forgets what no rule will ask for, and gives the memory back.
    pub(super) fn tidy(&mut self, now_ms: u64, settings: &AuditSettings) {
        if let Some(rare) = &mut self.rare {
            rare.prune(now_ms, settings);
        }
        if self.rare.as_deref().is_some_and(Rare::is_empty) {
            self.rare = None;
        }
    }
}

impl Rare {
    pub(super) fn push_command(&mut self, command: Command) {
        if self.commands.len() >= MOST_COMMANDS {
            self.commands.pop_front();
        }
        self.commands.push_back(command);
    }

    /// Says whether this client has not been told of for the span, and remembers that it now is.
    pub(super) fn is_new_impostor(&mut self, client: &str, at_ms: u64, span_ms: u64) -> bool {
        self.impostors
            .retain(|(_, told_ms)| told_ms + span_ms > at_ms);
        let is_new = self.impostors.iter().all(|(known, _)| known != client);
        if is_new {
            if self.impostors.len() >= MOST_IMPOSTORS {
                self.impostors.pop_front();
            }
            self.impostors.push_back((client.to_owned(), at_ms));
        }
        is_new
    }

    fn prune(&mut self, now_ms: u64, settings: &AuditSettings) {
        let attack_ms = settings.attack_window_s * 1000;
        self.connects
            .prune(now_ms, settings.flapping_window_s * 1000);
        self.logins.prune(now_ms, settings.login_window_s * 1000);
        self.refusals.prune(now_ms, attack_ms);
        self.refused_ms
            .retain(|_, told_ms| *told_ms + attack_ms > now_ms);
        self.impostors
            .retain(|(_, told_ms)| *told_ms + attack_ms > now_ms);
    }

    /// `invalid_ms` alone is nothing: it belongs to a matter.
    fn is_empty(&self) -> bool {
        self.matters.is_empty()
            && self.commands.is_empty()
            && self.connects.is_empty()
            && self.refusals.is_empty()
            && self.logins.is_empty()
            && self.refused_ms.is_empty()
            && self.impostors.is_empty()
            && self.batteries_missing == 0
            && self.failed == 0
            && self.told_open.is_none()
    }
}
