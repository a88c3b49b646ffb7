//! The edge's own options on the command line of a stack: read here, and passed on as they stand.

use std::ffi::{OsStr, OsString};

use access::AccessArgs;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};
use mqtt_edge::listener::ListenerArgs;

/// What [`StackOptions`](super::StackOptions) says itself.
const OF_THE_STACK: [&str; 2] = ["mqtt", "allow_anonymous"];

/// Where MQTT clients connect, who may, and who may do what: mqtt-edge's options, each with its
/// name, variable and default.
#[derive(Clone, Debug)]
pub struct EdgeOptions {
    /// Ports, certificates and limits.
    pub listeners: ListenerArgs,
    /// Users, rules and bans.
    pub access: AccessArgs,
    given: Vec<OsString>,
}

impl EdgeOptions {
    /// What stands on the command line, for mqtt-edge, but for `--mqtt` and `--allow-anonymous`.
    /// What the environment says a child process inherits.
    pub fn arguments(&self) -> &[OsString] {
        &self.given
    }

    /// The ports, for people.
    pub fn ports(&self) -> String {
        let ListenerArgs {
            mqtt,
            mqtts,
            ws,
            wss,
            ..
        } = &self.listeners;
        let kinds = [
            ("", Some(mqtt)),
            ("TLS ", mqtts.as_ref()),
            ("WebSocket ", ws.as_ref()),
            ("WebSocket on TLS ", wss.as_ref()),
        ];
        let open = kinds.iter().filter_map(|(kind, address)| {
            let address = address.filter(|address| *address != "off")?;
            Some(format!("{kind}{address}"))
        });
        open.collect::<Vec<_>>().join(", ")
    }
}

impl Args for EdgeOptions {
    fn augment_args(command: Command) -> Command {
        AccessArgs::augment_args(ListenerArgs::augment_args(command))
    }

    fn augment_args_for_update(command: Command) -> Command {
        AccessArgs::augment_args_for_update(ListenerArgs::augment_args_for_update(command))
    }
}

impl FromArgMatches for EdgeOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        Ok(Self {
            // First, because the others take their values away.
            given: given(matches),
            listeners: ListenerArgs::from_arg_matches_mut(matches)?,
            access: AccessArgs::from_arg_matches_mut(matches)?,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.given = given(matches);
        self.listeners.update_from_arg_matches(matches)?;
        self.access.update_from_arg_matches(matches)
    }
}

fn given(matches: &ArgMatches) -> Vec<OsString> {
    let edge = EdgeOptions::augment_args(Command::new("edge"));
    let words = edge.get_arguments().map(|option| words(option, matches));
    words.flatten().collect()
}

/// An option as it was given; nothing when it was not, or not on the command line.
fn words(option: &Arg, matches: &ArgMatches) -> Vec<OsString> {
    let id = option.get_id().as_str();
    let by_hand = matches.value_source(id) == Some(ValueSource::CommandLine);
    let name = option
        .get_long()
        .filter(|_| by_hand && !OF_THE_STACK.contains(&id));
    let Some(name) = name else {
        return Vec::new();
    };
    let name = OsString::from(format!("--{name}"));
    if !option.get_action().takes_values() {
        return vec![name];
    }
    let with_value = |value: &OsStr| {
        let mut word = name.clone();
        word.push("=");
        word.push(value);
        word
    };
    let values = matches.get_raw(id).into_iter().flatten();
    values.map(with_value).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        edge: EdgeOptions,
    }

    fn edge(line: &str) -> EdgeOptions {
        let words = std::iter::once("program").chain(line.split_whitespace());
        Program::try_parse_from(words).unwrap().edge
    }

    /// Scenario: options of ports, certificates, limits, users and rules, with values that begin
    /// with a sign of their own, and none at all.
    /// Guarantee: mqtt-edge reads from what is passed on the same as was given, whatever the way of
    /// writing; defaults are not passed on, so that its environment decides them.
    #[test]
    fn what_is_given_arrives() {
        assert_eq!(edge("").arguments(), Vec::<OsString>::new());
        let line = "--mqtt off --mqtts 0.0.0.0:8883 --tls-cert=c.pem --tls-key k.pem \
                    --max-connections-per-user 3 --allow-anonymous --acl-file=-acl --ban-for 1m";
        let given = edge(line);
        let words = [&[OsString::from("mqtt-edge")], given.arguments()].concat();
        let passed = mqtt_edge::Args::try_parse_from(words).unwrap();
        assert_eq!(passed.listeners.mqtts.as_deref(), Some("0.0.0.0:8883"));
        assert_eq!(passed.listeners.tls.tls_key, Some("k.pem".into()));
        assert_eq!(passed.listeners.limits.max_connections_per_user, Some(3));
        assert_eq!(passed.access.acl_file, Some("-acl".into()));
        assert_eq!(passed.access.ban_for.as_secs(), 60);
        assert!(!passed.access.allow_anonymous && passed.listeners.mqtt != "off");
        assert_eq!(given.arguments().len(), 6);
    }

    /// Scenario: one port, and all but the plain one.
    /// Guarantee: people read each that is open, with its kind.
    #[test]
    fn ports_are_told() {
        assert_eq!(edge("--mqtt 127.0.0.1:1").ports(), "127.0.0.1:1");
        let line = "--mqtt off --mqtts h:2 --ws h:3 --wss h:4 --tls-cert c --tls-key k";
        let told = "TLS h:2, WebSocket h:3, WebSocket on TLS h:4";
        assert_eq!(edge(line).ports(), told);
    }
}
