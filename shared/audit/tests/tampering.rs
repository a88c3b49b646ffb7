//! Properties: whatever is done to an exported log is found.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod log;

use std::sync::OnceLock;

use audit::{Chain, Entry, Report, Verification};
use log::{Log, draft};
use proptest::prelude::*;

/// Reads bytes as a file, with the heads of the untouched log expected. Hashes alone must do: with
/// the signatures checked too, thousands of cases would take minutes.
fn verify(log: &Log, file: &[u8]) -> Report {
    let mut verification = log.expecting(Verification::new(None));
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        verification.push_line(line);
    }
    verification.finish()
}

fn join(lines: &[Vec<u8>]) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|line| [line.as_slice(), b"\n"].concat())
        .collect()
}

fn chain_of(line: &[u8]) -> u16 {
    Entry::read(line).unwrap().chain
}

/// Whether every chain still has its entries in their order: only the interleaving is free.
fn is_same(log: &Log, lines: &[Vec<u8>]) -> bool {
    let of = |lines: &[Vec<u8>], chain: u16| -> Vec<Vec<u8>> {
        let is_of = |line: &&Vec<u8>| Entry::read(line).is_ok_and(|entry| entry.chain == chain);
        lines.iter().filter(is_of).cloned().collect()
    };
    (0..3).all(|chain| of(lines, chain) == of(&log.lines, chain))
}

fn small() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| Log::new(3, 12, 5))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Scenario: any byte of an exported log is overwritten by any other, removed, or put in.
    /// Guarantee: it is found, and the first finding is at that line (or, when a line feed is
    /// harmed, at one of the two lines that it parts).
    #[test]
    fn every_byte_matters(at in any::<prop::sample::Index>(), byte: u8, how in 0..3) {
        let log = small();
        let whole = log.file();
        let at = at.index(whole.len());
        let mut file = whole.clone();
        match how {
            0 => file[at] = byte,
            1 => drop(file.remove(at)),
            _ => file.insert(at, byte),
        }
        prop_assume!(file != whole);
        let report = verify(log, &file);
        prop_assert!(!report.is_intact());
        let line = whole[..at].split(|byte| *byte == b'\n').count() as u64;
        let first = report.findings[0].position;
        let near = [line, line + 1].map(|line| Some(audit::Position::Line(line)));
        prop_assert!(near.contains(&first), "line {line}: {report:#?}");
    }

    /// Scenario: any lines are removed, doubled or moved anywhere, several at once.
    /// Guarantee: found, unless every chain has its entries in order as before.
    #[test]
    fn every_line_matters(
        edits in prop::collection::vec((0..3, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let log = small();
        let mut lines = log.lines.clone();
        for (how, a, b) in edits {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            match how {
                0 => drop(lines.remove(a)),
                1 => lines.insert(b, lines[a].clone()),
                _ => lines.swap(a, b),
            }
        }
        let report = verify(log, &join(&lines));
        prop_assert_eq!(report.is_intact(), is_same(log, &lines), "{:#?}", report);
    }

    /// Scenario: somebody without the key puts a sound entry of his own behind any entry, at any
    /// line, or replaces the following entry by it.
    /// Guarantee: found, unless it only makes the log longer than the expected head.
    #[test]
    fn forged_entries_are_found(
        behind in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        replace: bool,
    ) {
        let log = small();
        let behind = &log.lines[behind.index(log.lines.len())];
        let mut chain = Chain::resume(behind).unwrap();
        let forged = chain.append(&draft(99));
        let mut lines = log.lines.clone();
        let at = at.index(lines.len() + usize::from(!replace));
        if replace {
            lines[at] = forged;
        } else {
            lines.insert(at, forged);
        }
        let own = log.chains[usize::from(chain_of(behind))].head().sequence;
        let is_longer = !replace
            && chain.head().sequence == own + 1
            && lines[at..].iter().skip(1).all(|line| chain_of(line) != chain.number());
        let report = verify(log, &join(&lines));
        prop_assert_eq!(report.is_intact(), is_longer, "{:#?}", report);
    }
}
