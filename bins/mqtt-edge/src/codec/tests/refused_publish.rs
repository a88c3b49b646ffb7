//! What is refused as PUBLISH.

use super::rows::{Row, check, rows, text_rows};

const CONNECT: Option<&str> = Some("10 @02 _ 'lock-1'");

/// Scenario: each way to write a PUBLISH without properties wrongly, in both versions.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn malformed_publishes_are_refused() {
    let mut rows = rows! {
        "MQTT-3.3.1-4" "MQTT-3.3.1-4" 0x81 "QoS 3" "36 'a/b' 0001 _ =x";
        "MQTT-3.3.1-4" "MQTT-3.3.1-4" 0x81 "QoS 3 without identifier" "36 'a/b' _ =x";
        "MQTT-3.3.1-4" "MQTT-3.3.1-4" 0x81 "QoS 3 with DUP and RETAIN" "3F 'a/b' 0001 _ =x";
        "MQTT-3.3.1-2" "MQTT-3.3.1-2" 0x81 "DUP with QoS 0" "38 'a/b' _ =x";
        "MQTT-3.3.1-2" "MQTT-3.3.1-2" 0x81 "DUP and RETAIN with QoS 0" "39 'a/b' _ =x";
        "MQTT-2.3.1-1" "MQTT-2.2.1-3" 0x82 "identifier 0 with QoS 1" "32 'a/b' 0000 _ =x";
        "MQTT-2.3.1-1" "MQTT-2.2.1-3" 0x82 "identifier 0 with QoS 2" "34 'a/b' 0000 _ =x";
        "MQTT-4.7.3-1" "MQTT-4.7.3-1" 0x82 "empty topic" "30 '' _ =x";
        "MQTT-4.7.3-1" "MQTT-4.7.3-1" 0x82 "empty topic with QoS 1" "32 '' 0001 _ =x";
        "MQTT-3.3.2-2" "MQTT-3.3.2-2" 0x90 "+ as a level" "30 'a/+/c' _ =x";
        "MQTT-3.3.2-2" "MQTT-3.3.2-2" 0x90 "+ within a level" "30 '+opic' _ =x";
        "MQTT-3.3.2-2" "MQTT-3.3.2-2" 0x90 "# as a level" "30 'a/#' _ =x";
        "MQTT-3.3.2-2" "MQTT-3.3.2-2" 0x90 "# within a level" "30 'a/x#y' _ =x";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "empty body" "30";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "half a length" "30 00";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "topic longer than the packet" "30 0009 =ab";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "no identifier" "32 'a/b'";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "half an identifier" "32 'a/b' 00";
        "" "MQTT-4.13.1-1" 0x81 "no property length" "30 'a/b'";
        "" "MQTT-1.5.5-1" 0x81 "a long remaining length" "! 30 8400 'a' 00";
    };
    rows.extend(text_rows(&["30 $ _ =x", "32 $ 0001 _ =x"]));
    check("PUBLISH", CONNECT, &rows);
}

/// Scenario: properties of PUBLISH that are unknown, misplaced, doubled, cut short or out of range.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn bad_properties_of_publish_are_refused() {
    let mut rows = rows! {
        "" "2.2.2.2" 0x82 "payload format 2" "32 'a/b' 0001 ( 0102 ) =x";
        "" "MQTT-3.3.2-8" 0x94 "alias 0" "32 'a/b' 0001 ( 230000 ) =x";
        "" "MQTT-3.3.2-9" 0x94 "an alias though none is allowed" "32 'a/b' 0001 ( 230001 ) =x";
        "" "MQTT-3.3.2-9" 0x94 "an alias instead of a topic" "32 '' 0001 ( 230001 ) =x";
        "" "MQTT-3.3.4-6" 0x82 "subscription identifier" "32 'a/b' 0001 ( 0B01 ) =x";
        "" "MQTT-3.3.4-6" 0x82 "two subscription identifiers" "32 'a/b' 0001 ( 0B01 0B02 ) =x";
        "" "2.2.2.2" 0x82 "subscription identifier 0" "32 'a/b' 0001 ( 0B00 ) =x";
        "" "MQTT-1.5.5-1" 0x81 "a long subscription identifier" "32 'a/b' 0001 ( 0B8000 ) =x";
        "" "MQTT-3.3.2-14" 0x82 "# in the response topic" "32 'a/b' 0001 ( 08 'a/#' ) =x";
        "" "MQTT-3.3.2-14" 0x82 "+ in the response topic" "32 'a/b' 0001 ( 08 'a+' ) =x";
        "" "MQTT-3.3.2-14" 0x82 "empty response topic" "32 'a/b' 0001 ( 08 '' ) =x";
        "" "2.2.2.2" 0x82 "payload format twice" "32 'a/b' 0001 ( 0101 0101 ) =x";
        "" "2.2.2.2" 0x82 "expiry twice" "32 'a/b' 0001 ( 0200000001 0200000001 ) =x";
        "" "2.2.2.2" 0x82 "content type twice" "32 'a/b' 0001 ( 03 'c' 03 'c' ) =x";
        "" "2.2.2.2" 0x82 "response topic twice" "32 'a/b' 0001 ( 08 'r' 08 'r' ) =x";
        "" "2.2.2.2" 0x82 "correlation data twice" "32 'a/b' 0001 ( 09 'd' 09 'd' ) =x";
        "" "2.2.2.2" 0x82 "alias twice" "32 'a/b' 0001 ( 230001 230001 ) =x";
        "" "2.2.2.2" 0x81 "reason string" "32 'a/b' 0001 ( 1F 'r' ) =x";
        "" "2.2.2.2" 0x81 "will delay" "32 'a/b' 0001 ( 1800000001 ) =x";
        "" "2.2.2.2" 0x81 "assigned client identifier" "32 'a/b' 0001 ( 12 'a' ) =x";
        "" "2.2.2.2" 0x81 "maximum QoS" "32 'a/b' 0001 ( 2400 ) =x";
        "" "2.2.2.2" 0x81 "unknown property" "32 'a/b' 0001 ( 7F01 ) =x";
        "" "MQTT-4.13.1-1" 0x81 "user property without value" "32 'a/b' 0001 ( 26 'p' ) =x";
        "" "MQTT-4.13.1-1" 0x81 "expiry cut short" "32 'a/b' 0001 ( 020000 ) =x";
        "" "MQTT-4.13.1-1" 0x81 "no payload format" "32 'a/b' 0001 ( 01 ) =x";
        "" "MQTT-4.13.1-1" 0x81 "no subscription identifier" "32 'a/b' 0001 ( 0B ) =x";
        "" "MQTT-4.7.3-1" 0x82 "neither topic nor alias" "32 '' 0001 ( 0200000001 ) =x";
        "" "MQTT-3.3.2-2" 0x90 "wildcard beside properties" "30 'a/+' ( 0200000001 ) =x";
        "" "MQTT-2.2.1-3" 0x82 "identifier 0 beside properties" "32 'a' 0000 ( 0200000001 ) =x";
        "" "MQTT-4.13.1-1" 0x81 "properties longer than the packet" "30 'a/b' 09";
        "" "MQTT-1.5.5-1" 0x81 "property length 0 in two bytes" "30 'a/b' 8000 =x";
        "" "1.5.5" 0x81 "a property length of five bytes" "30 'a/b' 8080808001 =x";
    };
    let mut texts = text_rows(&[
        "30 $ ( 0200000001 ) =x",
        "30 'a' ( 03 $ ) =x",
        "30 'a' ( 26 'p' $ ) =x",
    ]);
    for row in &mut texts {
        row.v311 = "";
    }
    rows.extend(texts);
    check("properties of PUBLISH", CONNECT, &rows);
}
