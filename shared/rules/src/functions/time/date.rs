//! Days and hours of a time, without any zone.

use super::unit::SECOND;

/// Seconds of a day.
const DAY: i128 = 86_400;

/// Days from the first of March of year 0 to the first of January of 1970.
const TO_1970: i128 = 719_468;

/// Days of four hundred years, after which the calendar is the same again.
const ERA: i128 = 146_097;

/// A date and time of the Gregorian calendar, from year 0 to 9999.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::functions) struct Date {
    pub(in crate::functions) year: i128,
    pub(in crate::functions) month: i128,
    pub(in crate::functions) day: i128,
    pub(in crate::functions) hour: i128,
    pub(in crate::functions) minute: i128,
    pub(in crate::functions) second: i128,
    /// Of the second.
    pub(in crate::functions) nanos: i128,
}

impl Date {
    /// From nanoseconds since 1970.
    pub(in crate::functions) fn from_nanos(nanos: i128) -> Option<Self> {
        let seconds = nanos.div_euclid(SECOND);
        let of_day = seconds.rem_euclid(DAY);
        // The year begins in March, so that the leap day is its last.
        let days = seconds.div_euclid(DAY).checked_add(TO_1970)?;
        let of_era = days.rem_euclid(ERA);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let year = year.checked_add(days.div_euclid(ERA).checked_mul(400)?)?;
        let date = Self {
            year: year.checked_add(i128::from(month >= 10))?,
            month: if month < 10 { month + 3 } else { month - 9 },
            day: of_year - (153 * month + 2) / 5 + 1,
            hour: of_day / 3_600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            nanos: nanos.rem_euclid(SECOND),
        };
        (0..=9_999).contains(&date.year).then_some(date)
    }

    /// Nanoseconds since 1970, when there is such a date. A leap second is the one behind it.
    pub(in crate::functions) fn to_nanos(self) -> Option<i128> {
        let valid = (0..=9_999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_of(self.year, self.month)).contains(&self.day)
            && (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..=60).contains(&self.second)
            && (0..SECOND).contains(&self.nanos);
        if !valid {
            return None;
        }
        let year = self.year - i128::from(self.month <= 2);
        let of_era = year.rem_euclid(400);
        let month = (self.month + 9) % 12;
        let of_year = (153 * month + 2) / 5 + self.day - 1;
        let days = year.div_euclid(400) * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        let seconds = (days - TO_1970) * DAY + self.hour * 3_600 + self.minute * 60 + self.second;
        Some(seconds * SECOND + self.nanos)
    }
}

fn days_of(year: i128, month: i128) -> i128 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i128::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
