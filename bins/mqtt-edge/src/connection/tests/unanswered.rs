//! Answers that wait for their frames.

use std::num::NonZeroU16;

use bytes::BytesMut;

use crate::codec::{Encoder, ReasonCode, Version};
use crate::connection::unanswered::{ExactlyOnce, Unanswered};

const V5: Encoder = Encoder::new(Version::V5);

fn id(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

/// `QoS` 1 for a frame.
fn expect(unanswered: &mut Unanswered, frame: u64, number: u16) {
    unanswered.expect(frame, id(number), ReasonCode::SUCCESS.into(), false);
}

/// What goes out when a frame is stored: first byte and identifier of each packet.
fn stored(unanswered: &mut Unanswered, frame: u64) -> Vec<(u8, u8)> {
    let mut out = BytesMut::new();
    unanswered.stored(frame, V5, &mut out);
    packets(&out)
}

fn packets(mut out: &[u8]) -> Vec<(u8, u8)> {
    let mut packets = Vec::new();
    while let [first, length, rest @ ..] = out {
        packets.push((*first, rest[1]));
        out = &rest[usize::from(*length)..];
    }
    packets
}

/// Scenario: messages of both levels in two frames, one of which gets another answer meanwhile,
/// and a refusal that needs no frame.
/// Guarantee: each answer comes with its frame, in the order of the messages; the refusal too.
#[test]
fn answers_keep_their_order() {
    let mut unanswered = Unanswered::default();
    expect(&mut unanswered, 1, 1);
    assert_eq!(unanswered.begin(id(2)), ExactlyOnce::New);
    unanswered.expect(1, id(2), ReasonCode::SUCCESS.into(), true);
    expect(&mut unanswered, 2, 3);
    let mut out = BytesMut::new();
    unanswered.refuse(
        id(4),
        ReasonCode::NOT_AUTHORIZED.into(),
        false,
        V5,
        &mut out,
    );
    assert!(out.is_empty());
    unanswered.overrule(id(3), ReasonCode::QUOTA_EXCEEDED.into());
    assert_eq!(unanswered.outstanding(), 4);
    assert_eq!(stored(&mut unanswered, 1), [(0x40, 1), (0x50, 2)]);
    // The second one until it is released.
    assert_eq!(unanswered.outstanding(), 3);
    unanswered.stored(2, V5, &mut out);
    assert_eq!(&out[..], [0x40, 3, 0, 3, 0x97, 0x40, 3, 0, 4, 0x87]);
    out.clear();
    unanswered.refuse(
        id(5),
        ReasonCode::NOT_AUTHORIZED.into(),
        false,
        V5,
        &mut out,
    );
    assert_eq!(packets(&out), [(0x40, 5)]);
    assert!(unanswered.is_stored());
    out.clear();
    assert!(!unanswered.release(id(2), V5, &mut out));
    assert!(!unanswered.release(id(2), V5, &mut out));
    assert_eq!(&out[..], [0x70, 2, 0, 2, 0x70, 3, 0, 2, 0x92]);
}

/// Scenario: a `QoS` 2 message comes again before it is stored, before that is remembered, after
/// that, and after its release.
/// Guarantee: it is stored once until it is released; neither PUBREC nor PUBCOMP is written before
/// what they say is remembered.
#[test]
fn exactly_once_until_released() {
    let mut unanswered = Unanswered::resumed(&[], true, false);
    assert_eq!(unanswered.begin(id(1)), ExactlyOnce::New);
    unanswered.expect(7, id(1), ReasonCode::SUCCESS.into(), true);
    assert_eq!(unanswered.begin(id(1)), ExactlyOnce::UnderWay);
    assert!(stored(&mut unanswered, 7).is_empty());
    assert_eq!(unanswered.begin(id(1)), ExactlyOnce::UnderWay);
    assert_eq!(unanswered.to_remember(), 1);
    let mut out = BytesMut::new();
    unanswered.remembered(1, V5, &mut out);
    assert_eq!(packets(&out), [(0x50, 1)]);
    assert_eq!(unanswered.begin(id(1)), ExactlyOnce::Known);
    out.clear();
    assert!(unanswered.release(id(1), V5, &mut out) && out.is_empty());
    assert_eq!(unanswered.received().count(), 0);
    unanswered.remembered(1, V5, &mut out);
    assert_eq!(packets(&out), [(0x70, 1)]);
    assert_eq!(unanswered.begin(id(1)), ExactlyOnce::New);
}

/// Scenario: a message of `QoS` 2 is refused when its frame is stored.
/// Guarantee: its identifier is free: the client may use it for another one (MQTT-4.3.3-9).
#[test]
fn a_refused_identifier_is_free() {
    let mut unanswered = Unanswered::resumed(&[], true, false);
    unanswered.begin(id(1));
    unanswered.expect(1, id(1), ReasonCode::SUCCESS.into(), true);
    unanswered.overrule(id(1), ReasonCode::QUOTA_EXCEEDED.into());
    assert_eq!(stored(&mut unanswered, 1), [(0x50, 1)]);
    assert_eq!(unanswered.begin(id(1)), ExactlyOnce::New);
}

/// Scenario: a message that an earlier connection, or an earlier life of the edge, has left comes
/// again.
/// Guarantee: it is known, and counts towards the Receive Maximum.
#[test]
fn what_was_left_is_known() {
    let mut unanswered = Unanswered::resumed(&[id(1), id(4)], true, true);
    assert_eq!(unanswered.outstanding(), 2);
    assert_eq!(unanswered.received().collect::<Vec<_>>(), [id(1), id(4)]);
    assert_eq!(unanswered.begin(id(4)), ExactlyOnce::Known);
    assert_eq!(unanswered.begin(id(2)), ExactlyOnce::New);
    let mut out = BytesMut::new();
    unanswered.release(id(9), V5, &mut out);
    assert_eq!(&out[..], [0x70, 2, 0, 9], "released before, perhaps");
}
