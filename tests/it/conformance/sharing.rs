//! Shared subscriptions, of 5.0; the edge lets 3.1.1 clients have them too.

use super::bed::roomy;
use super::rows::{Row, check, rows};

const SHARE: &[Row] = rows! {
    "" "4.8.2" "members take turns" "
        a +
        a > SUBSCRIBE id=1 filter=$share/g/%/x:1
        a < SUBACK id=1 codes=01
        b +
        b > SUBSCRIBE id=1 filter=$share/g/%/x:1
        b < SUBACK id=1 codes=01
        p +
        p > PUBLISH qos=1 id=1 topic=%/x payload=1
        p < PUBACK id=1
        p > PUBLISH qos=1 id=2 topic=%/x payload=2
        p < PUBACK id=2
        a < PUBLISH qos=1 id=* topic=%/x payload=?first
        b < PUBLISH qos=1 id=* topic=%/x payload=?second
        a .
        b .";
    "" "4.8.2" "each of two groups, and who does not share" "
        a +
        a > SUBSCRIBE id=1 filter=$share/g/%/x:0
        a < SUBACK id=1 codes=00
        b +
        b > SUBSCRIBE id=1 filter=$share/h/%/x:0
        b < SUBACK id=1 codes=00
        c +
        c > SUBSCRIBE id=1 filter=%/x:0
        c < SUBACK id=1 codes=00
        p +
        p > PUBLISH topic=%/x payload=1
        p > PUBLISH topic=%/x payload=2
        a < PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x payload=2
        b < PUBLISH topic=%/x payload=1
        b < PUBLISH topic=%/x payload=2
        c < PUBLISH topic=%/x payload=1
        c < PUBLISH topic=%/x payload=2
        a .
        b .
        c .";
    "" "4.8.2" "one group with two filters is two subscriptions" "
        a +
        a > SUBSCRIBE id=1 filter=$share/g/%/x:0
        a < SUBACK id=1 codes=00
        b +
        b > SUBSCRIBE id=1 filter=$share/g/%/+:0
        b < SUBACK id=1 codes=00
        p +
        p > PUBLISH topic=%/x payload=1
        p > PUBLISH topic=%/y payload=2
        a < PUBLISH topic=%/x payload=1
        b < PUBLISH topic=%/x payload=1
        b < PUBLISH topic=%/y payload=2
        a .
        b .";
    "" "MQTT-3.10.4-1 4.8.2" "who unsubscribes is left out" "
        a +
        a > SUBSCRIBE id=1 filter=$share/g/%/x:0 filter=$share/h/%/x:0
        a < SUBACK id=1 codes=00,00
        b +
        b > SUBSCRIBE id=1 filter=$share/g/%/x:0
        b < SUBACK id=1 codes=00
        a > UNSUBSCRIBE id=1 filter=$share/g/%/x filter=%/x filter=$share/i/%/x
        a < UNSUBACK id=1 codes=00,11,11
        p +
        p > PUBLISH topic=%/x payload=1
        p > PUBLISH topic=%/x payload=2
        b < PUBLISH topic=%/x payload=1
        b < PUBLISH topic=%/x payload=2
        a < PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x payload=2
        a .
        b .";
    "" "4.8.2" "who is gone is left out" "
        a +
        a > SUBSCRIBE id=1 filter=$share/g/%/x:1
        a < SUBACK id=1 codes=01
        b +
        b > SUBSCRIBE id=1 filter=$share/g/%/x:1
        b < SUBACK id=1 codes=01
        a > DISCONNECT
        a =
        p +
        p > PUBLISH qos=1 id=1 topic=%/x payload=1
        p < PUBACK id=1
        p > PUBLISH qos=1 id=2 topic=%/x payload=2
        p < PUBACK id=2
        b < PUBLISH qos=1 id=* topic=%/x payload=1
        b < PUBLISH qos=1 id=* topic=%/x payload=2
        b .";
    "" "4.8.2 MQTT-4.8.2-3" "shared and not, both come; each at its quality" "
        a +
        a > SUBSCRIBE id=1 subid=1 filter=$share/g/%/x:0
        a < SUBACK id=1 codes=00
        a > SUBSCRIBE id=1 subid=2 filter=%/x:1
        a < SUBACK id=1 codes=01
        p +
        p > PUBLISH qos=1 id=1 topic=%/x payload=1
        p < PUBACK id=1
        a ~ PUBLISH topic=%/x subid=1 payload=1
        a ~ PUBLISH qos=1 id=* topic=%/x subid=2 payload=1
        a .";
    "" "MQTT-4.8.2-6" "a member that refuses: nobody else gets it" "
        a +
        a > SUBSCRIBE id=1 filter=$share/g/%/x:2
        a < SUBACK id=1 codes=02
        p +
        p > PUBLISH qos=1 id=1 topic=%/x payload=1
        p < PUBACK id=1
        a < PUBLISH qos=1 id=?p topic=%/x payload=1
        b +
        b > SUBSCRIBE id=1 filter=$share/g/%/x:2 filter=%/end:0
        b < SUBACK id=1 codes=02,00
        a > PUBACK id=?p code=80
        a .
        p > PUBLISH topic=%/end payload=end
        b < PUBLISH topic=%/end payload=end
        b .";
    "" "MQTT-4.8.2-4" "QoS 2 is finished by the member that began it" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=$share/g/%/x:2
        a < SUBACK id=1 codes=02
        p +
        p > PUBLISH qos=2 id=1 topic=%/x payload=1
        p < PUBREC id=1
        a < PUBLISH qos=2 id=?p topic=%/x payload=1
        b +
        b > SUBSCRIBE id=1 filter=$share/g/%/x:2
        b < SUBACK id=1 codes=02
        a !
        a + keep session=60 present
        a < PUBLISH qos=2 dup id=?p topic=%/x payload=1
        a > PUBREC id=?p
        a < PUBREL id=?p
        a > PUBCOMP id=?p
        a .
        b .";
    "4.7" "4.8.2" "filters with wildcards and with a slash in front" "
        a +
        a > SUBSCRIBE id=1 filter=$share/g/%/+/#:0
        a < SUBACK id=1 codes=00
        a > SUBSCRIBE id=1 filter=$share/g//%:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x/y payload=1
        a < PUBLISH topic=%/x/y payload=1
        a > PUBLISH topic=/% payload=2
        a < PUBLISH topic=/% payload=2
        a .";
    "" "3.8.2.1.2" "the identifier of a shared subscription" "
        a +
        a > SUBSCRIBE id=1 subid=3 filter=$share/g/%/x:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x subid=3 payload=1
        a > SUBSCRIBE id=1 subid=4 filter=$share/g/%/x:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x payload=2
        a < PUBLISH topic=%/x subid=4 payload=2
        a .";
};

/// Scenario: groups of every shape share subscriptions.
/// Guarantee: each message comes to one member of each group, at the quality that it was granted,
/// and to nobody that has left.
#[tokio::test]
async fn shared_subscriptions() {
    check(&roomy().await, "share", SHARE).await;
}
