//! `[commands]`: how signed commands are checked.

use std::path::PathBuf;

use record::TopicFilter;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Topics of commands when none are named: those of the articles.
const FILTER: &str = "devices/+/command";

/// Longest age window in seconds: a day. Each used nonce is kept as long.
const MAX_WINDOW_S: u64 = 24 * 3600;

/// Furthest that a sender's clock may be ahead, in seconds: an hour.
const MAX_FUTURE_S: u64 = 3600;

/// What is done with commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandMode {
    /// They are not checked.
    #[default]
    Off,
    /// They are checked and passed on with their verdict.
    Observe,
    /// Only good ones are passed on.
    Enforce,
}

/// How commands on some topics are treated.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandFilter {
    /// The topics; the first `+` is the lock's client id.
    #[serde(deserialize_with = "filter")]
    pub filter: TopicFilter,
    /// What is done with commands on them.
    pub mode: CommandMode,
}

/// `[commands]`: how signed commands are checked.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct CommandSettings {
    /// Topics and modes; the first that matches decides.
    pub filters: Vec<CommandFilter>,
    /// How old a command may be, in seconds.
    pub window_s: u64,
    /// How far ahead the sender's clock may be, in seconds.
    pub future_s: u64,
    /// Fewest digits of a signature, 16 or 64; where 16 are enough, whole ones pass too.
    pub sign_digits: usize,
    /// The file of root keys; `LATCHWORK_COMMAND_KEYS_FILE` names it otherwise.
    pub keys_file: Option<PathBuf>,
}

impl Default for CommandSettings {
    fn default() -> Self {
        Self {
            filters: Vec::new(),
            window_s: 300,
            future_s: 30,
            sign_digits: 16,
            keys_file: None,
        }
    }
}

impl CommandSettings {
    /// The client id of the lock that a topic's commands are for, and what is done with them;
    /// `None` when they are not checked.
    pub fn lock_of<'t>(&self, topic: &'t str) -> Option<(&'t str, CommandMode)> {
        let matching =
            |entry: &CommandFilter| Some((entry.filter.first_wildcard(topic)?, entry.mode));
        let (client_id, mode) = self.filters.iter().find_map(matching)?;
        (mode != CommandMode::Off).then_some((client_id, mode))
    }

    /// Whether any command is checked: keys and nonces are needed then.
    pub fn any_checked(&self) -> bool {
        self.filters
            .iter()
            .any(|entry| entry.mode != CommandMode::Off)
    }
}

/// The table as people write it: one filter and mode, or several in `[[commands.filters]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, deserialize_with = "some_filter")]
    filter: Option<TopicFilter>,
    mode: Option<CommandMode>,
    filters: Option<Vec<CommandFilter>>,
    #[serde(default, deserialize_with = "window")]
    window_s: Option<u64>,
    #[serde(default, deserialize_with = "future")]
    future_s: Option<u64>,
    #[serde(default, deserialize_with = "sign_digits")]
    sign_digits: Option<usize>,
    keys_file: Option<PathBuf>,
}

impl TryFrom<Written> for CommandSettings {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let filters = match (written.filter, written.mode, written.filters) {
            (None, None, Some(filters)) => filters,
            (_, _, Some(_)) => {
                return Err(
                    "`filter` and `mode` can't stand beside [[commands.filters]]; make them one of \
                     its entries"
                        .to_owned(),
                );
            }
            (filter, mode, None) => vec![CommandFilter {
                filter: filter.map_or_else(|| parsed(FILTER), Ok)?,
                mode: mode.unwrap_or_default(),
            }],
        };
        let default = Self::default();
        Ok(Self {
            filters,
            window_s: written.window_s.unwrap_or(default.window_s),
            future_s: written.future_s.unwrap_or(default.future_s),
            sign_digits: written.sign_digits.unwrap_or(default.sign_digits),
            keys_file: written.keys_file,
        })
    }
}

fn parsed(text: &str) -> Result<TopicFilter, String> {
    // The lock's client id chooses its key.
    if !text.split('/').any(|level| level == "+") {
        return Err(format!(
            "topic filter {text:?} must have a `+`: the level with the lock's client id"
        ));
    }
    text.parse()
        .map_err(|error: record::TopicFilterError| error.to_string())
}

fn filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TopicFilter, D::Error> {
    parsed(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn some_filter<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TopicFilter>, D::Error> {
    filter(deserializer).map(Some)
}

fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    let in_range = u64::try_from(seconds)
        .ok()
        .filter(|seconds| (1..=MAX_WINDOW_S).contains(seconds));
    let fault = || D::Error::custom(format!("{seconds} is out of range; use 1 to 86400 seconds"));
    in_range.map(Some).ok_or_else(fault)
}

fn future<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    let in_range = u64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds <= MAX_FUTURE_S);
    let fault = || D::Error::custom(format!("{seconds} is out of range; use 0 to 3600 seconds"));
    in_range.map(Some).ok_or_else(fault)
}

fn sign_digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let digits = i64::deserialize(deserializer)?;
    match digits {
        16 => Ok(Some(16)),
        64 => Ok(Some(64)),
        _ => Err(D::Error::custom(format!(
            "a signature has not {digits} digits; use 16 or 64"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CommandSettings, String> {
        let text = format!("[commands]\n{text}");
        let pipeline = crate::Pipeline::read(std::path::Path::new("pipeline.toml"), &text);
        pipeline
            .map(|pipeline| pipeline.commands().clone())
            .map_err(|error| error.to_string())
    }

    /// Scenario: no table, an empty one, one mode, and several filters.
    /// Guarantee: nothing is checked without a mode; the articles' topics without a filter; the
    /// first filter that matches decides.
    #[test]
    fn filters_and_modes_are_read() {
        let none = CommandSettings::default();
        assert!(!none.any_checked() && none.lock_of("devices/1/command").is_none());
        let empty = read("").unwrap();
        assert!(!empty.any_checked());
        assert_eq!(
            (empty.window_s, empty.future_s, empty.sign_digits),
            (300, 30, 16)
        );
        let one = read("mode = \"observe\"\nkeys_file = \"keys\"\nsign_digits = 64\n").unwrap();
        assert_eq!(
            one.lock_of("devices/1/command"),
            Some(("1", CommandMode::Observe))
        );
        assert_eq!(one.lock_of("devices/1/state"), None);
        assert!(one.keys_file.is_some() && one.sign_digits == 64);
        let several = read(
            "[[commands.filters]]\nfilter = \"devices/7/+/x\"\nmode = \"off\"\n\
             [[commands.filters]]\nfilter = \"devices/+/#\"\nmode = \"enforce\"\n",
        )
        .unwrap();
        assert_eq!(several.lock_of("devices/7/1/x"), None);
        assert_eq!(
            several.lock_of("devices/7/1/y"),
            Some(("7", CommandMode::Enforce))
        );
        assert!(several.any_checked());
    }

    /// Scenario: a mistake of each kind.
    /// Guarantee: one line with its place and what to write instead.
    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, expected) in [
            (
                "mod = \"off\"",
                "line 2, column 1: unknown key `mod`; did you mean `mode`?",
            ),
            (
                "mode = \"enforced\"",
                "line 2, column 8: unknown value `enforced`; did you mean `enforce`?",
            ),
            (
                "filter = \"a/#/b\"",
                "line 2, column 10: topic filter \"a/#/b\"",
            ),
            (
                "filter = \"+/a+\"",
                "line 2, column 10: topic filter \"+/a+\"",
            ),
            (
                "filter = \"a/b\"",
                "line 2, column 10: topic filter \"a/b\" must have a `+`",
            ),
            ("filter = 1", "line 2, column 10: invalid type: integer `1`"),
            (
                "window_s = 0",
                "line 2, column 12: 0 is out of range; use 1 to 86400 seconds",
            ),
            (
                "future_s = -1",
                "line 2, column 12: -1 is out of range; use 0 to 3600 seconds",
            ),
            (
                "sign_digits = 32",
                "line 2, column 15: a signature has not 32 digits; use 16 or 64",
            ),
            (
                "mode = \"off\"\n[[commands.filters]]\nfilter = \"+\"\nmode = \"off\"",
                "line 1, column 1: `filter` and `mode` can't stand beside",
            ),
            (
                "[[commands.filters]]\nfilter = \"+\"",
                "the key `mode` is missing",
            ),
            (
                "[[commands.filters]]\nfilter = \"+\"\nmode = \"off\"\nx = 1",
                "line 5, column 1: unknown key `x`",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
