//! Sessions that outlive their connections.

use super::bed::roomy;
use super::rows::{Row, check, rows};

const RESUME: &[Row] = rows! {
    "MQTT-3.1.2-5 MQTT-4.6.0-6" "MQTT-4.5.0-1 MQTT-4.6.0-6 3.1.2.11.2" "what came meanwhile, in order" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/#:2
        a < SUBACK id=1 codes=02
        a !
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b < PUBACK id=1
        b > PUBLISH qos=2 id=2 topic=%/y payload=2
        b < PUBREC id=2
        b > PUBLISH qos=1 id=3 topic=%/x payload=3
        b < PUBACK id=3
        a + keep session=60 present
        a < PUBLISH qos=1 id=?1 topic=%/x payload=1
        a < PUBLISH qos=2 id=?2 topic=%/y payload=2
        a < PUBLISH qos=1 id=?3 topic=%/x payload=3
        b > PUBLISH qos=1 id=4 topic=%/x payload=4
        a < PUBLISH qos=1 id=?4 topic=%/x payload=4
        a .";
    "MQTT-4.4.0-1 MQTT-3.3.1-1" "MQTT-4.4.0-1 MQTT-3.3.1-1" "PUBLISH again, with DUP and its identifier, then the new" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/#:2
        a < SUBACK id=1 codes=02
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b < PUBACK id=1
        b > PUBLISH qos=2 id=2 topic=%/x payload=2
        b < PUBREC id=2
        a < PUBLISH qos=1 id=?1 topic=%/x payload=1
        a < PUBLISH qos=2 id=?2 topic=%/x payload=2
        a !
        b > PUBLISH qos=1 id=1 topic=%/x payload=3
        b < PUBACK id=1
        a + keep session=60 present
        a < PUBLISH qos=1 dup id=?1 topic=%/x payload=1
        a < PUBLISH qos=2 dup id=?2 topic=%/x payload=2
        a < PUBLISH qos=1 id=?3 topic=%/x payload=3
        a > PUBACK id=?1
        a > PUBREC id=?2
        a < PUBREL id=?2
        a > PUBACK id=?3
        a > PUBCOMP id=?2
        a .
        a !
        a + keep session=60 present
        a .";
    "MQTT-4.4.0-1" "MQTT-4.4.0-1 MQTT-4.3.3-5" "PUBREL again, with its identifier" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/#:2
        a < SUBACK id=1 codes=02
        b +
        b > PUBLISH qos=2 id=2 topic=%/x payload=2
        b < PUBREC id=2
        a < PUBLISH qos=2 id=?2 topic=%/x payload=2
        a > PUBREC id=?2
        a < PUBREL id=?2
        a !
        a + keep session=60 present
        a < PUBREL id=?2
        a > PUBCOMP id=?2
        a .
        a !
        a + keep session=60 present
        a .";
    "MQTT-4.3.3-2" "MQTT-4.3.3-10 MQTT-4.4.0-1" "a client's QoS 2 message is taken once" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + keep session=60
        a > PUBLISH qos=2 id=7 topic=%/x payload=1
        a < PUBREC id=7
        a !
        a + keep session=60 present
        a > PUBLISH qos=2 dup id=7 topic=%/x payload=1
        a < PUBREC id=7
        a > PUBREL id=7
        a < PUBCOMP id=7
        a > PUBLISH topic=%/end
        s < PUBLISH topic=%/x payload=1
        s < PUBLISH topic=%/end
        s .";
    "MQTT-4.3.3-2" "MQTT-4.3.3-11 MQTT-4.4.0-1" "a client's PUBREL on the next connection" "
        a + keep session=60
        a > PUBLISH qos=2 id=7 topic=%/x payload=1
        a < PUBREC id=7
        a !
        a + keep session=60 present
        a > PUBREL id=7
        a < PUBCOMP id=7
        a .";
    "4.1" "4.1" "without a session the identifier is of a new message" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a +
        a > PUBLISH qos=2 id=7 topic=%/x payload=1
        a < PUBREC id=7
        a !
        a +
        a > PUBLISH qos=2 id=7 topic=%/x payload=2
        a < PUBREC id=7
        a > PUBREL id=7
        a < PUBCOMP id=7
        s < PUBLISH topic=%/x payload=1
        s < PUBLISH topic=%/x payload=2
        s .";
    "" "MQTT-4.4.0-2" "what the client refused does not come again" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/#:2
        a < SUBACK id=1 codes=02
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b < PUBACK id=1
        b > PUBLISH qos=2 id=2 topic=%/x payload=2
        b < PUBREC id=2
        a < PUBLISH qos=1 id=?1 topic=%/x payload=1
        a < PUBLISH qos=2 id=?2 topic=%/x payload=2
        a > PUBACK id=?1 code=97
        a > PUBREC id=?2 code=83
        a .
        a !
        a + keep session=60 present
        a .";
    "4.4" "MQTT-4.4.0-1" "nothing is sent again on the same connection" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/#:1
        a < SUBACK id=1 codes=01
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b < PUBACK id=1
        a < PUBLISH qos=1 id=* topic=%/x payload=1
        - wait 3000
        a .";
    "MQTT-3.8.4-6 MQTT-3.1.2-5" "MQTT-3.8.4-8" "at the quality of the subscription, with an empty payload" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1 filter=%/#:0
        a < SUBACK id=1 codes=01,00
        a !
        b +
        b > PUBLISH qos=2 id=1 topic=%/x
        b < PUBREC id=1
        a + keep session=60 present
        a < PUBLISH qos=1 id=* topic=%/x
        a .";
    "MQTT-3.10.4-2" "MQTT-3.10.4-2" "an unsubscription lasts too" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1 filter=%/y:1
        a < SUBACK id=1 codes=01,01
        a > UNSUBSCRIBE id=2 filter=%/x
        a < UNSUBACK id=2 5:codes=00
        a !
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b < PUBACK id=1
        b > PUBLISH qos=1 id=1 topic=%/y payload=2
        b < PUBACK id=1
        a + keep session=60 present
        a < PUBLISH qos=1 id=* topic=%/y payload=2
        a .";
    "MQTT-3.1.2-6" "MQTT-3.1.2-4" "a clean start drops what waits" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a !
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b < PUBACK id=1
        a + clean session=60
        a .
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a .
        a !
        a + keep session=60 5:present
        a .";
};

/// Scenario: clients leave in the middle of an exchange, messages come meanwhile, and they come
/// back.
/// Guarantee: each exchange goes on where it was, under its identifier; nothing is lost, nothing
/// that was finished comes again, and the order stays.
#[tokio::test]
async fn exchanges_go_on() {
    check(&roomy().await, "resume", RESUME).await;
}

const EXPIRE: &[Row] = rows! {
    "" "MQTT-4.1.0-2 3.1.2.11.2" "after its time" "
        a + keep session=1
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a !
        - wait 2500
        a + keep session=1
        a > PUBLISH qos=1 id=1 topic=%/x payload=1
        a < PUBACK id=1
        a .";
    "" "3.1.2.11.2" "time begins with the end of the connection" "
        a + keep session=2
        - wait 2500
        a .
        a !
        - wait 500
        a + keep session=2 present
        a !
        - wait 500
        a + keep session=2 present";
    "" "3.14.2.2.2" "ended by DISCONNECT" "
        a + keep session=60
        a > DISCONNECT code=00 session=0
        a =
        a + keep session=60
        a .";
    "" "3.14.2.2.2" "shortened by DISCONNECT" "
        a + keep session=60
        a > DISCONNECT code=00 session=1
        a =
        - wait 2500
        a + keep session=60
        a .";
    "" "3.14.2.2.2" "lengthened by DISCONNECT" "
        a + keep session=1
        a > DISCONNECT code=00 session=60
        a =
        - wait 2500
        a + keep session=60 present
        a .";
    "" "3.14.2.2.2" "not out of nothing" "
        a + keep
        a > DISCONNECT code=00 session=60
        a = 82
        a + keep
        a .";
    "" "3.1.2.11.2 3.2.2.3.2" "never, as far as this server allows" "
        a ^ keep session=4294967295
        a < CONNACK session=604800 ...
        a !
        a ^ keep session=4294967295
        a < CONNACK present session=604800 ...";
    "" "3.1.2.11.2" "the next connection says anew how long" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1
        a < SUBACK id=1 codes=01
        a !
        a + keep present
        a > PUBLISH qos=1 id=1 topic=%/x payload=1
        a ~ PUBACK id=1
        a < PUBLISH qos=1 id=* topic=%/x payload=1
        a > DISCONNECT
        a =
        a + keep session=60
        a .";
    "3.1.2.4" "" "without Clean Session it stays" "
        a + keep
        a !
        - wait 2500
        a + keep present
        a > DISCONNECT
        a =
        a + keep present
        a > DISCONNECT
        a =
        a + clean
        a > DISCONNECT
        a =
        a + keep
        a .";
};

/// Scenario: sessions with every expiry, set in CONNECT and changed in DISCONNECT.
/// Guarantee: a session is there until then and no longer.
#[tokio::test]
async fn sessions_expire() {
    check(&roomy().await, "expire", EXPIRE).await;
}
