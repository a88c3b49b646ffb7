//! What is refused as CONNECT.

use super::rows::{Row, check, rows, text_rows};

/// Scenario: protocol names and levels that are not served, and CONNECTs too short to tell.
/// Guarantee: refused at once. The version is unknown, so the statements are those of 5.0.
#[test]
fn other_protocols_are_refused() {
    let rows = rows! {
        "MQTT-2.1.3-1" "MQTT-2.1.3-1" 0x81 "flags" "11 @02 _ 'lock-1'";
        "MQTT-3.1.2-1" "MQTT-3.1.2-1" 0x84 "another name" "10 'MQTX' 04 02 003C 'a'";
        "MQTT-3.1.2-1" "MQTT-3.1.2-1" 0x84 "no name" "10 '' 04 02 003C 'a'";
        "MQTT-3.1.2-1" "MQTT-3.1.2-1" 0x84 "the name in lower case" "10 'mqtt' 05 02 003C 00 'a'";
        "MQTT-3.1.2-1" "MQTT-3.1.2-1" 0x84 "a longer name" "10 'MQTTT' 04 02 003C 'a'";
        "MQTT-3.1.2-2" "MQTT-3.1.2-2" 0x84 "MQTT 3.1" "10 'MQIsdp' 03 02 003C 'a'";
        "MQTT-3.1.2-2" "MQTT-3.1.2-2" 0x84 "the name of 3.1 at level 4" "10 'MQIsdp' 04 02 003C 'a'";
        "MQTT-3.1.2-2" "MQTT-3.1.2-2" 0x84 "the name of 3.1 at level 5" "10 'MQIsdp' 05 02 003C 00 'a'";
        "MQTT-3.1.2-2" "MQTT-3.1.2-2" 0x84 "level 0" "10 'MQTT' 00 02 003C 'a'";
        "MQTT-3.1.2-2" "MQTT-3.1.2-2" 0x84 "level 3" "10 'MQTT' 03 02 003C 'a'";
        "MQTT-3.1.2-2" "MQTT-3.1.2-2" 0x84 "level 6" "10 'MQTT' 06 02 003C 'a'";
        "MQTT-3.1.2-2" "MQTT-3.1.2-2" 0x84 "a bridge" "10 'MQTT' 84 02 003C 'a'";
        "MQTT-4.13.1-1" "MQTT-4.13.1-1" 0x81 "empty body" "10";
        "MQTT-4.13.1-1" "MQTT-4.13.1-1" 0x81 "half a name" "10 0004 =MQ";
        "MQTT-4.13.1-1" "MQTT-4.13.1-1" 0x81 "no level" "10 'MQTT'";
    };
    check("protocol of CONNECT", None, &rows);
}

/// Scenario: each way to set flags or write fields of CONNECT wrongly, in both versions.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn malformed_connects_are_refused() {
    let mut rows = rows! {
        "MQTT-3.1.2-3" "MQTT-3.1.2-3" 0x81 "reserved flag" "10 @03 _ 'lock-1'";
        "MQTT-3.1.2-13" "MQTT-3.1.2-11" 0x81 "will QoS 1 without will" "10 @0A _ 'lock-1'";
        "MQTT-3.1.2-13" "MQTT-3.1.2-11" 0x81 "will QoS 2 without will" "10 @12 _ 'lock-1'";
        "MQTT-3.1.2-15" "MQTT-3.1.2-13" 0x81 "will retain without will" "10 @22 _ 'lock-1'";
        "MQTT-3.1.2-14" "MQTT-3.1.2-12" 0x81 "will QoS 3" "10 @1E _ 'lock-1' _ 'a/b' 'gone'";
        "MQTT-4.7.3-1" "MQTT-4.7.3-1" 0x82 "empty will topic" "10 @06 _ 'lock-1' _ '' 'gone'";
        "MQTT-3.3.2-2" "MQTT-3.3.2-2" 0x90 "+ in the will topic" "10 @06 _ 'lock-1' _ 'a/+' 'gone'";
        "MQTT-3.3.2-2" "MQTT-3.3.2-2" 0x90 "# in the will topic" "10 @06 _ 'lock-1' _ 'a/#' 'gone'";
        "MQTT-3.1.2-22" "" 0x81 "password without user name" "10 @42 'lock-1' 'secret'";
        "MQTT-3.1.3-8" "" 0x85 "no identifier for a session that stays" "10 @00 ''";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "no client identifier" "10 @02 _";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "a long client identifier" "10 @02 _ 0009 =lock";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "no will" "10 @06 _ 'lock-1'";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "no will payload" "10 @06 _ 'lock-1' _ 'a/b'";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "no user name" "10 @82 _ 'lock-1'";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "no password" "10 @C2 _ 'lock-1' 'user'";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "a user name without its flag" "10 @02 _ 'lock-1' 'user'";
        "MQTT-4.8.0-1" "MQTT-4.13.1-1" 0x81 "a byte too many" "10 @02 _ 'lock-1' 00";
    };
    let places = [
        "10 @02 _ $",
        "10 @82 _ 'lock-1' $",
        "10 @06 _ 'lock-1' _ $ 'gone'",
    ];
    rows.extend(text_rows(&places));
    check("CONNECT", None, &rows);
}

/// Scenario: properties of CONNECT and of its will that are unknown, misplaced, doubled, cut
/// short or out of range.
/// Guarantee: refused, with the broken statement and its reason code.
#[test]
fn bad_properties_of_connect_are_refused() {
    let rows = rows! {
        "" "2.2.2.2" 0x82 "receive maximum 0" "10 @02 ( 210000 ) 'a'";
        "" "2.2.2.2" 0x82 "maximum packet size 0" "10 @02 ( 2700000000 ) 'a'";
        "" "3.1.2.11.4" 0x95 "maximum packet size 19" "10 @02 ( 2700000013 ) 'a'";
        "" "2.2.2.2" 0x82 "request problem information 2" "10 @02 ( 1702 ) 'a'";
        "" "2.2.2.2" 0x82 "request response information 2" "10 @02 ( 1902 ) 'a'";
        "" "3.1.2.11.10" 0x82 "authentication data without method" "10 @02 ( 16 'd' ) 'a'";
        "" "2.2.2.2" 0x82 "session expiry twice" "10 @02 ( 1100000001 1100000001 ) 'a'";
        "" "2.2.2.2" 0x82 "method twice" "10 @02 ( 15 'm' 15 'm' ) 'a'";
        "" "2.2.2.2" 0x82 "data twice" "10 @02 ( 15 'm' 16 'd' 16 'd' ) 'a'";
        "" "2.2.2.2" 0x82 "problem information twice" "10 @02 ( 1701 1701 ) 'a'";
        "" "2.2.2.2" 0x82 "response information twice" "10 @02 ( 1901 1901 ) 'a'";
        "" "2.2.2.2" 0x82 "receive maximum twice" "10 @02 ( 210001 210001 ) 'a'";
        "" "2.2.2.2" 0x82 "alias maximum twice" "10 @02 ( 220001 220001 ) 'a'";
        "" "2.2.2.2" 0x82 "packet size twice" "10 @02 ( 2700010000 2700010000 ) 'a'";
        "" "2.2.2.2" 0x81 "payload format" "10 @02 ( 0101 ) 'a'";
        "" "2.2.2.2" 0x81 "will delay in CONNECT" "10 @02 ( 1800000001 ) 'a'";
        "" "2.2.2.2" 0x81 "server keep alive" "10 @02 ( 130001 ) 'a'";
        "" "2.2.2.2" 0x81 "unknown property" "10 @02 ( 0401 ) 'a'";
        "" "2.2.2.2" 0x81 "property 0" "10 @02 ( 0001 ) 'a'";
        "" "2.2.2.2" 0x81 "an identifier of two bytes" "10 @02 ( 800101 ) 'a'";
        "" "MQTT-4.13.1-1" 0x81 "session expiry cut short" "10 @02 ( 11000000 ) 'a'";
        "" "MQTT-4.13.1-1" 0x81 "receive maximum cut short" "10 @02 ( 2100 ) 'a'";
        "" "MQTT-4.13.1-1" 0x81 "user property without value" "10 @02 ( 26 'p' ) 'a'";
        "" "MQTT-4.13.1-1" 0x81 "no properties" "10 @02";
        "" "MQTT-4.13.1-1" 0x81 "properties longer than the packet" "10 @02 7F 'a'";
        "" "MQTT-1.5.4-2" 0x81 "U+0000 in a user property" "10 @02 ( 26 'p' #00 ) 'a'";
        "" "MQTT-1.5.4-1" 0x81 "a method that is no text" "10 @02 ( 15 #FF ) 'a'";
        "" "MQTT-1.5.5-1" 0x81 "a long property length" "10 @02 8000 'a'";
        "" "1.5.5" 0x81 "a property length of five bytes" "10 @02 8080808001 'a'";
        "" "MQTT-1.5.5-1" 0x81 "a long remaining length" "! 10 8E00 @02 00 'a'";
        "" "2.2.2.2" 0x82 "will delay twice" "10 @06 _ 'a' ( 1800000001 1800000001 ) 'a/b' 'x'";
        "" "2.2.2.2" 0x81 "session expiry in a will" "10 @06 _ 'a' ( 1100000001 ) 'a/b' 'x'";
        "" "2.2.2.2" 0x81 "topic alias in a will" "10 @06 _ 'a' ( 230001 ) 'a/b' 'x'";
        "" "2.2.2.2" 0x82 "payload format 2 in a will" "10 @06 _ 'a' ( 0102 ) 'a/b' 'x'";
        "" "MQTT-3.3.2-14" 0x82 "empty response topic in a will" "10 @06 _ 'a' ( 08 '' ) 'a/b' 'x'";
    };
    check("properties of CONNECT", None, &rows);
}
