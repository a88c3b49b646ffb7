//! Topic aliases (MQTT 5.0, section 3.3.2.3.4), in both directions. They end with the connection.

use std::collections::HashMap;
use std::num::NonZeroU16;

use bytestring::ByteString;

use super::End;
use crate::codec::{Publish, ReasonCode};

/// Aliases that the client may use at most: a device has a few topics.
pub(crate) const MAX_FROM_CLIENT: u16 = 32;

/// Aliases that are given at most, whatever the client would take.
const MAX_TO_CLIENT: u16 = 64;

/// The aliases of one connection.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    theirs: HashMap<NonZeroU16, ByteString>,
    ours: HashMap<Box<str>, NonZeroU16>,
    our_max: u16,
}

/// How a topic is written to the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Written<'t> {
    pub(super) topic: &'t str,
    pub(super) alias: Option<NonZeroU16>,
}

impl Written<'_> {
    /// Whether the client learns the alias with this message.
    pub(super) fn is_new(&self) -> bool {
        self.alias.is_some() && !self.topic.is_empty()
    }
}

impl Aliases {
    /// `max_to_client`: the client's Topic Alias Maximum (MQTT-3.3.2-9).
    pub(super) fn new(max_to_client: u16) -> Self {
        Self {
            our_max: max_to_client.min(MAX_TO_CLIENT),
            ..Self::default()
        }
    }

    /// Puts the topic of its alias into a publish that came with one (MQTT-3.3.2-12).
    pub(super) fn resolve(&mut self, publish: &mut Publish) -> Result<(), End> {
        let Some(alias) = publish
            .properties
            .as_ref()
            .and_then(|sent| sent.topic_alias)
        else {
            return Ok(());
        };
        if !publish.topic.is_empty() {
            // Not a view of the read buffer: it stays.
            let topic = ByteString::from(&*publish.topic);
            self.theirs.insert(alias, topic);
            return Ok(());
        }
        let Some(topic) = self.theirs.get(&alias) else {
            let text = format!("topic alias {alias} was never given a topic");
            return Err(End::protocol(ReasonCode::PROTOCOL_ERROR, text));
        };
        publish.topic = topic.clone();
        Ok(())
    }

    /// The alias of a topic to the client; the first topics get one, and keep it.
    pub(super) fn write<'t>(&mut self, topic: &'t str) -> Written<'t> {
        if let Some(alias) = self.ours.get(topic) {
            return Written {
                topic: "",
                alias: Some(*alias),
            };
        }
        let given = u16::try_from(self.ours.len()).unwrap_or(u16::MAX);
        let alias = (given < self.our_max)
            .then(|| NonZeroU16::MIN.checked_add(given))
            .flatten();
        if let Some(alias) = alias {
            self.ours.insert(topic.into(), alias);
        }
        Written { topic, alias }
    }

    /// The message of the last [`write`](Self::write), which gave a new alias, was too large: the
    /// client has not learned it.
    pub(super) fn take_back(&mut self, topic: &str) {
        self.ours.remove(topic);
    }
}
