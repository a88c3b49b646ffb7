//! From records to what rules make of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use record::{KafkaRecord, Kind, Origin, Record, UserProperty};
use settings::Pipeline;
use stage::{Handler, Outputs, Reject};
use tokio::sync::watch;
use transform::{Output, RulesBoard, TransformHandler};

const ORIGIN: Origin = Origin {
    sequence: 1024,
    index: 3,
};

fn message(topic: &str, payload: &str) -> Record {
    Record {
        kind: Kind::Publish.into(),
        client_id: Bytes::from_static(b"lock-1"),
        topic: Bytes::from(topic.to_owned()),
        payload: Bytes::from(payload.to_owned()),
        qos: 1,
        node: Bytes::from_static(b"edge-1"),
        received_at_ms: 1_574_753_026_269,
        ..Record::default()
    }
}

fn rule(name: &str, sql: &str, rest: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\nsql = '''{sql}'''\n{rest}\n")
}

fn action(action: &str) -> String {
    format!("[[rule.action]]\n{action}\n")
}

fn pipeline(text: &str) -> Pipeline {
    Pipeline::read(Path::new("pipeline.toml"), text).unwrap()
}

/// A handler of one pipeline, and what it has put out of the last record.
struct Bench {
    handler: TransformHandler,
    board: RulesBoard,
    sender: watch::Sender<Arc<Pipeline>>,
    out: Outputs<Output>,
}

impl Bench {
    fn new(text: &str) -> Self {
        let (sender, receiver) = watch::channel(Arc::new(pipeline(text)));
        let board = RulesBoard::new(telemetry::no_meter());
        Self {
            handler: TransformHandler::following(receiver, board.clone()),
            board,
            sender,
            out: Outputs::default(),
        }
    }

    /// Handles a batch of one record.
    fn handle(&mut self, record: &Record) -> Result<(), Reject> {
        self.out = Outputs::default();
        self.handler.begin();
        let handled = self.handler.handle(record, ORIGIN, &mut self.out);
        if let Err(reject) = &handled {
            self.out = Outputs::default();
            self.handler.rejected(record, ORIGIN, reject, &mut self.out);
        }
        self.handler.end();
        handled
    }

    fn kafka(&self) -> Vec<&KafkaRecord> {
        self.out.items().iter().filter_map(Output::kafka).collect()
    }

    /// Topic, key and value of each Kafka record.
    fn texts(&self) -> Vec<(String, Option<String>, String)> {
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        self.kafka()
            .iter()
            .map(|record| {
                let key = record.key.as_ref().map(text);
                (record.topic().to_owned(), key, text(&record.value))
            })
            .collect()
    }

    fn values(&self) -> Vec<String> {
        self.texts()
            .into_iter()
            .map(|(_, _, value)| value)
            .collect()
    }

    fn published(&self) -> Vec<&Record> {
        let items = self.out.items().iter();
        items.filter_map(Output::publication).collect()
    }

    fn causes(&self) -> Vec<(&'static str, &str)> {
        let rejects = self.out.rejects().iter();
        rejects
            .map(|reject| (reject.code, &*reject.detail))
            .collect()
    }

    /// matched, passed, exceptions and no results of a rule, then success, failed and dropped of its
    /// first action.
    fn counts(&self, name: &str) -> [u64; 7] {
        let report = self.board.report();
        let rule = report.rules.iter().find(|rule| rule.name == name).unwrap();
        let action = rule.actions.first().unwrap();
        assert_eq!(rule.failed, rule.failed_exception + rule.failed_no_result);
        [
            rule.matched,
            rule.passed,
            rule.failed_exception,
            rule.failed_no_result,
            action.success,
            action.failed,
            action.dropped,
        ]
    }
}

/// Scenario: the guide's rule and message.
/// Guarantee: the record is the guide's, byte for byte; its key is the client id, its time and place
/// are the message's.
#[test]
fn the_guides_rule() {
    let sql = r#"SELECT timestamp, clientid, payload.temp as temp, payload.hum as hum FROM "temp_hum/emqx""#;
    let kafka = r#"kafka = { topic = "emqx", key = "${client_id}", value = '{"temp": ${temp}, "hum": ${hum}}' }"#;
    let mut bench = Bench::new(&rule("guide", sql, &action(kafka)));
    let message = message("temp_hum/emqx", r#"{"temp":"27.5","hum":"41.8"}"#);
    bench.handle(&message).unwrap();
    let expected = (
        "emqx".into(),
        Some("lock-1".into()),
        r#"{"temp": 27.5, "hum": 41.8}"#.into(),
    );
    assert_eq!(bench.texts(), [expected]);
    let record = bench.kafka()[0];
    assert_eq!(record.timestamp_ms, 1_574_753_026_269);
    let mut sequence = Vec::new();
    record.write_sequence(&mut sequence);
    assert_eq!(sequence, b"edge-1-1024-3-0");
    assert_eq!(record.client_id, "lock-1");
    assert_eq!(bench.counts("guide"), [1, 1, 0, 0, 1, 0, 0]);
}

/// Scenario: one topic for three rules, one rule for three topics, a rule with three actions, and a
/// list of three members.
/// Guarantee: each rule has its record of each message that it is about; a message that several
/// filters of one rule match has one; records have places of their own.
#[test]
fn one_and_many() {
    let all = r#"SELECT * FROM "b", "a/+", "a/#" "#;
    let kafka = |topic: &str| {
        action(&format!(
            "kafka = {{ topic = \"{topic}\", value = \"{topic}\" }}"
        ))
    };
    let each = r#"FOREACH payload.l DO item as i FROM "a/b""#;
    let text = rule(
        "many",
        all,
        &(kafka("one") + &kafka("two") + &kafka("x-${clientid}")),
    ) + &rule("other", r#"SELECT * FROM "a/b""#, &kafka("three"))
        + &rule(
            "list",
            each,
            &action("kafka = { topic = \"four\", value = \"${i}\" }"),
        );
    let mut bench = Bench::new(&text);
    bench
        .handle(&message("a/b", r#"{"l":[1,"x",{"y":null}]}"#))
        .unwrap();
    let expected = [
        "one",
        "two",
        "x-${clientid}",
        "three",
        "1",
        "x",
        r#"{"y":null}"#,
    ];
    let expected = expected.map(|value| value.replace("${clientid}", "lock-1"));
    assert_eq!(bench.values(), expected);
    let places: Vec<u32> = bench
        .kafka()
        .iter()
        .map(|record| record.origin_output)
        .collect();
    assert_eq!(places, [0, 1, 2, 3, 4, 5, 6]);
    let dynamic: Vec<bool> = bench
        .kafka()
        .iter()
        .map(|record| record.topic_is_dynamic)
        .collect();
    assert_eq!(dynamic[..4], [false, false, true, false]);
    bench.handle(&message("b", "{}")).unwrap();
    assert_eq!(bench.kafka().len(), 3);
    bench.handle(&message("c", "{}")).unwrap();
    assert_eq!(bench.kafka().len(), 0);
}

/// Scenario: headers by name and from user properties, a time and a partition from the message, and a
/// partition at random.
/// Guarantee: all are in the Kafka record.
#[test]
fn every_part_of_a_record() {
    let text = rule(
        "parts",
        r#"SELECT *, payload.at as at FROM "t""#,
        &(action(
            r#"kafka = { topic = "k", key = "", value = "${payload}", timestamp = "${at}", partition = "${payload.p}", headers = { lock = "${clientid}" }, headers_from = "${pub_props.User-Property-Pairs}" }"#,
        ) + &action(r#"kafka = { topic = "k", partition = "random" }"#)
            + &action(r#"kafka = { topic = "k", partition = 3, timestamp = "no time" }"#)),
    );
    let mut bench = Bench::new(&text);
    let property = |value: &'static str| UserProperty {
        name: "site".into(),
        value: value.into(),
    };
    bench
        .handle(&Record {
            user_properties: vec![property("a"), property("b")],
            ..message("t", r#"{"at":17,"p":2}"#)
        })
        .unwrap();
    let [first, second, third] = bench.kafka()[..] else {
        panic!("three records");
    };
    assert_eq!(
        (first.key.as_ref(), first.timestamp_ms, first.partition),
        (None, 17, Some(2))
    );
    let headers: Vec<_> = first
        .headers
        .iter()
        .map(|header| (&header.name[..], &header.value[..]))
        .collect();
    let expected: [(&[u8], &[u8]); 3] = [(b"site", b"a"), (b"site", b"b"), (b"lock", b"lock-1")];
    assert_eq!(headers, expected);
    assert!(second.random_partition && second.partition.is_none());
    assert_eq!(
        (third.partition, third.timestamp_ms),
        (Some(3), 1_574_753_026_269)
    );
}

/// Scenario: a statement that fails, one whose topic needs a field that is missing, and a good one,
/// about one message; then the same with `on_failure = "ignore"`.
/// Guarantee: the good one's record goes out; the message is a dead letter for each of the others,
/// with rule and cause, or is only counted.
#[test]
fn a_failing_rule_hurts_no_neighbour() {
    let rules = |extra: &str| {
        rule(
            "upper",
            r#"SELECT upper(payload.x) as x FROM "t""#,
            &(extra.to_owned() + &action("kafka = { topic = \"k\" }")),
        ) + &rule(
            "topic",
            r#"SELECT * FROM "t""#,
            &(extra.to_owned() + &action("kafka = { topic = \"k-${payload.kind}\" }")),
        ) + &rule(
            "good",
            r#"SELECT * FROM "t""#,
            &action("kafka = { topic = \"k\", value = \"v\" }"),
        )
    };
    let mut bench = Bench::new(&rules(""));
    bench.handle(&message("t", "{}")).unwrap();
    assert_eq!(bench.values(), ["v"]);
    let causes = bench.causes();
    assert_eq!(causes.len(), 2);
    assert_eq!(causes[0].0, "rule-failed");
    assert!(
        causes[0].1.starts_with("rule upper: upper: argument 1"),
        "{}",
        causes[0].1
    );
    assert_eq!(causes[1].0, "action-failed");

    assert!(
        causes[1]
            .1
            .contains("rule topic: action 1: there is no field payload.kind"),
        "{}",
        causes[1].1
    );
    assert_eq!(bench.counts("upper"), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!(bench.counts("topic"), [1, 1, 0, 0, 0, 1, 0]);

    let mut bench = Bench::new(&rules("on_failure = \"ignore\"\n"));
    bench.handle(&message("t", "{}")).unwrap();
    assert_eq!(
        (bench.values(), bench.causes()),
        (vec!["v".to_owned()], vec![])
    );
    assert_eq!(bench.counts("upper"), [1, 0, 1, 0, 0, 0, 0]);
}

/// Scenario: an action fails for each of a thousand members of a list.
/// Guarantee: the message is one dead letter, whose cause says how many.
#[test]
fn a_message_is_one_dead_letter_of_a_rule() {
    let kafka = action("kafka = { topic = \"k-${item.kind}\" }");
    let mut bench = Bench::new(&rule("each", r#"FOREACH payload FROM "t""#, &kafka));
    let list = format!("[{}0]", "0,".repeat(999));
    bench.handle(&message("t", &list)).unwrap();
    let [(code, cause)] = bench.causes()[..] else {
        panic!("{:?}", bench.causes());
    };
    assert_eq!(code, "action-failed");
    assert!(
        cause.contains("action 1: there is no field item.kind"),
        "{cause}"
    );
    assert!(cause.ends_with("(and 999 more failures)"), "{cause}");
    assert_eq!(bench.counts("each"), [1, 1, 0, 0, 0, 1000, 0]);
}

/// Scenario: a rule drops some messages, another makes dead letters of some; a rule and a hook come
/// after them.
/// Guarantee: what is dropped goes no further and is no dead letter; a dead letter has the rule's words
/// and nothing else becomes of it; all others go on.
#[test]
fn messages_end_where_a_rule_says_so() {
    let text = rule(
        "first",
        r#"SELECT * FROM "t""#,
        &action("kafka = { topic = \"first\", value = \"first\" }"),
    ) + &rule(
        "noise",
        r#"SELECT * FROM "t" WHERE payload.k = 'noise'"#,
        &action("drop = {}"),
    ) + &rule(
        "bad",
        r#"SELECT payload.k as k FROM "t" WHERE k = 'bad'"#,
        &action("dead_letter = { detail = \"it is ${k}\" }"),
    ) + &rule(
        "last",
        r#"SELECT * FROM "t""#,
        &action("kafka = { topic = \"last\", value = \"last\" }"),
    ) + "[[hook]]\nevent = \"message.publish\"\nfilter = \"t\"\nkafka_topic = \"hook\"\n";
    let mut bench = Bench::new(&text);
    bench.handle(&message("t", r#"{"k":"noise"}"#)).unwrap();
    assert_eq!(bench.values(), ["first"]);
    assert_eq!(bench.causes(), []);
    let reject = bench.handle(&message("t", r#"{"k":"bad"}"#)).unwrap_err();
    assert_eq!(
        (reject.code, &*reject.detail),
        ("rule", "rule bad: it is bad")
    );
    assert_eq!(bench.out.items(), []);
    bench.handle(&message("t", r#"{"k":"good"}"#)).unwrap();
    let topics: Vec<_> = bench.texts().into_iter().map(|(topic, ..)| topic).collect();
    assert_eq!(topics, ["first", "last", "hook"]);
    assert_eq!(bench.counts("noise"), [3, 1, 0, 2, 1, 0, 0]);
    // What was withdrawn was not handed on.
    assert_eq!(bench.counts("first"), [3, 3, 0, 0, 2, 0, 1]);
    assert_eq!(bench.counts("bad"), [2, 1, 0, 1, 1, 0, 0]);
}

/// Scenario: rules in shadow that would write, drop and fail.
/// Guarantee: they are counted, and nothing comes of them.
#[test]
fn a_shadow_does_nothing() {
    let shadow = |name: &str, sql: &str, act: &str| {
        rule(name, sql, &format!("shadow = true\n{}", action(act)))
    };
    let text = shadow("drops", r#"SELECT * FROM "t""#, "drop = {}")
        + &shadow(
            "fails",
            r#"SELECT upper(nothing) as x FROM "t""#,
            "kafka = { topic = \"k\" }",
        )
        + &shadow(
            "writes",
            r#"SELECT * FROM "t""#,
            "kafka = { topic = \"k\" }",
        )
        + &rule(
            "real",
            r#"SELECT * FROM "t""#,
            &action("kafka = { topic = \"k\", value = \"real\" }"),
        );
    let mut bench = Bench::new(&text);
    bench.handle(&message("t", "{}")).unwrap();
    assert_eq!(bench.values(), ["real"]);
    assert_eq!(bench.causes(), []);
    assert_eq!(bench.counts("drops"), [1, 1, 0, 0, 0, 0, 1]);
    assert_eq!(bench.counts("fails"), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!(bench.counts("writes"), [1, 1, 0, 0, 0, 0, 1]);
    assert!(bench.board.report().rules[0].shadow);
}

/// Scenario: a rule publishes to MQTT what it is about itself, and two rules publish for each other.
/// Guarantee: a rule never answers its own message; each rule acts once in a chain, and a chain has
/// four at most.
#[test]
fn circles_end() {
    let republish = |to: &str| {
        action(&format!(
            "republish = {{ topic = \"{to}\", qos = 1, user_properties = \"${{pub_props.User-Property}}\" }}"
        ))
    };
    let text = rule(
        "self",
        r##"SELECT * FROM "#""##,
        &republish("copy/${topic}"),
    );
    let mut bench = Bench::new(&text);
    bench.handle(&message("t", "x")).unwrap();
    let copy = bench.published()[0].clone();
    assert_eq!(
        (copy.topic(), copy.client_id(), copy.qos),
        ("copy/t", "self", 1)
    );
    assert_eq!((&copy.payload[..], copy.republish_hops), (&b"x"[..], 1));
    bench.handle(&copy).unwrap();
    assert_eq!(bench.out.items(), []);
    assert_eq!(bench.counts("self"), [2, 2, 0, 0, 1, 0, 1]);

    let text = rule("ping", r#"SELECT * FROM "ping""#, &republish("pong"))
        + &rule("pong", r#"SELECT * FROM "pong""#, &republish("ping"));
    let mut bench = Bench::new(&text);
    let mut next = message("ping", "x");
    let mut hops = 0;
    loop {
        bench.handle(&next).unwrap();
        match bench.published()[..] {
            [published] => next = published.clone(),
            _ => break,
        }
        hops += 1;
    }
    assert_eq!((hops, &next.republished_by[..]), (2, &b"ping,pong"[..]));

    let crowd: Vec<_> = (0..10)
        .map(|n| rule(&format!("r{n}"), r#"SELECT * FROM "t""#, &republish("t")))
        .collect();
    let mut bench = Bench::new(&crowd.concat());
    let mut waiting = vec![message("t", "x")];
    let mut count = 0;
    while let Some(next) = waiting.pop() {
        bench.handle(&next).unwrap();
        waiting.extend(bench.published().into_iter().cloned());
        count += 1;
    }
    assert_eq!(count, 1 + 10 + 10 * 9 + 10 * 9 * 8 + 10 * 9 * 8 * 7);
}

/// Scenario: rules about connections and broken payloads, in both spellings.
/// Guarantee: each event has its fields; a payload that breaks its contract is a dead letter and comes
/// to the rule about such with its cause.
#[test]
fn rules_about_events() {
    let online = r#"SELECT 'connected' as action, clientid, keepalive, peerhost as ip, 1 as online FROM "$events/client_connected""#;
    let broken = r#"SELECT topic, reason FROM "$events/schema_validation_failed""#;
    let text = "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n".to_owned()
        + &rule("online", online, &action("kafka = { topic = \"status\" }"))
        + &rule(
            "broken",
            broken,
            &action("kafka = { topic = \"broken\", key = \"${topic}\" }"),
        );
    let mut bench = Bench::new(&text);
    bench
        .handle(&Record {
            kind: Kind::Connected.into(),
            topic: Bytes::new(),
            peer: "127.0.0.1:4000".into(),
            keepalive_s: 60,
            ..message("", "")
        })
        .unwrap();
    let value =
        r#"{"action":"connected","clientid":"lock-1","keepalive":60,"ip":"127.0.0.1","online":1}"#;
    assert_eq!(
        bench.texts(),
        [("status".into(), Some("lock-1".into()), value.into())]
    );
    let reject = bench
        .handle(&message("devices/lock-1/state", "{"))
        .unwrap_err();
    assert_eq!(reject.code, "json");
    let (topic, key, value) = bench.texts().remove(0);
    assert_eq!(
        (&*topic, key.as_deref()),
        ("broken", Some("devices/lock-1/state"))
    );
    assert!(value.contains("json lock-state"), "{value}");
}

/// Scenario: the pipeline changes while a batch is handled, and again before the next.
/// Guarantee: a batch follows one version from its beginning to its end; the counters of a rule that
/// stays go on.
#[test]
fn a_change_waits_for_the_batch() {
    let text = |value: &str| {
        let kafka = format!("kafka = {{ topic = \"k\", value = \"{value}\" }}");
        rule("stays", r#"SELECT * FROM "t""#, &action(&kafka))
    };
    let mut bench = Bench::new(&text("old"));
    let message = message("t", "{}");
    bench.handler.begin();
    let before = bench.handler.version();
    bench
        .handler
        .handle(&message, ORIGIN, &mut bench.out)
        .unwrap();
    bench.sender.send_replace(Arc::new(pipeline(&text("new"))));
    bench
        .handler
        .handle(&message, ORIGIN, &mut bench.out)
        .unwrap();
    bench.handler.end();
    assert_eq!(bench.values(), ["old", "old"]);
    assert_eq!(bench.handler.version(), before);
    bench.handle(&message).unwrap();
    assert_eq!(bench.values(), ["new"]);
    assert_ne!(bench.handler.version(), before);
    assert_eq!(bench.counts("stays"), [3, 3, 0, 0, 3, 0, 0]);
}
