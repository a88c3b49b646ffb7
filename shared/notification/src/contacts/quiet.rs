//! Quiet hours and time zones.

use std::fmt;

use jiff::civil::Time;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

/// A time zone: an IANA name (`Asia/Tokyo`) or an offset (`+09:00`). UTC unless said otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
        }
    }
}

impl Zone {
    /// The zone of this name or offset. The error is a sentence for people.
    pub fn of(name: &str) -> Result<Self, String> {
        let zone = DateTimeParser::new().parse_time_zone(name).map_err(|_| {
            format!("there is no time zone {name:?}; write a name like Asia/Tokyo or an offset like +09:00")
        })?;
        let name = name.to_owned();
        Ok(Self { name, zone })
    }

    /// As it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A moment by the clocks of this zone. Moments that no calendar knows are shown as 1970.
    pub(crate) fn at(&self, ms: u64) -> Zoned {
        let timestamp = i64::try_from(ms)
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok());
        timestamp.unwrap_or_default().to_zoned(self.zone.clone())
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::of(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

/// Every day from one time to another, by the clocks of the contact's zone; over midnight when the
/// first is the later one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "WrittenHours", into = "WrittenHours")]
pub struct QuietHours {
    from: Time,
    to: Time,
    /// Whether even critical alerts wait. Otherwise they pass.
    pub critical_waits: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHours {
    from: String,
    to: String,
    #[serde(default)]
    critical_waits: bool,
}

impl TryFrom<WrittenHours> for QuietHours {
    type Error = String;

    fn try_from(written: WrittenHours) -> Result<Self, String> {
        let hours = Self::new(&written.from, &written.to)?;
        Ok(Self {
            critical_waits: written.critical_waits,
            ..hours
        })
    }
}

impl From<QuietHours> for WrittenHours {
    fn from(hours: QuietHours) -> Self {
        Self {
            from: written(hours.from),
            to: written(hours.to),
            critical_waits: hours.critical_waits,
        }
    }
}

fn written(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

impl QuietHours {
    /// Quiet from `HH:MM` to `HH:MM`; critical alerts pass. The error is a sentence for people.
    pub fn new(from: &str, to: &str) -> Result<Self, String> {
        let (from, to) = (time(from)?, time(to)?);
        if from == to {
            return Err("quiet hours that end when they begin; leave them out instead".to_owned());
        }
        Ok(Self {
            from,
            to,
            critical_waits: false,
        })
    }

    /// When they end, if that moment (milliseconds since 1970) is within them.
    pub fn end(&self, now_ms: u64, zone: &Zone) -> Option<u64> {
        let now = zone.at(now_ms);
        let time = now.time();
        let over_midnight = self.from > self.to;
        let quiet = if over_midnight {
            time >= self.from || time < self.to
        } else {
            time >= self.from && time < self.to
        };
        if !quiet {
            return None;
        }
        let ends_tomorrow = over_midnight && time >= self.from;
        let days = i64::from(ends_tomorrow);
        let end = now
            .date()
            .checked_add(days.days())
            .ok()?
            .to_datetime(self.to);
        // A time that the clocks skip ends when they have skipped it.
        let end = end.to_zoned(now.time_zone().clone()).ok()?;
        u64::try_from(end.timestamp().as_millisecond()).ok()
    }
}

/// Jiff reads more than this, such as fractions of seconds; people write hours and minutes.
fn time(text: &str) -> Result<Time, String> {
    let fault = || format!("{text:?} is not a time of day; it looks like 22:00");
    let (hour, minute) = text.split_once(':').ok_or_else(fault)?;
    if hour.len() != 2
        || minute.len() != 2
        || !text.bytes().all(|b| b == b':' || b.is_ascii_digit())
    {
        return Err(fault());
    }
    let (hour, minute) = (hour.parse().ok(), minute.parse().ok());
    let (Some(hour), Some(minute)) = (hour, minute) else {
        return Err(fault());
    };
    Time::new(hour, minute, 0, 0).map_err(|_| fault())
}

impl fmt::Display for QuietHours {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} to {}", written(self.from), written(self.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: &str) -> u64 {
        let time: Timestamp = time.parse().unwrap();
        time.as_millisecond().try_into().unwrap()
    }

    /// Scenario: moments before, within and after quiet hours over midnight, by name and offset.
    /// Guarantee: within them the end is the next morning of that zone; outside there is none.
    #[test]
    fn end_of_a_night() {
        let night = QuietHours::new("22:00", "07:00").unwrap();
        for name in ["Asia/Shanghai", "+08:00"] {
            let zone = Zone::of(name).unwrap();
            let end = |time: &str| night.end(ms(time), &zone);
            assert_eq!(end("2026-03-01T21:59:59+08:00"), None);
            assert_eq!(
                end("2026-03-01T22:00:00+08:00"),
                Some(ms("2026-03-02T07:00:00+08:00"))
            );
            assert_eq!(
                end("2026-03-02T06:59:59+08:00"),
                Some(ms("2026-03-02T07:00:00+08:00"))
            );
            assert_eq!(end("2026-03-02T07:00:00+08:00"), None);
        }
    }

    /// Scenario: quiet hours within a day; the clocks skip the hour in which they end.
    /// Guarantee: the end is right, and after the skipped hour.
    #[test]
    fn end_within_a_day_and_over_a_skipped_hour() {
        let siesta = QuietHours::new("12:00", "14:00").unwrap();
        let rome = Zone::of("Europe/Rome").unwrap();
        let noon = ms("2026-07-01T12:30:00+02:00");
        assert_eq!(
            siesta.end(noon, &rome),
            Some(ms("2026-07-01T14:00:00+02:00"))
        );
        assert_eq!(siesta.end(ms("2026-07-01T11:59:00+02:00"), &rome), None);

        let night = QuietHours::new("23:00", "02:30").unwrap();
        let before = ms("2026-03-29T01:30:00+01:00");
        assert_eq!(
            night.end(before, &rome),
            Some(ms("2026-03-29T03:30:00+02:00"))
        );
    }

    /// Scenario: times and zones that there are not.
    /// Guarantee: they are refused.
    #[test]
    fn nonsense_is_refused() {
        for (from, to) in [
            ("7:00", "08:00"),
            ("24:00", "08:00"),
            ("22:00", "22:00"),
            ("", "1"),
            ("+1:00", "02:00"),
        ] {
            assert!(QuietHours::new(from, to).is_err(), "{from} {to}");
        }
        for zone in ["", "Mars/Olympus", "9", "+99:00", "../etc/passwd"] {
            assert!(Zone::of(zone).is_err(), "{zone}");
        }
    }
}
