use std::sync::LazyLock;
use std::time::Duration;

use alert::{Alert, AlertKind, Change};
use proptest::prelude::*;

use super::*;
use crate::{ChannelKind, Language, Zone};

fn delivery(number: usize, address: &str, not_before_ms: u64, deadline_ms: u64) -> Delivery {
    Delivery {
        id: format!("{number:032x}"),
        channel: ChannelKind::Email,
        address: address.to_owned(),
        name: "Mei".to_owned(),
        language: Language::En,
        zone: Zone::default(),
        alert: Alert {
            id: format!("{number:032x}"),
            kind: AlertKind::Offline,
            severity: AlertKind::Offline.severity(),
            change: Change::Raised,
            lock: "7".to_owned(),
            ts: 0,
            message: "Offline.".to_owned(),
            details: std::collections::BTreeMap::new(),
        },
        not_before_ms,
        deadline_ms,
    }
}

fn error(retry: bool, scope: Scope, retry_after: Option<Duration>) -> SendError {
    let reason = "test".to_owned();
    SendError {
        retry,
        retry_after,
        scope,
        reason,
    }
}

fn later() -> SendError {
    error(true, Scope::Message, None)
}

fn queue(options: QueueOptions) -> Queue<usize> {
    static TEMPLATES: LazyLock<Arc<Templates>> =
        LazyLock::new(|| Arc::new(Templates::shipped().unwrap()));
    Queue::new(options, Arc::clone(&TEMPLATES), 7)
}

/// Pushes `count` deliveries to an address, due at once, with a deadline of a day.
fn fill(queue: &mut Queue<usize>, address: &str, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let pushed = queue.push(delivery(number, address, 0, 86_400_000), number, 0);
        assert_eq!(pushed, Pushed::Held);
    }
}

/// Scenario: as many wait for one address as are sent alone, then one more.
/// Guarantee: they go one by one, in order; one more makes them one digest of all.
#[test]
fn many_become_one_digest() {
    let mut queue = queue(QueueOptions::default());
    fill(&mut queue, "a", 0..5);
    let first = queue.next(0).unwrap();
    assert_eq!(first.message.alerts.len(), 1);
    assert!(queue.next(0).is_none(), "its address is busy");
    fill(&mut queue, "a", 5..7);
    assert_eq!(queue.succeeded(first, 0), [0]);

    let digest = queue.next(0).unwrap();
    assert_eq!(digest.members.len(), 6);
    assert!(digest.message.subject.contains("6 alerts"));
    assert_eq!(queue.succeeded(digest, 0), [1, 2, 3, 4, 5, 6]);
    assert!(queue.is_empty() && queue.next_wake(0).is_none());
}

/// Scenario: more wait than a digest holds.
/// Guarantee: the rest is the next digest.
#[test]
fn a_digest_has_a_limit() {
    let options = QueueOptions {
        digest_limit: 10,
        ..QueueOptions::default()
    };
    let mut queue = queue(options);
    fill(&mut queue, "a", 0..18);
    let sizes: Vec<usize> = std::iter::from_fn(|| {
        let outgoing = queue.next(0)?;
        let size = outgoing.members.len();
        assert!(!queue.succeeded(outgoing, 0).is_empty());
        Some(size)
    })
    .collect();
    assert_eq!(sizes, [10, 8]);
}

/// Scenario: one address fails again and again; nine others work.
/// Guarantee: the nine get theirs at once, and the pauses of the one double, up to the most.
#[test]
fn one_that_fails_holds_nobody_else() {
    let backoff = Backoff {
        first_ms: 1000,
        most_ms: 8000,
    };
    let rate = Rate {
        per_minute: 6000,
        burst: 100,
    };
    let options = QueueOptions {
        backoff,
        address_rate: rate,
        channel_rate: rate,
        ..QueueOptions::default()
    };
    let mut queue = queue(options);
    for number in 0..10 {
        fill(&mut queue, &format!("a{number}"), number..number + 1);
    }
    let mut sent = Vec::new();
    while let Some(outgoing) = queue.next(0) {
        if outgoing.message.address == "a0" {
            assert!(queue.failed(outgoing, &later(), 0).is_empty());
        } else {
            sent.extend(queue.succeeded(outgoing, 0));
        }
    }
    sent.sort_unstable();
    assert_eq!(sent, (1..10).collect::<Vec<_>>());

    let mut now_ms = 0;
    for most in [1000, 2000, 4000, 8000, 8000, 8000] {
        let wake_ms = queue.next_wake(now_ms).unwrap();
        let pause = wake_ms - now_ms;
        assert!((most / 2..=most).contains(&pause), "{pause} of {most}");
        assert!(queue.next(wake_ms - 1).is_none());
        now_ms = wake_ms;
        let again = queue.next(now_ms).unwrap();
        assert!(queue.failed(again, &later(), now_ms).is_empty());
    }
}

/// Scenario: the channel sends one a second; one address has five waiting when another gets its first.
/// Guarantee: the newcomer does not wait for all five.
#[test]
fn addresses_take_turns() {
    let channel_rate = Rate {
        per_minute: 60,
        burst: 1,
    };
    let mut queue = queue(QueueOptions {
        channel_rate,
        ..QueueOptions::default()
    });
    fill(&mut queue, "a", 0..5);
    let mut order = String::new();
    for now_ms in (0..6000).step_by(1000) {
        let outgoing = queue.next(now_ms).unwrap();
        order.push_str(&outgoing.message.address);
        assert!(!queue.succeeded(outgoing, now_ms).is_empty());
        if now_ms == 0 {
            let newcomer = delivery(9, "b", 500, 86_400_000);
            assert_eq!(queue.push(newcomer, 9, 500), Pushed::Held);
        }
    }
    assert_eq!(order, "aabaaa");
}

/// Scenario: the other side asks to wait for a minute.
/// Guarantee: nothing goes to that address before.
#[test]
fn retry_after_is_kept() {
    let mut queue = queue(QueueOptions::default());
    fill(&mut queue, "a", 0..1);
    let outgoing = queue.next(0).unwrap();
    let asked = error(true, Scope::Message, Some(Duration::from_mins(1)));
    assert!(queue.failed(outgoing, &asked, 0).is_empty());
    assert_eq!(queue.next_wake(0), Some(60_000));
    assert!(queue.next(59_999).is_none() && queue.next(60_000).is_some());
}

/// Scenario: the mail server is gone while a hundred addresses wait; three were under way.
/// Guarantee: one at a time tries whether it is back; when it is, all go at once.
#[test]
fn an_outage_is_probed_by_one() {
    let fast = Rate {
        per_minute: 60_000,
        burst: 1000,
    };
    let mut queue = queue(QueueOptions {
        channel_rate: fast,
        ..QueueOptions::default()
    });
    for number in 0..100 {
        fill(&mut queue, &format!("a{number}"), number..number + 1);
    }
    let outage = error(true, Scope::Channel, None);
    let under_way = [
        queue.next(0).unwrap(),
        queue.next(0).unwrap(),
        queue.next(0).unwrap(),
    ];
    for outgoing in under_way {
        assert!(queue.failed(outgoing, &outage, 0).is_empty());
    }
    assert!(queue.is_down() && queue.next(0).is_none());
    let wake_ms = queue.next_wake(0).unwrap();
    assert!(
        (500..=1000).contains(&wake_ms),
        "three failures of one outage are one: {wake_ms}"
    );

    let probe = queue.next(wake_ms).unwrap();
    assert!(queue.next(wake_ms).is_none());
    assert_eq!(
        queue.next_wake(wake_ms),
        Some(86_400_000),
        "only deadlines, while the probe runs"
    );
    assert!(queue.failed(probe, &outage, wake_ms).is_empty());
    let again_ms = queue.next_wake(wake_ms).unwrap();
    assert!((1000..=2000).contains(&(again_ms - wake_ms)));
    let wake_ms = again_ms;
    let probe = queue.next(wake_ms).unwrap();
    let mut sent = queue.succeeded(probe, wake_ms).len();
    while let Some(outgoing) = queue.next(wake_ms) {
        sent += queue.succeeded(outgoing, wake_ms).len();
    }
    assert_eq!(sent, 100);
}

/// Scenario: in an outage, the one that tries is refused for itself.
/// Guarantee: that is an answer: the channel works, and the others go.
#[test]
fn a_refusal_ends_an_outage() {
    let mut queue = queue(QueueOptions::default());
    fill(&mut queue, "a", 0..1);
    fill(&mut queue, "b", 1..2);
    let outgoing = queue.next(0).unwrap();
    let outage = error(true, Scope::Channel, None);
    assert!(queue.failed(outgoing, &outage, 0).is_empty());
    let probe = queue.next(1000).unwrap();
    assert_eq!(probe.message.address, "b", "who failed has to wait");
    let refused = queue.failed(probe, &error(false, Scope::Message, None), 1000);
    assert_eq!(refused.len(), 1);
    assert!(!queue.is_down() && queue.next(1000).is_some());
}

/// Scenario: a message is refused for good; another's deadline passes, first waiting, then under way.
/// Guarantee: each is given back for the dead letters, once.
#[test]
fn refused_and_expired_are_given_back() {
    let mut queue = queue(QueueOptions::default());
    fill(&mut queue, "a", 0..1);
    let outgoing = queue.next(0).unwrap();
    let rejected = queue.failed(outgoing, &error(false, Scope::Message, None), 0);
    assert_eq!(
        rejected.iter().map(|(_, token)| *token).collect::<Vec<_>>(),
        [0]
    );

    assert_eq!(queue.push(delivery(1, "b", 5000, 9000), 1, 0), Pushed::Held);
    assert_eq!(queue.push(delivery(2, "c", 0, 9000), 2, 0), Pushed::Held);
    let outgoing = queue.next(0).unwrap();
    assert!(queue.expired(8999).is_empty());
    let tokens = |expired: Vec<(Delivery, usize)>| -> Vec<usize> {
        expired.into_iter().map(|(_, token)| token).collect()
    };
    assert_eq!(queue.next_wake(8999), Some(8999), "b is due");
    assert!(queue.next(9000).is_none());
    assert_eq!(tokens(queue.expired(9000)), [1]);
    assert!(queue.failed(outgoing, &later(), 9000).is_empty());
    assert_eq!(queue.next_wake(9000), Some(9000));
    assert_eq!(tokens(queue.expired(9000)), [2]);
    assert!(queue.is_empty());
}

/// Scenario: a delivery comes again while it waits, while it is under way, after it was sent, and
/// after the window.
/// Guarantee: it is sent once within the window, and the caller knows what to do with each token.
#[test]
fn what_comes_again_is_sent_once() {
    let mut queue = queue(QueueOptions {
        sent_window_ms: 1000,
        ..QueueOptions::default()
    });
    let again = |queue: &mut Queue<usize>, token, now_ms| {
        queue.push(delivery(0, "a", 0, 86_400_000), token, now_ms)
    };
    assert_eq!(again(&mut queue, 1, 0), Pushed::Held);
    assert_eq!(again(&mut queue, 2, 0), Pushed::Duplicate(2));
    let outgoing = queue.next(0).unwrap();
    assert_eq!(again(&mut queue, 3, 0), Pushed::Duplicate(3));
    assert_eq!(queue.succeeded(outgoing, 10), [1]);
    assert_eq!(again(&mut queue, 4, 1009), Pushed::Sent(4));
    assert_eq!(again(&mut queue, 5, 1010), Pushed::Held);
}

/// Scenario: addresses come and go; time passes.
/// Guarantee: nothing of them is kept.
#[test]
fn idle_addresses_are_forgotten() {
    let mut queue = queue(QueueOptions {
        sent_limit: 10,
        ..QueueOptions::default()
    });
    for number in 0..1000 {
        let now_ms = number as u64 * 1000;
        let address = format!("a{number}");
        assert_eq!(
            queue.push(delivery(number, &address, 0, u64::MAX), number, now_ms),
            Pushed::Held
        );
        let outgoing = queue.next(now_ms).unwrap();
        assert!(!queue.succeeded(outgoing, now_ms).is_empty());
    }
    assert!(queue.lanes.len() < 150, "{}", queue.lanes.len());
    assert!(queue.turns.is_empty() && queue.deadlines.is_empty() && queue.held.is_empty());
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Push {
        address: usize,
        wait_ms: u64,
        life_ms: u64,
    },
    Pass(u64),
    Next,
    Succeed(usize),
    Fail(usize, bool, bool),
    Expired,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_usize, 0..5000_u64, 1..200_000_u64)
            .prop_map(|(address, wait_ms, life_ms)| Step::Push { address, wait_ms, life_ms }),
        2 => (0..20_000_u64).prop_map(Step::Pass),
        4 => Just(Step::Next),
        2 => any::<usize>().prop_map(Step::Succeed),
        2 => (any::<usize>(), prop::bool::weighted(0.8), prop::bool::weighted(0.3))
            .prop_map(|(index, retry, outage)| Step::Fail(index, retry, outage)),
        1 => Just(Step::Expired),
    ]
}

/// What a run did, to be judged at its end.
struct Run {
    queue: Queue<usize>,
    now_ms: u64,
    pushed: usize,
    under_way: Vec<Outgoing<usize>>,
    /// When each message went, and to whom.
    went: Vec<(u64, String)>,
    settled: Vec<usize>,
}

impl Run {
    fn step(&mut self, step: Step) {
        let now_ms = self.now_ms;
        match step {
            Step::Push {
                address,
                wait_ms,
                life_ms,
            } => {
                let address = format!("a{address}");
                let not_before_ms = now_ms + wait_ms;
                let delivery = delivery(
                    self.pushed,
                    &address,
                    not_before_ms,
                    not_before_ms + life_ms,
                );
                assert_eq!(self.queue.push(delivery, self.pushed, now_ms), Pushed::Held);
                self.pushed += 1;
            }
            Step::Pass(ms) => self.now_ms += ms,
            Step::Next => self.next(),
            Step::Succeed(index) if !self.under_way.is_empty() => {
                let outgoing = self.under_way.swap_remove(index % self.under_way.len());
                self.settled.extend(self.queue.succeeded(outgoing, now_ms));
            }
            Step::Fail(index, retry, outage) if !self.under_way.is_empty() => {
                let outgoing = self.under_way.swap_remove(index % self.under_way.len());
                let scope = if outage {
                    Scope::Channel
                } else {
                    Scope::Message
                };
                let rejected = self
                    .queue
                    .failed(outgoing, &error(retry, scope, None), now_ms);
                assert!(rejected.is_empty() || !retry);
                self.settled
                    .extend(rejected.into_iter().map(|(_, token)| token));
            }
            Step::Succeed(_) | Step::Fail(..) => {}
            Step::Expired => self.expired(),
        }
    }

    fn next(&mut self) {
        let now_ms = self.now_ms;
        let Some(outgoing) = self.queue.next(now_ms) else {
            let wake_ms = self.queue.next_wake(now_ms);
            let is_expired = !self.queue.expired.is_empty();
            assert!(is_expired || wake_ms.is_none_or(|wake_ms| wake_ms > now_ms));
            return;
        };
        for (delivery, _) in &outgoing.members {
            assert!(delivery.not_before_ms <= now_ms && now_ms < delivery.deadline_ms);
            assert_eq!(delivery.address, outgoing.message.address);
        }
        let busy = |other: &Outgoing<usize>| other.message.address == outgoing.message.address;
        assert!(!self.under_way.iter().any(busy));
        self.went.push((now_ms, outgoing.message.address.clone()));
        self.under_way.push(outgoing);
    }

    fn expired(&mut self) {
        for (delivery, token) in self.queue.expired(self.now_ms) {
            assert!(delivery.deadline_ms <= self.now_ms);
            self.settled.push(token);
        }
    }

    /// Lets everything come to its end by waking only when the queue says.
    fn finish(&mut self) {
        while let Some(outgoing) = self.under_way.pop() {
            self.settled
                .extend(self.queue.succeeded(outgoing, self.now_ms));
        }
        for _ in 0..10_000 {
            let Some(wake_ms) = self.queue.next_wake(self.now_ms) else {
                return;
            };
            self.now_ms = wake_ms;
            self.next();
            while let Some(outgoing) = self.under_way.pop() {
                self.settled
                    .extend(self.queue.succeeded(outgoing, self.now_ms));
            }
            self.expired();
        }
        panic!("the queue wakes and does nothing");
    }
}

/// Within any time, at most the burst and what the rate gives in that time.
fn assert_rate(times: &[u64], rate: Rate) {
    for (first, start) in times.iter().enumerate() {
        for (last, end) in times.iter().enumerate().skip(first) {
            let count = (last - first) as u64 + 1;
            let over_burst = count.saturating_sub(u64::from(rate.burst));
            let earned = (end - start) * u64::from(rate.per_minute);
            assert!(over_burst * 60_000 <= earned, "{times:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Scenario: any order of deliveries, time, attempts, successes, failures of address and channel.
    /// Guarantee: every delivery is sent, refused or expired exactly once; none goes too early, too
    /// late or over the rate of its address and of the channel; and the queue never sleeps on work.
    #[test]
    fn nothing_lost_nothing_twice_never_too_fast(steps in prop::collection::vec(step(), 1..200)) {
        let address_rate = Rate { per_minute: 13, burst: 2 };
        let channel_rate = Rate { per_minute: 37, burst: 3 };
        let options = QueueOptions { digest_over: 3, digest_limit: 6, address_rate, channel_rate, ..QueueOptions::default() };
        let mut run = Run {
            queue: queue(options),
            now_ms: 1_000_000,
            pushed: 0,
            under_way: Vec::new(),
            went: Vec::new(),
            settled: Vec::new(),
        };
        for step in steps {
            run.step(step);
        }
        run.finish();
        run.settled.sort_unstable();
        prop_assert_eq!(&run.settled, &(0..run.pushed).collect::<Vec<_>>());
        prop_assert!(run.queue.is_empty());
        prop_assert!(run.queue.turns.is_empty() && run.queue.deadlines.is_empty());

        let times: Vec<u64> = run.went.iter().map(|(ms, _)| *ms).collect();
        assert_rate(&times, channel_rate);
        for address in 0..4 {
            let address = format!("a{address}");
            let to_it = run.went.iter().filter(|(_, to)| *to == address);
            assert_rate(&to_it.map(|(ms, _)| *ms).collect::<Vec<_>>(), address_rate);
        }
    }
}
