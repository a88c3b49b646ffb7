//! Receive Maximum of a client, and topic aliases in both directions.

use super::bed::roomy;
use super::rows::{Row, check, rows};

const FLOW: &[Row] = rows! {
    "" "MQTT-3.3.4-9 MQTT-4.9.0-1" "PUBACK makes room" "
        a + rmax=2
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b > PUBLISH qos=1 id=2 topic=%/x payload=2
        b > PUBLISH qos=1 id=3 topic=%/x payload=3
        b > PUBLISH qos=1 id=4 topic=%/x payload=4
        b < PUBACK id=1
        b < PUBACK id=2
        b < PUBACK id=3
        b < PUBACK id=4
        a < PUBLISH qos=1 id=?1 topic=%/x payload=1
        a < PUBLISH qos=1 id=?2 topic=%/x payload=2
        a .
        a > PUBACK id=?2
        a < PUBLISH qos=1 id=?3 topic=%/x payload=3
        a .
        a > PUBACK id=?1
        a < PUBLISH qos=1 id=?4 topic=%/x payload=4
        a > PUBACK id=?3
        a > PUBACK id=?4
        a .";
    "" "MQTT-3.3.4-9 4.9" "PUBREC does not make room, PUBCOMP does" "
        a + rmax=1
        a > SUBSCRIBE id=1 filter=%/x:2
        a < SUBACK id=1 codes=02
        b +
        b > PUBLISH qos=2 id=1 topic=%/x payload=1
        b > PUBLISH qos=2 id=2 topic=%/x payload=2
        b < PUBREC id=1
        b < PUBREC id=2
        a < PUBLISH qos=2 id=?1 topic=%/x payload=1
        a .
        a > PUBREC id=?1
        a < PUBREL id=?1
        a .
        a > PUBCOMP id=?1
        a < PUBLISH qos=2 id=* topic=%/x payload=2
        a .";
    "" "MQTT-3.3.4-9 MQTT-4.3.3-4 4.9" "a PUBREC that refuses makes room" "
        a + rmax=1
        a > SUBSCRIBE id=1 filter=%/x:2
        a < SUBACK id=1 codes=02
        b +
        b > PUBLISH qos=2 id=1 topic=%/x payload=1
        b > PUBLISH qos=2 id=2 topic=%/x payload=2
        b < PUBREC id=1
        b < PUBREC id=2
        a < PUBLISH qos=2 id=?1 topic=%/x payload=1
        a > PUBREC id=?1 code=97
        a < PUBLISH qos=2 id=* topic=%/x payload=2
        a .";
    "" "MQTT-3.3.4-10 MQTT-4.9.0-3" "other packets do not wait" "
        a + rmax=1
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b > PUBLISH qos=1 id=2 topic=%/x payload=2
        b < PUBACK id=1
        b < PUBACK id=2
        a < PUBLISH qos=1 id=?1 topic=%/x payload=1
        a > PUBLISH qos=2 id=9 topic=%/y payload=1
        a < PUBREC id=9
        a > PUBREL id=9
        a < PUBCOMP id=9
        a > SUBSCRIBE id=2 filter=%/z:0
        a < SUBACK id=2 codes=00
        a > UNSUBSCRIBE id=2 filter=%/z
        a < UNSUBACK id=2 codes=00
        a .";
    "" "4.9" "a stray PUBACK makes no room" "
        a + rmax=1
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b > PUBLISH qos=1 id=2 topic=%/x payload=2
        b < PUBACK id=1
        b < PUBACK id=2
        a < PUBLISH qos=1 id=?1 topic=%/x payload=1
        a > PUBACK id=54321
        a > PUBCOMP id=54321
        a .
        a > PUBACK id=?1
        a < PUBLISH qos=1 id=* topic=%/x payload=2
        a .";
    "" "4.9 MQTT-4.4.0-1" "a new connection has room again, for a new maximum" "
        a + keep session=60 rmax=2
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b > PUBLISH qos=1 id=2 topic=%/x payload=2
        b < PUBACK id=1
        b < PUBACK id=2
        a < PUBLISH qos=1 id=?1 topic=%/x payload=1
        a < PUBLISH qos=1 id=?2 topic=%/x payload=2
        a !
        a + keep session=60 rmax=1 present
        a < PUBLISH qos=1 dup id=?1 topic=%/x payload=1
        a .
        a > PUBACK id=?1
        a < PUBLISH qos=1 dup id=?2 topic=%/x payload=2
        a > PUBACK id=?2
        a .";
    "4.6" "MQTT-4.6.0-5" "without a maximum, several are under way" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b > PUBLISH qos=1 id=2 topic=%/x payload=2
        b > PUBLISH qos=1 id=3 topic=%/x payload=3
        a < PUBLISH qos=1 id=?1 topic=%/x payload=1
        a < PUBLISH qos=1 id=?2 topic=%/x payload=2
        a < PUBLISH qos=1 id=?3 topic=%/x payload=3
        a > PUBACK id=?3
        a > PUBACK id=?1
        a > PUBACK id=?2
        a .";
};

/// Scenario: 5.0 clients with a Receive Maximum leave messages without an answer.
/// Guarantee: never more are under way than that; each final answer makes room for one; everything
/// else goes on meanwhile.
#[tokio::test]
async fn the_receive_maximum_of_a_client() {
    check(&roomy().await, "flow", FLOW).await;
}

const ALIAS: &[Row] = rows! {
    "" "MQTT-3.3.2-12 3.3.2.3.4" "given, used, given again" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a +
        a > PUBLISH topic=%/x alias=1 payload=1
        a > PUBLISH topic=%/y alias=2 payload=2
        a > PUBLISH alias=1 payload=3
        a > PUBLISH qos=1 id=1 alias=2 payload=4
        a < PUBACK id=1
        a > PUBLISH topic=%/z alias=1 payload=5
        a > PUBLISH alias=1 payload=6
        a > PUBLISH topic=%/x payload=7
        s < PUBLISH topic=%/x payload=1
        s < PUBLISH topic=%/y payload=2
        s < PUBLISH topic=%/x payload=3
        s < PUBLISH topic=%/y payload=4
        s < PUBLISH topic=%/z payload=5
        s < PUBLISH topic=%/z payload=6
        s < PUBLISH topic=%/x payload=7
        s .";
    "" "3.3.2.3.4" "one that was not given" "
        a +
        a > PUBLISH alias=3 payload=1
        a = 82";
    "" "MQTT-3.3.2-8" "0" "
        a +
        a > PUBLISH topic=%/x alias=0 payload=1
        a = 94";
    "" "MQTT-3.3.2-9 MQTT-3.2.2-17" "above the maximum" "
        a ^
        a < CONNACK aliasmax=?max ...
        a > PUBLISH topic=%/x alias=?max payload=1
        a .
        a > PUBLISH topic=%/x alias=65535 payload=1
        a = 94";
    "" "MQTT-3.3.2-7" "it ends with its connection" "
        a + keep session=60
        a > PUBLISH topic=%/x alias=1 payload=1
        a .
        a > DISCONNECT
        a =
        a + keep session=60 present
        a > PUBLISH alias=1 payload=2
        a = 82";
    "" "3.3.2.3.4" "one of a message that was refused holds" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a +
        a > PUBLISH qos=1 id=1 topic=%/x alias=1 format=1 payload=hex:FF
        a < PUBACK id=1 code=99
        a > PUBLISH qos=1 id=1 alias=1 payload=1
        a < PUBACK id=1
        s ~ PUBLISH topic=%/x payload=1";
    "" "MQTT-3.3.1-5 3.3.2.3.4" "retained under its topic" "
        a +
        a > PUBLISH retain topic=%/x alias=1 payload=1
        a > PUBLISH qos=1 id=1 retain alias=1 payload=2
        a < PUBACK id=1
        a > SUBSCRIBE id=1 filter=%/x:0
        a < SUBACK id=1 codes=00
        a < PUBLISH retain topic=%/x payload=2
        a .";
};

/// Scenario: 5.0 clients give aliases to topics, use them, give them again, and use unknown ones.
/// Guarantee: an alias stands for what it was given last on this connection; an unknown one ends it.
#[tokio::test]
async fn topic_aliases_of_a_client() {
    check(&roomy().await, "alias", ALIAS).await;
}

const ALIASOUT: &[Row] = rows! {
    "" "MQTT-3.1.2-27" "none where none is allowed" "
        a +
        a > SUBSCRIBE id=1 filter=%/#:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x payload=1
        a > PUBLISH topic=%/x payload=2
        a < PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x payload=2
        a .";
    "" "MQTT-3.1.2-26 MQTT-3.3.2-11" "as many as are allowed" "
        a + aliasmax=1
        a > SUBSCRIBE id=1 filter=%/#:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x alias=1 payload=1
        a > PUBLISH topic=%/y payload=2
        a < PUBLISH topic=%/y payload=2
        a > PUBLISH topic=%/x payload=3
        a < PUBLISH alias=1 payload=3
        a > PUBLISH topic=%/y payload=4
        a < PUBLISH topic=%/y payload=4
        a .";
    "" "MQTT-3.3.2-7" "given again on a new connection" "
        a + keep session=60 aliasmax=5
        a > SUBSCRIBE id=1 filter=%/#:1
        a < SUBACK id=1 codes=01
        a > PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x alias=1 payload=1
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=2
        b < PUBACK id=1
        a < PUBLISH qos=1 id=?p alias=1 payload=2
        a !
        a + keep session=60 aliasmax=5 present
        a < PUBLISH qos=1 dup id=?p topic=%/x alias=1 payload=2
        a > PUBACK id=?p
        b > PUBLISH qos=1 id=1 topic=%/x payload=3
        b < PUBACK id=1
        a < PUBLISH qos=1 id=* alias=1 payload=3
        a .";
    "" "MQTT-3.1.2-24 MQTT-3.1.2-26" "one of a message that was too large is not known" "
        a + aliasmax=5 maxpacket=60
        a > SUBSCRIBE id=1 filter=%/x:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x payload=fill:300
        a > PUBLISH topic=%/x payload=2
        a < PUBLISH topic=%/x alias=1 payload=2
        a .";
};

/// Scenario: 5.0 clients allow the edge aliases, or do not.
/// Guarantee: none above the client's maximum; each is given with its topic before it is used;
/// none outlives the connection.
#[tokio::test]
async fn topic_aliases_of_the_edge() {
    check(&roomy().await, "aliasout", ALIASOUT).await;
}
