//! What goes with a message on its way, and when a message is too old or too large for it.

use super::bed::roomy;
use super::rows::{Row, check, rows};

const PASSING: &[Row] = rows! {
    "" "MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20" "all of them, in order" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x format=1 ctype=text/plain response=%/answer corr=hex:00FF user=b:2 user=a:1 user=b:2 user=b:1 payload=1
        a < PUBLISH topic=%/x format=1 ctype=text/plain response=%/answer corr=hex:00FF user=b:2 user=a:1 user=b:2 user=b:1 payload=1
        a > PUBLISH topic=%/x format=0 payload=hex:FF
        a < PUBLISH topic=%/x payload=hex:FF ...
        a > PUBLISH topic=%/x user=: user=a: ctype= corr= payload=2
        a < PUBLISH topic=%/x user=: user=a: ctype= corr= payload=2
        a > PUBLISH topic=%/x payload=3
        a < PUBLISH topic=%/x payload=3
        a .";
    "" "MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-4" "out of a session's queue" "
        a + keep session=60
        a > SUBSCRIBE id=1 subid=9 filter=%/x:1
        a < SUBACK id=1 codes=01
        a > DISCONNECT
        a =
        b +
        b > PUBLISH qos=1 id=1 topic=%/x format=1 ctype=text/plain response=%/answer corr=hex:00FF user=b:2 user=a:1 user=b:2 payload=1
        b < PUBACK id=1
        a + keep session=60 present
        a < PUBLISH qos=1 id=* topic=%/x format=1 ctype=text/plain response=%/answer corr=hex:00FF user=b:2 user=a:1 user=b:2 subid=9 payload=1";
    "" "4.10" "request and response" "
        a +
        a > SUBSCRIBE id=1 filter=%/answer:1
        a < SUBACK id=1 codes=01
        b +
        b > SUBSCRIBE id=1 filter=%/ask:1
        b < SUBACK id=1 codes=01
        a > PUBLISH qos=1 id=1 topic=%/ask response=%/answer corr=42 payload=why
        a < PUBACK id=1
        b < PUBLISH qos=1 id=?p topic=%/ask response=?to corr=?which payload=why
        b > PUBACK id=?p
        b > PUBLISH qos=1 id=5 topic=?to corr=?which payload=so
        a < PUBLISH qos=1 id=* topic=%/answer corr=42 payload=so";
    "" "MQTT-3.1.2-29" "no reason strings for who does not want them" "
        a + problems=0
        a > PUBLISH qos=1 id=1 topic=$SYS/% payload=1
        a < PUBACK id=1 code=87 reason=none
        a > PUBLISH qos=1 id=1 topic=%/x format=1 payload=hex:FF
        a < PUBACK id=1 code=99 reason=none
        a > PUBREL id=1
        a < PUBCOMP id=1 code=92 reason=none
        a > UNSUBSCRIBE id=1 filter=%/x
        a < UNSUBACK id=1 codes=11 reason=none";
    "" "3.3.2.3.3 MQTT-3.3.2-6" "an expiry, live" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x expiry=30 payload=1
        a < PUBLISH topic=%/x expiry=29|30 payload=1
        a .";
    "" "MQTT-3.3.2-5 MQTT-3.3.2-6" "an expiry, out of a session's queue" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a > DISCONNECT
        a =
        b +
        b > PUBLISH qos=1 id=1 topic=%/x expiry=1 payload=1
        b < PUBACK id=1
        b > PUBLISH qos=1 id=2 topic=%/x expiry=30 payload=2
        b < PUBACK id=2
        b > PUBLISH qos=1 id=3 topic=%/x payload=3
        b < PUBACK id=3
        - wait 2100
        a + keep session=60 present
        a < PUBLISH qos=1 id=* topic=%/x expiry=26|27|28 payload=2
        a < PUBLISH qos=1 id=* topic=%/x payload=3
        a .";
    "" "MQTT-4.3.3-7 MQTT-4.3.3-13" "an expiry does not end an exchange that has begun" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:2
        a < SUBACK id=1 codes=02
        b +
        b > PUBLISH qos=2 id=1 topic=%/x expiry=1 payload=1
        b < PUBREC id=1
        a < PUBLISH qos=2 id=?p topic=%/x expiry=0|1 payload=1
        - wait 1500
        b > PUBREL id=1
        b < PUBCOMP id=1
        a > PUBREC id=?p
        a < PUBREL id=?p
        a > PUBCOMP id=?p
        a .";
};

/// Scenario: messages with every property, between clients of both versions, live, retained and
/// out of a session's queue.
/// Guarantee: 5.0 gets the properties as they were sent, in their order; 3.1.1 gets none.
#[tokio::test]
async fn properties_are_passed_on() {
    check(&roomy().await, "passing", PASSING).await;
}

const SIZE: &[Row] = rows! {
    "" "MQTT-3.1.2-24 MQTT-3.1.2-25" "dropped, and the next one comes" "
        a + maxpacket=100 rmax=1
        a > SUBSCRIBE id=1 filter=%/x:2
        a < SUBACK id=1 codes=02
        b +
        b > SUBSCRIBE id=1 filter=%/x:0
        b < SUBACK id=1 codes=00
        b > PUBLISH qos=1 id=1 topic=%/x payload=fill:200
        b ~ PUBACK id=1
        b < PUBLISH topic=%/x payload=fill:200
        b > PUBLISH qos=2 id=2 topic=%/x payload=fill:200
        b ~ PUBREC id=2
        b > PUBLISH topic=%/x payload=fill:200
        b > PUBLISH qos=1 id=3 topic=%/x payload=3
        a < PUBLISH qos=1 id=* topic=%/x payload=3
        a .";
    "" "MQTT-3.1.2-25" "it does not come back with the session" "
        a + keep session=60 maxpacket=100
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=fill:200
        b < PUBACK id=1
        b > PUBLISH qos=1 id=2 topic=%/x payload=2
        b < PUBACK id=2
        a < PUBLISH qos=1 id=?p topic=%/x payload=2
        a > PUBACK id=?p
        a > DISCONNECT
        a =
        a + keep session=60 present
        a .";
    "" "MQTT-3.1.2-24 3.2.2.3.6" "no reason string that does not fit" "
        a + maxpacket=20
        a > PUBLISH qos=1 id=1 topic=%/x format=1 payload=hex:FF
        a < PUBACK id=1 code=99 reason=none
        a > AUTH code=18 method=m
        a = 82";
    "" "MQTT-3.1.2-24" "just as large as it may be" "
        a + id=maxpkt maxpacket=37
        a > SUBSCRIBE id=1 filter=size/exact:0
        a < SUBACK id=1 codes=00
        b +
        b > PUBLISH topic=size/exact payload=12345678901234567890123
        b > PUBLISH topic=size/exact payload=1234567890123456789012
        b > PUBLISH topic=size/exact payload=123456789012345678901
        a < PUBLISH topic=size/exact payload=1234567890123456789012
        a < PUBLISH topic=size/exact payload=123456789012345678901
        a .";
};

/// Scenario: 5.0 clients with a small Maximum Packet Size subscribe.
/// Guarantee: what is larger is not sent to them, counts as delivered, and holds nothing up.
#[tokio::test]
async fn the_maximum_packet_size_of_a_client() {
    check(&roomy().await, "size", SIZE).await;
}
