//! Times.

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{call, fails, gives};
use crate::functions::time::date::Date;
use crate::value::Value;

/// Scenario: times of each unit in several offsets, before 1970, without a fraction.
/// Guarantee: EMQX's placeholders, rounded down.
#[test]
fn dates_are_written() {
    gives(&[
        (
            "format_date",
            r#"["millisecond","+08:20:30","%Y-%m-%d %H:%M:%S.%3N%::z",1708933353472]"#,
            r#""2024-02-26 16:03:03.472+08:20:30""#,
        ),
        (
            "format_date",
            r#"["second",28800,"%H%z %N %%Y %y%",0]"#,
            r#""08+0800 000000000 %1970 %y%""#,
        ),
        (
            "format_date",
            r#"["millisecond","-0130","%d %H:%M:%S.%6N%:z",-1]"#,
            r#""31 22:29:59.999000-01:30""#,
        ),
        (
            "format_date",
            r#"["second","UNDEFINED","%Y",-62167219200]"#,
            r#""0000""#,
        ),
        (
            "format_date",
            r#"["second","Z","%Y-%m-%d",951782400]"#,
            r#""2000-02-29""#,
        ),
    ]);
    fails(&[
        (
            "format_date",
            r#"["hour","Z","%Y",0]"#,
            r#"format_date: argument 1 must be one of second, millisecond, microsecond, nanosecond, not "hour""#,
        ),
        (
            "format_date",
            r#"["second","+25:00","%Y",0]"#,
            r#"format_date: argument 2 must be an offset of less than a day, as +08:00, Z or local, not "+25:00""#,
        ),
        (
            "format_date",
            r#"["second",86400,"%Y",0]"#,
            "format_date: argument 2 must be an offset of less than a day, as +08:00, Z or local, not 86400",
        ),
        (
            "format_date",
            r#"["second","Z","%Y",253402300800]"#,
            "format_date: the time is not from year 0 to 9999",
        ),
    ]);
    assert!(
        call(
            "format_date",
            &[
                Value::text("second"),
                Value::Int(0),
                Value::text("%Y"),
                Value::Int(i128::MAX)
            ]
        )
        .is_err()
    );
}

/// Scenario: texts with and without an offset, shorter than their format, with other literals; dates
/// that are none.
/// Guarantee: the offset of the text counts before the argument's; what is no date fails.
#[test]
fn dates_are_read() {
    gives(&[
        (
            "date_to_unix_ts",
            r#"["second","%Y-%m-%d %H:%M:%S%:z","2024-02-23 15:00:00+08:00"]"#,
            "1708671600",
        ),
        (
            "date_to_unix_ts",
            r#"["second","+08:00","%Y-%m-%d %H:%M:%S%:z","2024-02-23 15:00:00"]"#,
            "1708671600",
        ),
        (
            "date_to_unix_ts",
            r#"["second","+01:00","%Y-%m-%d %H:%M:%S%:z","2024-02-23 15:00:00+08:00"]"#,
            "1708671600",
        ),
        (
            "date_to_unix_ts",
            r#"["second","%Y-%m-%d %H:%M:%S","2022-05-26 10-40-12 and more"]"#,
            "1653561612",
        ),
        (
            "date_to_unix_ts",
            r#"["millisecond","%Y%m%d%H%M%S%3N","19691231235959500"]"#,
            "-500",
        ),
        (
            "date_to_unix_ts",
            r#"["second","%Y%m%d%H%M%S%3N","19691231235959500"]"#,
            "-1",
        ),
    ]);
    let format = "%Y-%m-%d %H:%M:%S";
    for wrong in [
        "2023-02-29 10:40:12",
        "2022-05-32 10:40:12",
        "2022-13-01 10:40:12",
        "2022-05-26 24:40:12",
        "2022-05-26 10:40:-1",
        "2022-05",
        "2022-05-26 10:40:1",
    ] {
        let arguments = ["second", format, wrong].map(Value::text);
        assert!(call("date_to_unix_ts", &arguments).is_err(), "{wrong}");
    }
}

/// Scenario: times as RFC 3339 writes them, with fractions of every length, and texts that are none.
/// Guarantee: seconds are cut, finer units rounded; what is written reads back.
#[test]
fn rfc3339_is_read_and_written() {
    gives(&[
        (
            "rfc3339_to_unix_ts",
            r#"["2024-02-23t15:56:30.8765z","millisecond"]"#,
            "1708703790877",
        ),
        (
            "rfc3339_to_unix_ts",
            r#"["2024-02-23 15:56:30.99+08:00"]"#,
            "1708674990",
        ),
        (
            "rfc3339_to_unix_ts",
            r#"["1969-12-31T23:59:59.5Z","millisecond"]"#,
            "-500",
        ),
        (
            "rfc3339_to_unix_ts",
            r#"["2024-02-23T15:56:30.123456789123456789Z","nanosecond"]"#,
            "1708703790123456789",
        ),
    ]);
    for wrong in [
        "",
        "2024-02-23",
        "2024-02-23T15:56:30.Z",
        "2024-02-30T15:56:30Z",
        "2024-02-23T15:56:30+8",
        "2024-02-23T15:56:30Zx",
    ] {
        let message = call("rfc3339_to_unix_ts", &[Value::text(wrong)]).unwrap_err();
        assert!(message.contains("must be an RFC 3339 time"), "{message}");
    }
    for (unit, time) in [
        ("second", 1_708_671_600),
        ("millisecond", -1),
        ("microsecond", 1),
        ("nanosecond", 1_708_671_600_123_456_789),
    ] {
        let unit = Value::text(unit);
        let text = call("unix_ts_to_rfc3339", &[Value::Int(time), unit.clone()]).unwrap();
        assert_eq!(
            call("rfc3339_to_unix_ts", &[text, unit]),
            Ok(Value::Int(time))
        );
    }
}

/// Scenario: the clock is read twice by each function, in each unit.
/// Guarantee: it does not go back, and the units agree.
#[test]
fn the_clock_is_read() {
    let now = |name: &str| call(name, &[Value::text("nanosecond")]).unwrap();
    let (Value::Int(first), text) = (now("now_timestamp"), now("now_rfc3339")) else {
        panic!("no time");
    };
    let read = call("rfc3339_to_unix_ts", &[text, Value::text("nanosecond")]);
    let (Ok(Value::Int(read)), Ok(Value::Int(seconds))) = (read, call("now_timestamp", &[])) else {
        panic!("no time");
    };
    assert!(first <= read && read / 1_000_000_000 <= seconds);
    let local = call("timezone_to_offset_seconds", &[Value::text("local")]);
    assert!(matches!(local, Ok(Value::Int(-86_399..=86_399))));
}

/// Scenario: offsets in every notation.
/// Guarantee: their seconds.
#[test]
fn offsets_are_read() {
    gives(&[
        ("timezone_to_offset_seconds", r#"["z"]"#, "0"),
        ("timezone_to_offset_seconds", r#"["+0800"]"#, "28800"),
        ("timezone_to_offset_seconds", r#"["-08"]"#, "-28800"),
        ("timezone_to_second", r#"["+8:30"]"#, "30600"),
        ("timezone_to_second", "[42]", "42"),
        ("timezone_to_second", r#"["UNDEFINED"]"#, "0"),
    ]);
    for wrong in [
        "",
        "+",
        "8:00",
        "+08:60",
        "+08:00:00:00",
        "+-8:00",
        "+080",
        "+08:",
        "+é:00",
    ] {
        assert!(
            call("timezone_to_offset_seconds", &[Value::text(wrong)]).is_err(),
            "{wrong}"
        );
    }
}

proptest! {
    /// Scenario: any time from year 0 to 9999.
    /// Guarantee: its date is that of another calendar, and leads back to it.
    #[test]
    fn dates_agree_with_another_calendar(nanos in -62_167_219_200_000_000_000_i128..253_402_207_200_000_000_000) {
        let ours = Date::from_nanos(nanos).unwrap();
        let theirs = jiff::Timestamp::from_nanosecond(nanos).unwrap().to_zoned(TimeZone::UTC);
        let (year, month, day) = (ours.year.try_into().unwrap(), ours.month.try_into().unwrap(), ours.day.try_into().unwrap());
        prop_assert_eq!(theirs.date(), date(year, month, day));
        prop_assert_eq!(i128::from(theirs.hour()) * 60 + i128::from(theirs.minute()), ours.hour * 60 + ours.minute);
        prop_assert_eq!(ours.to_nanos(), Some(nanos));
    }
}
