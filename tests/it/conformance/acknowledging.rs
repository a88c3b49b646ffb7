//! PUBLISH towards the edge, at each quality of service.

use super::bed::{roomy, tight};
use super::rows::{Row, check, rows};

const PUBLISH: &[Row] = rows! {
    "MQTT-4.3.1-1 MQTT-3.3.4-1" "MQTT-4.3.1-1 MQTT-3.3.4-1" "QoS 0 has no answer" "
        a +
        a > PUBLISH topic=%/x payload=1
        a .";
    "MQTT-4.3.2-2 MQTT-3.3.4-1" "MQTT-4.3.2-4 MQTT-3.3.4-1" "QoS 1 is answered with PUBACK" "
        a +
        a > PUBLISH qos=1 id=65535 topic=%/x payload=1
        a < PUBACK id=65535
        a .";
    "MQTT-4.3.3-2 MQTT-3.3.4-1" "MQTT-4.3.3-8 MQTT-4.3.3-11 MQTT-3.3.4-1" "QoS 2 has four packets" "
        a +
        a > PUBLISH qos=2 id=7 topic=%/x payload=1
        a < PUBREC id=7
        a > PUBREL id=7
        a < PUBCOMP id=7
        a .";
    "MQTT-4.3.2-2" "MQTT-4.3.2-5" "an identifier is free behind PUBACK" "
        s +
        s > SUBSCRIBE id=1 filter=%/x:0
        s < SUBACK id=1 codes=00
        a +
        a > PUBLISH qos=1 id=7 topic=%/x payload=1
        a < PUBACK id=7
        a > PUBLISH qos=1 id=7 topic=%/x payload=2
        a < PUBACK id=7
        s < PUBLISH topic=%/x payload=1
        s < PUBLISH topic=%/x payload=2
        s .";
    "MQTT-4.3.3-2" "MQTT-4.3.3-10" "QoS 2 is taken once" "
        s +
        s > SUBSCRIBE id=1 filter=%/x:0
        s < SUBACK id=1 codes=00
        a +
        a > PUBLISH qos=2 id=7 topic=%/x payload=1
        a < PUBREC id=7
        a > PUBLISH qos=2 dup id=7 topic=%/x payload=1
        a < PUBREC id=7
        a > PUBREL id=7
        a < PUBCOMP id=7
        a > PUBLISH topic=%/x payload=end
        s < PUBLISH topic=%/x payload=1
        s < PUBLISH topic=%/x payload=end
        s .";
    "MQTT-4.3.3-2" "MQTT-4.3.3-12" "behind PUBCOMP an identifier is of a new message" "
        s +
        s > SUBSCRIBE id=1 filter=%/x:0
        s < SUBACK id=1 codes=00
        a +
        a > PUBLISH qos=2 id=7 topic=%/x payload=1
        a < PUBREC id=7
        a > PUBREL id=7
        a < PUBCOMP id=7
        a > PUBLISH qos=2 id=7 topic=%/x payload=2
        a < PUBREC id=7
        a > PUBREL id=7
        a < PUBCOMP id=7
        s < PUBLISH topic=%/x payload=1
        s < PUBLISH topic=%/x payload=2
        s .";
    "MQTT-4.3.3-2" "MQTT-4.3.3-11 4.3.3" "a PUBREL is answered each time" "
        a +
        a > PUBLISH qos=2 id=7 topic=%/x payload=1
        a < PUBREC id=7
        a > PUBREL id=7
        a < PUBCOMP id=7
        a > PUBREL id=7
        a < PUBCOMP id=7 5:code=92
        a .";
    "MQTT-3.6.4-1" "3.7.2.1" "a PUBREL of nothing" "
        a +
        a > PUBREL id=999
        a < PUBCOMP id=999 5:code=92
        a .";
    "MQTT-4.6.0-2" "MQTT-4.6.0-2" "PUBACKs come in the order of the messages" "
        a +
        a > PUBLISH qos=1 id=3 topic=%/x payload=1
        a > PUBLISH qos=1 id=1 topic=%/y payload=2
        a > PUBLISH qos=1 id=2 topic=%/x payload=3
        a < PUBACK id=3
        a < PUBACK id=1
        a < PUBACK id=2";
    "MQTT-4.6.0-3" "MQTT-4.6.0-3 MQTT-4.6.0-4" "PUBRECs and PUBCOMPs too" "
        a +
        a > PUBLISH qos=2 id=3 topic=%/x payload=1
        a > PUBLISH qos=2 id=1 topic=%/y payload=2
        a > PUBLISH qos=2 id=2 topic=%/x payload=3
        a < PUBREC id=3
        a < PUBREC id=1
        a < PUBREC id=2
        a > PUBREL id=3
        a > PUBREL id=1
        a > PUBREL id=2
        a < PUBCOMP id=3
        a < PUBCOMP id=1
        a < PUBCOMP id=2
        a .";
    "MQTT-3.3.1-3" "MQTT-3.3.1-3" "DUP is not passed on" "
        s +
        s > SUBSCRIBE id=1 filter=%/x:2
        s < SUBACK id=1 codes=02
        a +
        a > PUBLISH qos=1 dup id=7 topic=%/x payload=1
        a < PUBACK id=7
        s < PUBLISH qos=1 id=?p topic=%/x payload=1
        s > PUBACK id=?p
        s .";
    "MQTT-2.3.1-2" "MQTT-2.2.1-3 2.2.1" "each side has its own identifiers" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a > PUBLISH qos=1 id=1 topic=%/x payload=1
        a ~ PUBACK id=1
        a < PUBLISH qos=1 id=?p topic=%/x payload=1
        a > PUBLISH qos=2 id=?p topic=%/y payload=1
        a < PUBREC id=?p
        a > PUBREL id=?p
        a < PUBCOMP id=?p
        a > PUBACK id=?p
        a .";
    "" "MQTT-3.3.2-4 3.3.2.3.2" "a payload that is not the text it claims to be" "
        a +
        a > PUBLISH qos=1 id=7 topic=%/x payload=hex:FF format=1
        a < PUBACK id=7 code=99
        a > PUBLISH qos=2 id=8 topic=%/x payload=hex:FF format=1
        a < PUBREC id=8 code=99
        a > PUBLISH qos=1 id=7 topic=%/x payload=hex:FF format=0
        a < PUBACK id=7
        a .";
    "" "MQTT-4.3.3-9" "behind a PUBREC that refuses, an identifier is of a new message" "
        s +
        s > SUBSCRIBE id=1 filter=%/x:0
        s < SUBACK id=1 codes=00
        a +
        a > PUBLISH qos=2 id=8 topic=$SYS/% payload=1
        a < PUBREC id=8 code=87
        a > PUBLISH qos=2 id=8 topic=%/x payload=2
        a < PUBREC id=8
        a > PUBREL id=8
        a < PUBCOMP id=8
        s < PUBLISH topic=%/x payload=2
        s .";
    "MQTT-3.1.0-2" "MQTT-3.1.0-2" "a second CONNECT" "
        a +
        a > CONNECT id=%a
        a = 82";
    "" "MQTT-4.12.0-7 MQTT-4.12.0-6" "AUTH that nobody asked for" "
        a +
        a > AUTH code=18 method=x
        a = 82";
    "MQTT-3.12.4-1" "MQTT-3.12.4-1" "PINGREQ" "
        a +
        a .
        a .";
    "MQTT-3.3.2-2 4.13" "MQTT-3.3.2-2 MQTT-4.13.1-1" "a wildcard in a topic" "
        a +
        a > PUBLISH qos=1 id=7 topic=%/+ payload=1
        a = 90";
    "3.3.3" "3.3.3" "an empty payload, and an empty level" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a +
        a > PUBLISH qos=1 id=1 topic=%// payload=
        a < PUBACK id=1
        a > PUBLISH qos=1 id=1 topic=%/\u{1f512}/\u{e4} payload=hex:00FF0A
        a < PUBACK id=1
        s < PUBLISH topic=%//
        s < PUBLISH topic=%/\u{1f512}/\u{e4} payload=hex:00FF0A
        s .";
};

/// Scenario: clients publish at each quality of service, in order, twice, and wrongly.
/// Guarantee: each exchange goes on as it must, and each message is stored once.
#[tokio::test]
async fn publishing() {
    check(&roomy().await, "publish", PUBLISH).await;
}

const LIMITS: &[Row] = rows! {
    "" "3.3.4 MQTT-4.9.0-2" "as many as the Receive Maximum" "
        a +
        a > PUBLISH qos=2 id=1 topic=%/x payload=1
        a < PUBREC id=1
        a > PUBLISH qos=2 id=2 topic=%/x payload=1
        a < PUBREC id=2
        a > PUBLISH qos=2 id=3 topic=%/x payload=1
        a < PUBREC id=3
        a > PUBLISH topic=%/x payload=0
        a > PUBREL id=1
        a < PUBCOMP id=1
        a > PUBLISH qos=1 id=4 topic=%/x payload=1
        a < PUBACK id=4
        a > PUBLISH qos=2 id=1 topic=%/x payload=1
        a < PUBREC id=1
        a .";
    "" "3.3.4" "one more" "
        a +
        a > PUBLISH qos=2 id=1 topic=%/x payload=1
        a < PUBREC id=1
        a > PUBLISH qos=2 id=2 topic=%/x payload=1
        a < PUBREC id=2
        a > PUBLISH qos=2 id=3 topic=%/x payload=1
        a < PUBREC id=3
        a > PUBLISH qos=2 id=4 topic=%/x payload=1
        a = 93";
    "" "3.3.4" "one more, at QoS 1" "
        a +
        a > PUBLISH qos=2 id=1 topic=%/x payload=1
        a < PUBREC id=1
        a > PUBLISH qos=2 id=2 topic=%/x payload=1
        a < PUBREC id=2
        a > PUBLISH qos=2 id=3 topic=%/x payload=1
        a < PUBREC id=3
        a > PUBLISH qos=1 id=4 topic=%/x payload=1
        a = 93";
    "" "4.9" "a refused message does not count" "
        a +
        a > PUBLISH qos=2 id=1 topic=$SYS/% payload=1
        a < PUBREC id=1 code=87
        a > PUBLISH qos=2 id=2 topic=$SYS/% payload=1
        a < PUBREC id=2 code=87
        a > PUBLISH qos=2 id=3 topic=$SYS/% payload=1
        a < PUBREC id=3 code=87
        a > PUBLISH qos=2 id=4 topic=%/x payload=1
        a < PUBREC id=4
        a > PUBREL id=4
        a < PUBCOMP id=4
        a .";
    "" "4.9 MQTT-3.3.1-1" "a repetition does not count twice" "
        a +
        a > PUBLISH qos=2 id=1 topic=%/x payload=1
        a < PUBREC id=1
        a > PUBLISH qos=2 id=2 topic=%/x payload=1
        a < PUBREC id=2
        a > PUBLISH qos=2 id=3 topic=%/x payload=1
        a < PUBREC id=3
        a > PUBLISH qos=2 dup id=3 topic=%/x payload=1
        a < PUBREC id=3
        a .";
    "3.3.3" "MQTT-3.2.2-15" "a packet just within the limit" "
        a +
        a > PUBLISH qos=1 id=1 topic=% payload=fill:1900
        a < PUBACK id=1
        a .";
    "2.2.3" "MQTT-3.2.2-15" "a packet above the limit" "
        a +
        a > PUBLISH qos=1 id=1 topic=% payload=fill:2000
        a = 95";
};

/// Scenario: clients send more than an edge with a Receive Maximum of 3 and packets of 2000 bytes
/// takes, or just as much.
/// Guarantee: 0x93 and 0x95 end the connection in 5.0; up to the limit all goes well.
#[tokio::test]
async fn the_limits_of_the_edge() {
    check(&tight().await, "limits", LIMITS).await;
}
