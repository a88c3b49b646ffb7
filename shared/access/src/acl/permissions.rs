//! What one session may do.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::rule::Filled;
use super::{Acl, Action, Identity, Rule};
use crate::relation::judged;

/// Topics whose answer a session remembers.
const REMEMBERED: usize = 16;

/// Longest topic that is remembered, in bytes: with [`REMEMBERED`] it bounds a session's memory
/// to 4 KiB and some words.
const REMEMBERED_BYTES: usize = 256;

/// What one session may do: the rules that concern it, with its names filled in.
///
/// The answer for a topic is remembered, so that the next publish to it costs one look-up and
/// allocates nothing.
pub struct Permissions {
    acl: Arc<Acl>,
    /// `None` for a session without a token, or with one that brings no rules.
    token: Option<Arc<[Rule]>>,
    identity: Identity,
    rules: Box<[Concerns]>,
    published: HashMap<Box<str>, Decision>,
    generation: u64,
}

/// A rule that concerns the session.
struct Concerns {
    place: Place,
    /// `None`: the rule's own.
    filter: Option<Box<str>>,
}

#[derive(Clone, Copy)]
enum Place {
    Token(usize),
    Acl(usize),
}

/// An answer, and what gave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Whether the client may.
    pub allowed: bool,
    /// What decided.
    pub by: By,
}

/// What decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// This line of the ACL file, counted from 1.
    Line(u32),
    /// This entry of the token's `acl` claim, counted from 1.
    Token(u32),
    /// There is no ACL file.
    NoFile,
    /// No rule decides, so it is denied.
    NoRule,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Token(entry) => write!(f, "entry {entry} of the token's acl claim"),
            Self::NoFile => f.write_str("no ACL file"),
            Self::NoRule => f.write_str("no rule"),
        }
    }
}

/// What no rule decides.
const UNDECIDED: Decision = Decision {
    allowed: false,
    by: By::NoRule,
};

impl Acl {
    /// What a session may do under these rules.
    pub fn permissions(self: &Arc<Self>, identity: Identity) -> Permissions {
        Permissions::new(Arc::clone(self), None, identity, 0)
    }
}

impl Permissions {
    /// The token's rules are asked before those of the file.
    pub(crate) fn new(
        acl: Arc<Acl>,
        token: Option<Arc<[Rule]>>,
        identity: Identity,
        generation: u64,
    ) -> Self {
        let from_token = token.as_deref().unwrap_or_default();
        let places = (0..from_token.len()).map(Place::Token);
        let places = places.chain((0..acl.rules.len()).map(Place::Acl));
        let concerns = places.filter_map(|place| {
            let filter = match rule(&acl, from_token, place)?.filter_for(&identity)? {
                Filled::AsWritten => None,
                Filled::With(filter) => Some(filter),
            };
            Some(Concerns { place, filter })
        });
        Self {
            rules: concerns.collect::<Vec<_>>().into(),
            acl,
            token,
            identity,
            published: HashMap::new(),
            generation,
        }
    }

    /// May the session publish to this topic? One with wildcards is no topic, and denied.
    pub fn publish(&mut self, topic: &str) -> Decision {
        if let Some(decision) = self.published.get(topic) {
            return *decision;
        }
        if topic.contains(['+', '#']) {
            return UNDECIDED;
        }
        let decision = self.decide(Action::Publish, topic);
        if topic.len() <= REMEMBERED_BYTES {
            if self.published.len() >= REMEMBERED {
                self.published.clear();
            }
            self.published.insert(topic.into(), decision);
        }
        decision
    }

    /// May the session subscribe to this filter, and so see every topic that it matches? The filter
    /// must be valid.
    pub fn subscribe(&self, filter: &str) -> Decision {
        judged(filter).map_or(UNDECIDED, |filter| self.decide(Action::Subscribe, filter))
    }

    fn decide(&self, action: Action, wanted: &str) -> Decision {
        let token = self.token.as_deref().unwrap_or_default();
        let decides = |concerns: &Concerns| {
            let rule = rule(&self.acl, token, concerns.place)?;
            let filter = concerns.filter.as_deref().unwrap_or(&rule.filter);
            let allowed = rule.decides(filter, action, wanted)?;
            let by = match concerns.place {
                Place::Token(_) => By::Token(rule.line),
                Place::Acl(_) if rule.line == 0 => By::NoFile,
                Place::Acl(_) => By::Line(rule.line),
            };
            Some(Decision { allowed, by })
        };
        self.rules.iter().find_map(decides).unwrap_or(UNDECIDED)
    }

    /// Whose permissions these are.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The generation of the rules that they were made of; see `Access::generation`.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The rules in force.
    pub fn acl(&self) -> &Arc<Acl> {
        &self.acl
    }

    /// Whether a token brought rules along.
    pub(crate) fn has_token_rules(&self) -> bool {
        self.token.is_some()
    }

    /// Forgets remembered answers.
    pub fn forget(&mut self) {
        self.published = HashMap::new();
    }

    /// The same session under other rules.
    pub(crate) fn under(&self, acl: Arc<Acl>, generation: u64) -> Self {
        Self::new(acl, self.token.clone(), self.identity.clone(), generation)
    }
}

fn rule<'r>(acl: &'r Acl, token: &'r [Rule], place: Place) -> Option<&'r Rule> {
    match place {
        Place::Token(index) => token.get(index),
        Place::Acl(index) => acl.rules.get(index),
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permissions")
            .field("identity", &self.identity)
            .field("rules", &self.rules.len())
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
