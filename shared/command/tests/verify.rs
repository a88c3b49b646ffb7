//! What passes as a command, and what does not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use command::{Action, Command, KeyRing, Limits, SignDigits, Verifier};
use proptest::prelude::*;
use record::Verdict;

const LOCK: &str = "10083618796833171";
const TS: u64 = 1_574_744_434;
const NOW_MS: u64 = TS * 1000 + 5;

const OLD: &str = "old 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
const NEW: &str = "new ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff\n";

fn ring(text: &str) -> KeyRing {
    KeyRing::parse(Path::new("keys"), text.as_bytes()).unwrap()
}

fn verifier(sign_digits: SignDigits) -> Verifier {
    let limits = Limits {
        sign_digits,
        ..Limits::default()
    };
    Verifier::new(ring(OLD), limits)
}

fn command(process_id: &str, nonce: &str, ts: u64) -> Command<'static> {
    Command {
        process_id: process_id.to_owned().into(),
        action: Action::Unlock,
        nonce_str: nonce.to_owned().into(),
        ts,
        sign: "".into(),
    }
}

fn signed(process_id: &str, digits: SignDigits) -> Vec<u8> {
    let command = command(process_id, "u7u4p0n8", TS);
    let signed = ring(OLD).sign(LOCK, command, digits).unwrap();
    signed.to_payload().unwrap()
}

/// The same fields with white space of every kind between them.
fn spaced(payload: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(payload.to_vec()).unwrap();
    let text = text.replace(",\"", "\t,\r\n \"").replace("\":", "\" :\t");
    format!("\r\n{text}\t ").into_bytes()
}

/// The payloads one bit away that still pass, as byte indices.
fn flips_that_pass(verifier: &Verifier, payload: &[u8]) -> Vec<usize> {
    let original = verifier.verify(LOCK, payload, NOW_MS).unwrap();
    let mut passed = Vec::new();
    for bit in 0..payload.len() * 8 {
        let mut flipped = payload.to_vec();
        *flipped.get_mut(bit / 8).unwrap() ^= 1 << (bit % 8);
        if let Ok(verified) = verifier.verify(LOCK, &flipped, NOW_MS) {
            // JSON has more than one way to write a value; a changed value never passes.
            assert_eq!(verified.command, original.command, "bit {bit}");
            passed.push(bit / 8);
        }
    }
    passed
}

/// Scenario: every bit of a compact command flipped, with either signature.
/// Guarantee: not one passes.
#[test]
fn a_flipped_bit_of_a_compact_command_never_passes() {
    for digits in [SignDigits::Truncated, SignDigits::Whole] {
        let payload = signed("7802441525528958", digits);
        let passed = flips_that_pass(&verifier(digits), &payload);
        assert_eq!(passed, [] as [usize; 0]);
    }
}

/// Scenario: every bit flipped of a command with white space and with `\u` escapes.
/// Guarantee: what passes has the same five values, and is one of two harmless spellings: a tab
/// that became a carriage return or the reverse, or the case of a digit `a` to `f` of an escape.
#[test]
fn flips_that_pass_are_another_spelling() {
    let verifier = verifier(SignDigits::Truncated);
    let payload = spaced(&signed("a\u{1f}b\u{e}\u{1}", SignDigits::Truncated));
    let passed = flips_that_pass(&verifier, &payload);
    for at in &passed {
        let white_space = matches!(payload[*at], b'\t' | b'\r');
        let escape = payload[..*at].iter().rposition(|byte| *byte == b'\\');
        let in_escape = escape.is_some_and(|start| *at - start < 6);
        let digit = matches!(payload[*at], b'a'..=b'f');
        assert!(white_space || (in_escape && digit), "byte {at}");
    }
    let count = |bytes: &[u8]| payload.iter().filter(|byte| bytes.contains(byte)).count();
    assert_eq!(
        passed.len(),
        count(b"\t\r") + 2,
        "two escapes end in a letter"
    );
}

/// Scenario: a command cut short at every byte, and whole with one byte more.
/// Guarantee: malformed, each; white space behind it is none of its values.
#[test]
fn a_truncated_command_is_malformed() {
    let verifier = verifier(SignDigits::Truncated);
    let payload = signed("1", SignDigits::Truncated);
    for length in 0..payload.len() {
        let verdict = verifier
            .verify(LOCK, &payload[..length], NOW_MS)
            .unwrap_err();
        assert_eq!(verdict, Verdict::Malformed, "{length} bytes");
    }
    for last in 0..=u8::MAX {
        let longer = [payload.as_slice(), &[last]].concat();
        let passes = verifier.verify(LOCK, &longer, NOW_MS).is_ok();
        assert_eq!(passes, b" \t\r\n".contains(&last), "byte {last}");
    }
}

/// Scenario: 10,000 commands with random nonces and process ids, of changing locks, actions, times
/// and lengths of the signature.
/// Guarantee: all pass: no false alarm.
#[test]
fn ten_thousand_good_commands_pass() {
    let keys = ring(OLD);
    let verifier = verifier(SignDigits::Truncated);
    for number in 0..10_000_u64 {
        let action = [Action::Lock, Action::Unlock][(number % 2) as usize];
        let digits = [SignDigits::Truncated, SignDigits::Whole][(number / 2 % 2) as usize];
        let ts = TS - number % 300 + number % 31;
        let lock = (10_083_618_796_833_171 + number).to_string();
        let command = Command::fresh(action, ts).unwrap();
        let payload = keys
            .sign(&lock, command, digits)
            .unwrap()
            .to_payload()
            .unwrap();
        let verified = verifier.verify(&lock, &payload, TS * 1000).unwrap();
        assert_eq!((verified.command.ts, verified.key_id), (ts, "old"));
    }
}

/// Scenario: another lock's command, and locks whose ids look like the fields around them.
/// Guarantee: bad signature.
#[test]
fn a_command_passes_for_its_own_lock_only() {
    let verifier = verifier(SignDigits::Truncated);
    let payload = signed("1", SignDigits::Truncated);
    for lock in [
        "10083618796833172",
        "",
        "10083618796833171\n1",
        "1008361879683317",
        "v1",
    ] {
        let verdict = verifier.verify(lock, &payload, NOW_MS).unwrap_err();
        assert_eq!(verdict, Verdict::BadSignature, "{lock:?}");
    }
}

/// Scenario: whole signatures are asked for; then a command comes with 16 digits, and with 64.
/// Guarantee: only the whole one passes there; both pass where 16 are enough. All digits count that
/// are there.
#[test]
fn the_least_number_of_digits_is_kept() {
    let short = signed("1", SignDigits::Truncated);
    let whole = signed("1", SignDigits::Whole);
    let strict = verifier(SignDigits::Whole);
    assert_eq!(
        strict.verify(LOCK, &short, NOW_MS),
        Err(Verdict::BadSignature)
    );
    assert!(strict.verify(LOCK, &whole, NOW_MS).is_ok());
    let lenient = verifier(SignDigits::Truncated);
    assert!(lenient.verify(LOCK, &short, NOW_MS).is_ok());
    assert!(lenient.verify(LOCK, &whole, NOW_MS).is_ok());
    // The last digit stands before the quote and the brace.
    let mut wrong_end = whole.clone();
    let last = wrong_end.len() - 3;
    wrong_end[last] = if whole[last] == b'0' { b'1' } else { b'0' };
    assert_eq!(
        lenient.verify(LOCK, &wrong_end, NOW_MS),
        Err(Verdict::BadSignature)
    );
}

/// Scenario: times at the window's two ends and one millisecond beyond, and times at the ends of
/// the numbers; each with a right and a wrong signature.
/// Guarantee: both ends are within; beyond it is stale or future; a wrong signature is told first.
#[test]
fn the_age_window_has_exact_ends() {
    let verifier = verifier(SignDigits::Truncated);
    let payload = signed("1", SignDigits::Truncated);
    let made = TS * 1000;
    for (now_ms, expected) in [
        (made, None),
        (made + 300_000, None),
        (made + 300_001, Some(Verdict::Stale)),
        (made - 30_000, None),
        (made - 30_001, Some(Verdict::Future)),
        (0, Some(Verdict::Future)),
        (u64::MAX, Some(Verdict::Stale)),
    ] {
        assert_eq!(
            verifier.verify(LOCK, &payload, now_ms).err(),
            expected,
            "{now_ms}"
        );
        let wrong = verifier.verify("other", &payload, now_ms);
        assert_eq!(wrong, Err(Verdict::BadSignature));
    }
    let limits = Limits {
        window: Duration::MAX,
        future: Duration::MAX,
        ..Limits::default()
    };
    assert_eq!(limits.check_age(u64::MAX, 0), Ok(()));
}

/// Scenario: a key is rotated: a new one is put on top, later the old one is taken out.
/// Guarantee: new commands are signed under the new key; old ones pass until the old key is out.
#[test]
fn keys_rotate() {
    let payload = signed("1", SignDigits::Truncated);
    let both = Verifier::new(ring(&format!("{NEW}{OLD}")), Limits::default());
    assert_eq!(both.verify(LOCK, &payload, NOW_MS).unwrap().key_id, "old");
    let newer = both
        .keys()
        .sign(LOCK, command("2", "n", TS), SignDigits::Truncated);
    let newer = newer.unwrap().to_payload().unwrap();
    assert_eq!(both.verify(LOCK, &newer, NOW_MS).unwrap().key_id, "new");
    let rotated = Verifier::new(ring(NEW), Limits::default());
    assert_eq!(
        rotated.verify(LOCK, &payload, NOW_MS),
        Err(Verdict::BadSignature)
    );
    // The key id is part of the lock's key: the same root key under another id is another key.
    let renamed = Verifier::new(ring(&OLD.replace("old", "new")), Limits::default());
    assert_eq!(
        renamed.verify(LOCK, &payload, NOW_MS),
        Err(Verdict::BadSignature)
    );
}

/// Scenario: the default window, and one of any size.
/// Guarantee: a nonce is kept longer than its command can pass.
#[test]
fn nonces_outlive_their_commands() {
    let limits = Limits::default();
    assert!(limits.nonce_ttl() > limits.window + limits.future);
}

proptest! {
    /// Scenario: any bytes, and a good command with some bytes replaced.
    /// Guarantee: no panic; what passes has the values of the good command.
    #[test]
    fn hostile_payloads_never_pass(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let verifier = verifier(SignDigits::Truncated);
        prop_assert!(verifier.verify(LOCK, &bytes, NOW_MS).is_err());
        let good = spaced(&signed("1", SignDigits::Truncated));
        let mut edited = good.clone();
        for (index, byte) in &edits {
            let at = index.index(edited.len());
            edited[at] = *byte;
        }
        if let Ok(verified) = verifier.verify(LOCK, &edited, NOW_MS) {
            prop_assert_eq!(verified.command, Command::parse(&good).unwrap());
        }
    }
}
