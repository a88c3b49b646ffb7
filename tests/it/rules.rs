//! Rules from an MQTT client to Kafka: the guide's, and how messages and topics are mapped.

use std::collections::BTreeSet;

use latchwork::mqtt_client::{MqttClient, Publish, ReasonCode};
use record::TraceContext;

use crate::clients::{connect, publish};
use crate::kafka_log::{envelope, everything, header, shown};
use crate::payloads::unique;
use crate::rules_bed::{action, key, rule, topic, value};
use crate::testbed::{Setup, Testbed};
use crate::waiting::soon;

/// Publishes in order, each acknowledged, and waits until all stages are done with them.
async fn publish_all(bed: &Testbed, client: &MqttClient, messages: &[(&str, &str)]) {
    for (topic, payload) in messages {
        let reason = publish(client, *topic, (*payload).to_owned()).await;
        assert_eq!(reason, ReasonCode::SUCCESS, "{topic}");
    }
    bed.drained().await;
}

/// The values of a topic of one partition, in order.
async fn values(bed: &Testbed, topic: &str) -> Vec<String> {
    let records = everything(&bed.kafka(), topic).await;
    records.iter().map(value).collect()
}

/// Scenario: the guide's rule; an MQTT 5 client publishes the guide's message with user properties,
/// one of which has the name of a header of ours. A second rule wants them as headers, and a hook has
/// the message too.
/// Guarantee: Kafka's topic `emqx` has the guide's record once: key, value and the message's time.
/// Both have traceparent and lw-seq once, and they are ours; the second has the properties behind
/// them, in order.
#[tokio::test]
async fn the_guides_message_becomes_the_guides_record() {
    let (with_headers, hook) = (unique("headers-from"), unique("guide-hook"));
    let guide = rule(
        "guide",
        r#"SELECT timestamp, clientid, payload.temp as temp, payload.hum as hum FROM "temp_hum/emqx""#,
        &action(
            r#"kafka = { topic = "emqx", key = "${client_id}", value = '{"temp": ${temp}, "hum": ${hum}}' }"#,
        ),
    );
    let headers = format!(
        "kafka = {{ topic = \"{with_headers}\", headers_from = \"${{pub_props.User-Property-Pairs}}\" }}"
    );
    let headers = rule("headers", "SELECT * FROM \"temp_hum/+\"", &action(&headers));
    let hook_text = format!(
        "[[hook]]\nevent = \"message.publish\"\nfilter = \"temp_hum/#\"\nkafka_topic = \"{hook}\"\n"
    );
    let bed = Setup::new()
        .pipeline(guide + &headers + &hook_text)
        .start()
        .await;
    // The topic's name is the guide's, so that other runs may write there too.
    let client_id = unique("guide");
    let (client, _) = connect(&bed.client(&client_id).v5()).await;
    let mut message = Publish::new("temp_hum/emqx", r#"{"temp":"27.5","hum":"41.8"}"#);
    let properties = [
        ("site", "north"),
        ("lw-seq", "forged"),
        ("site", "\u{5317}"),
    ];
    message.user_properties = properties
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    let acknowledged = client.publish(message).await.unwrap();
    soon("PUBACK", acknowledged).await.unwrap();
    bed.drained().await;

    let records = everything(&bed.kafka(), "emqx").await;
    let ours: Vec<_> = records.iter().filter(|r| key(r) == client_id).collect();
    let [guide] = ours[..] else {
        panic!("one record: {:#?}", ours.into_iter().map(shown))
    };
    assert_eq!(value(guide), r#"{"temp": 27.5, "hum": 41.8}"#);
    let [hook] = &everything(&bed.kafka(), &hook).await[..] else {
        panic!("one record of the hook")
    };
    assert_eq!(guide.timestamp_ms, envelope(hook)["ts"].as_u64());
    let [with_headers] = &everything(&bed.kafka(), &with_headers).await[..] else {
        panic!("one record with headers")
    };
    let further = [("site", "north"), ("site", "\u{5317}")];
    for (record, further) in [(guide, &[][..]), (with_headers, &further)] {
        let headers: Vec<_> = record
            .headers
            .iter()
            .map(|header| (text(&header.name), text(&header.value)))
            .collect();
        let names: Vec<_> = headers.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names[..2], ["traceparent", "lw-seq"]);
        let traceparent = header(record, "traceparent");
        assert!(TraceContext::from_traceparent(&traceparent).is_some());
        let rest: Vec<_> = headers[2..].iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(rest, further);
    }
    let sequences = [guide, with_headers, hook].map(|record| header(record, "lw-seq"));
    assert!(!sequences.contains(&"forged".to_owned()));
    let distinct: BTreeSet<_> = sequences.iter().collect();
    assert_eq!(distinct.len(), 3, "{sequences:?}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Scenario: one filter into one topic, one into two, and several with wildcards, which overlap, into
/// the same two; messages that one, some or none of them are about.
/// Guarantee: each topic has what its rules are about, in order, once for each rule, and nothing else.
#[tokio::test]
async fn filters_and_topics_are_mapped_one_to_one_to_many_and_many_to_many() {
    let [one, left, right] = ["one", "left", "right"].map(unique);
    let kafka = |topic: &str, name: &str| {
        action(&format!(
            "kafka = {{ topic = \"{topic}\", value = \"{name} ${{payload}}\" }}"
        ))
    };
    let both = |name: &str| kafka(&left, name) + &kafka(&right, name);
    let rules = rule(
        "single",
        r#"SELECT * FROM "floor/1/temp""#,
        &kafka(&one, "s"),
    ) + &rule("fan", r#"SELECT * FROM "floor/2/temp""#, &both("f"))
        + &rule(
            "many",
            r#"SELECT * FROM "floor/+/temp", "+/1/#""#,
            &both("m"),
        )
        + &rule(
            "root",
            r#"SELECT * FROM "roof/#", "floor/#" WHERE qos = 1"#,
            &kafka(&right, "r"),
        );
    let topics = topic(&one, 1) + &topic(&left, 1) + &topic(&right, 1);
    let bed = Setup::new().pipeline(rules + &topics).start().await;
    let (client, _) = connect(&bed.client("mapper")).await;
    let messages = [
        ("floor/1/temp", "a"),
        ("floor/2/temp", "b"),
        ("floor/2/wind", "c"),
        ("roof/1/wind/gust", "d"),
        ("roof", "e"),
        ("cellar/2", "none"),
        ("floor/1/temp/x", "f"),
        ("$floor/1/temp", "none"),
        ("Floor/1/temp", "g"),
    ];
    publish_all(&bed, &client, &messages).await;
    assert_eq!(values(&bed, &one).await, ["s a"]);
    let left = values(&bed, &left).await;
    assert_eq!(left, ["m a", "f b", "m b", "m d", "m f", "m g"]);
    let right = values(&bed, &right).await;
    assert_eq!(
        right,
        [
            "m a", "r a", "f b", "m b", "r b", "r c", "m d", "r d", "r e", "m f", "r f", "m g"
        ]
    );
}

/// Scenario: a rule names its Kafka topic and its partition by fields of the message, and a `FOREACH`
/// makes a record of each member of a list that fits.
/// Guarantee: each record is in its topic and its partition; members keep their order, and each has an
/// lw-seq of its own.
#[tokio::test]
async fn messages_choose_topic_partition_and_number_of_records() {
    let [prefix, placed, list] = ["kind", "placed", "list"].map(unique);
    let sql = r#"SELECT payload.n as n, payload.kind as kind, payload.p as p FROM "things/+""#;
    let by_kind = format!("kafka = {{ topic = \"{prefix}-${{kind}}\", value = \"${{n}}\" }}");
    let by_number =
        format!("kafka = {{ topic = \"{placed}\", value = \"${{n}}\", partition = \"${{p}}\" }}");
    let each = r#"FOREACH payload.sensors AS s DO s.name as name, s.at as at, clientid INCASE s.at > 10 FROM "lists""#;
    let each_kafka = format!(
        "kafka = {{ topic = \"{list}\", key = \"${{name}}\", value = \"${{at}}\", timestamp = \"${{at}}\" }}"
    );
    let text = rule("things", sql, &(action(&by_kind) + &action(&by_number)))
        + &rule("each", each, &action(&each_kafka))
        + &topic(&format!("{prefix}-door"), 1)
        + &topic(&format!("{prefix}-window"), 1)
        + &topic(&placed, 3)
        + &topic(&list, 1);
    let bed = Setup::new().pipeline(text).start().await;
    let (client, _) = connect(&bed.client("chooser")).await;
    let messages = [
        ("things/1", r#"{"n":1,"kind":"door","p":2}"#),
        ("things/1", r#"{"n":2,"kind":"window","p":0}"#),
        ("things/2", r#"{"n":3,"kind":"door","p":"1"}"#),
        ("things/2", r#"{"n":4,"kind":"door","p":2}"#),
        (
            "lists",
            r#"{"sensors":[{"name":"a","at":11},{"name":"b","at":10},{"name":"c","at":1574753026269},{"name":"d","at":12}]}"#,
        ),
        ("lists", r#"{"sensors":[]}"#),
    ];
    publish_all(&bed, &client, &messages).await;
    let [door, window] = ["door", "window"].map(|kind| format!("{prefix}-{kind}"));
    assert_eq!(values(&bed, &door).await, ["1", "3", "4"]);
    assert_eq!(values(&bed, &window).await, ["2"]);
    let placed = everything(&bed.kafka(), &placed).await;
    let mut places: Vec<_> = placed.iter().map(|r| (value(r), r.partition)).collect();
    places.sort_unstable();
    let expected = [("1", 2), ("2", 0), ("3", 1), ("4", 2)];
    assert_eq!(places, expected.map(|(n, p)| (n.to_owned(), p)));
    let members = everything(&bed.kafka(), &list).await;
    let shown: Vec<_> = members
        .iter()
        .map(|record| (key(record), value(record), record.timestamp_ms))
        .collect();
    let expected = [("a", 11), ("c", 1_574_753_026_269), ("d", 12)];
    let expected = expected.map(|(name, at)| (name.to_owned(), at.to_string(), Some(at)));
    assert_eq!(shown, expected);
    let sequences: BTreeSet<_> = members.iter().map(|r| header(r, "lw-seq")).collect();
    assert_eq!(sequences.len(), 3, "{sequences:?}");
}
