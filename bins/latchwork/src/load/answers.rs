//! What the server says to messages: PUBACK with `QoS` 1, PUBREC and PUBCOMP with `QoS` 2.

use rmqtt_codec::types::QoS;

use super::flight::Flight;
use super::frame::{self, Frame};
use crate::mqtt_client::ReasonCode;

/// Messages of `QoS` 2 that the server has and has not completed. They still fill the window.
#[derive(Debug, Default)]
pub(super) struct Releases {
    /// Their packet identifiers: no more than the window, so a search is cheap.
    incomplete: Vec<u16>,
    /// PUBRELs that are to be written.
    unsent: Vec<u8>,
}

impl Releases {
    /// How many are not complete.
    pub(super) fn count(&self) -> u64 {
        self.incomplete.len() as u64
    }

    /// Moves the PUBRELs that are to be written to the end of `out`.
    pub(super) fn take_unsent(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.unsent);
    }

    /// The connection is gone, and with it the clean session that knew them.
    pub(super) fn clear(&mut self) {
        self.incomplete.clear();
        self.unsent.clear();
    }

    fn begin(&mut self, id: u16) {
        let [high, low] = id.to_be_bytes();
        self.unsent.extend([frame::PUBREL, 2, high, low]);
        self.incomplete.push(id);
    }

    fn complete(&mut self, id: u16) -> Result<(), String> {
        let place = self.incomplete.iter().position(|other| *other == id);
        let place = place.ok_or("a PUBCOMP of a message that was not released")?;
        self.incomplete.swap_remove(place);
        Ok(())
    }
}

/// Enters what the server says. Gives the message that it has from now on, or refuses.
pub(super) fn enter(
    qos: QoS,
    flight: &mut Flight,
    releases: &mut Releases,
    frame: Frame<'_>,
) -> Result<Option<(u64, bool)>, String> {
    match (frame.first, qos) {
        (frame::PUBACK, QoS::AtLeastOnce) => taken(flight, frame).map(|(_, answer)| Some(answer)),
        (frame::PUBREC, QoS::ExactlyOnce) => {
            let (id, answer) = taken(flight, frame)?;
            // A refused message has no second half.
            if !answer.1 {
                releases.begin(id);
            }
            Ok(Some(answer))
        }
        (frame::PUBCOMP, QoS::ExactlyOnce) => {
            let (id, _) =
                frame::acknowledgement(frame.body).ok_or("a PUBCOMP without identifier")?;
            releases.complete(id).map(|()| None)
        }
        (frame::PINGRESP, _) => Ok(None),
        (frame::DISCONNECT, _) => {
            let reason = ReasonCode(frame.body.first().copied().unwrap_or_default());
            Err(format!("the server ended the connection: {reason}"))
        }
        (other, _) => Err(format!(
            "the server sent a packet of type {}, unasked",
            other >> 4
        )),
    }
}

/// Packet identifier; sequence, and whether it is refused.
fn taken(flight: &mut Flight, frame: Frame<'_>) -> Result<(u16, (u64, bool)), String> {
    let (id, reason) =
        frame::acknowledgement(frame.body).ok_or("an acknowledgement without identifier")?;
    let refused = ReasonCode(reason).is_failure();
    let sequence = flight.acknowledge(id, refused);
    let sequence = sequence.ok_or("an acknowledgement of a message that is not on its way")?;
    Ok((id, (sequence, refused)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds one packet.
    fn say(
        flight: &mut Flight,
        releases: &mut Releases,
        packet: &[u8],
    ) -> Result<Option<(u64, bool)>, String> {
        let frame = frame::take(&mut &packet[..]).unwrap().unwrap();
        enter(QoS::ExactlyOnce, flight, releases, frame)
    }

    /// Scenario: three messages of `QoS` 2; one goes all the way, one is refused, one waits for its
    /// PUBCOMP when the connection breaks; and answers that fit nothing.
    /// Guarantee: PUBREC is what acknowledges, PUBREL follows it unless it refuses, only PUBCOMP
    /// ends the release, and what fits nothing is an error.
    #[test]
    fn qos_2_goes_its_four_steps() {
        let (mut flight, mut releases) = (Flight::default(), Releases::default());
        while flight.next(3, 20).is_some() {}
        let mut say = |packet: &[u8]| {
            let answer = say(&mut flight, &mut releases, packet);
            let mut out = Vec::new();
            releases.take_unsent(&mut out);
            (answer, out, releases.count())
        };
        assert_eq!(
            say(&[0x50, 2, 0, 1]),
            (Ok(Some((0, false))), vec![0x62, 2, 0, 1], 1)
        );
        assert_eq!(
            say(&[0x50, 3, 0, 2, 0x97]),
            (Ok(Some((1, true))), vec![], 1)
        );
        assert_eq!(say(&[0x70, 2, 0, 1]), (Ok(None), vec![], 0));
        assert!(say(&[0x70, 2, 0, 1]).0.unwrap_err().contains("PUBCOMP"));
        assert!(say(&[0x40, 2, 0, 3]).0.unwrap_err().contains("type 4"));
        assert_eq!(say(&[0x50, 2, 0, 3]).2, 1);
        assert!(say(&[0x50, 2, 0, 3]).0.is_err(), "twice");
        releases.clear();
        assert_eq!(releases.count(), 0);
    }
}
