//! CONNECT and CONNACK, takeover, keep-alive.

use super::bed::{roomy, tight};
use super::rows::{Row, check, rows};

const START: &[Row] = rows! {
    "MQTT-3.1.2-6 MQTT-3.2.2-1" "MQTT-3.1.2-4 MQTT-3.2.2-2" "clean, nothing to discard" "
        a + clean
        a .";
    "MQTT-3.2.2-3" "MQTT-3.1.2-6 MQTT-3.2.2-3" "kept, and none was there" "
        a + keep session=60
        a .";
    "MQTT-3.1.2-4 MQTT-3.2.2-2" "MQTT-3.1.2-5 MQTT-3.1.2-23 MQTT-3.2.2-3" "kept, and one was there" "
        a + keep session=60
        a > DISCONNECT
        a =
        a + keep session=60 present
        a .";
    "MQTT-3.1.2-6 MQTT-3.2.2-1" "MQTT-3.1.2-4 MQTT-3.2.2-2 MQTT-3.1.4-4" "clean discards what was kept" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a !
        a + clean
        a > PUBLISH qos=1 id=1 topic=%/x payload=1
        a < PUBACK id=1
        a .
        a > DISCONNECT
        a =
        a + keep session=60
        a .";
    "MQTT-3.1.2-6" "MQTT-4.1.0-2" "a session without expiry ends with its connection" "
        a + clean
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a > DISCONNECT
        a =
        a + keep 5:session=60
        a > PUBLISH qos=1 id=1 topic=%/x payload=1
        a < PUBACK id=1
        a .";
    "" "3.1.2.11.2" "clean start and a session that stays" "
        a + clean session=60
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a !
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b < PUBACK id=1
        a + keep session=60 present
        a < PUBLISH qos=1 id=?p topic=%/x payload=1
        a > PUBACK id=?p
        a .";
    "" "3.1.2.11.2" "an expiry of 0 or none is the same" "
        a + keep session=0
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a !
        a + keep
        a .
        a !
        a + keep
        a .";
    "MQTT-4.1.0-1" "MQTT-4.1.0-1" "a session lasts as long as its connection" "
        a + clean
        a > SUBSCRIBE id=1 filter=%/x:0
        a < SUBACK id=1 codes=00
        - wait 1500
        a > PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x payload=1
        a .";
};

/// Scenario: clients connect with each way to ask for a session.
/// Guarantee: Session Present, and what is left of a session, are as the specification says.
#[tokio::test]
async fn clean_start_and_session_present() {
    check(&roomy().await, "start", START).await;
}

const CONNACK: &[Row] = rows! {
    "MQTT-3.2.0-1" "MQTT-3.2.0-1 MQTT-3.2.2-15 MQTT-3.3.4-7 MQTT-3.2.2-17" "limits are told" "
        a ^ clean
        a < CONNACK 5:rmax=3 5:maxpacket=2000 5:aliasmax=*  5:serverka=30
        a .";
    "" "3.2.2.3.2" "a session expiry above the limit is told" "
        a ^ keep session=4294967295
        a < CONNACK session=40 ...";
    "" "3.2.2.3.2" "one below it is not" "
        a ^ keep session=39 keepalive=10
        a < CONNACK rmax=3 maxpacket=2000 aliasmax=*";
    "" "MQTT-3.2.2-21" "a keep-alive above the limit is replaced" "
        a ^ keepalive=31
        a < CONNACK serverka=30 ...";
    "" "MQTT-3.2.2-22" "one within it is kept" "
        a ^ keepalive=30
        a < CONNACK rmax=3 maxpacket=2000 aliasmax=*";
    "" "MQTT-3.1.3-6 MQTT-3.1.3-7 MQTT-3.2.2-16" "an identifier is assigned, and can be used" "
        a ^ keep id= session=30
        a < CONNACK assigned=?name ...
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        b + keep id=?name session=30 present
        a = 8E
        b .";
    "MQTT-3.1.3-6" "" "an identifier is not told" "
        a + id=
        b + id=
        a .
        b .";
    "MQTT-3.1.3-7 MQTT-3.1.3-8 MQTT-3.1.3-9 MQTT-3.2.2-4 MQTT-3.2.2-5" "" "no identifier for what stays" "
        a ^ keep id=
        a < CONNACK code=02
        a =";
    "MQTT-3.1.3-5" "MQTT-3.1.3-5" "23 letters and digits" "
        a + 4:id=0123456789abcdefghijKL4 5:id=0123456789abcdefghijKL5
        a .";
    "3.1.3.1" "3.1.3.1" "any other text" "
        a + id=%/+#$-\u{e4}\u{1f512}
        a .";
    "3.1.3.1" "3.1.3.1" "a long identifier" "
        a + id=%-fill
        a .";
    "" "MQTT-4.12.0-1" "an authentication method" "
        a ^ method=SCRAM-SHA-1 data=x
        a < CONNACK code=8C|87
        a =";
    "" "MQTT-3.1.2-28" "no response information unasked" "
        a ^ wantinfo=0 keepalive=9
        a < CONNACK rmax=3 maxpacket=2000 aliasmax=*";
    "MQTT-3.1.4-4 MQTT-3.2.0-1" "MQTT-3.1.4-5 MQTT-3.2.0-1" "a client need not wait for CONNACK" "
        a ^
        a > PUBLISH qos=1 id=5 topic=%/x payload=1
        a > PINGREQ
        a < CONNACK ...
        a ~ PUBACK id=5
        a < PINGRESP";
    "" "MQTT-3.1.4-6" "what is sent behind a refused CONNECT is not processed" "
        b +
        b > SUBSCRIBE id=1 filter=%/x:1
        b < SUBACK id=1 codes=01
        a ^ method=none
        a > PUBLISH qos=1 id=5 topic=%/x payload=1
        a < CONNACK code=8C
        a =
        b .";
};

/// Scenario: CONNECTs of every kind, to an edge with limits.
/// Guarantee: CONNACK comes first and once, and says what the edge takes.
#[tokio::test]
async fn connack_says_what_the_edge_takes() {
    check(&tight().await, "connack", CONNACK).await;
}

const TAKEOVER: &[Row] = rows! {
    "MQTT-3.1.4-2" "MQTT-3.1.4-3" "clean sessions" "
        a +
        b + id=%a
        a = 8E
        b .";
    "MQTT-3.1.4-2 MQTT-3.1.2-4" "MQTT-3.1.4-3 MQTT-3.1.2-5" "the session goes to the newer" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        b + keep session=60 id=%a present
        a = 8E
        c +
        c > PUBLISH qos=1 id=9 topic=%/x payload=1
        c < PUBACK id=9
        b < PUBLISH qos=1 id=?p topic=%/x payload=1
        b > PUBACK id=?p
        b .";
    "MQTT-3.1.4-2 MQTT-3.1.2-6" "MQTT-3.1.4-3 MQTT-3.1.2-4" "a clean one discards it" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        b + clean session=60 id=%a
        a = 8E
        b > PUBLISH qos=1 id=9 topic=%/x payload=1
        b < PUBACK id=9
        b .";
    "MQTT-3.1.4-2 MQTT-4.4.0-1" "MQTT-3.1.4-3 MQTT-4.4.0-1" "what the older left unanswered" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a > PUBLISH qos=1 id=9 topic=%/x payload=1
        a ~ PUBACK id=9
        a < PUBLISH qos=1 id=?p topic=%/x payload=1
        b + keep session=60 id=%a present
        a = 8E
        b < PUBLISH qos=1 dup id=?p topic=%/x payload=1
        b > PUBACK id=?p
        b .";
};

/// Scenario: a client connects under the identifier of another.
/// Guarantee: the older connection ends, with 0x8E in 5.0; the session goes on, or is discarded.
#[tokio::test]
async fn takeover() {
    check(&roomy().await, "takeover", TAKEOVER).await;
}

const KEEPALIVE: &[Row] = rows! {
    "MQTT-3.1.2-24" "MQTT-3.1.2-22" "silence" "
        a + keepalive=1
        - wait 1200
        a .
        a = 8D";
    "3.1.2.10" "3.1.2.10" "a keep-alive of 0" "
        a + keepalive=0
        - wait 4000
        a .";
    "MQTT-3.12.4-1" "MQTT-3.12.4-1" "pings" "
        a + keepalive=1
        - wait 900
        a .
        - wait 900
        a .
        - wait 900
        a .";
    "3.1.2.10" "3.1.2.10" "publishes are as good as pings" "
        a + keepalive=1
        - wait 900
        a > PUBLISH topic=%/x payload=1
        - wait 900
        a > PUBLISH topic=%/x payload=2
        - wait 900
        a .";
    "MQTT-3.1.2-24" "MQTT-3.1.2-22" "what the server sends is no sign of life" "
        a + keepalive=1
        a > SUBSCRIBE id=1 filter=%/x:0
        a < SUBACK id=1 codes=00
        b +
        - wait 900
        b > PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x payload=1
        a = 8D";
};

/// Scenario: clients with every sort of keep-alive fall silent, or do not.
/// Guarantee: one and a half times of it ends a connection, with 0x8D in 5.0; 0 never does; any
/// packet is a sign of life.
#[tokio::test]
async fn keep_alive() {
    check(&roomy().await, "keepalive", KEEPALIVE).await;
}
