//! What a verification finds in a log of three interleaved, signed chains, and what it calls it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod log;

use audit::{
    CHECKPOINT_EVERY, Chain, CheckpointKey, Fault, Place, Position, Repeats, Report, Verification,
};
use log::{Log, draft, key};

/// Fault, chain, first and last entry, and line of a finding.
type Found = (Fault, Option<u16>, Option<u64>, Option<u64>, Option<u64>);

fn found(report: &Report) -> Vec<Found> {
    let line = |position: &Option<Position>| match position {
        Some(Position::Line(line)) => Some(*line),
        _ => None,
    };
    let findings = report.findings.iter();
    findings
        .map(|finding| {
            (
                finding.fault,
                finding.chain,
                finding.seq,
                finding.last_seq,
                line(&finding.position),
            )
        })
        .collect()
}

/// Exactly one finding: this fault of this entry in this line.
fn only(report: &Report, fault: Fault, chain: u16, seq: u64, line: Option<u64>) {
    let expected = [(fault, Some(chain), Some(seq), None, line)];
    assert_eq!(found(report), expected, "{report:#?}");
}

/// Scenario: an untouched log of three chains with checkpoints.
/// Guarantee: nothing is found; entries, checkpoints, heads and what is signed are told.
#[test]
fn an_intact_log_is_intact() {
    let log = Log::new(3, 60, 20);
    let report = log.verify();
    assert!(report.is_intact(), "{report:#?}");
    assert_eq!((report.entries, report.checkpoints), (189, 9));
    for (chain, summary) in log.chains.iter().zip(&report.chains) {
        assert_eq!((summary.seq, summary.hash), (63, chain.head().hash));
        assert_eq!(summary.signed_seq, Some(63));
        assert_eq!(
            summary.head().parse::<audit::ExpectedHead>().unwrap().seq,
            63
        );
    }
}

/// Scenario: one byte of an entry is changed: in its data, hash, link, number, chain, and so that
/// it is no JSON any more.
/// Guarantee: each is exactly one finding, which names the entry by its true chain and number.
#[test]
fn a_changed_entry_is_named() {
    for (from, to) in [
        ("\"by\":\"command\"", "\"by\":\"commend\""),
        ("\"hash\":\"", "\"hash\":\"0"),
        ("\"hash\":\"", "\"hash\": \""),
        ("\"prev\":\"", "\"prev\":\"0"),
        ("\"prev\":\"", "\"prev\":\"g"),
        ("\"seq\":30", "\"seq\":31"),
        ("\"seq\":30", "\"seq\":29"),
        ("\"chain\":1", "\"chain\":2"),
        ("\"chain\":1", "\"chain\":7"),
        ("\"chain\":1", "'chain\":1"),
        ("\"kind\":\"unlock\"", "\"kind\":\"unlocks\""),
        ("\"ts\":", "\"ts\":0"),
        ("}", "}}"),
    ] {
        let mut log = Log::new(3, 60, 20);
        let line = log.line_of(1, 30);
        let entry = String::from_utf8(log.lines[line].clone()).unwrap();
        assert!(entry.contains(from), "{from} in {entry}");
        let mut changed = entry.replacen(from, to, 1);
        if to.ends_with(['0', 'g']) && !from.ends_with(':') {
            // One digit is overwritten, not put in.
            let at = changed.find(to).unwrap() + to.len();
            let digit = changed.remove(at);
            if to.ends_with(digit) {
                changed.replace_range(at - 1..at, "1");
            }
        }
        log.lines[line] = changed.into_bytes();
        only(&log.verify(), Fault::Changed, 1, 30, Some(line as u64 + 1));
    }
}

/// Scenario: entries are removed: one, several, the first ones, and the newest ones with and
/// without an expected head; a whole chain.
/// Guarantee: the range is named, and where it is missing; the end only with an expected head.
#[test]
fn removed_entries_are_named() {
    let mut log = Log::new(3, 60, 20);
    log.remove(1, 5..=5);
    log.remove(1, 30..=39);
    log.remove(2, 1..=3);
    let report = log.verify();
    let gap = |chain, from: u64, to: u64, next: usize| {
        let last = (to > from).then_some(to);
        (
            Fault::Removed,
            Some(chain),
            Some(from),
            last,
            Some(next as u64 + 1),
        )
    };
    let mut expected = [
        gap(2, 1, 3, log.line_of(2, 4)),
        gap(1, 5, 5, log.line_of(1, 6)),
        gap(1, 30, 39, log.line_of(1, 40)),
    ];
    expected.sort_by_key(|finding| finding.4);
    assert_eq!(found(&report), expected, "{report:#?}");

    let mut log = Log::new(3, 60, 20);
    log.remove(0, 50..=63);
    log.remove(1, 1..=63);
    assert!(log.verify().is_intact(), "the end alone can't be known");
    let report = log.read(log.expecting(Verification::new(Some(key().public()))));
    let expected = [
        (Fault::Removed, Some(0), Some(50), Some(63), None),
        (Fault::Removed, Some(1), Some(1), Some(63), None),
    ];
    assert_eq!(found(&report), expected, "{report:#?}");
}

/// Scenario: an expected head with another hash, and one in the middle of the log.
/// Guarantee: the first is found at its entry, the second is met.
#[test]
fn the_log_must_go_through_expected_heads() {
    let log = Log::new(2, 40, 20);
    let middle = audit::Entry::read(&log.lines[log.line_of(1, 17)])
        .unwrap()
        .hash;
    let head = |hash| audit::ExpectedHead {
        chain: 1,
        seq: 17,
        hash,
    };
    let report = log.read(Verification::new(None).expecting(head(middle)));
    assert!(report.is_intact(), "{report:#?}");
    let report = log.read(Verification::new(None).expecting(head(audit::Hash::ZERO)));
    let line = log.line_of(1, 17) as u64 + 1;
    only(&report, Fault::WrongHead, 1, 17, Some(line));
}

/// Scenario: entries of one chain change places: neighbours, far apart, one moved to the front and
/// one to the end.
/// Guarantee: one finding at the first line that is out of order.
#[test]
fn reordered_entries_are_named() {
    let mut log = Log::new(3, 60, 20);
    let (a, b) = (log.line_of(1, 30), log.line_of(1, 31));
    log.lines.swap(a, b);
    only(&log.verify(), Fault::Reordered, 1, 31, Some(a as u64 + 1));

    let mut log = Log::new(3, 60, 20);
    let (a, b) = (log.line_of(1, 10), log.line_of(1, 50));
    log.lines.swap(a, b);
    only(&log.verify(), Fault::Reordered, 1, 50, Some(a as u64 + 1));

    let mut log = Log::new(3, 60, 20);
    let moved = log.lines.remove(b);
    log.lines.insert(a, moved);
    only(&log.verify(), Fault::Reordered, 1, 50, Some(a as u64 + 1));

    let mut log = Log::new(3, 60, 20);
    let moved = log.lines.remove(a);
    let next = log.line_of(1, 11);
    log.lines.insert(b, moved);
    only(
        &log.verify(),
        Fault::Reordered,
        1,
        11,
        Some(next as u64 + 1),
    );
}

/// Scenario: a line comes twice, next to itself and much later; then with repeats tolerated.
/// Guarantee: the second one is named; or it is only counted.
#[test]
fn repeats_are_named_or_counted() {
    for later in [1, 90] {
        let mut log = Log::new(3, 60, 20);
        let line = log.line_of(2, 20);
        log.lines.insert(line + later, log.lines[line].clone());
        let second = (line + later) as u64 + 1;
        only(&log.verify(), Fault::Duplicated, 2, 20, Some(second));
        let tolerant = Verification::new(None).with_repeats(Repeats::Tolerated);
        let report = log.read(tolerant);
        assert!(report.is_intact(), "{report:#?}");
        assert_eq!((report.entries, report.repeats), (189, 1));
    }
}

/// Scenario: somebody puts in an entry of his own, with a fitting hash and link, before or behind
/// the true one of that number; a changed copy of a line; and both with repeats tolerated.
/// Guarantee: the line that does not belong is named.
#[test]
fn inserted_entries_are_named() {
    for repeats in [Repeats::Found, Repeats::Tolerated] {
        let verification = || Verification::new(Some(key().public())).with_repeats(repeats);
        for behind in [0, 1] {
            let mut log = Log::new(3, 60, 20);
            let line = log.line_of(1, 30);
            let mut chain = Chain::resume(&log.lines[log.line_of(1, 29)]).unwrap();
            let forged = chain.append(&draft(999));
            log.lines.insert(line + behind, forged);
            let named = (line + behind) as u64 + 1;
            only(
                &log.read(verification()),
                Fault::Inserted,
                1,
                30,
                Some(named),
            );
        }
        for behind in [0, 1] {
            let mut log = Log::new(3, 60, 20);
            let line = log.line_of(1, 30);
            let copy = String::from_utf8(log.lines[line].clone()).unwrap();
            let copy = copy.replacen("command", "nobody!", 1).into_bytes();
            log.lines.insert(line + behind, copy);
            let named = (line + behind) as u64 + 1;
            only(
                &log.read(verification()),
                Fault::Inserted,
                1,
                30,
                Some(named),
            );
        }
    }
}

/// Scenario: an entry is replaced by another one whose hash and link fit, and the rest is kept.
/// Guarantee: the place where the chain breaks is named.
#[test]
fn a_replaced_entry_breaks_the_chain() {
    let mut log = Log::new(3, 60, 20);
    let mut chain = Chain::resume(&log.lines[log.line_of(1, 29)]).unwrap();
    let line = log.line_of(1, 30);
    log.lines[line] = chain.append(&draft(999));
    let next = log.line_of(1, 31) as u64 + 1;
    only(&log.verify(), Fault::BrokenLink, 1, 31, Some(next));
}

/// Scenario: everything from an entry on is written anew by somebody without the key: with the old
/// signatures, signed by another key, and without checkpoints.
/// Guarantee: hashes alone do not show it; the checkpoints do.
#[test]
fn a_rewritten_log_is_shown_by_its_checkpoints() {
    let other = CheckpointKey::generate().unwrap();
    let mut log = Log::new(1, 60, 20);
    let mut chain = Chain::resume(&log.lines[29]).unwrap();
    for line in 30..log.lines.len() {
        let is_checkpoint = String::from_utf8_lossy(&log.lines[line]).contains("checkpoint");
        log.lines[line] = if is_checkpoint {
            chain.checkpoint(1, &other)
        } else {
            chain.append(&draft(line as u64))
        };
    }
    assert!(log.read(Verification::new(None)).is_intact());
    let found = found(&log.verify());
    let forged = |seq| (Fault::ForgedCheckpoint, Some(0), Some(seq), None, Some(seq));
    assert_eq!(found, [forged(42), forged(63)]);

    let mut chain = Chain::new(0);
    let lines: Vec<_> = (0..=CHECKPOINT_EVERY)
        .map(|number| chain.append(&draft(number)))
        .collect();
    let log = Log {
        chains: vec![chain],
        lines,
    };
    assert!(log.read(Verification::new(None)).is_intact());
    only(
        &log.verify(),
        Fault::MissingCheckpoint,
        0,
        CHECKPOINT_EVERY + 1,
        None,
    );
}

/// Scenario: a signed log goes on for 1,000 entries without a checkpoint, and for 1,001.
/// Guarantee: only the second is a finding, once, also for whoever has no key.
#[test]
fn a_signed_log_stays_signed() {
    for (unsigned, is_found) in [(CHECKPOINT_EVERY, false), (CHECKPOINT_EVERY + 50, true)] {
        let mut chain = Chain::new(0);
        let mut lines = vec![chain.append(&draft(0)), chain.checkpoint(1, key())];
        lines.extend((0..unsigned).map(|number| chain.append(&draft(number))));
        lines.push(chain.checkpoint(1, key()));
        let log = Log {
            chains: vec![chain],
            lines,
        };
        for verification in [
            Verification::new(None),
            Verification::new(Some(key().public())),
        ] {
            let report = log.read(verification);
            if is_found {
                let first = 2 + CHECKPOINT_EVERY + 1;
                only(&report, Fault::MissingCheckpoint, 0, first, Some(first));
            } else {
                assert!(report.is_intact(), "{report:#?}");
            }
        }
    }
}

/// Scenario: entries of chain 0 are appended to the end of chain 1 by changing the number alone.
/// Guarantee: found; a chain can't be transplanted.
#[test]
fn a_chain_cannot_be_transplanted() {
    let log = Log::new(1, 30, 20);
    let lines = log.lines.iter().map(|line| {
        let line = String::from_utf8(line.clone()).unwrap();
        line.replacen("\"chain\":0", "\"chain\":1", 1).into_bytes()
    });
    let transplanted = Log {
        chains: log.chains.clone(),
        lines: lines.collect(),
    };
    let report = transplanted.verify();
    assert_eq!(report.findings.len(), 31, "{report:#?}");
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.fault == Fault::Changed)
    );
}

/// Scenario: lines of rubbish, an empty line, a broken frame, and a file without its last byte.
/// Guarantee: each is named by its line; the entries around it are intact.
#[test]
fn rubbish_is_named() {
    let mut log = Log::new(2, 10, 20);
    log.lines.insert(4, b"rubbish \xff".to_vec());
    log.lines.insert(9, Vec::new());
    let rubbish = |line| (Fault::NotAnEntry, None, None, None, Some(line));
    let mut verification = Verification::new(None);
    let file = log.file();
    for line in file[..file.len() - 1].split_inclusive(|byte| *byte == b'\n') {
        verification.push_line(line);
    }
    verification.not_an_entry(Position::Line(99), "a broken frame");
    let report = verification.finish();
    let lines = log.lines.len() as u64;
    let expected = [rubbish(5), rubbish(10), rubbish(lines), rubbish(99)];
    assert_eq!(found(&report), expected, "{report:#?}");
    let text = report.findings[0].to_string();
    assert_eq!(
        text,
        "not an entry, line 5: its bytes are not those of an entry"
    );
}

/// Scenario: a log of nothing but faults, far more than anybody reads.
/// Guarantee: the first 1,000 are told, the others counted.
#[test]
fn endless_faults_take_no_memory() {
    let mut verification = Verification::new(None);
    for _ in 0..1500 {
        verification.push(b"rubbish");
    }
    let report = verification.finish();
    assert_eq!(
        (report.findings.len(), report.further_findings),
        (1000, 500)
    );
}

/// Scenario: a chain is resumed from its newest entry, be that a checkpoint or not.
/// Guarantee: it goes on without a break, knows the newest record in it, and a checkpoint comes
/// rather too early than too late.
#[test]
fn a_chain_is_resumed() {
    let mut chain = Chain::new(4);
    let first = chain.append(&draft(7));
    let mut resumed = Chain::resume(&first).unwrap();
    assert_eq!((resumed.number(), resumed.head()), (4, chain.head()));
    assert_eq!(resumed.head().last, draft(7).origin);
    assert!(
        resumed.head().last
            > Place {
                sequence: 6,
                index: 9,
                output: 9
            }
    );
    assert_eq!(resumed.since_checkpoint(), 1);
    let second = resumed.checkpoint(1, key());
    let mut resumed = Chain::resume(&second).unwrap();
    assert_eq!(resumed.since_checkpoint(), 0);
    assert_eq!(resumed.head().last, draft(7).origin);
    let mut verification = Verification::new(Some(key().public()));
    for entry in [&first, &second, &resumed.append(&draft(8))] {
        verification.push(entry);
    }
    assert!(verification.finish().is_intact());
    let mut changed = second;
    changed[12] ^= 1;
    assert!(Chain::resume(&changed).is_err());
}
