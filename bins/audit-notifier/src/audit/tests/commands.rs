//! Doors and commands.

use alert::AlertKind::{
    AbnormalState, CommandAttack, CommandRefused, Jammed, UnlockWithoutCommand, Unlocked,
};
use alert::Change::{Cleared, Raised};
use record::{REFUSED, Verdict};
use settings::AuditSettings;

use super::records::{LOCKED, OPEN, State, command, taken};
use super::{Watch, alerts, entries_of, told};

fn watch() -> Watch {
    let mut watch = Watch::new(AuditSettings::default());
    watch.tell(&[LOCKED.at(0)]);
    watch
}

/// Scenario: a command is sent, taken and done; then the door is locked again.
/// Guarantee: log and alert name who sent it; each step is in the log; locking ends the matter.
#[test]
fn unlock_by_command() {
    let mut watch = watch();
    let sent = command("2", "unlock", Verdict::Ok, 10);
    assert_eq!(watch.tell(&[sent.clone(), taken(&sent, 11)]), []);
    let outputs = watch.take(&OPEN.at(12));
    assert_eq!(told(&outputs), [(Unlocked, Raised)]);
    let entry = &entries_of(&outputs, "unlock")[0];
    for (name, value) in [
        ("by", "command"),
        ("by_client", "app"),
        ("by_user", "alice"),
        ("action", "unlock"),
    ] {
        assert_eq!(entry[name], value);
    }
    assert_eq!(alerts(&outputs)[0].details["by_client"], "app");
    let steps: Vec<_> = entries_of(&watch.outputs, "command");
    assert_eq!(
        (&steps[0]["step"], &steps[1]["step"]),
        (&"sent".into(), &"taken".into())
    );
    let locked = State {
        process: "3",
        ..LOCKED
    };
    assert_eq!(watch.tell(&[locked.at(20)]), [(Unlocked, Cleared)]);
    assert_eq!(watch.until(100), [], "the command was done");
}

/// Scenario: the state moves while the lock runs nothing new.
/// Guarantee: somebody at the door did it.
#[test]
fn unlock_at_the_door() {
    let mut watch = watch();
    let by_hand = State {
        process: "1",
        ..OPEN
    };
    let outputs = watch.take(&by_hand.at(5));
    assert_eq!(told(&outputs), [(Unlocked, Raised)]);
    assert_eq!(entries_of(&outputs, "unlock")[0]["by"], "local");
    assert_eq!(watch.tell(&[by_hand.at(60)]), []);
}

/// Scenario: the lock runs an unlock that nobody sent; one whose command is too old; one whose
/// command came just in time.
/// Guarantee: the first two are told as such, the third is not.
#[test]
fn unlock_without_a_command() {
    let expected = [(Unlocked, Raised), (UnlockWithoutCommand, Raised)];
    let mut first = watch();
    let outputs = first.take(&OPEN.at(5));
    assert_eq!(told(&outputs), expected);
    assert_eq!(entries_of(&outputs, "unlock")[0]["by"], "unknown");

    let mut second = watch();
    second.take(&command("2", "unlock", Verdict::Ok, 10));
    assert_eq!(second.tell(&[OPEN.at(40)]), expected);

    let mut third = watch();
    third.take(&command("2", "unlock", Verdict::Ok, 10));
    assert_eq!(third.tell(&[OPEN.at(39)]), [(Unlocked, Raised)]);
}

/// Scenario: a command waits for an hour until the lock is there to take it.
/// Guarantee: what the lock then does is still its effect.
#[test]
fn a_command_that_waited_counts_from_its_taking() {
    let mut watch = watch();
    let sent = command("2", "unlock", Verdict::Ok, 1);
    watch.take(&sent);
    watch.until(3600);
    watch.take(&taken(&sent, 3600));
    let outputs = watch.take(&OPEN.at(3601));
    assert_eq!(entries_of(&outputs, "unlock")[0]["by_client"], "app");
}

/// Scenario: a refused command is not let through, and the lock opens all the same.
/// Guarantee: the command is not taken for the cause.
#[test]
fn a_refused_command_causes_nothing() {
    let mut watch = watch();
    let mut refused = command("2", "unlock", Verdict::BadSignature, 1);
    refused.reason = REFUSED.into();
    let outputs = watch.take(&refused);
    assert_eq!(told(&outputs), [(CommandRefused, Raised)]);
    assert_eq!(
        entries_of(&outputs, "verdict")[0]["verdict"],
        "bad-signature"
    );
    assert_eq!(entries_of(&outputs, "command")[0]["let_through"], false);
    let expected = [(Unlocked, Raised), (UnlockWithoutCommand, Raised)];
    assert_eq!(watch.tell(&[OPEN.at(2)]), expected);
}

/// Scenario: each verdict; good and unchecked commands; a burst of refusals.
/// Guarantee: every refusal is logged; each verdict is told once per window; the burst is told once
/// and ends after a quiet window; good commands tell nothing.
#[test]
fn refusals_and_a_burst() {
    let mut watch = watch();
    let good = [Verdict::Ok, Verdict::Unchecked].map(|verdict| command("2", "lock", verdict, 1));
    assert_eq!(watch.tell(&good), []);
    let four = [
        Verdict::Stale,
        Verdict::Stale,
        Verdict::Replayed,
        Verdict::Future,
    ]
    .map(|verdict| command("2", "lock", verdict, 2));
    assert_eq!(watch.tell(&four), [(CommandRefused, Raised); 3]);
    let fifth = command("2", "lock", Verdict::Malformed, 3);
    let expected = [(CommandRefused, Raised), (CommandAttack, Raised)];
    assert_eq!(watch.tell(&[fifth]), expected);
    assert_eq!(watch.tell(&[command("2", "lock", Verdict::Stale, 30)]), []);
    assert_eq!(entries_of(&watch.outputs, "verdict").len(), 6);
    assert_eq!(watch.until(89), []);
    assert_eq!(watch.until(90), [(CommandAttack, Cleared)]);
    let later = command("2", "lock", Verdict::Stale, 100);
    assert_eq!(watch.tell(&[later]), [(CommandRefused, Raised)]);
}

/// Scenario: action and state contradict each other, in both directions, and agree again.
/// Guarantee: told once, over when they agree.
#[test]
fn abnormal_state() {
    for bad in [
        State {
            action: "lock",
            process: "1",
            ..OPEN
        },
        State {
            action: "unlock",
            ..LOCKED
        },
        State {
            reported: 2,
            ..LOCKED
        },
    ] {
        let mut watch = watch();
        let outputs = watch.tell(&[bad.at(1), bad.at(60)]);
        let raised = outputs
            .iter()
            .filter(|told| **told == (AbnormalState, Raised));
        assert_eq!(raised.count(), 1, "{bad:?}");
        let outputs = watch.tell(&[LOCKED.at(120)]);
        assert!(outputs.contains(&(AbnormalState, Cleared)), "{bad:?}");
    }
}

/// Scenario: the lock takes the command to lock and says unlocked for the whole wait.
/// Guarantee: abnormal after the wait and not before; over when it is locked.
#[test]
fn told_to_lock_says_unlocked() {
    let mut watch = Watch::new(AuditSettings::default());
    watch.tell(&[OPEN.at(0)]);
    let sent = command("7", "lock", Verdict::Ok, 10);
    watch.tell(&[sent.clone(), taken(&sent, 11), OPEN.at(30)]);
    assert_eq!(watch.until(40), []);
    assert_eq!(watch.until(41), [(AbnormalState, Raised)]);
    assert_eq!(watch.tell(&[OPEN.at(60)]), []);
    let locked = State {
        process: "7",
        ..LOCKED
    };
    let expected = [(Unlocked, Cleared), (AbnormalState, Cleared)];
    assert_eq!(watch.tell(&[locked.at(61)]), expected);
}

/// Scenario: attempts fail: two, then one that works, then three in a row.
/// Guarantee: jammed at the third in a row, over with the next that works.
#[test]
fn jammed_after_three_in_a_row() {
    let mut watch = watch();
    let attempts = ["a", "b", "c", "d", "e"].map(|process| State {
        process,
        action: "unlock",
        ..LOCKED
    });
    let jams = |told: Vec<super::Told>| -> Vec<_> {
        told.into_iter()
            .filter(|(kind, _)| *kind == Jammed)
            .collect()
    };
    let works = State {
        process: "w",
        ..LOCKED
    };
    let two_then_good = [attempts[0].at(1), attempts[1].at(2), works.at(3)];
    assert_eq!(jams(watch.tell(&two_then_good)), []);
    assert_eq!(
        jams(watch.tell(&[attempts[2].at(4), attempts[3].at(5)])),
        []
    );
    assert_eq!(jams(watch.tell(&[attempts[4].at(6)])), [(Jammed, Raised)]);
    let works = State {
        process: "x",
        ..LOCKED
    };
    assert_eq!(jams(watch.tell(&[works.at(7)])), [(Jammed, Cleared)]);
}
