//! A row's conversation with the edge, line by line.
//!
//! A line is a client's name, a sign, and what goes with it:
//!
//! | sign | |
//! |---|---|
//! | `a + words` | a new connection sends CONNECT, and gets CONNACK with 0; `present` is expected of it |
//! | `a ^ words` | a new connection sends CONNECT |
//! | `a > PACKET words` | sends |
//! | `a < PACKET words` | this comes next |
//! | `a ~ PACKET words` | this comes, perhaps behind others, which are expected later |
//! | `a .` | PINGREQ is sent, and nothing but PINGRESP comes |
//! | `a !` | the socket is closed without a word |
//! | `a = 8E` | the edge closes, in 5.0 with DISCONNECT and this reason; without one silently |
//! | `- wait 900` | so many milliseconds pass |
//!
//! `%` stands for a text that no other row has: it begins topics and client identifiers. A client's
//! identifier is `%` and its name, unless `id=` says another. `?name` is what `pattern.rs` has found
//! under this name. What begins with `4:` or `5:` is there in this version only, be it a word or a
//! line.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::pattern::{Names, matches};
use super::seen::seen;
use super::written::written;
use crate::raw_mqtt::{Level, RawClient};

/// A client of the row.
struct Client {
    socket: RawClient,
    /// Came before what was expected.
    early: VecDeque<Vec<String>>,
}

/// A row that runs.
pub(super) struct Conversation {
    mqtt: String,
    level: Level,
    prefix: String,
    clients: HashMap<String, Client>,
    names: Names,
    /// For the message of a failure: the row and its line.
    place: String,
}

impl Conversation {
    pub(super) fn new(mqtt: &str, level: Level, prefix: String) -> Self {
        Self {
            mqtt: mqtt.to_owned(),
            level,
            prefix,
            clients: HashMap::new(),
            names: Names::new(),
            place: String::new(),
        }
    }

    /// Holds it to its end. `what` names it in a failure.
    pub(super) async fn hold(mut self, what: &str, script: &str) {
        for text in script.lines() {
            self.place = format!("{what}, at `{}`", text.trim());
            let line = text.replace('%', &self.prefix);
            let words: Vec<&str> = line.split_whitespace().collect();
            let Some(first) = words.first().and_then(|word| self.of_version(word)) else {
                continue;
            };
            let rest = words[1..].iter().filter_map(|word| self.of_version(word));
            let rest: Vec<&str> = rest.collect();
            self.line(first, rest[0], &rest[1..]).await;
        }
    }

    /// A word that is there in this version, without its mark.
    fn of_version<'w>(&self, word: &'w str) -> Option<&'w str> {
        let (ours, other) = match self.level {
            Level::V311 => ("4:", "5:"),
            Level::V5 => ("5:", "4:"),
        };
        let is_there = !word.starts_with(other);
        is_there.then(|| word.strip_prefix(ours).unwrap_or(word))
    }

    async fn line(&mut self, who: &str, sign: &str, words: &[&str]) {
        match sign {
            "+" => {
                self.connect(who, words).await;
                let mut connack = vec!["CONNACK", "..."];
                connack.extend(words.iter().filter(|word| **word == "present"));
                let came = self.next(who).await;
                self.check(&connack, &came);
                let present = came.iter().any(|word| word == "present");
                let expected = words.contains(&"present");
                assert_eq!(present, expected, "Session Present: {}", self.place);
            }
            "^" => self.connect(who, words).await,
            ">" => self.send(who, words).await,
            "<" => {
                let came = self.next(who).await;
                self.check(words, &came);
            }
            "~" => self.find(who, words).await,
            "." => {
                self.send(who, &["PINGREQ"]).await;
                let came = self.next(who).await;
                self.check(&["PINGRESP"], &came);
            }
            "!" => drop(self.clients.remove(who)),
            "=" => self.closed(who, words.first().copied()).await,
            "wait" => {
                let millis = Duration::from_millis(words[0].parse().unwrap());
                tokio::time::sleep(millis).await;
            }
            other => panic!("no sign {other}: {}", self.place),
        }
    }

    async fn connect(&mut self, who: &str, words: &[&str]) {
        let socket = RawClient::open(&self.mqtt, self.level).await;
        let early = VecDeque::new();
        self.clients
            .insert(who.to_owned(), Client { socket, early });
        let own = format!("id={}{who}", self.prefix);
        let mut connect = vec!["CONNECT"];
        connect.extend(words);
        if !words.iter().any(|word| word.starts_with("id=")) {
            connect.push(&own);
        }
        self.send(who, &connect).await;
    }

    async fn send(&mut self, who: &str, words: &[&str]) {
        let resolved = |word: &&str| match word.split_once("=?") {
            Some((key, name)) => format!("{key}={}", self.names[name]),
            None => (*word).to_owned(),
        };
        let resolved: Vec<String> = words.iter().map(resolved).collect();
        let resolved: Vec<&str> = resolved.iter().map(String::as_str).collect();
        let bytes = written(self.level, resolved[0], &resolved[1..]);
        self.client(who).socket.send(&bytes).await;
    }

    /// The next packet, or none at the end of the connection.
    async fn maybe_next(&mut self, who: &str) -> Option<Vec<String>> {
        let (level, place) = (self.level, self.place.clone());
        let client = self.client(who);
        if let Some(early) = client.early.pop_front() {
            return Some(early);
        }
        let packet = client.socket.next(&place).await?;
        Some(seen(level, &packet))
    }

    async fn next(&mut self, who: &str) -> Vec<String> {
        let next = self.maybe_next(who).await;
        next.unwrap_or_else(|| panic!("the edge closed the connection: {}", self.place))
    }

    async fn find(&mut self, who: &str, words: &[&str]) {
        let mut passed = VecDeque::new();
        loop {
            let came = self.next(who).await;
            if self.is(words, &came) {
                break;
            }
            passed.push_back(came);
        }
        let client = self.client(who);
        passed.append(&mut client.early);
        client.early = passed;
    }

    async fn closed(&mut self, who: &str, reason: Option<&str>) {
        let mut came = Vec::new();
        while let Some(words) = self.maybe_next(who).await {
            came.push(words);
        }
        let expected = match (self.level, reason) {
            (Level::V5, Some(reason)) => {
                let mut names = Names::new();
                let disconnect = ["DISCONNECT", &format!("code={reason}")];
                let told = |came: &Vec<String>| matches(&disconnect, came, &mut names);
                came.len() == 1 && came.iter().all(told)
            }
            _ => came.is_empty(),
        };
        assert!(expected, "{}: closed with {came:?}", self.place);
        self.clients.remove(who);
    }

    fn client(&mut self, who: &str) -> &mut Client {
        let client = self.clients.get_mut(who);
        client.unwrap_or_else(|| panic!("nobody is {who}: {}", self.place))
    }

    fn is(&mut self, expected: &[&str], came: &[String]) -> bool {
        expected[0] == came[0] && matches(&expected[1..], &came[1..], &mut self.names)
    }

    fn check(&mut self, expected: &[&str], came: &[String]) {
        let is_it = self.is(expected, came);
        assert!(
            is_it,
            "{}: expected {expected:?}, came {came:?}",
            self.place
        );
    }
}
