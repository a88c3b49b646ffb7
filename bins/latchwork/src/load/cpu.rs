//! CPU time and memory of processes, from `/proc`.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::stack::Roster;

/// The kernel counts CPU time for `/proc` in ticks of 10 ms (`USER_HZ`, 100 on all common machines).
const TICK: Duration = Duration::from_millis(10);

/// A process to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedProcess {
    /// What it is called in the report.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

impl NamedProcess {
    /// Reads `NAME=PID`: for the value parsers of clap.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('=').filter(|(name, _)| !name.is_empty());
        let parsed = parsed.and_then(|(name, pid)| Some((name, pid.parse().ok()?)));
        let (name, pid) = parsed.ok_or_else(|| format!("{text:?} is not NAME=PID"))?;
        Ok(Self {
            name: name.to_owned(),
            pid,
        })
    }

    /// The processes of a running pipeline: `file` is the `stages.json` of `latchwork up`, or its
    /// folder.
    pub fn from_roster(file: &Path) -> io::Result<Vec<Self>> {
        let folder = if file.is_dir() {
            file
        } else {
            file.parent().unwrap_or(file)
        };
        let named = |entry: crate::stack::RosterEntry| Self {
            name: entry.name,
            pid: entry.pid,
        };
        Ok(Roster::read(folder)?.into_iter().map(named).collect())
    }
}

/// What a process has used at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// User and system time of all threads since its start.
    pub(super) cpu: Duration,
    /// Memory that is resident now, in bytes.
    pub(super) resident: u64,
}

impl Usage {
    /// Of this very process.
    pub(super) fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// `None` when there is no such process.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Self {
            cpu: cpu_time(&stat)?,
            resident: resident(&status)?,
        })
    }
}

/// Fields 14 and 15 of `/proc/PID/stat`. The second is the name, in brackets, and may contain
/// anything.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields
        .split_ascii_whitespace()
        .skip(11)
        .map(str::parse::<u32>);
    let user = times.next()?.ok()?;
    let system = times.next()?.ok()?;
    Some(TICK * user.checked_add(system)?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a process whose name has brackets and spaces, and this very process.
    /// Guarantee: the right fields are read.
    #[test]
    fn usage_is_read() {
        let stat = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20 0 3 0 99 1 2";
        assert_eq!(cpu_time(stat), Some(Duration::from_millis(1500)));
        assert_eq!(
            resident("VmHWM:\t 9 kB\nVmRSS:\t  12 kB\n"),
            Some(12 * 1024)
        );
        assert!(Usage::own().unwrap().resident > 1024 * 1024);
        assert_eq!(Usage::of(u32::MAX), None);
    }

    /// Scenario: `NAME=PID`, well and badly formed.
    /// Guarantee: the good is taken, the bad refused with its shape.
    #[test]
    fn names_are_parsed() {
        assert_eq!(
            NamedProcess::parse("edge=12"),
            Ok(NamedProcess {
                name: "edge".into(),
                pid: 12
            })
        );
        for bad in ["edge", "=12", "edge=", "edge=x", "edge=-1"] {
            assert!(NamedProcess::parse(bad).unwrap_err().contains("NAME=PID"));
        }
    }
}
