//! MQTT topic filters and what they match.

use std::fmt;
use std::str::FromStr;

/// A topic filter: levels between `/`, `+` for one level, `#` for the rest
/// (MQTT 5.0 section 4.7). Checked when made.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TopicFilter(Box<str>);

/// Why a text is no topic filter.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TopicFilterError {
    /// MQTT-4.7.3-1.
    #[error("a topic filter must not be empty")]
    Empty,
    /// MQTT-1.5.4-2.
    #[error("topic filter {0:?} contains the null character")]
    Null(String),
    /// MQTT-4.7.1-1: `#` stands alone in the last level.
    #[error("topic filter {0:?}: `#` must be the whole last level")]
    MultiLevel(String),
    /// MQTT-4.7.1-2: `+` stands alone in its level.
    #[error("topic filter {0:?}: `+` must be a whole level")]
    SingleLevel(String),
    /// MQTT-4.7.3-3.
    #[error("a topic filter of {0} bytes is too long; the limit is 65,535")]
    TooLong(usize),
}

impl TopicFilter {
    /// `#`: every topic but those that begin with `$`.
    pub fn everything() -> Self {
        Self("#".into())
    }

    /// The level of a topic where the filter has its first `+`, when it matches.
    pub fn first_wildcard<'t>(&self, topic: &'t str) -> Option<&'t str> {
        let level = self.0.split('/').position(|level| level == "+")?;
        self.matches(topic).then(|| topic.split('/').nth(level))?
    }

    /// The filter as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches a topic. A wildcard in the first level does not match a topic that
    /// begins with `$` (MQTT-4.7.2-1).
    pub fn matches(&self, topic: &str) -> bool {
        if topic.starts_with('$') && (self.0.starts_with('+') || self.0.starts_with('#')) {
            return false;
        }
        let mut levels = topic.split('/');
        for level in self.0.split('/') {
            match level {
                "#" => return true,
                "+" => {
                    if levels.next().is_none() {
                        return false;
                    }
                }
                literal => {
                    if levels.next() != Some(literal) {
                        return false;
                    }
                }
            }
            // `a/#` matches its parent `a` too.
        }
        levels.next().is_none()
    }
}

impl FromStr for TopicFilter {
    type Err = TopicFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(TopicFilterError::Empty);
        }
        if text.len() > usize::from(u16::MAX) {
            return Err(TopicFilterError::TooLong(text.len()));
        }
        if text.contains('\0') {
            return Err(TopicFilterError::Null(text.into()));
        }
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            if level.contains('#') && (level != "#" || levels.peek().is_some()) {
                return Err(TopicFilterError::MultiLevel(text.into()));
            }
            if level.contains('+') && level != "+" {
                return Err(TopicFilterError::SingleLevel(text.into()));
            }
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the matching examples of MQTT 5.0 section 4.7.1 and 4.7.2.
    /// Guarantee: each matches, or does not, as the specification says.
    #[test]
    fn matches_as_the_specification_says() {
        for (filter, topic, expected) in [
            ("devices/+/state", "devices/1/state", true),
            ("devices/+/state", "devices//state", true),
            ("devices/+/state", "devices/1/2/state", false),
            ("devices/+/state", "devices/1/state/", false),
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            (
                "sport/tennis/player1/#",
                "sport/tennis/player1/score/wimbledon",
                true,
            ),
            ("sport/#", "sport", true),
            ("#", "a/b", true),
            ("+", "finance", true),
            ("+", "/finance", false),
            ("/+", "/finance", true),
            ("+/+", "/finance", true),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
            ("$SYS/#", "$SYS/x", true),
            ("Devices", "devices", false),
        ] {
            let filter: TopicFilter = filter.parse().unwrap();
            assert_eq!(filter.matches(topic), expected, "{filter} on {topic}");
        }
    }

    /// Scenario: filters that break a rule of section 4.7.
    /// Guarantee: each is refused.
    #[test]
    fn refuses_broken_filters() {
        for bad in ["", "a#", "a/#/b", "#/", "a+", "a/+b/c", "++", "a\0b"] {
            assert!(bad.parse::<TopicFilter>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(65_536).parse::<TopicFilter>().is_err());
    }
}
