//! Tables of malformed packets: the statement that each breaks, in both versions.

use super::wire::wire;
use super::*;

/// A packet that breaks one rule.
pub(super) struct Row {
    /// Statement of 3.1.1; empty when the packet is legal, or means something else, there.
    pub(super) v311: &'static str,
    /// The same for 5.0.
    pub(super) v5: &'static str,
    pub(super) reason: u8,
    pub(super) what: &'static str,
    /// The packet in the notation of `wire`.
    pub(super) wire: String,
}

/// One row in a line: statement of 3.1.1, of 5.0, reason, what it is, the packet.
macro_rules! rows {
    ($($v311:literal $v5:literal $reason:literal $what:literal $wire:literal;)+) => {
        vec![$(Row { v311: $v311, v5: $v5, reason: $reason, what: $what, wire: $wire.into() }),+]
    };
}
pub(super) use rows;

/// Checks every row in each version that has it, behind a CONNECT in the notation of `wire`, or
/// as the first packet. Says how many packets there were.
pub(super) fn check(table: &str, connect: Option<&str>, rows: &[Row]) {
    let mut count = 0;
    for row in rows {
        for (version, statement) in [(Version::V311, row.v311), (Version::V5, row.v5)] {
            if statement.is_empty() {
                continue;
            }
            let mut decoder = Decoder::new(Limits::default());
            if let Some(connect) = connect {
                decode_all(&mut decoder, &wire(version, connect)).unwrap();
            }
            let context = format!("MQTT {version}, {}: {}", row.what, row.wire);
            match decode_all(&mut decoder, &wire(version, &row.wire)) {
                Ok(packets) => panic!("{context}: accepted as {packets:?}"),
                Err(error) => {
                    assert_eq!(error.statement(), statement, "{context}: {error}");
                    assert_eq!(error.reason().0, row.reason, "{context}: {error}");
                }
            }
            count += 1;
        }
    }
    println!("{table}: {count} malformed packets refused");
}

/// Rows for a text field that stands at `$` in `places`.
pub(super) fn text_rows(places: &[&str]) -> Vec<Row> {
    let texts = rows! {
        "MQTT-1.5.3-1" "MQTT-1.5.4-1" 0x81 "a byte that starts nothing" "#746FFF70";
        "MQTT-1.5.3-1" "MQTT-1.5.4-1" 0x81 "a surrogate" "#746FEDA080";
        "MQTT-1.5.3-1" "MQTT-1.5.4-1" 0x81 "an overlong slash" "#746FC0AF";
        "MQTT-1.5.3-1" "MQTT-1.5.4-1" 0x81 "a cut sequence" "#746FE282";
        "MQTT-1.5.3-2" "MQTT-1.5.4-2" 0x81 "U+0000" "#746F0070";
        "1.5.3" "1.5.4" 0x81 "U+0001" "#746F0170";
        "1.5.3" "1.5.4" 0x81 "U+001F" "#746F1F70";
        "1.5.3" "1.5.4" 0x81 "U+007F" "#746F7F70";
        "1.5.3" "1.5.4" 0x81 "U+0080" "#746FC28070";
        "1.5.3" "1.5.4" 0x81 "U+009F" "#746FC29F70";
        "1.5.3" "1.5.4" 0x81 "U+FDD0" "#746FEFB79070";
        "1.5.3" "1.5.4" 0x81 "U+FFFF" "#746FEFBFBF70";
    };
    let at = |place: &&str| {
        let place = (*place).to_owned();
        texts.iter().map(move |text| Row {
            wire: place.replace('$', &text.wire),
            ..*text
        })
    };
    places.iter().flat_map(at).collect()
}
