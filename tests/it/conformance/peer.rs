//! A client of the fuzz test: it sends what is legal, and judges all that comes.

mod judge;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::seen::seen;
use super::written::written;
use crate::raw_mqtt::{Level, RawClient, RawPacket};

/// How far one of its own messages is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Own {
    /// Waits for PUBACK or PUBREC.
    Published,
    /// Has PUBREC, and is not released.
    Received,
    /// Waits for PUBCOMP.
    Released,
}

/// How far a message for it is.
#[derive(Clone, Copy, Debug)]
struct Theirs {
    qos: u8,
    /// PUBREC was sent.
    received: bool,
    /// On this connection, and so under its Receive Maximum.
    here: bool,
}

/// One client over all its connections.
pub(super) struct Peer {
    pub(super) name: String,
    mqtt: String,
    level: Level,
    receive_maximum: u16,
    socket: Option<RawClient>,
    /// The session was there before this connection: what was lost with the last one may come.
    resumed: bool,
    next_id: u16,
    /// Its own messages: the words to send them again, and how far they are.
    own: BTreeMap<u16, (Vec<String>, Own)>,
    /// Identifiers of messages in the order in which they have to be answered, by `QoS`.
    unanswered: [VecDeque<u16>; 3],
    theirs: BTreeMap<u16, Theirs>,
    /// Payloads of `QoS` 2 that it has: none may come twice.
    once: BTreeSet<Vec<u8>>,
    /// It does not answer what it gets.
    pub(super) lazy: bool,
    /// What it has sent and got, for the message of a failure.
    history: Vec<String>,
}

impl Peer {
    pub(super) fn new(mqtt: &str, name: String, level: Level, receive_maximum: u16) -> Self {
        Self {
            name,
            mqtt: mqtt.to_owned(),
            level,
            receive_maximum,
            socket: None,
            resumed: false,
            next_id: 0,
            own: BTreeMap::new(),
            unanswered: Default::default(),
            theirs: BTreeMap::new(),
            once: BTreeSet::new(),
            lazy: false,
            history: Vec::new(),
        }
    }

    /// Connects. A session that goes on makes it send again what it must.
    pub(super) async fn connect(&mut self, keep: bool) {
        self.socket = Some(RawClient::open(&self.mqtt, self.level).await);
        let id = format!("id={}", self.name);
        let rmax = format!("rmax={}", self.receive_maximum);
        let start = if keep { "keep" } else { "clean" };
        self.send("CONNECT", &[start, &id, &rmax, "session=60"])
            .await;
        let connack = self.next("CONNACK").await;
        assert_eq!((connack.first, connack.body[1]), (0x20, 0), "{connack:?}");
        let present = connack.body[0] == 1;
        assert!(keep || !present, "MQTT-3.2.2-2");
        self.unanswered = Default::default();
        self.resumed = present;
        if !present {
            self.own.clear();
            self.theirs.clear();
            return;
        }
        for theirs in self.theirs.values_mut() {
            theirs.here = false;
        }
        for (id, (words, own)) in self.own.clone() {
            match own {
                Own::Published => self.publish_again(id, &words).await,
                Own::Received => {}
                Own::Released => self.send("PUBREL", &[&format!("id={id}")]).await,
            }
        }
    }

    async fn publish_again(&mut self, id: u16, words: &[String]) {
        let qos = if words.iter().any(|word| word == "qos=2") {
            2
        } else {
            1
        };
        self.unanswered[qos].push_back(id);
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.push("dup");
        self.send("PUBLISH", &words).await;
    }

    /// Leaves, with a word or without.
    pub(super) async fn leave(&mut self, says_so: bool) {
        if says_so {
            self.send("DISCONNECT", &[]).await;
        }
        self.socket = None;
    }

    pub(super) async fn publish(&mut self, topic: &str, payload: &str, qos: u8, retain: bool) {
        let mut words = vec![
            format!("topic={topic}"),
            format!("payload={payload}"),
            format!("qos={qos}"),
        ];
        words.extend(retain.then(|| "retain".to_owned()));
        if qos > 0 {
            let id = self.free_id();
            words.push(format!("id={id}"));
            self.own.insert(id, (words.clone(), Own::Published));
            self.unanswered[usize::from(qos)].push_back(id);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.send("PUBLISH", &words).await;
    }

    /// Releases every message that has its PUBREC.
    pub(super) async fn release(&mut self) {
        let own = self.own.iter();
        let received = own.filter(|(_, (_, own))| *own == Own::Received);
        let received: Vec<u16> = received.map(|(id, _)| *id).collect();
        for id in received {
            self.own.get_mut(&id).unwrap().1 = Own::Released;
            self.send("PUBREL", &[&format!("id={id}")]).await;
        }
    }

    /// Answers all that waits for its answer.
    pub(super) async fn answer_all(&mut self) {
        self.lazy = false;
        for (id, theirs) in self.theirs.clone() {
            if theirs.here && !theirs.received {
                self.answer(id).await;
            }
        }
    }

    /// Everything of its own is answered, and it holds nothing.
    pub(super) fn is_done(&self) -> bool {
        self.own.is_empty() && self.theirs.is_empty()
    }

    pub(super) async fn subscribe(&mut self, filter: &str, qos: u8) {
        let id = format!("id={}", self.free_id());
        self.send("SUBSCRIBE", &[&id, &format!("filter={filter}:{qos}")])
            .await;
    }

    pub(super) async fn unsubscribe(&mut self, filter: &str) {
        let id = format!("id={}", self.free_id());
        self.send("UNSUBSCRIBE", &[&id, &format!("filter={filter}")])
            .await;
    }

    /// Handles all that comes before the answer to a ping.
    pub(super) async fn settle(&mut self) {
        self.send("PINGREQ", &[]).await;
        loop {
            let packet = self.next("PINGRESP").await;
            if packet.first == 0xD0 {
                return;
            }
            self.came(&packet).await;
        }
    }

    fn free_id(&mut self) -> u16 {
        loop {
            self.next_id = self.next_id.wrapping_add(1).max(1);
            if !self.own.contains_key(&self.next_id) {
                return self.next_id;
            }
        }
    }

    async fn send(&mut self, name: &str, words: &[&str]) {
        self.history.push(format!("> {name} {}", words.join(" ")));
        let bytes = written(self.level, name, words);
        self.socket.as_mut().unwrap().send(&bytes).await;
    }

    async fn next(&mut self, what: &str) -> RawPacket {
        let what = format!("{what} for {}", self.name);
        let next = self.socket.as_mut().unwrap().next(&what).await;
        let next = next.unwrap_or_else(|| panic!("closed, instead of {what}"));
        self.history
            .push(format!("< {}", seen(self.level, &next).join(" ")));
        next
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}:\n{}", self.name, self.history.join("\n"));
        }
    }
}
