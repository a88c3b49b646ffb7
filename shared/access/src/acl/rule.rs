//! One rule: who may do what on which topics.

use std::net::IpAddr;

use ipnet::IpNet;
use record::TopicFilter;

use crate::relation::{covers, overlap};

/// Who a session is, as far as rules ask. Names are those that were proven: a user name that
/// nobody checked does not belong here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The session's client id.
    pub client_id: String,
    /// The user name, when it was proven.
    pub username: Option<String>,
    /// The peer's address.
    pub ip: Option<IpAddr>,
}

/// What a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// To publish to a topic.
    Publish,
    /// To subscribe to a topic filter.
    Subscribe,
}

/// Whom a rule concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    All,
    User(Box<str>),
    Client(Box<str>),
    Ip(IpNet),
}

impl Who {
    fn is(&self, identity: &Identity) -> bool {
        match self {
            Self::All => true,
            Self::User(name) => identity.username.as_deref() == Some(name),
            Self::Client(id) => identity.client_id == **id,
            Self::Ip(net) => identity
                .ip
                .is_some_and(|ip| net.contains(&ip.to_canonical())),
        }
    }
}

/// One rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Rule {
    pub(crate) who: Who,
    pub(crate) allow: bool,
    /// `None`: both.
    pub(crate) action: Option<Action>,
    /// The filter with `%c` and `%u` still in it.
    pub(crate) filter: Box<str>,
    /// Compares a filter with wildcards as text: it stands for the subscription to just this filter.
    pub(crate) literal: bool,
    /// Line of the file, or place in the token's list, counted from 1; 0 for a built-in rule.
    pub(crate) line: u32,
}

/// The filter of a built-in rule that concerns every topic, those that begin with `$`, too. No
/// filter of a file is empty.
pub(crate) const EVERYTHING: &str = "";

/// What is wrong with a rule's filter.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FilterFault {
    /// Not a topic filter.
    #[error(transparent)]
    Filter(#[from] record::TopicFilterError),
    /// A shared subscription.
    #[error(
        "a shared subscription is judged by its filter: leave `$share/<group>/` out of the rule"
    )]
    Shared,
    /// The placeholders of other brokers.
    #[error("`${{` begins no placeholder here: write %c for the client id, %u for the user name")]
    Placeholder,
}

impl Rule {
    /// Reads a filter, with `eq` before it or not.
    pub(crate) fn read_filter(text: &str) -> Result<(Box<str>, bool), FilterFault> {
        let (text, literal) = match text.strip_prefix("eq ") {
            Some(text) => (text.trim_start(), true),
            None => (text, false),
        };
        if text.contains("${") {
            return Err(FilterFault::Placeholder);
        }
        if text == "$share" || text.starts_with("$share/") {
            return Err(FilterFault::Shared);
        }
        let plain = text.replace("%c", "c").replace("%u", "u");
        plain.parse::<TopicFilter>()?;
        // A filter without wildcards stands for its one topic, whether it is compared as text or not.
        Ok((text.into(), literal && plain.contains(['+', '#'])))
    }

    /// The rule's filter for a session: `None` when the rule does not concern it.
    pub(crate) fn filter_for(&self, identity: &Identity) -> Option<Filled> {
        if !self.who.is(identity) {
            return None;
        }
        let client = self.filter.contains("%c");
        let user = self.filter.contains("%u");
        if !client && !user {
            return Some(Filled::AsWritten);
        }
        let username = identity.username.as_deref().unwrap_or_default();
        let missing = (client && identity.client_id.is_empty()) || (user && username.is_empty());
        let filled = fill(&self.filter, &identity.client_id, username);
        let hostile = |value: &str| value.contains(['/', '+', '#', '\0']);
        let injected = (client && hostile(&identity.client_id))
            || (user && hostile(username))
            || (self.filter.starts_with('%') && filled.starts_with('$'));
        // What a name smuggles in must not allow anything. A rule that denies takes it as it is:
        // otherwise such a name would be a way around the rule.
        let usable = !missing && (!injected || !self.allow);
        (usable && filled.parse::<TopicFilter>().is_ok()).then(|| Filled::With(filled.into()))
    }

    /// Whether the rule decides about this, when `filter` is its own, filled. `None`: it says
    /// nothing, and the next rule is asked.
    pub(crate) fn decides(&self, filter: &str, action: Action, wanted: &str) -> Option<bool> {
        if self.action.is_some_and(|own| own != action) {
            return None;
        }
        let decides = match (self.literal, action, self.allow) {
            _ if filter == EVERYTHING => true,
            (true, ..) => filter == wanted,
            // A rule allows a subscription only whole, but one topic of it is enough to deny it.
            (false, Action::Subscribe, false) => overlap(filter, wanted),
            (false, ..) => covers(filter, wanted),
        };
        decides.then_some(self.allow)
    }
}

/// A rule's filter for one session.
#[derive(Debug)]
pub(crate) enum Filled {
    AsWritten,
    With(Box<str>),
}

/// Fills both placeholders in one pass: a name with `%u` in it stays a name.
fn fill(filter: &str, client_id: &str, username: &str) -> String {
    let mut out = String::with_capacity(filter.len() + client_id.len() + username.len());
    let mut rest = filter;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('c') {
            out.push_str(client_id);
            rest = after;
        } else if let Some(after) = after.strip_prefix('u') {
            out.push_str(username);
            rest = after;
        } else {
            out.push('%');
            rest = after;
        }
    }
    out + rest
}
