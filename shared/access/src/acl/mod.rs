//! The ACL file: who may publish and subscribe to what.
//!
//! ```text
//! # who            may   what       topic filter
//! user alice       allow all        factory/#
//! client sensor-1  deny  subscribe  secret/#
//! all              allow publish    devices/%c/state
//! all              allow subscribe  devices/%c/command
//! ip 10.0.0.0/8    allow all        #
//! all              deny  subscribe  eq #
//! ```
//!
//! Rules are asked from top to bottom; the first that decides, decides. Where none does, the answer
//! is no.
//!
//! * **Who**: `all`, `user NAME`, `client ID`, `ip ADDRESS` or `ip NETWORK`. A name with spaces
//!   stands in double quotes; so does a filter.
//! * **`%c`** stands for the client id, **`%u`** for the user name, in any part of a filter. In a
//!   rule that allows, a name with `/`, `+` or `#` in it never matches: nobody gets further by
//!   choosing a name. Nor does a name that would make the filter begin with `$`. A rule with
//!   `%u` does not concern a session without a proven user name.
//! * **Publish**: a rule decides when its filter matches the topic.
//! * **Subscribe**: a rule that allows decides when it allows *every* topic that the wanted filter
//!   matches; a rule that denies decides when it denies *one* of them. So a subscription never
//!   shows a topic that is denied above the rule that allows it. `$share/group/filter` is judged by
//!   its filter.
//! * **`eq FILTER`** with wildcards compares text: `deny subscribe eq #` refuses the subscription to
//!   `#`, and nothing else. It says nothing about publishing.
//! * A wildcard at a filter's beginning leaves topics out that begin with `$`, as in MQTT: `$SYS/#`
//!   is denied unless a rule names it.
//! * `#` at the beginning of a line makes it a comment; elsewhere it belongs to a filter.

mod parse;
mod permissions;
mod rule;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::file::{self, FileError};
pub use parse::RuleFault;
pub use permissions::{By, Decision, Permissions};
pub use rule::{Action, FilterFault, Identity};
pub(crate) use rule::{EVERYTHING, Rule, Who};

/// What the file is called in errors.
pub(crate) const ACL_FILE: &str = "ACL file";

/// The rules of an ACL file.
#[derive(Debug)]
pub struct Acl {
    rules: Box<[Rule]>,
    /// The rules as they were written, by line.
    text: Box<str>,
}

impl Acl {
    /// Everybody may do everything, but nobody may publish to `$SYS/#`: what the broker says of
    /// itself is said by the broker alone.
    pub fn allow_all() -> Self {
        let rule = |allow, action, filter: &str| Rule {
            who: Who::All,
            allow,
            action,
            filter: filter.into(),
            literal: false,
            line: 0,
        };
        let rules = [
            rule(false, Some(Action::Publish), "$SYS/#"),
            rule(true, None, EVERYTHING),
        ];
        Self {
            rules: rules.into(),
            text: "".into(),
        }
    }

    /// Nobody may do anything.
    pub(crate) fn deny_all() -> Self {
        Self {
            rules: Box::default(),
            text: "".into(),
        }
    }

    /// Reads an ACL file.
    pub fn from_file(file: &Path) -> Result<Self, FileError> {
        let bytes = std::fs::read(file).map_err(|source| FileError::Read {
            what: ACL_FILE,
            file: file.to_owned(),
            source,
        })?;
        Self::parse(file, &bytes)
    }

    /// Reads the text of an ACL file; its name is for errors.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self, FileError> {
        let text = file::text(ACL_FILE, file, bytes)?;
        let mut rules = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let rule = parse::read_line(line, number)
                .map_err(|fault| FileError::line(ACL_FILE, file, number as usize, fault))?;
            rules.extend(rule);
        }
        Ok(Self {
            rules: rules.into(),
            text: text.into(),
        })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none, so that everything is denied.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// A line as it was written; lines count from 1.
    pub fn line(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.text.lines().nth(index).map(str::trim)
    }
}
