//! What a server may send now.

use super::super::bytes::Bytes;
use super::super::properties;
use super::{Own, Peer, Theirs};
use crate::raw_mqtt::{Level, RawPacket};

impl Peer {
    pub(super) async fn came(&mut self, packet: &RawPacket) {
        let mut body = Bytes(&packet.body);
        match packet.first & 0xF0 {
            0x30 => self.delivered(packet).await,
            0x40 => self.answered(1, body.two()),
            0x50 => {
                let id = body.two();
                self.answered(2, id);
                // Every other message waits for its release until that is asked for.
                if id.is_multiple_of(2) {
                    self.release().await;
                }
            }
            0x60 => {
                let id = body.two();
                let theirs = self.theirs.remove(&id);
                // Unknown, when an earlier PUBCOMP was never read.
                let legal = theirs.map_or(self.resumed, |theirs| theirs.received);
                assert!(legal, "{}: PUBREL of {id}, {theirs:?}", self.name);
                self.send("PUBCOMP", &[&format!("id={id}")]).await;
            }
            0x70 => {
                let own = self.own.remove(&body.two());
                assert!(
                    matches!(own, Some((_, Own::Released))),
                    "{packet:?}: {own:?}"
                );
            }
            0x90 | 0xB0 => {}
            _ => panic!("{} got {packet:?}", self.name),
        }
    }

    /// Answers come in the order of the messages (MQTT-4.6.0-2, MQTT-4.6.0-3).
    fn answered(&mut self, qos: usize, id: u16) {
        let first = self.unanswered[qos].pop_front();
        assert_eq!(first, Some(id), "{} at QoS {qos}", self.name);
        if qos == 1 {
            self.own.remove(&id);
        } else {
            self.own.get_mut(&id).unwrap().1 = Own::Received;
        }
    }

    async fn delivered(&mut self, packet: &RawPacket) {
        let mut body = Bytes(&packet.body);
        let (qos, dup) = (packet.first >> 1 & 3, packet.first & 8 != 0);
        body.blob();
        if qos == 0 {
            return;
        }
        let id = body.two();
        if self.level == Level::V5 {
            properties::read(&mut body);
        }
        let again = self.theirs.get(&id).copied();
        let legal = match again {
            // Perhaps it was sent before, and never read.
            None => !dup || self.resumed,
            // Perhaps its PUBREC was never read.
            Some(theirs) => dup && !theirs.here && theirs.qos == qos,
        };
        assert!(legal, "{}: {packet:?}, and {id} is {again:?}", self.name);
        let retained = packet.first & 1 != 0;
        if qos == 2 && again.is_none() && !retained {
            let new = self.once.insert(body.rest().to_vec());
            if !new {
                eprintln!("TWICE {}", self.name);
            }
        }
        let (received, here) = (false, true);
        self.theirs.insert(
            id,
            Theirs {
                qos,
                received,
                here,
            },
        );
        let under_way = self.theirs.values().filter(|theirs| theirs.here).count();
        let maximum = usize::from(self.receive_maximum);
        let within = self.level == Level::V311 || under_way <= maximum;
        assert!(within, "MQTT-3.3.4-9: {under_way} of {maximum}");
        if !self.lazy {
            self.answer(id).await;
        }
    }

    pub(super) async fn answer(&mut self, id: u16) {
        let word = format!("id={id}");
        let theirs = self.theirs.get_mut(&id).unwrap();
        if theirs.qos == 1 {
            self.theirs.remove(&id);
            self.send("PUBACK", &[&word]).await;
        } else {
            theirs.received = true;
            self.send("PUBREC", &[&word]).await;
        }
    }
}
