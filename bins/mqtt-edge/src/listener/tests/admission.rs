//! Who may connect.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::super::admission::{Admission, AdmissionLimits, Admitted, Refusal};

const WIDE: AdmissionLimits = AdmissionLimits {
    connections: 1_000_000,
    per_address: 1_000_000,
    rate: 1_000_000,
    burst: 1_000_000,
    half_open: 1_000_000,
    half_open_per_address: 1_000_000,
    per_user: None,
};

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

fn refused(admission: &Arc<Admission>, address: IpAddr, now: Instant) -> Option<Refusal> {
    admission.enter(address, now).err()
}

/// Scenario: for each limit, one connection more than it allows.
/// Guarantee: the one is refused for that reason; when one of the others has gone, there is room.
#[test]
fn each_limit_holds_and_frees() {
    let now = Instant::now();
    let cases = [
        (
            AdmissionLimits {
                connections: 2,
                ..WIDE
            },
            Refusal::Connections,
        ),
        (
            AdmissionLimits {
                per_address: 2,
                ..WIDE
            },
            Refusal::AddressConnections,
        ),
        (
            AdmissionLimits {
                half_open: 2,
                ..WIDE
            },
            Refusal::HalfOpen,
        ),
        (
            AdmissionLimits {
                half_open_per_address: 2,
                ..WIDE
            },
            Refusal::AddressHalfOpen,
        ),
    ];
    for (limits, refusal) in cases {
        let admission = Admission::new(limits);
        let first = admission.enter(address(1), now).unwrap();
        let _second = admission.enter(address(1), now).unwrap();
        assert_eq!(refused(&admission, address(1), now), Some(refusal));
        drop(first);
        assert_eq!(refused(&admission, address(1), now), None);
    }
}

/// Scenario: one address has all that one address may have; another address comes.
/// Guarantee: the other one is let in.
#[test]
fn one_address_can_not_take_it_all() {
    let now = Instant::now();
    for limits in [
        AdmissionLimits {
            per_address: 1,
            ..WIDE
        },
        AdmissionLimits {
            half_open_per_address: 1,
            ..WIDE
        },
        AdmissionLimits {
            rate: 1,
            burst: 1,
            ..WIDE
        },
    ] {
        let admission = Admission::new(limits);
        let _greedy = admission.enter(address(1), now).unwrap();
        assert!(refused(&admission, address(1), now).is_some());
        assert_eq!(refused(&admission, address(2), now), None);
    }
}

/// Scenario: connections say CONNECT: their half-open seats go, they stay.
/// Guarantee: they count as connections and no longer as half-open.
#[test]
fn who_has_introduced_itself_is_not_half_open() {
    let now = Instant::now();
    let admission = Admission::new(AdmissionLimits {
        half_open: 1,
        ..WIDE
    });
    let Admitted {
        connection,
        half_open,
    } = admission.enter(address(1), now).unwrap();
    assert_eq!((admission.open(), admission.half_open()), (1, 1));
    drop(half_open);
    assert_eq!((admission.open(), admission.half_open()), (1, 0));
    assert_eq!(refused(&admission, address(1), now), None);
    drop(connection);
    assert_eq!((admission.open(), admission.half_open()), (0, 0));
}

/// Scenario: an address connects at two hundred times its rate for ten seconds, and again after an
/// hour.
/// Guarantee: it gets its burst and its rate, and saves up no more than a burst; refused attempts
/// cost it nothing.
#[test]
fn an_address_gets_its_rate() {
    let begin = Instant::now();
    let admission = Admission::new(AdmissionLimits {
        rate: 5,
        burst: 20,
        ..WIDE
    });
    let entered = (0..10_000)
        .map(|millis| begin + Duration::from_millis(millis))
        .filter(|now| refused(&admission, address(1), *now).is_none())
        .count();
    assert!((69..=70).contains(&entered), "{entered}");
    let later = begin + Duration::from_hours(1);
    let saved = (0..100).filter(|_| refused(&admission, address(1), later).is_none());
    assert_eq!(saved.count(), 20);
}

/// Scenario: addresses of one IPv6 network, of another, and an IPv4 one written in both ways.
/// Guarantee: a /64 is one address, and so is an IPv4 address however it is written.
#[test]
fn a_network_counts_as_one_address() {
    let now = Instant::now();
    let admission = Admission::new(AdmissionLimits {
        per_address: 1,
        ..WIDE
    });
    let parsed = |text: &str| text.parse::<IpAddr>().unwrap();
    let _one = admission.enter(parsed("2001:db8::1"), now).unwrap();
    assert!(refused(&admission, parsed("2001:db8::ffff:2"), now).is_some());
    assert!(refused(&admission, parsed("2001:db8:0:1::1"), now).is_none());
    let _four = admission.enter(parsed("192.0.2.1"), now).unwrap();
    assert!(refused(&admission, parsed("::ffff:192.0.2.1"), now).is_some());
}

/// Scenario: a million addresses connect once each, with a bucket that takes an hour to fill.
/// Guarantee: the table stays below a fixed size, and who is connected is never forgotten.
#[test]
fn the_table_of_addresses_is_bounded() {
    let begin = Instant::now();
    let limits = AdmissionLimits {
        per_address: 1,
        rate: 1,
        burst: 3600,
        ..WIDE
    };
    let admission = Admission::new(limits);
    let _there = admission.enter(address(0), begin).unwrap();
    let mut most = 0;
    for number in 1..1_000_000 {
        let now = begin + Duration::from_micros(number.into());
        assert_eq!(refused(&admission, address(number), now), None);
        most = most.max(admission.addresses());
    }
    assert!(most <= 3 * 65_536, "{most} addresses");
    let refusal = refused(&admission, address(0), begin);
    assert_eq!(refusal, Some(Refusal::AddressConnections));
}

/// Scenario: addresses come and go, a second apart, each with its bucket full again by then.
/// Guarantee: they are forgotten.
#[test]
fn idle_addresses_are_forgotten() {
    let begin = Instant::now();
    let admission = Admission::new(AdmissionLimits {
        rate: 10,
        burst: 10,
        ..WIDE
    });
    for number in 0..100_000_u32 {
        let now = begin + Duration::from_millis(number.into());
        assert_eq!(refused(&admission, address(number), now), None);
    }
    assert!(admission.addresses() <= 4_200, "{}", admission.addresses());
}

/// Scenario: users connect up to their limit, leave, and come back; a client without a name too.
/// Guarantee: each has its own limit, nobody's is that of the nameless, and no name is kept.
#[test]
fn users_have_their_limit() {
    let admission = Admission::new(AdmissionLimits {
        per_user: Some(2),
        ..WIDE
    });
    let first = admission.enter_user("ada").unwrap();
    let second = admission.enter_user("ada").unwrap();
    let error = admission.enter_user("ada").unwrap_err();
    assert!(error.to_string().contains("2 connections already"));
    let nameless: Vec<_> = (0..10).map(|_| admission.enter_user("")).collect();
    assert!(nameless.iter().all(Result::is_ok));
    let other = admission.enter_user("grace").unwrap();
    drop(first);
    let third = admission.enter_user("ada").unwrap();
    assert!(admission.enter_user("ada").is_err());
    drop((second, third, other, nameless));
    assert_eq!(admission.users(), 0);
}

proptest! {
    /// Scenario: connections come, introduce themselves and go in any order, from few addresses.
    /// Guarantee: counts are never above their limits, always those of a simple count, and 0 at the
    /// end.
    #[test]
    fn counts_are_right(steps in prop::collection::vec((0_u8..3, 0_u32..4, 0_usize..8), 0..200)) {
        let now = Instant::now();
        let limits = AdmissionLimits {
            connections: 10, per_address: 4, half_open: 6, half_open_per_address: 3, ..WIDE
        };
        let admission = Admission::new(limits);
        let (mut open, mut half_open) = (Vec::new(), Vec::new());
        for (action, from, index) in steps {
            match action {
                0 => if let Ok(admitted) = admission.enter(address(from), now) {
                    open.push(admitted.connection);
                    half_open.push(admitted.half_open);
                },
                1 if index < half_open.len() => drop(half_open.swap_remove(index)),
                2 if index < open.len() => drop(open.swap_remove(index)),
                _ => {}
            }
            prop_assert_eq!(admission.open() as usize, open.len());
            prop_assert_eq!(admission.half_open() as usize, half_open.len());
            prop_assert!(open.len() <= 10 && half_open.len() <= 6);
        }
        drop((open, half_open));
        prop_assert_eq!((admission.open(), admission.half_open()), (0, 0));
    }
}
