//! What a client says with its acknowledgements.

use std::num::NonZeroU16;

use super::*;
use crate::codec::{AckProperties, ReasonCode};

/// What is read of a packet with these bytes behind its identifier.
fn ack(first: u8, rest: &[&[u8]]) -> Packet {
    let bytes = packet(first, &[&[0, 7][..], &rest.concat()]);
    one(Version::V5, &bytes)
}

/// Scenario: PUBACK and PUBREC with a reason string between two user properties of one name, with an
/// empty list, without a list, and in the shortest form; PUBREL and PUBCOMP with properties.
/// Guarantee: the properties of the former two are read in order and are absent where there are
/// none; those of the others are passed over.
#[test]
fn properties_of_acknowledgements() {
    let pair = |value| [&[0x26][..], &field("n"), &field(value)].concat();
    let reason = [&[0x1F][..], &field("words")].concat();
    let list = properties(&[&pair("1"), &reason, &pair("")]);
    let read = Some(Box::new(AckProperties {
        reason_string: Some("words".into()),
        user_properties: vec![("n".into(), "1".into()), ("n".into(), "".into())],
    }));
    let packet_id = NonZeroU16::new(7).unwrap();
    let reason = ReasonCode::SUCCESS;
    let cases: [(&[&[u8]], _); 4] = [
        (&[&[0], &list], read),
        (&[&[0], &[0]], None),
        (&[&[0]], None),
        (&[], None),
    ];
    for (rest, properties) in cases {
        let expected = Packet::PubAck {
            packet_id,
            reason,
            properties: properties.clone(),
        };
        assert_eq!(ack(0x40, rest), expected, "{rest:?}");
        let expected = Packet::PubRec {
            packet_id,
            reason,
            properties,
        };
        assert_eq!(ack(0x50, rest), expected, "{rest:?}");
    }
    let released = Packet::PubRel { packet_id, reason };
    assert_eq!(ack(0x62, &[&[0], &list]), released);
    let completed = Packet::PubComp { packet_id, reason };
    assert_eq!(ack(0x70, &[&[0], &list]), completed);
}
