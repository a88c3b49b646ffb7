//! The end of a session's queue.

use super::{delivery, payload};
use crate::bus::Delivery;
use crate::sessions::mailbox::{Mailbox, Next};
use crate::sessions::window::Place;

/// What a connection finds: `read AFTER`, or a message.
async fn next(mailbox: &Mailbox) -> String {
    match mailbox.next().await {
        Next::Read(after) => format!("read {after}"),
        Next::Message(place, delivery) => {
            format!("{:?} {}", place.map(|place| place.seq), payload(&delivery))
        }
    }
}

fn entry(numbers: &[u32]) -> Vec<Delivery> {
    numbers.iter().map(|number| delivery(*number, 1)).collect()
}

/// Scenario: entry 1 was stored before the connection came, entries 2 and 3 while it reads, the
/// second of which the lane has not handed over yet, entry 4 after it has read all.
/// Guarantee: each message comes once, in the order of storing: what is behind something that is
/// read is read too, and what a lane hands over late is known.
#[tokio::test]
async fn reading_and_handing_over_meet() {
    let mailbox = Mailbox::default();
    mailbox.stored(1, entry(&[1]));
    mailbox.open();
    assert_eq!(next(&mailbox).await, "read 0");
    mailbox.stored(2, entry(&[2, 3]));
    assert_eq!(mailbox.read(1, 1), [0]);
    assert_eq!(next(&mailbox).await, "read 1");
    assert_eq!(mailbox.read(2, 2), [0, 1]);
    assert_eq!(mailbox.read(3, 1), [0]);
    mailbox.stored(3, entry(&[4]));
    mailbox.read_to_the_end();
    mailbox.stored(4, entry(&[5]));
    mailbox.stored(1, entry(&[1]));
    assert_eq!(next(&mailbox).await, "Some(4) 5");
}

/// Scenario: so much waits that an entry is not taken; then the client takes some of it, and two
/// more entries are stored before it has taken the rest.
/// Guarantee: they come behind the one that was not taken.
#[tokio::test]
async fn what_is_behind_a_gap_waits_for_it() {
    let mailbox = Mailbox::default();
    mailbox.open();
    mailbox.read_to_the_end();
    let mut large = delivery(0, 1);
    let payload = bytes::Bytes::from(vec![b'x'; 3 << 20]);
    std::sync::Arc::make_mut(&mut large.message).payload = payload;
    mailbox.stored(1, vec![large.clone()]);
    mailbox.stored(2, vec![large.clone()]);
    mailbox.stored(3, entry(&[3]));
    assert!(next(&mailbox).await.starts_with("Some(1)"));
    mailbox.stored(4, entry(&[4]));
    assert!(next(&mailbox).await.starts_with("Some(2)"));
    assert_eq!(next(&mailbox).await, "read 2");
    assert_eq!((mailbox.read(3, 1), mailbox.read(4, 1)), (vec![0], vec![0]));
    mailbox.stored(5, entry(&[5]));
    mailbox.read_to_the_end();
    assert_eq!(next(&mailbox).await, "Some(5) 5");
}

/// Scenario: the client takes one of an entry's two messages, and connects again; then it takes
/// the other one.
/// Guarantee: only the other one is read again; the entry can be removed with the last one, and is
/// forgotten then.
#[tokio::test]
async fn what_is_done_is_not_read_again() {
    let mailbox = Mailbox::default();
    mailbox.open();
    assert_eq!(mailbox.read(5, 2), [0, 1]);
    assert!(!mailbox.done(Place { seq: 5, index: 0 }));
    mailbox.close();
    mailbox.open();
    assert_eq!(next(&mailbox).await, "read 0");
    assert_eq!(mailbox.read(5, 2), [1]);
    assert!(mailbox.done(Place { seq: 5, index: 1 }));
    assert!(mailbox.has(5));
    mailbox.removed(5);
    assert!(!mailbox.has(5));
    let late = "a read that began before the removal brings it";
    assert!(mailbox.read(5, 2).is_empty(), "{late}");
}

/// Scenario: the client takes nothing while lanes store 6 MiB for it, then it takes all.
/// Guarantee: memory stays bounded, and it is told to read from the first entry that was not handed
/// over; nothing is missing and nothing comes twice.
#[tokio::test]
async fn what_is_too_much_is_read_later() {
    const ENTRIES: u64 = 6 * 1024;
    let mailbox = Mailbox::default();
    mailbox.open();
    mailbox.read_to_the_end();
    let payload = bytes::Bytes::from(vec![b'x'; 1024]);
    for seq in 1..=ENTRIES {
        let mut large = delivery(0, 1);
        std::sync::Arc::make_mut(&mut large.message).payload = payload.clone();
        mailbox.stored(seq, vec![large]);
    }
    let mut got = Vec::new();
    loop {
        match mailbox.next().await {
            Next::Message(place, _) => got.push(place.unwrap().seq),
            Next::Read(after) if after < ENTRIES => {
                let seq = after + 1;
                got.extend(mailbox.read(seq, 1).iter().map(|_| seq));
            }
            Next::Read(_) => {
                mailbox.read_to_the_end();
                break;
            }
        }
    }
    assert_eq!(got, (1..=ENTRIES).collect::<Vec<_>>());
}

/// Scenario: `QoS` 0 for a client that is there, and for one that is away.
/// Guarantee: the first gets it, without a place; the other never.
#[tokio::test]
async fn what_passes_is_for_those_who_are_there() {
    let mailbox = Mailbox::default();
    assert!(!mailbox.passing(delivery(1, 0)));
    mailbox.open();
    mailbox.read_to_the_end();
    assert!(mailbox.passing(delivery(2, 0)));
    assert_eq!(next(&mailbox).await, "None 2");
}
