//! The publishes of a client that wait for their last word.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU16;

use bytes::BytesMut;

use crate::codec::{Answer, Encoder, ReasonCode};

/// What the client waits for: PUBACKs and PUBRECs until their frames are stored, and what it has
/// to release.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    /// In the order of the messages (MQTT-4.6.0-2, MQTT-4.6.0-3).
    waiting: VecDeque<Waiting>,
    /// `QoS` 2 messages until they are released.
    exactly_once: BTreeMap<NonZeroU16, Stored>,
    /// The session outlives its connection, and perhaps this edge: which messages are stored and
    /// not released is remembered before the client hears of it. Otherwise a repetition would be
    /// stored again, or a new message under an old identifier not at all.
    remember: bool,
    to_remember: Vec<Unsaid>,
    /// The session goes on: a release that comes again is part of that, not a fault.
    is_resumed: bool,
}

#[derive(Debug)]
struct Waiting {
    frame: u64,
    packet_id: NonZeroU16,
    answer: Answer,
    exactly_once: bool,
}

/// How far a `QoS` 2 message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stored {
    NotYet,
    Yes,
}

/// An answer that waits until it is remembered.
#[derive(Clone, Copy, Debug)]
enum Unsaid {
    Received(NonZeroU16, Answer),
    Completed(NonZeroU16),
}

/// What a `QoS` 2 PUBLISH is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ExactlyOnce {
    New,
    /// Known, and its PUBREC will come.
    UnderWay,
    /// Known, and stored: PUBREC again (MQTT-4.3.3-10).
    Known,
}

impl Unanswered {
    /// Goes on where an earlier connection of the session was.
    pub(super) fn resumed(received: &[NonZeroU16], remember: bool, is_resumed: bool) -> Self {
        Self {
            is_resumed,
            exactly_once: received.iter().map(|id| (*id, Stored::Yes)).collect(),
            remember,
            ..Self::default()
        }
    }

    /// A `QoS` 2 PUBLISH came. Many clients do not mark a repetition, so the mark means nothing.
    pub(super) fn begin(&mut self, packet_id: NonZeroU16) -> ExactlyOnce {
        match self.exactly_once.get(&packet_id) {
            Some(Stored::NotYet) => ExactlyOnce::UnderWay,
            Some(Stored::Yes) if self.is_unsaid(packet_id) => ExactlyOnce::UnderWay,
            Some(Stored::Yes) => ExactlyOnce::Known,
            None => {
                self.exactly_once.insert(packet_id, Stored::NotYet);
                ExactlyOnce::New
            }
        }
    }

    /// Whether its PUBREC waits until it is remembered.
    fn is_unsaid(&self, packet_id: NonZeroU16) -> bool {
        let is_it = |unsaid: &Unsaid| matches!(unsaid, Unsaid::Received(id, _) if *id == packet_id);
        self.to_remember.iter().any(is_it)
    }

    /// An answer that waits for a frame.
    pub(super) fn expect(
        &mut self,
        frame: u64,
        packet_id: NonZeroU16,
        answer: Answer,
        exactly_once: bool,
    ) {
        self.waiting.push_back(Waiting {
            frame,
            packet_id,
            answer,
            exactly_once,
        });
    }

    /// A refusal, which waits for nothing but the answers before it.
    pub(super) fn refuse(
        &mut self,
        packet_id: NonZeroU16,
        answer: Answer,
        exactly_once: bool,
        encoder: Encoder,
        out: &mut BytesMut,
    ) {
        let before = self.waiting.back().map(|last| last.frame);
        let frame = before.unwrap_or(0);
        self.expect(frame, packet_id, answer, exactly_once);
        if before.is_none() {
            self.stored(frame, encoder, out);
        }
    }

    /// Something was found out about a message since: another answer.
    pub(super) fn overrule(&mut self, packet_id: NonZeroU16, answer: Answer) {
        let mut waiting = self.waiting.iter_mut();
        if let Some(waiting) = waiting.find(|waiting| waiting.packet_id == packet_id) {
            waiting.answer = answer;
        }
    }

    /// Frames up to this one are stored: writes their answers. True when some are to be
    /// remembered first.
    pub(super) fn stored(&mut self, frame: u64, encoder: Encoder, out: &mut BytesMut) -> bool {
        while let Some(first) = self.waiting.front().filter(|first| first.frame <= frame) {
            let (packet_id, answer, exactly_once) =
                (first.packet_id, first.answer, first.exactly_once);
            self.waiting.pop_front();
            if !exactly_once {
                encoder.encode_puback(packet_id, answer, out);
            } else if answer.reason.is_failure() {
                self.exactly_once.remove(&packet_id);
                encoder.encode_pubrec(packet_id, answer, out);
            } else {
                self.exactly_once.insert(packet_id, Stored::Yes);
                self.say(Unsaid::Received(packet_id, answer), encoder, out);
            }
        }
        !self.to_remember.is_empty()
    }

    /// A PUBREL. True when its PUBCOMP is to be remembered first.
    pub(super) fn release(
        &mut self,
        packet_id: NonZeroU16,
        encoder: Encoder,
        out: &mut BytesMut,
    ) -> bool {
        if self.exactly_once.get(&packet_id) == Some(&Stored::Yes) {
            self.exactly_once.remove(&packet_id);
            self.say(Unsaid::Completed(packet_id), encoder, out);
        } else {
            // 3.1.1 has no word for it. Some 5.0 clients take it for a failure of the message.
            let reason = if self.is_resumed {
                ReasonCode::SUCCESS
            } else {
                ReasonCode::PACKET_IDENTIFIER_NOT_FOUND
            };
            encoder.encode_pubcomp(packet_id, reason, out);
        }
        !self.to_remember.is_empty()
    }

    fn say(&mut self, unsaid: Unsaid, encoder: Encoder, out: &mut BytesMut) {
        if self.remember {
            self.to_remember.push(unsaid);
        } else {
            unsaid.encode(encoder, out);
        }
    }

    /// What is stored and released is remembered up to here: writes those answers.
    pub(super) fn remembered(&mut self, count: usize, encoder: Encoder, out: &mut BytesMut) {
        let count = count.min(self.to_remember.len());
        for unsaid in self.to_remember.drain(..count) {
            unsaid.encode(encoder, out);
        }
    }

    /// How many answers wait to be remembered.
    pub(super) fn to_remember(&self) -> usize {
        self.to_remember.len()
    }

    /// Messages that count towards our Receive Maximum.
    pub(super) fn outstanding(&self) -> usize {
        self.waiting.len() + self.received().count()
    }

    /// Whether everything is stored.
    pub(super) fn is_stored(&self) -> bool {
        self.waiting.is_empty()
    }

    /// `QoS` 2 messages that are stored and not released.
    pub(super) fn received(&self) -> impl Iterator<Item = NonZeroU16> {
        let all = self.exactly_once.iter();
        all.filter(|(_, stored)| **stored == Stored::Yes)
            .map(|(packet_id, _)| *packet_id)
    }
}

impl Unsaid {
    fn encode(self, encoder: Encoder, out: &mut BytesMut) {
        match self {
            Self::Received(packet_id, answer) => encoder.encode_pubrec(packet_id, answer, out),
            Self::Completed(packet_id) => {
                encoder.encode_pubcomp(packet_id, ReasonCode::SUCCESS, out);
            }
        }
    }
}
