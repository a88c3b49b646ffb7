//! What is refused as SUBSCRIBE and UNSUBSCRIBE.

use super::rows::{Row, check, rows, text_rows};

const CONNECT: Option<&str> = Some("10 @02 _ 'lock-1'");

/// Scenario: malformed filters in SUBSCRIBE and UNSUBSCRIBE, in both versions.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn malformed_filters_are_refused() {
    let filters = rows! {
        "MQTT-4.7.3-1" "MQTT-4.7.3-1" 0x8F "empty filter" "''";
        "MQTT-4.7.1-2" "MQTT-4.7.1-1" 0x8F "# before the end" "'a/#/b'";
        "MQTT-4.7.1-2" "MQTT-4.7.1-1" 0x8F "# and a slash" "'#/'";
        "MQTT-4.7.1-2" "MQTT-4.7.1-1" 0x8F "# within a level" "'a/b#'";
        "MQTT-4.7.1-2" "MQTT-4.7.1-1" 0x8F "## as a level" "'a/##'";
        "MQTT-4.7.1-3" "MQTT-4.7.1-2" 0x8F "+ within a level" "'a/b+/c'";
        "MQTT-4.7.1-3" "MQTT-4.7.1-2" 0x8F "++ as a level" "'++'";
        "" "MQTT-4.8.2-1" 0x8F "empty share name" "'$share//a'";
        "" "MQTT-4.8.2-1" 0x8F "share without a name" "'$share/'";
        "" "MQTT-4.8.2-2" 0x8F "share without a filter" "'$share/g'";
        "" "MQTT-4.8.2-2" 0x8F "share with an empty filter" "'$share/g/'";
        "" "MQTT-4.8.2-2" 0x8F "+ as share name" "'$share/+/a'";
        "" "MQTT-4.7.1-1" 0x8F "# as share name" "'$share/#/a'";
        "" "MQTT-4.7.1-1" 0x8F "a bad filter in a share" "'$share/g/a#'";
    };
    let mut rows = Vec::new();
    for row in filters {
        let subscribe = format!("82 0001 _ {} 00", row.wire);
        let second = format!("82 0001 _ 'a' 00 {} 00", row.wire);
        let unsubscribe = format!("A2 0001 _ {}", row.wire);
        rows.extend([subscribe, second, unsubscribe].map(|wire| Row { wire, ..row }));
    }
    rows.extend(text_rows(&["82 0001 _ $ 00", "A2 0001 _ $"]));
    check("filters", CONNECT, &rows);
}

/// Scenario: wrong identifiers, options, lengths and properties around the filters.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn malformed_subscribes_are_refused() {
    let rows = rows! {
        "MQTT-3.8.3-3" "MQTT-3.8.3-2" 0x82 "SUBSCRIBE to nothing" "82 0001 _";
        "MQTT-3.10.3-2" "MQTT-3.10.3-2" 0x82 "UNSUBSCRIBE from nothing" "A2 0001 _";
        "MQTT-2.3.1-1" "MQTT-2.2.1-3" 0x82 "identifier 0" "82 0000 _ 'a' 00";
        "MQTT-2.3.1-1" "MQTT-2.2.1-3" 0x82 "identifier 0" "A2 0000 _ 'a'";
        "MQTT-3.8.3-4" "3.8.3.1" 0x82 "QoS 3" "82 0001 _ 'a' 03";
        "MQTT-3.8.3-4" "MQTT-3.8.3-5" 0x81 "option bit 6" "82 0001 _ 'a' 40";
        "MQTT-3.8.3-4" "MQTT-3.8.3-5" 0x81 "option bit 7" "82 0001 _ 'a' 80";
        "MQTT-3.8.3-4" "" 0x81 "option bit 2 in 3.1.1" "82 0001 'a' 04";
        "MQTT-3.8.3-4" "" 0x81 "option bit 3 in 3.1.1" "82 0001 'a' 08";
        "MQTT-3.8.3-4" "" 0x81 "option bit 4 in 3.1.1" "82 0001 'a' 10";
        "MQTT-3.8.3-4" "" 0x81 "option bit 5 in 3.1.1" "82 0001 'a' 20";
        "MQTT-3.8.3-4" "3.8.3.1" 0x82 "QoS 3 in the second" "82 0001 _ 'a' 01 'b' 03";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "no options" "82 0001 _ 'a'";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "a byte after the options" "82 0001 _ 'a' 0000";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "SUBSCRIBE without a body" "82";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "half an identifier" "82 00";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "UNSUBSCRIBE without a body" "A2";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "a byte after the filter" "A2 0001 _ 'a' 00";
        "" "MQTT-4.13.1-1" 0x81 "no property length" "82 0001";
        "" "3.8.3.1" 0x82 "retain handling 3" "82 0001 _ 'a' 30";
        "" "MQTT-3.8.3-4" 0x82 "no local on a share" "82 0001 _ '$share/g/a' 04";
        "" "2.2.2.2" 0x82 "subscription identifier 0" "82 0001 ( 0B00 ) 'a' 00";
        "" "2.2.2.2" 0x82 "two subscription identifiers" "82 0001 ( 0B01 0B01 ) 'a' 00";
        "" "1.5.5" 0x81 "a subscription identifier of five bytes" "82 0001 ( 0B8080808001 ) 'a' 00";
        "" "2.2.2.2" 0x81 "reason string" "82 0001 ( 1F 'r' ) 'a' 00";
        "" "2.2.2.2" 0x81 "subscription identifier in UNSUBSCRIBE" "A2 0001 ( 0B01 ) 'a'";
        "" "MQTT-4.13.1-1" 0x81 "user property without value" "82 0001 ( 26 'p' ) 'a' 00";
        "" "MQTT-4.13.1-1" 0x81 "user property without value" "A2 0001 ( 26 'p' ) 'a'";
    };
    check("SUBSCRIBE and UNSUBSCRIBE", CONNECT, &rows);
}
