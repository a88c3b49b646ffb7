//! From records to Kafka records: the articles' own payloads, every kind of reject, every hook.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use record::{EventKind, KafkaRecord, Kind, Origin, Record};
use settings::Pipeline;
use stage::{Handler, Outputs, Reject};
use transform::{Output, TransformHandler};

const STATE: &str = r#"{"process_id":"7802441525528958","action":"unlock","battery":83.4,"lock_state":1,"version":1.1,"client_id":"10083618796833171"}"#;
const COMMAND: &str = r#"{"process_id":"7802441525528958","action":"unlock","nonce_str":"u7u4p0n8","ts":1574744434,"sign":"e9f5af7deaa28563"}"#;
const CLIENT: &str = "10083618796833171";
const STATE_TOPIC: &str = "devices/10083618796833171/state";
const COMMAND_TOPIC: &str = "devices/10083618796833171/command";

fn record(kind: Kind, topic: &str, payload: impl AsRef<[u8]>) -> Record {
    Record {
        kind: kind.into(),
        client_id: Bytes::from_static(CLIENT.as_bytes()),
        topic: Bytes::from(topic.to_owned()),
        payload: Bytes::copy_from_slice(payload.as_ref()),
        qos: 1,
        node: Bytes::from_static(b"emqx@127.0.0.1"),
        received_at_ms: 1_574_753_026_269,
        ..Record::default()
    }
}

fn handle_by(pipeline: &Pipeline, record: &Record) -> Result<Vec<KafkaRecord>, Reject> {
    let mut out = Outputs::default();
    let origin = Origin {
        sequence: 1024,
        index: 3,
    };
    TransformHandler::new(pipeline).handle(record, origin, &mut out)?;
    Ok(out
        .items()
        .iter()
        .filter_map(|out| out.kafka().cloned())
        .collect())
}

fn handle(record: &Record) -> Result<Vec<KafkaRecord>, Reject> {
    handle_by(&Pipeline::load(None).unwrap(), record)
}

fn pipeline(text: &str) -> Pipeline {
    Pipeline::read(Path::new("pipeline.toml"), text).unwrap()
}

fn hook(event: &str, filter: &str, kafka_topic: &str) -> String {
    format!(
        "[[hook]]\nevent = \"{event}\"\nfilter = \"{filter}\"\nkafka_topic = \"{kafka_topic}\"\n"
    )
}

/// Scenario: the articles' state, as it is and with white space, published by its lock.
/// Guarantee: one record for `message_state` with the given bytes; the payload is untouched.
#[test]
fn a_state_becomes_the_given_envelope() {
    let spaced = STATE.replace(':', " :\t").replace(',', ",\r\n  ");
    for payload in [STATE, &spaced] {
        let made = handle(&record(Kind::Publish, STATE_TOPIC, payload)).unwrap();
        let payload = STANDARD.encode(payload);
        let value = format!(
            r#"{{"client_id":"10083618796833171","username":"","topic":"devices/10083618796833171/state","payload":"{payload}","qos":1,"node":"emqx@127.0.0.1","ts":1574753026269}}"#
        );
        assert_eq!(
            made,
            [KafkaRecord {
                topic: Bytes::from_static(b"message_state"),
                key: Some(CLIENT.into()),
                value: value.into(),
                timestamp_ms: 1_574_753_026_269,
                origin_node: Bytes::from_static(b"emqx@127.0.0.1"),
                origin_sequence: 1024,
                origin_index: 3,
                origin_output: 0,
                client_id: CLIENT.into(),
                is_envelope: true,
                ..KafkaRecord::default()
            }]
        );
    }
}

/// Scenario: the articles' command, published by a back end, and acknowledged by the lock.
/// Guarantee: the publish is checked and wanted by no hook; the acknowledgement becomes one record
/// for `message_command` with the given bytes, the receiver's id and `from`.
#[test]
fn an_acknowledged_command_becomes_the_given_envelope() {
    assert_eq!(
        handle(&record(Kind::Publish, COMMAND_TOPIC, COMMAND)).unwrap(),
        []
    );
    let acked = Record {
        from_client_id: Bytes::from_static(b"10083618796833171"),
        received_at_ms: 1_574_751_635_845,
        ..record(Kind::Acked, COMMAND_TOPIC, COMMAND)
    };
    let made = handle(&acked).unwrap();
    let payload = STANDARD.encode(COMMAND);
    let value = format!(
        r#"{{"client_id":"10083618796833171","username":"","from":"10083618796833171","topic":"devices/10083618796833171/command","payload":"{payload}","qos":1,"node":"emqx@127.0.0.1","ts":1574751635845}}"#
    );
    assert_eq!(made.len(), 1);
    assert_eq!(
        (made[0].topic(), &made[0].value),
        ("message_command", &Bytes::from(value))
    );
    assert_eq!(made[0].key.as_deref(), Some(CLIENT.as_bytes()));
}

/// Scenario: one payload of each kind that breaks its contract.
/// Guarantee: it is rejected with a stable code, the schema, and the JSON pointer; the text is one
/// short printable line.
#[test]
fn what_breaks_its_contract_is_rejected_with_the_cause() {
    let nested = format!("{}{}", "[".repeat(1 << 19), "]".repeat(1 << 19));
    let long = "x".repeat(1 << 20);
    let changed = |from: &str, to: &str| {
        assert!(STATE.contains(from));
        STATE.replace(from, to).into_bytes()
    };
    let rows: [(&str, Vec<u8>, &str, &str); 12] = [
        (
            "broken UTF-8",
            [STATE.as_bytes(), b"\xff"].concat(),
            "utf-8",
            "",
        ),
        ("no payload", Vec::new(), "json", ""),
        ("broken JSON", changed(",", ";"), "json", ""),
        ("cut short", STATE.as_bytes()[..60].to_vec(), "json", ""),
        ("nested too deep", nested.into_bytes(), "json", ""),
        ("a mebibyte of text", long.clone().into_bytes(), "json", ""),
        ("an array", b"[]".to_vec(), "schema", ""),
        (
            "a field missing",
            changed("battery", "batery"),
            "schema",
            "",
        ),
        (
            "a wrong type",
            changed("83.4", "\"83.4\""),
            "schema",
            "/battery",
        ),
        (
            "a mebibyte in a field",
            changed("unlock", &long),
            "schema",
            "/action",
        ),
        (
            "a field twice",
            changed("version", "battery"),
            "repeated-name",
            "/battery",
        ),
        (
            "another lock's id",
            changed("3171", "3172"),
            "client-id",
            "/client_id",
        ),
    ];
    for (what, payload, code, pointer) in rows {
        let reject = handle(&record(Kind::Publish, STATE_TOPIC, &payload)).expect_err(what);
        assert_eq!(
            (reject.code, reject.pointer.as_str()),
            (code, pointer),
            "{what}"
        );
        assert_eq!(reject.schema, "lock-state", "{what}");
        let length = reject.detail.chars().count();
        assert!((1..=300).contains(&length), "{what}: {length} characters");
        assert!(
            !reject.detail.chars().any(char::is_control),
            "{what}: {}",
            reject.detail
        );
    }
    let unsigned = COMMAND.replace("sign", "sing");
    let reject = handle(&record(Kind::Publish, COMMAND_TOPIC, unsigned)).unwrap_err();
    assert_eq!(
        (reject.code, reject.schema.as_ref()),
        ("schema", "lock-command")
    );
}

/// Scenario: a state that breaks its contract, delivered and acknowledged by a subscriber.
/// Guarantee: only the publish is checked: what happened to a message is told as it happened.
#[test]
fn only_publishes_are_checked() {
    let text = hook("message.acked", "#", "acked");
    let acked = record(Kind::Acked, STATE_TOPIC, "broken");
    let made = handle_by(&pipeline(&text), &acked).unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(handle(&acked).unwrap(), []);
}

/// Scenario: topics without a contract, with `*`, `>`, spaces, quotes, other alphabets; payloads
/// of any bytes, up to a mebibyte.
/// Guarantee: they pass unchecked, and the envelope carries topic and payload as they are.
#[test]
fn any_topic_and_payload_pass_where_no_contract_is() {
    let pipeline = pipeline(&hook("message.publish", "#", "all"));
    let large = vec![0xff_u8; 1 << 20];
    for topic in [
        "a/*/b",
        ">",
        "a.b >",
        " ",
        "a\"b\\c",
        "\u{95e8}/\u{1f512}",
        "/",
        "devices/*/state",
    ] {
        for payload in [&b""[..], b"\x00\xff", b"{", &large] {
            let made = handle_by(&pipeline, &record(Kind::Publish, topic, payload)).unwrap();
            let value = std::str::from_utf8(&made[0].value).unwrap();
            let topic = topic.replace('\\', "\\\\").replace('"', "\\\"");
            assert!(value.contains(&format!(r#""topic":"{topic}","#)), "{topic}");
            let payload = STANDARD.encode(payload);
            assert!(
                value.contains(&format!(r#""payload":"{payload}","#)),
                "{topic}"
            );
        }
    }
}

/// Scenario: a lock whose client id is made of characters that mean something to NATS and to MQTT
/// filters.
/// Guarantee: its topic matches the contract and the hook as any other's.
#[test]
fn odd_client_ids_are_like_others() {
    for id in ["*", ">", "a b", ".", "a\u{95e8}"] {
        let topic = format!("devices/{id}/state");
        let payload = STATE.replace(CLIENT, id);
        assert_eq!(
            handle(&record(Kind::Publish, &topic, payload))
                .unwrap()
                .len(),
            1,
            "{id}"
        );
        let reject = handle(&record(Kind::Publish, &topic, STATE)).unwrap_err();
        assert_eq!(reject.code, "client-id", "{id}");
    }
}

/// Scenario: several hooks that want one event, some that do not.
/// Guarantee: one output for each that does, in the order of the file, numbered from 0.
#[test]
fn every_matching_hook_makes_one_record() {
    let text = [
        hook("message.publish", "devices/+/state", "first"),
        hook("message.publish", "devices/+/command", "other_topic"),
        hook("message.acked", "devices/+/state", "other_event"),
        hook("message.publish", "#", "second"),
        "[[hook]]\nevent = \"message.publish\"\nkafka_topic = \"third\"\n".into(),
    ]
    .concat();
    let made = handle_by(&pipeline(&text), &record(Kind::Publish, STATE_TOPIC, STATE)).unwrap();
    let outputs: Vec<_> = made
        .iter()
        .map(|made| (made.topic(), made.origin_output))
        .collect();
    assert_eq!(outputs, [("first", 0), ("second", 1), ("third", 2)]);
    assert!(made.iter().all(|other| other.value == made[0].value));
}

/// Scenario: each event with a hook of its own, whose filter matches no topic of a message.
/// Guarantee: connections have no topic, so their filter does not count; the others' does. Every
/// record has the shape of its event.
#[test]
fn events_have_their_own_hooks() {
    for event in EventKind::ALL {
        let pipeline = pipeline(&hook(event.name(), "nothing/matches", "events"));
        let made = handle_by(&pipeline, &record(event.kind(), STATE_TOPIC, STATE)).unwrap();
        let has_topic = !matches!(
            event,
            EventKind::ClientConnected | EventKind::ClientDisconnected
        );
        assert_eq!(made.is_empty(), has_topic, "{event:?}");
        for kafka_record in made {
            let value = std::str::from_utf8(&kafka_record.value).unwrap();
            assert!(
                value.starts_with(r#"{"client_id":"10083618796833171""#),
                "{value}"
            );
            assert!(
                value.ends_with(r#","node":"emqx@127.0.0.1","ts":1574753026269}"#),
                "{value}"
            );
        }
    }
    assert_eq!(handle(&record(Kind::Connected, "", "")).unwrap(), []);
    assert_eq!(
        handle(&record(Kind::Dropped, STATE_TOPIC, STATE)).unwrap(),
        []
    );
}

/// Scenario: a rejected record between two good ones in one handler.
/// Guarantee: the neighbours come out as if it had not been there.
#[test]
fn a_reject_hurts_no_neighbour() {
    let mut handler = TransformHandler::new(&Pipeline::load(None).unwrap());
    let mut out = Outputs::default();
    let good = record(Kind::Publish, STATE_TOPIC, STATE);
    let bad = record(Kind::Publish, STATE_TOPIC, "{");
    let verdicts: Vec<bool> = [&good, &bad, &good]
        .into_iter()
        .map(|record| handler.handle(record, Origin::default(), &mut out).is_ok())
        .collect();
    assert_eq!(verdicts, [true, false, true]);
    assert_eq!(out.items().len(), 2);
    assert_eq!(out.items()[0], out.items()[1]);
}

/// What the audit gets of a record: `None` when it was not even asked.
fn events(text: &str, record: &Record) -> Vec<Record> {
    let mut out = Outputs::default();
    let mut handler = TransformHandler::new(&pipeline(text));
    if let Err(reject) = handler.handle(record, Origin::default(), &mut out) {
        handler.rejected(record, Origin::default(), &reject, &mut out);
    }
    out.items()
        .iter()
        .filter_map(Output::event)
        .cloned()
        .collect()
}

/// Scenario: a pipeline with an audit sees a state, a command that an enforcing edge refused, a
/// broken state and a topic that is no lock's; and a pipeline without one sees the state.
/// Guarantee: the audit gets the first two untouched, of the third who and how without its payload,
/// and nothing of the fourth; without audit there are no events. A refused command is no publish for
/// the hooks.
#[test]
fn the_audit_gets_what_it_wants() {
    let hook = hook("message.publish", "#", "all");
    let contract = "[[contract]]\nfilter = \"devices/+/state\"\nschema = \"lock-state\"\n";
    let with_audit = format!("{contract}{hook}[audit]\n");
    let state = record(Kind::Publish, STATE_TOPIC, STATE);
    assert_eq!(events(&with_audit, &state), std::slice::from_ref(&state));
    assert!(events(&format!("{contract}{hook}"), &state).is_empty());

    let refused = Record {
        reason: record::REFUSED.into(),
        ..record(Kind::Publish, COMMAND_TOPIC, COMMAND)
    };
    assert_eq!(
        events(&with_audit, &refused),
        std::slice::from_ref(&refused)
    );
    assert_eq!(handle_by(&pipeline(&with_audit), &refused).unwrap(), []);

    let broken = record(Kind::Publish, STATE_TOPIC, "{}");
    let told = events(&with_audit, &broken);
    assert_eq!((told[0].kind(), told.len()), (Kind::Rejected, 1));
    assert_eq!(told[0].payload, "");
    assert!(
        told[0].reason.starts_with(b"schema lock-state"),
        "{:?}",
        told[0].reason
    );

    assert!(events(&with_audit, &record(Kind::Publish, "news", "x")).is_empty());
}
