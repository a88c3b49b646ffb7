//! Retained messages.

use super::bed::roomy;
use super::rows::{Row, check, rows};

const RETAIN: &[Row] = rows! {
    "MQTT-3.3.1-5 MQTT-3.3.1-6 MQTT-3.3.1-8 MQTT-3.3.1-9" "MQTT-3.3.1-5 MQTT-3.3.1-9 3.3.1.3" "the last one comes, marked; live it is not" "
        b +
        b > SUBSCRIBE id=1 filter=%/x:1
        b < SUBACK id=1 codes=01
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > PUBLISH qos=1 id=2 retain topic=%/x payload=2
        a < PUBACK id=2
        b < PUBLISH qos=1 id=* topic=%/x payload=1
        b < PUBLISH qos=1 id=* topic=%/x payload=2
        c +
        c > SUBSCRIBE id=1 filter=%/#:1
        c < SUBACK id=1 codes=01
        c < PUBLISH qos=1 id=* retain topic=%/x payload=2
        c .";
    "MQTT-3.3.1-7" "MQTT-3.3.1-5" "at QoS 0 it replaces too" "
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > PUBLISH retain topic=%/x payload=2
        a > PUBLISH qos=1 id=2 topic=%/y payload=behind
        a < PUBACK id=2
        a > SUBSCRIBE id=3 filter=%/x:1
        a < SUBACK id=3 codes=01
        a < PUBLISH retain topic=%/x payload=2
        a .";
    "MQTT-3.3.1-10 MQTT-3.3.1-11" "MQTT-3.3.1-6 MQTT-3.3.1-7" "an empty one takes it away, and is delivered" "
        b +
        b > SUBSCRIBE id=1 filter=%/x:0
        b < SUBACK id=1 codes=00
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=
        a < PUBACK id=1
        b < PUBLISH topic=%/x payload=1
        b < PUBLISH topic=%/x
        a > SUBSCRIBE id=3 filter=%/x:1
        a < SUBACK id=3 codes=01
        a .";
    "MQTT-3.3.1-12" "MQTT-3.3.1-8" "what is not retained neither replaces nor takes away" "
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > PUBLISH qos=1 id=1 topic=%/x payload=2
        a < PUBACK id=1
        a > PUBLISH qos=1 id=1 topic=%/x payload=
        a < PUBACK id=1
        a > SUBSCRIBE id=3 filter=%/x:1
        a < SUBACK id=3 codes=01
        a < PUBLISH qos=1 id=* retain topic=%/x payload=1
        a .";
    "MQTT-3.1.2-7" "4.1" "it is not of the session" "
        a +
        a > PUBLISH qos=2 id=1 retain topic=%/x payload=1
        a < PUBREC id=1
        a > PUBREL id=1
        a < PUBCOMP id=1
        a > DISCONNECT
        a =
        a +
        a > SUBSCRIBE id=3 filter=%/x:2
        a < SUBACK id=3 codes=02
        a < PUBLISH qos=2 id=* retain topic=%/x payload=1";
    "MQTT-3.8.4-3" "MQTT-3.3.1-9 MQTT-3.8.4-4" "subscribing again sends it again" "
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > SUBSCRIBE id=3 filter=%/x:0
        a < SUBACK id=3 codes=00
        a < PUBLISH retain topic=%/x payload=1
        a > SUBSCRIBE id=3 filter=%/x:0
        a < SUBACK id=3 codes=00
        a < PUBLISH retain topic=%/x payload=1
        a .";
    "MQTT-3.3.1-6" "3.3.1.3" "of every topic that matches, and not of others" "
        a +
        a > PUBLISH retain topic=%/x payload=1
        a > PUBLISH retain topic=%/y payload=2
        a > PUBLISH retain topic=%/y/z payload=3
        a > PUBLISH qos=1 id=1 retain topic=$%/y payload=4
        a < PUBACK id=1
        a > SUBSCRIBE id=3 filter=%/+:0 filter=+/y:0
        a < SUBACK id=3 codes=00,00
        a ~ PUBLISH retain topic=%/x payload=1
        a ~ PUBLISH retain topic=%/y payload=2";
    "" "MQTT-3.3.1-10" "retain handling 1: for a new subscription" "
        a + keep session=60
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > SUBSCRIBE id=3 filter=%/x:0,rh1
        a < SUBACK id=3 codes=00
        a < PUBLISH retain topic=%/x payload=1
        a > SUBSCRIBE id=3 filter=%/x:1,rh1
        a < SUBACK id=3 codes=01
        a .
        a !
        a + keep session=60 present
        a > SUBSCRIBE id=3 filter=%/x:1,rh1
        a < SUBACK id=3 codes=01
        a .
        a > UNSUBSCRIBE id=3 filter=%/x
        a < UNSUBACK id=3 codes=00
        a > SUBSCRIBE id=3 filter=%/x:0,rh1
        a < SUBACK id=3 codes=00
        a < PUBLISH retain topic=%/x payload=1
        a .";
    "" "MQTT-3.3.1-11" "retain handling 2: never" "
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > SUBSCRIBE id=3 filter=%/x:0,rh2
        a < SUBACK id=3 codes=00
        a .
        a > PUBLISH topic=%/x payload=2
        a < PUBLISH topic=%/x payload=2
        a .";
    "" "3.3.1.3" "marked also without retain as published" "
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > SUBSCRIBE id=3 filter=%/x:0,rap
        a < SUBACK id=3 codes=00
        a < PUBLISH retain topic=%/x payload=1
        a .";
    "" "4.8.2" "none for a shared subscription" "
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > SUBSCRIBE id=3 filter=$share/g/%/x:1
        a < SUBACK id=3 codes=01
        a .
        a > PUBLISH topic=%/x payload=2
        a < PUBLISH topic=%/x payload=2
        a .";
    "" "MQTT-3.3.4-3 MQTT-3.3.2-17" "with the identifier, and with its properties" "
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x user=k:v ctype=t payload=1
        a < PUBACK id=1
        a > SUBSCRIBE id=3 subid=5 filter=%/x:0
        a < SUBACK id=3 codes=00
        a < PUBLISH retain topic=%/x user=k:v ctype=t subid=5 payload=1
        a .";
    "" "MQTT-3.8.3-3" "no local holds for it" "
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x payload=1
        a < PUBACK id=1
        a > SUBSCRIBE id=3 filter=%/x:0,nl
        a < SUBACK id=3 codes=00
        a .";
    "" "3.3.2.3.3 MQTT-3.3.2-6" "it expires" "
        a +
        a > PUBLISH qos=1 id=1 retain topic=%/x expiry=1 payload=1
        a < PUBACK id=1
        a > PUBLISH qos=1 id=1 retain topic=%/y expiry=60 payload=1
        a < PUBACK id=1
        - wait 2100
        a > SUBSCRIBE id=3 filter=%/+:0
        a < SUBACK id=3 codes=00
        a < PUBLISH retain topic=%/y expiry=56|57|58 payload=1
        a .";
};

/// Scenario: messages are retained, replaced and taken away, and clients subscribe before and
/// behind that, with every option.
/// Guarantee: who subscribes gets the last one where the options say so, marked as retained.
#[tokio::test]
async fn retained_messages() {
    check(&roomy().await, "retain", RETAIN).await;
}
