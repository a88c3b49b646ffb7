//! The lines of an ACL file.

use std::net::IpAddr;

use ipnet::IpNet;

use super::rule::{Action, FilterFault, Rule, Who};

/// What is wrong with a line of an ACL file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RuleFault {
    /// The first word is none of the four.
    #[error(
        "{0:?} names nobody; a rule begins with `all`, `user NAME`, `client ID` or `ip ADDRESS`"
    )]
    Who(String),
    /// Neither allow nor deny.
    #[error("{0:?} is neither `allow` nor `deny`")]
    Permission(String),
    /// No action.
    #[error("{0:?} is none of `publish`, `subscribe` and `all`")]
    Action(String),
    /// A word is missing.
    #[error(
        "a word is missing; a rule is WHO allow|deny publish|subscribe|all [eq] FILTER, \
         e.g. `user alice allow all factory/#`"
    )]
    Short,
    /// Something follows the filter.
    #[error("{0:?} follows the topic filter; put a filter with spaces into double quotes")]
    Long(String),
    /// Not an address.
    #[error("{0:?} is no address; write 10.0.0.0/8, 192.0.2.7 or fd00::/8")]
    Address(String),
    /// A quote is left open.
    #[error("a double quote is not closed")]
    Quote,
    /// Wrong filter.
    #[error(transparent)]
    Filter(#[from] FilterFault),
}

/// Reads a line; `None` when it is empty or a comment.
pub(super) fn read_line(text: &str, line: u32) -> Result<Option<Rule>, RuleFault> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let mut words = Words(text);
    let who = who(&mut words)?;
    let allow = match words.require()?.as_str() {
        "allow" => true,
        "deny" => false,
        other => return Err(RuleFault::Permission(other.to_owned())),
    };
    let action = match words.require()?.as_str() {
        "publish" => Some(Action::Publish),
        "subscribe" => Some(Action::Subscribe),
        "all" => None,
        other => return Err(RuleFault::Action(other.to_owned())),
    };
    let mut filter = words.require()?;
    if filter == "eq" && !words.0.is_empty() {
        filter = format!("eq {}", words.require()?);
    }
    if !words.0.is_empty() {
        return Err(RuleFault::Long(words.0.to_owned()));
    }
    let (filter, literal) = Rule::read_filter(&filter)?;
    Ok(Some(Rule {
        who,
        allow,
        action,
        filter,
        literal,
        line,
    }))
}

fn who(words: &mut Words<'_>) -> Result<Who, RuleFault> {
    Ok(match words.require()?.as_str() {
        "all" => Who::All,
        "user" => Who::User(words.require()?.into()),
        "client" => Who::Client(words.require()?.into()),
        "ip" => {
            let text = words.require()?;
            let net = text
                .parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(|ip| ip.to_canonical().into()))
                .map_err(|_| RuleFault::Address(text))?;
            Who::Ip(net)
        }
        other => return Err(RuleFault::Who(other.to_owned())),
    })
}

/// What is left of a line: words between spaces, or between double quotes, where `\` takes the
/// next character as it is.
struct Words<'t>(&'t str);

impl Words<'_> {
    fn require(&mut self) -> Result<String, RuleFault> {
        if self.0.is_empty() {
            return Err(RuleFault::Short);
        }
        let Some(quoted) = self.0.strip_prefix('"') else {
            let end = self.0.find(char::is_whitespace).unwrap_or(self.0.len());
            let (word, rest) = self.0.split_at(end);
            self.0 = rest.trim_start();
            return Ok(word.to_owned());
        };
        let mut word = String::new();
        let mut characters = quoted.chars();
        loop {
            match characters.next() {
                Some('"') => break,
                Some('\\') => word.push(characters.next().ok_or(RuleFault::Quote)?),
                Some(character) => word.push(character),
                None => return Err(RuleFault::Quote),
            }
        }
        self.0 = characters.as_str().trim_start();
        Ok(word)
    }
}
