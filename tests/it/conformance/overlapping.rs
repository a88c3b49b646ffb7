//! Subscription options, and subscriptions that overlap.

use super::bed::roomy;
use super::rows::{Row, check, rows};

const OPTIONS: &[Row] = rows! {
    "MQTT-3.8.4-6" "MQTT-3.8.4-8" "the lower quality of both" "
        a +
        a > SUBSCRIBE id=1 filter=%/0:0 filter=%/1:1 filter=%/2:2
        a < SUBACK id=1 codes=00,01,02
        b +
        b > PUBLISH topic=%/2 payload=1
        b > PUBLISH qos=1 id=1 topic=%/2 payload=2
        b > PUBLISH qos=2 id=2 topic=%/2 payload=3
        b > PUBLISH qos=2 id=3 topic=%/1 payload=4
        b > PUBLISH qos=2 id=4 topic=%/0 payload=5
        a < PUBLISH topic=%/2 payload=1
        a < PUBLISH qos=1 id=* topic=%/2 payload=2
        a < PUBLISH qos=2 id=* topic=%/2 payload=3
        a < PUBLISH qos=1 id=* topic=%/1 payload=4
        a < PUBLISH topic=%/0 payload=5
        a .";
    "MQTT-3.3.5-1" "MQTT-3.3.4-2" "overlapping: the highest quality, one copy" "
        a +
        a > SUBSCRIBE id=1 filter=%/#:0 filter=%/+:2 filter=%/x:1
        a < SUBACK id=1 codes=00,02,01
        b +
        b > PUBLISH qos=2 id=1 topic=%/x payload=1
        b < PUBREC id=1
        b > PUBLISH qos=1 id=2 topic=%/x/y payload=2
        a < PUBLISH qos=2 id=* topic=%/x payload=1
        a < PUBLISH topic=%/x/y payload=2
        a .";
    "" "MQTT-3.3.4-3 MQTT-3.3.4-4" "all identifiers of one copy" "
        a +
        a > SUBSCRIBE id=1 subid=7 filter=%/#:1
        a < SUBACK id=1 codes=01
        a > SUBSCRIBE id=2 subid=268435455 filter=%/+:0
        a < SUBACK id=2 codes=00
        a > SUBSCRIBE id=3 filter=%/x:0
        a < SUBACK id=3 codes=00
        a > SUBSCRIBE id=4 subid=7 filter=%/z:0
        a < SUBACK id=4 codes=00
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=1
        b < PUBACK id=1
        b > PUBLISH qos=1 id=1 topic=%/x/y payload=2
        b < PUBACK id=1
        a < PUBLISH qos=1 id=* topic=%/x subid=7|268435455 subid=7|268435455 payload=1
        a < PUBLISH qos=1 id=* topic=%/x/y subid=7 payload=2
        a .";
    "" "3.8.2.1.2 MQTT-3.8.4-3" "another identifier, and none, by subscribing again" "
        a +
        a > SUBSCRIBE id=1 subid=7 filter=%/x:0
        a < SUBACK id=1 codes=00
        a > SUBSCRIBE id=1 subid=8 filter=%/x:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x subid=8 payload=1
        a > SUBSCRIBE id=1 filter=%/x:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x payload=2
        a < PUBLISH topic=%/x payload=2
        a .";
    "" "MQTT-3.8.3-3" "no local" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:1,nl filter=%/end:0
        a < SUBACK id=1 codes=01,00
        b +
        b > SUBSCRIBE id=1 filter=%/x:0
        b < SUBACK id=1 codes=00
        a > PUBLISH qos=1 id=1 topic=%/x payload=1
        a < PUBACK id=1
        b < PUBLISH topic=%/x payload=1
        b > PUBLISH qos=1 id=1 topic=%/x payload=2
        b ~ PUBACK id=1
        a < PUBLISH qos=1 id=* topic=%/x payload=2
        a > PUBLISH topic=%/end payload=
        a < PUBLISH topic=%/end
        a .";
    "" "MQTT-3.8.3-3" "no local holds for that subscription only" "
        a +
        a > SUBSCRIBE id=1 subid=1 filter=%/x:2,nl
        a < SUBACK id=1 codes=02
        a > SUBSCRIBE id=1 subid=2 filter=%/#:0
        a < SUBACK id=1 codes=00
        a > PUBLISH qos=1 id=1 topic=%/x payload=1
        a ~ PUBACK id=1
        a < PUBLISH topic=%/x subid=2 payload=1
        a .";
    "" "MQTT-3.8.3-3" "no local holds over a reconnect" "
        a + keep session=60
        a > SUBSCRIBE id=1 filter=%/x:1,nl
        a < SUBACK id=1 codes=01
        a > DISCONNECT
        a =
        a + keep session=60 present
        a > PUBLISH qos=1 id=1 topic=%/x payload=1
        a < PUBACK id=1
        b +
        b > PUBLISH qos=1 id=1 topic=%/x payload=2
        a < PUBLISH qos=1 id=* topic=%/x payload=2";
    "" "MQTT-3.3.1-12 MQTT-3.3.1-13" "retain as published, or not" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:0,rap
        a < SUBACK id=1 codes=00
        b +
        b > SUBSCRIBE id=1 filter=%/x:0
        b < SUBACK id=1 codes=00
        a > PUBLISH retain topic=%/x payload=1
        a > PUBLISH topic=%/x payload=2
        a < PUBLISH retain topic=%/x payload=1
        a < PUBLISH topic=%/x payload=2
        b < PUBLISH topic=%/x payload=1
        b < PUBLISH topic=%/x payload=2
        b .";
    "MQTT-4.6.0-5 MQTT-4.6.0-6" "MQTT-4.6.0-5 MQTT-4.6.0-6" "order within a topic, at each quality" "
        a +
        a > SUBSCRIBE id=1 filter=%/#:2
        a < SUBACK id=1 codes=02
        b +
        b > PUBLISH qos=2 id=1 topic=%/x payload=1
        b > PUBLISH qos=1 id=2 topic=%/x payload=2
        b > PUBLISH qos=2 id=3 topic=%/x payload=3
        b > PUBLISH qos=1 id=4 topic=%/x payload=4
        b < PUBREC id=1
        b < PUBACK id=2
        b < PUBREC id=3
        b < PUBACK id=4
        a < PUBLISH qos=2 id=* topic=%/x payload=1
        a < PUBLISH qos=1 id=* topic=%/x payload=2
        a < PUBLISH qos=2 id=* topic=%/x payload=3
        a < PUBLISH qos=1 id=* topic=%/x payload=4
        a .";
};

/// Scenario: clients whose filters overlap, with every option of 5.0.
/// Guarantee: a message comes once, at the highest quality that both sides allow, with every
/// identifier; not to its own sender when that said so.
#[tokio::test]
async fn options_and_overlapping() {
    check(&roomy().await, "options", OPTIONS).await;
}
