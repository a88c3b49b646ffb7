//! What is with the client.

use std::num::NonZeroU16;

use super::{delivery, payload};
use crate::sessions::window::{Origin, Phase, Place, Window};

fn id(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

fn send(window: &mut Window, number: u32, qos: u8) -> NonZeroU16 {
    let packet_id = window.free_id();
    window.sent_as(packet_id, delivery(number, qos), Origin::Kept);
    packet_id
}

/// Scenario: messages are acknowledged in another order than they were sent in, one twice.
/// Guarantee: each acknowledgement frees its own message, the second one nothing; identifiers in
/// use are not given again, not even after the numbers have gone round.
#[test]
fn identifiers_are_unique() {
    let mut window = Window::default();
    let ids: Vec<_> = (1..=3).map(|number| send(&mut window, number, 1)).collect();
    assert_eq!(ids, [id(1), id(2), id(3)]);
    let (second, _) = window.acknowledged(id(2)).unwrap();
    assert_eq!(payload(&second), "2");
    assert!(window.acknowledged(id(2)).is_none());
    for _ in 0..70_000 {
        let packet_id = send(&mut window, 0, 1);
        assert!(packet_id != id(1) && packet_id != id(3));
        window.acknowledged(packet_id).unwrap();
    }
    assert_eq!(window.len(), 2);
}

/// Scenario: of two `QoS` 2 messages the client has received the first when its connection ends.
/// Guarantee: the next connection sends a PUBREL for it and the other message again, in their
/// order, with their identifiers; PUBCOMP and PUBACK of what is not expected change nothing.
#[test]
fn the_next_connection_goes_on() {
    let mut window = Window::default();
    send(&mut window, 1, 2);
    send(&mut window, 2, 2);
    assert!(!window.completed(id(1)));
    let (first, _) = window.received(id(1)).unwrap();
    assert_eq!(payload(&first), "1");
    assert!(window.received(id(1)).is_none() && window.is_released(id(1)));
    assert!(window.acknowledged(id(1)).is_none());
    assert_eq!(window.sent(), 2);
    window.disconnected();
    assert_eq!((window.len(), window.sent()), (2, 0));
    let again = window.next_unsent().unwrap();
    assert!(again.packet_id == id(1) && matches!(again.phase, Phase::Release));
    again.sent = true;
    let again = window.next_unsent().unwrap();
    assert!(again.packet_id == id(2) && matches!(again.phase, Phase::Publish(_)));
    again.sent = true;
    assert!(window.next_unsent().is_none());
    assert!(window.completed(id(1)) && !window.completed(id(1)));
}

/// Scenario: an identifier that an earlier life of the edge has used, and a message of the queue
/// that is with the client.
/// Guarantee: the identifier is not given to another message until it is free; the place is known
/// as long as the message is there.
#[test]
fn what_was_before_is_kept_apart() {
    let mut window = Window::default();
    window.reserve(id(1));
    let place = Place { seq: 7, index: 0 };
    let fresh = window.free_id();
    assert_eq!(fresh, id(2));
    window.sent_as(id(1), delivery(1, 2), Origin::Stored(place));
    assert!(window.has(place) && !window.has(Place { seq: 7, index: 1 }));
    window.received(id(1)).unwrap();
    assert!(!window.has(place));
    assert!(window.completed(id(1)));
}
