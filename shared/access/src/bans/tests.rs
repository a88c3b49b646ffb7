//! Failures, delays and bans in virtual time.

use super::*;

fn at<'a>(ip: &str, client_id: &'a str, username: Option<&'a str>) -> Attempt<'a> {
    Attempt {
        ip: ip.parse().unwrap(),
        client_id,
        username,
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn ban(of: BanOf, secs: u64) -> Ban {
    let remaining = seconds(secs);
    Ban { of, remaining }
}

/// Scenario: ten failures from one address with ever other names, then time passes.
/// Guarantee: the tenth bans the address alone, for five minutes, and the count begins anew; the
/// delay doubles up to its limit.
#[test]
fn an_address_is_banned() {
    let (bans, start) = (Bans::new(BanSettings::default()), Instant::now());
    let names: Vec<String> = (0..10).map(|number| format!("lock-{number}")).collect();
    let mut delays = Vec::new();
    for name in &names {
        let attempt = at("192.0.2.1", name, None);
        assert_eq!(bans.check(start, attempt), None);
        delays.push(bans.failed(start, attempt).as_millis());
    }
    assert_eq!(
        delays,
        [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]
    );
    let attempt = at("192.0.2.1", "other", Some("other"));
    assert_eq!(bans.check(start, attempt), Some(ban(BanOf::Address, 300)));
    assert_eq!(
        bans.check(start + seconds(299), attempt),
        Some(ban(BanOf::Address, 1))
    );
    assert_eq!(bans.check(start + seconds(300), attempt), None);
    assert_eq!(bans.failed(start + seconds(300), attempt).as_millis(), 100);
    assert_eq!(bans.check(start, at("192.0.2.2", "lock-0", None)), None);
}

/// Scenario: ten failures for one client id, and for one user name, each from another address.
/// Guarantee: the name is banned everywhere, other names are not.
#[test]
fn a_name_is_banned() {
    for (client, user, of) in [
        ("lock-7", None, BanOf::ClientId),
        ("", Some("alice"), BanOf::User),
    ] {
        let (bans, now) = (Bans::new(BanSettings::default()), Instant::now());
        for number in 0..10 {
            let ip = format!("192.0.2.{number}");
            let attempt = at(&ip, client, user);
            assert_eq!(bans.check(now, attempt), None);
            bans.failed(now, attempt);
        }
        assert_eq!(
            bans.check(now, at("198.51.100.1", client, user)),
            Some(ban(of, 300))
        );
        assert_eq!(bans.check(now, at("198.51.100.1", "x", Some("x"))), None);
    }
}

/// Scenario: failures that come slowly; a limit of 0.
/// Guarantee: nobody is banned.
#[test]
fn slow_failures_are_forgiven() {
    let (bans, start) = (Bans::new(BanSettings::default()), Instant::now());
    let attempt = at("192.0.2.1", "lock-7", None);
    for minute in 0..20 {
        for _ in 0..9 {
            bans.failed(start + seconds(60 * minute), attempt);
            assert_eq!(bans.check(start + seconds(60 * minute), attempt), None);
        }
    }
    let off = Bans::new(BanSettings {
        failures: 0,
        ..BanSettings::default()
    });
    for _ in 0..100 {
        assert_eq!(off.failed(start, attempt), Duration::ZERO);
    }
    assert_eq!(off.check(start, attempt), None);
}

/// Scenario: a lock that logged in before; then its name is tried from elsewhere, its neighbours fail
/// from its own address, and at last it fails itself.
/// Guarantee: others can't shut it out; only its own failures ban it, and only it.
#[test]
fn who_was_right_before_is_judged_alone() {
    let (bans, now) = (Bans::new(BanSettings::default()), Instant::now());
    let lock = at("192.0.2.1", "lock-7", Some("locks"));
    bans.succeeded(now, lock);
    for number in 0..20 {
        let ip = format!("198.51.100.{number}");
        bans.failed(now, at(&ip, "lock-7", Some("locks")));
        bans.failed(now, at("192.0.2.1", "other", Some("other")));
    }
    assert_eq!(bans.check(now, lock), None);
    assert!(bans.check(now, at("192.0.2.1", "new", None)).is_some());
    assert!(bans.check(now, at("203.0.113.1", "lock-7", None)).is_some());

    for _ in 0..9 {
        bans.failed(now, lock);
    }
    assert_eq!(bans.check(now, lock), None);
    bans.succeeded(now, lock);
    for _ in 0..10 {
        bans.failed(now, lock);
    }
    assert_eq!(bans.check(now, lock), Some(ban(BanOf::Login, 300)));
}

/// Scenario: failures from addresses of one /64, and of IPv4 written as IPv6.
/// Guarantee: they count as one host.
#[test]
fn one_host_has_many_addresses() {
    let (bans, now) = (Bans::new(BanSettings::default()), Instant::now());
    for number in 0..10 {
        let client = number.to_string();
        bans.failed(now, at(&format!("2001:db8::{number}"), &client, None));
        bans.failed(now, at("::ffff:192.0.2.1", &client, None));
    }
    for (ip, banned) in [
        ("2001:db8::ffff:1", true),
        ("2001:db8:0:1::1", false),
        ("192.0.2.1", true),
    ] {
        assert_eq!(bans.check(now, at(ip, "x", None)).is_some(), banned, "{ip}");
    }
}

/// Scenario: a million names fail, from as many addresses, after one was banned.
/// Guarantee: memory is bounded, and the ban is still in force at first: the oldest that is not
/// banned makes room.
#[test]
fn memory_is_bounded() {
    let (bans, now) = (Bans::bounded(BanSettings::default(), 100), Instant::now());
    for _ in 0..10 {
        bans.failed(now, at("192.0.2.1", "", None));
    }
    for number in 0..20_000_u32 {
        let ip = Ipv6Addr::from_bits(u128::from(number) << 64).to_string();
        bans.failed(now, at(&ip, &number.to_string(), Some("one")));
    }
    assert!(bans.entries() <= 500, "{}", bans.entries());
    let banned = bans.check(now, at("192.0.2.1", "", None));
    assert_eq!(banned, Some(ban(BanOf::Address, 300)));
}

/// Scenario: a client that comes and goes 16 times a minute, with the limit at 15 and without one.
/// Guarantee: it is banned by its client id for the time of a ban, and only when that is asked for.
#[test]
fn flapping_is_banned_when_asked_for() {
    let now = Instant::now();
    let settings = BanSettings {
        flapping: Some(15),
        ..BanSettings::default()
    };
    let (on, off) = (Bans::new(settings), Bans::new(BanSettings::default()));
    for count in 1..=16 {
        assert_eq!(on.disconnected(now, "lock-7"), count == 16, "{count}");
        assert!(!off.disconnected(now, "lock-7"));
    }
    let lock = at("192.0.2.1", "lock-7", None);
    assert_eq!(on.check(now, lock), Some(ban(BanOf::Flapping, 300)));
    assert_eq!(on.check(now + seconds(300), lock), None);
    assert_eq!(
        (
            on.check(now, at("192.0.2.1", "a", None)),
            off.check(now, lock)
        ),
        (None, None)
    );
}
