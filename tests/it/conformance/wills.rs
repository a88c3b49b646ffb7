//! Wills.

use super::bed::roomy;
use super::rows::{Row, check, rows};

const WILL: &[Row] = rows! {
    "MQTT-3.1.2-8" "MQTT-3.1.2-8" "the socket is closed" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:2
        s < SUBACK id=1 codes=02
        a + w.topic=%/will w.payload=gone w.qos=1
        a !
        s < PUBLISH qos=1 id=* topic=%/will payload=gone
        s .";
    "MQTT-3.1.2-8" "MQTT-3.1.2-8" "at QoS 0, and at QoS 2, without a payload" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:2
        s < SUBACK id=1 codes=02
        a + w.topic=%/will
        a !
        s < PUBLISH topic=%/will
        a + w.topic=%/will w.qos=2
        a !
        s < PUBLISH qos=2 id=* topic=%/will
        s .";
    "MQTT-3.1.2-10 MQTT-3.14.4-3" "MQTT-3.1.2-10 MQTT-3.14.4-3" "DISCONNECT drops it" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + w.topic=%/will w.payload=gone
        a > DISCONNECT
        a =
        a + w.topic=%/end
        a !
        s < PUBLISH topic=%/end
        s .";
    "" "3.14.2.1 MQTT-3.14.4-3" "DISCONNECT with a reason of 0 drops it too" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + w.topic=%/will w.payload=gone
        a > DISCONNECT code=00 reason=bye
        a =
        a + w.topic=%/end
        a !
        s < PUBLISH topic=%/end
        s .";
    "" "3.14.2.1" "DISCONNECT with will, or with a fault" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + w.topic=%/will w.payload=04
        a > DISCONNECT code=04
        a =
        s < PUBLISH topic=%/will payload=04
        a + w.topic=%/will w.payload=80
        a > DISCONNECT code=80
        a =
        s < PUBLISH topic=%/will payload=80
        s .";
    "MQTT-3.1.2-8" "MQTT-3.1.2-8 3.1.2.5" "a protocol error" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + w.topic=%/will w.payload=gone
        a > SUBSCRIBE id=0 filter=x:0
        a = 82
        s < PUBLISH topic=%/will payload=gone
        s .";
    "MQTT-3.1.2-8" "MQTT-3.1.2-8" "silence" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + keepalive=1 w.topic=%/will w.payload=gone
        a = 8D
        s < PUBLISH topic=%/will payload=gone
        s .";
    "MQTT-3.1.2-8 MQTT-3.1.4-2" "MQTT-3.1.2-8 MQTT-3.1.4-3" "takeover; the newer one's will is another" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + w.topic=%/will w.payload=older
        b + id=%a w.topic=%/will w.payload=newer
        a = 8E
        s < PUBLISH topic=%/will payload=older
        s .
        b !
        s < PUBLISH topic=%/will payload=newer
        s .";
    "MQTT-3.1.2-17 MQTT-3.1.2-16" "MQTT-3.1.2-15 MQTT-3.1.2-14" "retained, and not" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + w.topic=%/kept w.payload=gone w.qos=1 w.retain
        a !
        s < PUBLISH topic=%/kept payload=gone
        a + w.topic=%/will w.payload=gone w.qos=1
        a !
        s < PUBLISH topic=%/will payload=gone
        b +
        b > SUBSCRIBE id=1 filter=%/#:1
        b < SUBACK id=1 codes=01
        b < PUBLISH qos=1 id=* retain topic=%/kept payload=gone
        b .";
    "" "3.1.3.2 MQTT-3.3.2-17 MQTT-3.3.2-18" "with its properties" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + w.topic=%/will w.payload=gone w.format=1 w.expiry=30 w.ctype=t w.response=%/answer w.corr=c w.user=b:2 w.user=a:1 user=of:connect
        a !
        s < PUBLISH topic=%/will format=1 expiry=29|30 ctype=t response=%/answer corr=c user=b:2 user=a:1 payload=gone
        s .";
    "MQTT-3.1.2-10" "MQTT-3.1.2-10" "the next connection has its own, or none" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + keep session=60 w.topic=%/will w.payload=gone
        a !
        s < PUBLISH topic=%/will payload=gone
        a + keep session=60 present
        a !
        b + w.topic=%/end
        b !
        s < PUBLISH topic=%/end
        s .";
    "4.7.2" "4.7.2" "nobody's will is the server's" "
        s +
        s > SUBSCRIBE id=1 filter=$SYS/%:0 filter=%/#:0
        s < SUBACK id=1 codes=00,00
        4:a ^ w.topic=$SYS/% w.payload=gone
        5:a ^ w.topic=$SYS/% w.payload=gone
        a !
        b + w.topic=%/end
        b !
        s < PUBLISH topic=%/end
        s .";
    "" "MQTT-3.8.3-3" "no local holds for a will" "
        a + keep session=60 w.topic=%/will
        a > SUBSCRIBE id=1 filter=%/#:1,nl
        a < SUBACK id=1 codes=01
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a !
        s < PUBLISH topic=%/will
        a + keep session=60 present
        a .";
};

/// Scenario: connections with wills end in each way that there is.
/// Guarantee: the will is published, as it was written, exactly when the specification says so.
#[tokio::test]
async fn wills_at_the_end_of_a_connection() {
    check(&roomy().await, "will", WILL).await;
}

const DELAY: &[Row] = rows! {
    "" "MQTT-3.1.2-8 3.1.3.2.2" "after the delay, not before" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.delay=2
        a !
        - wait 1000
        s .
        s < PUBLISH topic=%/will
        a + keep session=60 present
        a .";
    "" "MQTT-3.1.3-9" "not to who comes back in time" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.delay=2
        a !
        a + keep session=60 present
        - wait 3000
        a .
        s .";
    "" "MQTT-3.1.3-9" "coming back, then leaving again" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.payload=1 w.delay=1
        a !
        a + keep session=60 present w.topic=%/will w.payload=2 w.delay=1
        a !
        s < PUBLISH topic=%/will payload=2
        - wait 1200
        s .";
    "" "MQTT-3.1.2-8 MQTT-3.1.2-4" "a clean start ends the session, and brings it" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.delay=60
        a !
        a + clean session=60
        s < PUBLISH topic=%/will
        s .";
    "" "3.1.3.2.2 MQTT-3.1.2-8" "the end of the session brings it" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=1 w.topic=%/will w.delay=60
        a !
        s < PUBLISH topic=%/will
        a + keep
        s .";
    "" "3.1.3.2.2 3.1.2.11.2" "a session without expiry brings it at once" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + w.topic=%/will w.delay=60
        a !
        s < PUBLISH topic=%/will
        s .";
    "" "3.14.2.2.2 MQTT-3.1.2-8" "a DISCONNECT that ends the session brings it" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.delay=60
        a > DISCONNECT code=04 session=0
        a =
        s < PUBLISH topic=%/will
        s .";
    "" "MQTT-3.1.3-9 MQTT-3.1.4-3" "takeover that goes on with the session does not" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.delay=1
        b + keep session=60 id=%a present
        a = 8E
        - wait 2000
        s .";
    "" "MQTT-3.1.4-3 MQTT-3.1.2-8" "takeover with a clean start does, at once" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.delay=60
        b + clean session=60 id=%a
        a = 8E
        s < PUBLISH topic=%/will
        s .";
    "" "MQTT-3.14.4-3 MQTT-3.1.2-10" "DISCONNECT drops one with a delay too" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.delay=1
        a > DISCONNECT
        a =
        - wait 2000
        s .";
    "" "3.1.3.2.4" "its expiry begins when it is published" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.delay=2 w.expiry=1
        a !
        s < PUBLISH topic=%/will expiry=1|0
        s .";
    "" "MQTT-3.1.2-15 3.1.3.2.2" "a retained one with a delay" "
        s +
        s > SUBSCRIBE id=1 filter=%/#:0
        s < SUBACK id=1 codes=00
        a + session=60 w.topic=%/will w.delay=1 w.retain w.payload=gone
        a !
        b +
        b > SUBSCRIBE id=1 filter=%/#:0
        b < SUBACK id=1 codes=00
        b .
        s < PUBLISH topic=%/will payload=gone
        b < PUBLISH topic=%/will payload=gone
        b > SUBSCRIBE id=1 filter=%/#:0
        b < SUBACK id=1 codes=00
        b < PUBLISH retain topic=%/will payload=gone
        b .";
};

/// Scenario: wills with a delay, in sessions that are shorter or longer than it, whose client comes
/// back in time or not.
/// Guarantee: the will comes when the delay is over or the session is, and not to who came back.
#[tokio::test]
async fn wills_with_a_delay() {
    check(&roomy().await, "delay", DELAY).await;
}
