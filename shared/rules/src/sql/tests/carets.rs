//! Places as people see them.

use crate::sql::{Place, parse, point_at};

/// Scenario: mistakes in the first and in later lines, behind tabs, wide characters and marks that
/// take no column, at the end, and across lines.
/// Guarantee: carets stand under what is wrong.
#[test]
fn stand_under_the_place() {
    for (text, expected) in [
        ("SELECT a WHERE b", "  SELECT a WHERE b\n           ^^^^^"),
        ("SELECT a\r\nFROM t ;\r\n ;;\r\n", "   ;;\n   ^"),
        ("SELECT\ta WHERE", "  SELECT\ta WHERE\n        \t  ^^^^^"),
        (
            "SELECT '\u{95e8}\u{9501}', 'e\u{301}' WHERE",
            "  SELECT '\u{95e8}\u{9501}', 'e\u{301}' WHERE\n                     ^^^^^",
        ),
        ("SELECT a", "  SELECT a\n          ^"),
        ("", "  \n  ^"),
        (
            "SELECT '\u{1b}[31m' WHERE",
            "  SELECT '\u{fffd}[31m' WHERE\n                 ^^^^^",
        ),
        (
            "SELECT uper(\u{95e8}) FROM t",
            "  SELECT uper(\u{95e8}) FROM t\n         ^^^^",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.caret(text), format!("{error}\n{expected}"), "{text}");
    }
    let place = Place { start: 2, end: 6 };
    assert_eq!(
        point_at("a b\nc", place, "no"),
        "line 1, column 3: no\n  a b\n    ^"
    );
}

/// Scenario: a mistake in the middle of a line of thousands of characters.
/// Guarantee: what is around it is shown, marked where it was cut, carets in their place.
#[test]
fn of_a_long_line() {
    let long = "a, ".repeat(500);
    let text = format!("SELECT {long}a WHERE {long}");
    let shown = parse(&text).unwrap_err().caret(&text);
    let lines: Vec<&str> = shown.lines().collect();
    let [_, line, carets] = lines[..] else {
        panic!("{shown}");
    };
    assert!(
        line.starts_with("  \u{2026}") && line.ends_with('\u{2026}'),
        "{line}"
    );
    let before = carets.find('^').unwrap();
    let marked: String = line.chars().skip(before).take(5).collect();
    assert_eq!((marked.as_str(), carets.trim_start()), ("WHERE", "^^^^^"));
    assert!(line.chars().count() < 160);
}

/// Scenario: places that are not in the text, or between the bytes of a character.
/// Guarantee: something is shown, nothing panics.
#[test]
fn of_a_place_that_is_none() {
    for text in ["", "\u{95e8}\u{9501}\n\u{95e8}", "a"] {
        for start in 0..12 {
            for end in 0..12 {
                assert!(point_at(text, Place { start, end }, "no").contains('^'));
            }
        }
    }
}
