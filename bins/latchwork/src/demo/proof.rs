//! The audit log, verified; and a copy of it with one byte changed.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::home::DemoHome;
use super::operator::latchwork;
use super::screen::Screen;
use crate::audit::Verdict;

/// The exported log, and the copy of it that is changed.
const EXPORT: &str = "audit.jsonl";
const CHANGED: &str = "changed.jsonl";

/// What came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct AuditProof {
    /// Entries of the log.
    pub(super) entries: u64,
    /// Nothing is wrong with it.
    pub(super) intact: bool,
}

/// What `audit export --json` says.
#[derive(Deserialize)]
struct Report {
    entries: u64,
    checkpoints: u64,
    intact: bool,
}

/// Exports the log, verified on the way, and verifies the export offline.
pub(super) async fn verify(
    nats_url: &str,
    home: &DemoHome,
    screen: &mut Screen,
) -> anyhow::Result<AuditProof> {
    let (file, key) = (text(&home.file(EXPORT))?, text(&home.public_key())?);
    let line = ["audit", "--nats", nats_url, "export", &file];
    let line = [&line[..], &["--public-key", &key, "--json"]].concat();
    let (_, printed) = latchwork(&line).await?;
    let report: Report = serde_json::from_str(&printed)?;
    let (verdict, printed) = verify_file(home, EXPORT).await?;
    let note = match report.checkpoints {
        0 => " (the first is signed after a minute)",
        _ => "",
    };
    let last = printed.lines().last().unwrap_or_default();
    screen.show("audit log", &format!("{last}{note}"));
    let intact = report.intact && verdict == Verdict::Intact;
    ensure!(intact, "the audit log is not intact: {}", printed.trim());
    Ok(AuditProof {
        entries: report.entries,
        intact,
    })
}

/// `latchwork audit verify --file`.
async fn verify_file(home: &DemoHome, name: &str) -> anyhow::Result<(Verdict, String)> {
    let (file, key) = (text(&home.file(name))?, text(&home.public_key())?);
    latchwork(&["audit", "verify", "--file", &file, "--public-key", &key]).await
}

/// Changes one byte of a copy of the export, and has it found: the unlocking of this lock, if it is
/// in the log, is moved by a second.
pub(super) async fn tamper(home: &DemoHome, lock: u64, screen: &mut Screen) -> anyhow::Result<()> {
    let mut log = std::fs::read(home.file(EXPORT)).context("cannot read the export")?;
    let change = Change::choose(&log, lock).context("the audit log has no entry to change")?;
    let (before, after) = change.apply(&mut log);
    std::fs::write(home.file(CHANGED), &log).context("cannot write the changed copy")?;
    screen.show(
        "one byte",
        &format!(
            "of a copy is changed: the time of the entry in line {}, {before} becomes {after}",
            change.line
        ),
    );
    let (verdict, printed) = verify_file(home, CHANGED).await?;
    let finding = printed.lines().next().unwrap_or_default();
    let place = format!("line {}:", change.line);
    let is_found = verdict == Verdict::Faulty && finding.contains(&place);
    ensure!(
        is_found,
        "the changed byte was not found: {}",
        printed.trim()
    );
    screen.show("found", finding);
    Ok(())
}

/// The digit of an entry's `ts` that counts seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Change {
    /// Of the file, from 1.
    line: usize,
    at: usize,
}

/// An entry ends with its time in milliseconds and `}`: so far from its end is the second.
const SECOND: usize = 5;

impl Change {
    fn choose(log: &[u8], lock: u64) -> Option<Self> {
        let mut end = 0;
        let lines = log.split_inclusive(|byte| *byte == b'\n').map(|line| {
            end += line.len();
            (end, line)
        });
        let lines: Vec<_> = lines.enumerate().collect();
        let unlock = format!("\"kind\":\"unlock\",\"lock\":\"{lock}\"");
        let unlock = unlock.as_bytes();
        let is_unlock = |line: &[u8]| line.windows(unlock.len()).any(|part| part == unlock);
        let unlocking = lines.iter().find(|(_, (_, line))| is_unlock(line));
        let (index, (end, line)) = unlocking.or(lines.first())?;
        let line_feed = usize::from(line.ends_with(b"\n"));
        Some(Self {
            line: index + 1,
            at: end.checked_sub(line_feed + SECOND)?,
        })
    }

    /// Before and after.
    fn apply(self, log: &mut [u8]) -> (char, char) {
        let Some(byte) = log.get_mut(self.at) else {
            return ('?', '?');
        };
        let before = *byte;
        // Of a digit it makes another one.
        *byte ^= 1;
        (char::from(before), char::from(*byte))
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = path
        .to_str()
        .context("the folder of temporary files has no name in UTF-8")?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "{\"kind\":\"command\",\"lock\":\"7\",\"ts\":1574753026269}\n\
                       {\"kind\":\"unlock\",\"lock\":\"7\",\"ts\":1574753028270}\n";

    /// Scenario: a log with an unlocking of the lock, and one without.
    /// Guarantee: one digit of the unlocking's time is changed, or else of the first entry's; an
    /// empty log has nothing to change.
    #[test]
    fn one_digit_is_changed() {
        let mut log = LOG.as_bytes().to_vec();
        let change = Change::choose(&log, 7).unwrap();
        assert_eq!((change.line, change.apply(&mut log)), (2, ('8', '9')));
        assert_eq!(
            log,
            LOG.replace("1574753028270", "1574753029270").as_bytes()
        );
        let change = Change::choose(&log, 8).unwrap();
        assert_eq!((change.line, change.apply(&mut log)), (1, ('6', '7')));
        assert_eq!(Change::choose(b"", 7), None);
    }
}
