//! How much one client may publish.

use std::time::Duration;

use tokio::time::Instant;

use super::super::{PublishArgs, PublishLimits, PublishRate, Taken};

fn account(messages: Option<u32>, bytes: Option<u64>, now: Instant) -> Option<PublishRate> {
    let args = PublishArgs {
        publish_rate: messages,
        publish_bytes_rate: bytes,
        publish_rate_patience: 60,
    };
    PublishLimits::new(&args).account(now)
}

/// Scenario: no limit is set.
/// Guarantee: a client has no account, and costs nothing.
#[test]
fn there_is_no_account_without_a_limit() {
    assert!(account(None, None, Instant::now()).is_none());
}

/// Scenario: a client publishes just as much as it may, for an hour.
/// Guarantee: it never waits.
#[test]
fn the_rate_passes() {
    let begin = Instant::now();
    let mut account = account(Some(10), Some(1000), begin).unwrap();
    for tenth in 0..36_000 {
        let now = begin + Duration::from_millis(100 * tenth);
        assert_eq!(account.take(1, 100, now), Taken::Now);
    }
}

/// Scenario: a client that waits as it is told publishes ten at once again and again, or one
/// message that is ten times a second's bytes.
/// Guarantee: it gets through with just its rate.
#[test]
fn more_than_the_rate_waits() {
    let begin = Instant::now();
    for (messages, bytes) in [(Some(5), None), (None, Some(50))] {
        let mut account = account(messages, bytes, begin).unwrap();
        let (mut now, mut sent) = (begin, 0);
        while now - begin < Duration::from_secs(50) {
            sent += 10;
            match account.take(10, 100, now) {
                Taken::Now => {}
                Taken::Wait(wait) => now += wait,
                Taken::TooLong => panic!("before the patience is over"),
            }
        }
        assert!((250..=265).contains(&sent), "{sent} at 5 per second");
    }
}

/// Scenario: a client publishes more than it may, waits as it is told, and does not change.
/// Guarantee: after the patience, and not before, it is to be closed.
#[test]
fn patience_ends() {
    let begin = Instant::now();
    let mut account = account(Some(5), None, begin).unwrap();
    let mut now = begin;
    let closed = loop {
        match account.take(10, 0, now) {
            Taken::Now => {}
            Taken::Wait(wait) => now += wait,
            Taken::TooLong => break now - begin,
        }
    };
    assert!((60..=64).contains(&closed.as_secs()), "{closed:?}");
}

/// Scenario: a client publishes a burst that it has to wait for, is quiet for half a second, and
/// does so again for ten minutes.
/// Guarantee: it is slowed down and never closed.
#[test]
fn a_pause_restores_patience() {
    let begin = Instant::now();
    let mut account = account(Some(10), None, begin).unwrap();
    let mut now = begin;
    while now - begin < Duration::from_mins(10) {
        match account.take(30, 0, now) {
            Taken::Now => {}
            Taken::Wait(wait) => now += wait + Duration::from_millis(501),
            Taken::TooLong => panic!("closed after {:?}", now - begin),
        }
    }
}

/// Scenario: a read with as many messages and bytes as a number can hold; a rate of 0.
/// Guarantee: nothing overflows, and the wait is finite.
#[test]
fn extremes_are_harmless() {
    let now = Instant::now();
    let mut account = account(Some(0), Some(0), now).unwrap();
    let taken = account.take(usize::MAX, usize::MAX, now);
    assert_eq!(taken, Taken::Wait(Duration::from_hours(24)));
}
