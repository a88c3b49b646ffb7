//! SUBSCRIBE, UNSUBSCRIBE, and which messages come by them.

use super::bed::roomy;
use super::rows::{Row, check, rows};

const SUBSCRIBE: &[Row] = rows! {
    "MQTT-3.8.4-1 MQTT-3.8.4-2 MQTT-3.8.4-4 MQTT-3.8.4-5 MQTT-3.9.3-1" "MQTT-3.8.4-1 MQTT-3.8.4-2 MQTT-3.8.4-5 MQTT-3.8.4-6 MQTT-3.9.3-1" "a code for each filter, in order" "
        a +
        a > SUBSCRIBE id=65535 filter=%/2:2 filter=%/0:0 filter=%/1:1 filter=%/0:2
        a < SUBACK id=65535 codes=02,00,01,02
        a .";
    "MQTT-3.8.4-3" "MQTT-3.8.4-3 MQTT-3.8.4-7" "the same filter replaces" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:2
        a < SUBACK id=1 codes=02
        a > SUBSCRIBE id=2 filter=%/x:0
        a < SUBACK id=2 codes=00
        a > PUBLISH qos=1 id=9 topic=%/x payload=1
        a ~ PUBACK id=9
        a < PUBLISH topic=%/x payload=1
        a .";
    "MQTT-3.10.4-4 MQTT-3.10.4-5 MQTT-3.10.4-6" "MQTT-3.10.4-4 MQTT-3.10.4-5 MQTT-3.10.4-6 MQTT-3.11.3-1 MQTT-3.11.3-2" "UNSUBACK, also for what was not subscribed" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:1 filter=%/y:1
        a < SUBACK id=1 codes=01,01
        a > UNSUBSCRIBE id=513 filter=%/no filter=%/x filter=%/x filter=%/y
        a < UNSUBACK id=513 5:codes=11,00,11,00
        a .";
    "MQTT-3.10.4-1" "MQTT-3.10.4-1" "filters are compared by the letter" "
        a +
        a > SUBSCRIBE id=1 filter=%/x/+:1
        a < SUBACK id=1 codes=01
        a > UNSUBSCRIBE id=2 filter=%/x/# filter=%/x/y filter=%/X/+
        a < UNSUBACK id=2 5:codes=11,11,11
        a > PUBLISH qos=1 id=9 topic=%/x/y payload=1
        a ~ PUBACK id=9
        a < PUBLISH qos=1 id=* topic=%/x/y payload=1";
    "MQTT-3.10.4-2" "MQTT-3.10.4-2" "behind UNSUBACK nothing new comes" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:1 filter=%/end:0
        a < SUBACK id=1 codes=01,00
        a > UNSUBSCRIBE id=2 filter=%/x
        a < UNSUBACK id=2 5:codes=00
        b +
        b > PUBLISH qos=1 id=9 topic=%/x payload=1
        b < PUBACK id=9
        b > PUBLISH topic=%/end payload=end
        a < PUBLISH topic=%/end payload=end
        a .";
    "MQTT-3.10.4-3" "MQTT-3.10.4-3" "what was begun is finished" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:2
        a < SUBACK id=1 codes=02
        b +
        b > PUBLISH qos=2 id=9 topic=%/x payload=1
        b < PUBREC id=9
        a < PUBLISH qos=2 id=?p topic=%/x payload=1
        a > UNSUBSCRIBE id=2 filter=%/x
        a < UNSUBACK id=2 5:codes=00
        a > PUBREC id=?p
        a < PUBREL id=?p
        a > PUBCOMP id=?p
        a .";
    "MQTT-3.8.4-5 3.9.3" "MQTT-3.8.4-6 3.9.3" "a filter that is refused, beside one that is granted" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:1 filter=%//////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////+:1 filter=%/y:0
        a < SUBACK id=1 4:codes=01,80,00 5:codes=01,8F,00
        a > PUBLISH topic=%/y payload=1
        a < PUBLISH topic=%/y payload=1
        a .";
    "MQTT-3.8.3-4" "3.8.3.1" "QoS 3 in a subscription" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:3
        a = 82|81";
    "" "MQTT-3.8.3-4" "no local with a shared subscription" "
        a +
        a > SUBSCRIBE id=1 filter=$share/g/%/x:1,nl
        a = 82";
    "MQTT-4.7.1-2" "MQTT-4.7.1-1" "# in the middle" "
        a +
        a > SUBSCRIBE id=1 filter=%/#/x:1
        a = 8F";
    "" "MQTT-4.8.2-1 MQTT-4.8.2-2" "a share name with a wildcard" "
        a +
        a > SUBSCRIBE id=1 filter=$share/+/%/x:1
        a = 8F";
    "3.8.3" "MQTT-3.8.4-3" "no subscription is lost by another" "
        a +
        a > SUBSCRIBE id=1 filter=%/x:0
        a < SUBACK id=1 codes=00
        b +
        b > SUBSCRIBE id=1 filter=%/x:1
        b < SUBACK id=1 codes=01
        b > DISCONNECT
        b =
        a > PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x payload=1
        a .";
};

/// Scenario: clients subscribe and unsubscribe in every combination, legal or not.
/// Guarantee: SUBACK and UNSUBACK have a code for each filter, in order, and hold from then on.
#[tokio::test]
async fn subscribing_and_unsubscribing() {
    check(&roomy().await, "subscribe", SUBSCRIBE).await;
}

const FILTERS: &[Row] = rows! {
    "4.7.1.2" "4.7.1.2" "# is the parent too" "
        a +
        a > SUBSCRIBE id=1 filter=%/x/#:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/x payload=1
        a > PUBLISH topic=%/xy payload=no
        a > PUBLISH topic=%/x/ payload=2
        a > PUBLISH topic=%/x/y/z payload=3
        a < PUBLISH topic=%/x payload=1
        a < PUBLISH topic=%/x/ payload=2
        a < PUBLISH topic=%/x/y/z payload=3
        a .";
    "MQTT-4.7.1-3" "MQTT-4.7.1-2" "+ is one level, that may be empty" "
        a +
        a > SUBSCRIBE id=1 filter=%/+:0 filter=%/+/y/+:0
        a < SUBACK id=1 codes=00,00
        a > PUBLISH topic=% payload=no
        a > PUBLISH topic=%/ payload=1
        a > PUBLISH topic=%/x/y payload=no
        a > PUBLISH topic=%//y/ payload=2
        a > PUBLISH topic=%/x/y/z payload=3
        a < PUBLISH topic=%/ payload=1
        a < PUBLISH topic=%//y/ payload=2
        a < PUBLISH topic=%/x/y/z payload=3
        a .";
    "MQTT-4.7.2-1" "MQTT-4.7.2-1" "+ is not $something" "
        a +
        a > SUBSCRIBE id=1 filter=+/%:0 filter=$%/%:0
        a < SUBACK id=1 codes=00,00
        b +
        b > SUBSCRIBE id=1 filter=+/%:0
        b < SUBACK id=1 codes=00
        a > PUBLISH topic=$%/% payload=1
        a > PUBLISH topic=x/% payload=2
        a < PUBLISH topic=$%/% payload=1
        a < PUBLISH topic=x/% payload=2
        a .
        b < PUBLISH topic=x/% payload=2
        b .";
    "4.7.3 MQTT-4.7.3-4 MQTT-1.5.3-3" "4.7.3 MQTT-4.7.3-4 MQTT-1.5.4-3" "case, blanks, U+FEFF and forms of one letter differ" "
        a +
        a > SUBSCRIBE id=1 filter=%/a\u{e4}:0 filter=%/\u{FEFF}:0
        a < SUBACK id=1 codes=00,00
        a > PUBLISH topic=%/A\u{e4} payload=no
        a > PUBLISH topic=%/aa\u{308} payload=no
        a > PUBLISH topic=%/a\u{e4}/ payload=no
        a > PUBLISH topic=%/ payload=no
        a > PUBLISH topic=%/a\u{e4} payload=1
        a > PUBLISH topic=%/\u{FEFF} payload=2
        a < PUBLISH topic=%/a\u{e4} payload=1
        a < PUBLISH topic=%/\u{FEFF} payload=2
        a .";
    "4.7.3" "4.7.3" "a slash in front is a level" "
        a +
        a > SUBSCRIBE id=1 filter=/%:0 filter=+/%:0
        a < SUBACK id=1 codes=00,00
        b +
        b > SUBSCRIBE id=1 filter=%:0
        b < SUBACK id=1 codes=00
        a > PUBLISH topic=/% payload=1
        a > PUBLISH topic=% payload=2
        a < PUBLISH topic=/% payload=1 
        a .
        b < PUBLISH topic=% payload=2
        b .";
    "4.7.2 MQTT-3.3.5-2" "4.7.2 3.4.2.1" "nobody publishes what is the server's" "
        a +
        a > SUBSCRIBE id=1 filter=$SYS/%:1
        a < SUBACK id=1 codes=01
        5:a > PUBLISH qos=1 id=9 topic=$SYS/% payload=1
        5:a < PUBACK id=9 code=87
        a > PUBLISH topic=$SYS/% payload=1
        a .
        4:a > PUBLISH qos=1 id=9 topic=$SYS/% payload=1
        4:a = 87";
    "MQTT-3.3.2-3" "MQTT-3.3.2-3" "many levels" "
        a +
        a > SUBSCRIBE id=1 filter=%/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/+/22/#:0
        a < SUBACK id=1 codes=00
        a > PUBLISH topic=%/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/23 payload=no
        a > PUBLISH topic=%/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23 payload=1
        a < PUBLISH topic=%/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23 payload=1
        a .";
};

/// Scenario: filters with wildcards, empty levels, case and `$`, and topics next to them.
/// Guarantee: a message comes exactly when the filter matches its topic.
#[tokio::test]
async fn filters_and_topics() {
    check(&roomy().await, "filters", FILTERS).await;
}
