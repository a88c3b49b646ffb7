//! Contact lists as CSV.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use alert::Severity;
use serde::Deserialize;

use super::{ChannelKind, Contact, Contacts, QuietHours, Reach, Zone};
use crate::language::Language;

/// One line: one way to reach one contact of one lock. Empty cells are the defaults.
#[derive(Deserialize)]
struct Row {
    lock: String,
    name: String,
    #[serde(default)]
    language: String,
    channel: String,
    address: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    quiet_from: String,
    #[serde(default)]
    quiet_to: String,
    #[serde(default)]
    zone: String,
}

const COLUMNS: [&str; 9] = [
    "lock",
    "name",
    "language",
    "channel",
    "address",
    "severity",
    "quiet_from",
    "quiet_to",
    "zone",
];
/// Faults that are told; the rest are of the same making.
const FAULT_LIMIT: usize = 100;

/// What is wrong in one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineFault {
    /// Counted from 1, the headings included.
    pub line: u64,
    /// A sentence for people.
    pub fault: String,
}

impl fmt::Display for LineFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.fault)
    }
}

/// Nothing is taken of a list with a fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", told(faults))]
pub struct ImportError {
    /// By line; at most 100.
    pub faults: Vec<LineFault>,
}

fn told(faults: &[LineFault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Contacts under way, with the line that named the lock first.
type Locks = BTreeMap<String, (u64, Vec<Contact>)>;

/// Reads a list with the columns `lock,name,language,channel,address,severity,quiet_from,quiet_to,
/// zone` in any order, named in its first line (RFC 4180). A contact with several channels has
/// several lines. Gives the contacts of each lock.
pub fn import(list: impl Read) -> Result<BTreeMap<String, Contacts>, ImportError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(list);
    let mut faults = Vec::new();
    let headings = match headings(&mut reader) {
        Ok(headings) => headings,
        Err(fault) => {
            let faults = vec![LineFault { line: 1, fault }];
            return Err(ImportError { faults });
        }
    };

    let mut locks = Locks::new();
    for record in reader.records() {
        let (line, taken) = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let row = record.deserialize::<Row>(Some(&headings));
                let row = row.map_err(|error| error.to_string());
                (line, row.and_then(|row| take(row, line, &mut locks)))
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                (line, Err(csv_fault(&error)))
            }
        };
        if let Err(fault) = taken {
            faults.push(LineFault { line, fault });
        }
        if faults.len() >= FAULT_LIMIT {
            break;
        }
    }
    finish(locks, faults)
}

/// The first line: no column twice, none unknown, none missing that a contact needs.
fn headings(reader: &mut csv::Reader<impl Read>) -> Result<csv::StringRecord, String> {
    let headings = reader.headers().map_err(|error| csv_fault(&error))?.clone();
    for (index, heading) in headings.iter().enumerate() {
        if !COLUMNS.contains(&heading) {
            return Err(format!(
                "there is no column {heading:?}; the columns are {}",
                COLUMNS.join(",")
            ));
        }
        if headings
            .iter()
            .take(index)
            .any(|earlier| earlier == heading)
        {
            return Err(format!("the column {heading:?} is there twice"));
        }
    }
    for needed in ["lock", "name", "channel", "address"] {
        if !headings.iter().any(|heading| heading == needed) {
            return Err(format!("the column {needed:?} is missing"));
        }
    }
    Ok(headings)
}

fn csv_fault(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} cells instead of {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}

/// One line into the contacts of its lock.
fn take(row: Row, line: u64, locks: &mut Locks) -> Result<(), String> {
    if row.lock.is_empty() || row.lock.contains(char::is_control) {
        return Err("the lock needs its client id, without control characters".to_owned());
    }
    let reach = reach(&row)?;
    let contact = contact(&row)?;
    let (_, contacts) = locks.entry(row.lock).or_insert((line, Vec::new()));
    let known = contacts.iter_mut().find(|known| known.name == contact.name);
    let Some(known) = known else {
        let channels = vec![reach];
        contacts.push(Contact {
            channels,
            ..contact
        });
        return Ok(());
    };
    let said = (&contact.language, &contact.zone, &contact.quiet);
    if said != (&known.language, &known.zone, &known.quiet) {
        return Err(format!(
            "{:?} has another language, zone or other quiet hours in an earlier line",
            contact.name
        ));
    }
    let is_same =
        |known: &Reach| known.channel() == reach.channel() && known.address() == reach.address();
    if known.channels.iter().any(is_same) {
        return Err(format!(
            "{:?} has this address in an earlier line",
            contact.name
        ));
    }
    known.channels.push(reach);
    Ok(())
}

fn reach(row: &Row) -> Result<Reach, String> {
    let channel = ChannelKind::of(&row.channel)
        .ok_or_else(|| format!("channel {:?} is not email, sms or webhook", row.channel))?;
    let severity = match row.severity.as_str() {
        "" => Severity::Warning,
        name => *Severity::ALL
            .iter()
            .find(|severity| severity.name() == name)
            .ok_or_else(|| format!("severity {name:?} is not info, warning or critical"))?,
    };
    Reach::new(channel, row.address.clone(), severity).map_err(|error| error.to_string())
}

/// The contact without its channels.
fn contact(row: &Row) -> Result<Contact, String> {
    let language = match row.language.as_str() {
        "" => None,
        name => Some(
            Language::of(name).ok_or_else(|| format!("language {name:?} is not en, zh or ja"))?,
        ),
    };
    let zone = match row.zone.as_str() {
        "" => Zone::default(),
        name => Zone::of(name)?,
    };
    let quiet = match (row.quiet_from.as_str(), row.quiet_to.as_str()) {
        ("", "") => None,
        (from, to) => Some(QuietHours::new(from, to)?),
    };
    Ok(Contact {
        name: row.name.clone(),
        language,
        zone,
        channels: Vec::new(),
        quiet,
    })
}

fn finish(
    locks: Locks,
    mut faults: Vec<LineFault>,
) -> Result<BTreeMap<String, Contacts>, ImportError> {
    let mut taken = BTreeMap::new();
    for (lock, (line, contacts)) in locks {
        match Contacts::new(contacts) {
            Ok(contacts) => {
                taken.insert(lock, contacts);
            }
            Err(error) => {
                let fault = format!("lock {lock:?}: {error}");
                faults.push(LineFault { line, fault });
            }
        }
    }
    if faults.is_empty() {
        return Ok(taken);
    }
    faults.sort_by_key(|fault| fault.line);
    Err(ImportError { faults })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: two locks, a contact with two channels, a quoted name, empty cells.
    /// Guarantee: each lock has its contacts, each contact its channels, and defaults where cells are empty.
    #[test]
    fn a_list_becomes_contacts() {
        let list = "lock,name,language,channel,address,severity,quiet_from,quiet_to,zone\n\
            7,\"Li, Mei\",zh,email,mei@example.com,info,22:00,07:00,Asia/Shanghai\n\
            7,\"Li, Mei\",zh,sms,+8613812345678,critical,22:00,07:00,Asia/Shanghai\n\
            8,Desk,,webhook,https://example.com/a,,,,\n";
        let locks = import(list.as_bytes()).unwrap();
        assert_eq!(locks.keys().collect::<Vec<_>>(), ["7", "8"]);
        let mei = locks["7"].iter().next().unwrap();
        assert_eq!(
            (mei.name.as_str(), mei.language),
            ("Li, Mei", Some(Language::Zh))
        );
        assert_eq!(mei.channels.len(), 2);
        assert_eq!(mei.channels[1].severity(), Severity::Critical);
        assert_eq!(mei.quiet.as_ref().unwrap().to_string(), "22:00 to 07:00");
        let desk = locks["8"].iter().next().unwrap();
        assert_eq!((desk.language, &desk.quiet), (None, &None));
        assert_eq!(desk.channels[0].severity(), Severity::Warning);
        let json = locks["7"].to_json();
        assert_eq!(Contacts::read(&json).unwrap(), locks["7"]);
    }

    /// Scenario: a list with a fault in each of several lines.
    /// Guarantee: nothing is taken, and each fault is told with its line.
    #[test]
    fn faults_are_told_by_line() {
        let list = "lock,name,channel,address,severity,quiet_from,quiet_to,zone\n\
            7,Mei,email,mei@example.com,,,,\n\
            7,Mei,pigeon,roof,,,,\n\
            7,Mei,email,\"mei@example.com\nBcc: x@example.com\",,,,\n\
            7,Mei,sms,12345,,,,\n\
            7,Jun,email,jun@example.com,loud,,,\n\
            7,Ken,email,ken@example.com,,22:00,,\n\
            7,Ken,email,ken@example.com,,,,Mars/Olympus\n\
            7,Mei,email,mei@example.com,,,,\n\
            7,too,few\n\
            ,Mei,email,mei@example.com,,,,\n";
        let error = import(list.as_bytes()).unwrap_err();
        let lines: Vec<u64> = error.faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [3, 4, 6, 7, 8, 9, 10, 11, 12], "{error}");
    }

    /// Scenario: headings that are missing, unknown or double.
    /// Guarantee: line 1 is told.
    #[test]
    fn headings_are_checked() {
        for list in [
            "",
            "lock,name,channel\n",
            "lock,name,channel,address,adress\n",
            "lock,lock,name,channel,address\n",
        ] {
            let error = import(list.as_bytes()).unwrap_err();
            assert_eq!(error.faults[0].line, 1, "{list}");
        }
    }
}
