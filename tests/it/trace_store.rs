//! What an operator finds in the trace store: a real Jaeger, asked by its API.

use latchwork::mqtt_client::{MqttClient, Publish, ReasonCode};
use record::TraceContext;
use tempfile::TempDir;
use topology::stages;

use crate::audit_bed::{Topics, door, empty};
use crate::clients::{connect, publish};
use crate::dead_letters::await_dead_letters;
use crate::jaeger::{Jaeger, StoredSpan, shape};
use crate::kafka_log::{KafkaTail, envelope, header};
use crate::notify::set_contact;
use crate::notify_receivers::{Behaviour, HttpReceiver};
use crate::payloads::{broken_state, command_topic, state_topic, unique};
use crate::run_command::{Outcome, latchwork};
use crate::testbed::{Setup, Testbed};
use crate::trace_conventions::assert_conventions;
use crate::waiting::soon;

const LOCK: &str = "10083618796833171";

const STATE: &str = "create devices/{client_id}/state";
const COMMAND: &str = "create devices/{client_id}/command";
const TRANSFORM: &str = "process up.{partition}";
const SINK: &str = "process rec.{partition}";
const AUDIT: &str = "process ev.{partition}";
const NOTIFY: &str = "process alert.{partition}";
const SEND: &str = "process notify.{channel}";

/// Every stage with everything switched on, each trace recorded and kept by a Jaeger.
struct Pipeline {
    jaeger: Jaeger,
    bed: Testbed,
    tail: KafkaTail,
    receiver: HttpReceiver,
    // Holds the keys.
    folder: TempDir,
}

impl Pipeline {
    /// The reason when this machine has no Jaeger.
    async fn start() -> Result<Self, String> {
        let jaeger = Jaeger::start().await?;
        let folder = tempfile::tempdir().unwrap();
        let key = command::new_key_line("2026").unwrap();
        std::fs::write(folder.path().join("keys"), key.as_bytes()).unwrap();
        std::fs::write(folder.path().join("secret"), "a secret of twenty-six byte").unwrap();
        let topic = unique("trace-store");
        let every_stage = stages(|_| true);
        let bed = Setup::new()
            .stages(&every_stage)
            .pipeline(pipeline(&topic, &folder))
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.endpoint())
            .env("LATCHWORK_TRACE_SAMPLE", "1")
            .start()
            .await;
        let receiver = HttpReceiver::start().await;
        set_contact(&bed, LOCK, &[("webhook", &receiver.url("/hook"))]).await;
        let tail = KafkaTail::from_beginning(&bed.kafka(), &[&topic]).await;
        Ok(Self {
            jaeger,
            bed,
            tail,
            receiver,
            folder,
        })
    }

    /// `latchwork command send`, as people type it.
    async fn send_command(&self, more: &[&str]) -> Outcome {
        let keys = self.folder.path().join("keys");
        let keys = keys.to_str().unwrap();
        let words = ["command", "send", LOCK, "lock", "--keys-file", keys];
        let mqtt = ["--mqtt", self.bed.mqtt()];
        latchwork(&[&words[..], &mqtt, more].concat()).await
    }

    async fn move_door(&self, lock: &MqttClient, number: u64) {
        let answer = publish(lock, state_topic(LOCK), door(LOCK, number)).await;
        assert_eq!(answer, ReasonCode::SUCCESS);
    }

    /// Waits until nothing is on its way, stops the stages, which give their last spans away, and
    /// gives every span of the store.
    async fn finish(mut self) -> Vec<StoredSpan> {
        empty(&self.bed, &["UP", "REC", "EV", "ALERT", "NOTIFY"]).await;
        self.bed.stop().await;
        let spans = self.jaeger.spans().await;
        assert_conventions(&spans, LOCK);
        spans
    }
}

/// Audit, alerts to a webhook, signed commands; states, commands and their PUBACKs go to one topic.
fn pipeline(topic: &str, folder: &TempDir) -> String {
    let hook = |event: &str, what: &str| {
        format!(
            "[[hook]]\nevent = \"message.{event}\"\nfilter = \"devices/+/{what}\"\n\
             kafka_topic = \"{topic}\"\n"
        )
    };
    let hooks = hook("publish", "state") + &hook("publish", "command") + &hook("acked", "command");
    let folder = folder.path().display();
    let more = format!(
        "[notify]\n[notify.webhook]\nsecret_file = \"{folder}/secret\"\ntimeout_s = 2\n\
         [commands]\nmode = \"enforce\"\nkeys_file = \"{folder}/keys\"\n"
    );
    format!(
        "[[contract]]\nfilter = \"devices/+/command\"\nschema = \"lock-command\"\n{hooks}{}",
        Topics::new().pipeline(&more)
    )
}

/// The context that a Kafka record carries on.
fn context(record: &kafka::ReadRecord) -> TraceContext {
    TraceContext::from_traceparent(&header(record, "traceparent")).unwrap()
}

/// The spans of one trace.
fn trace(spans: &[StoredSpan], id: u128) -> Vec<&StoredSpan> {
    let id = format!("{id:032x}");
    spans.iter().filter(|span| span.trace_id == id).collect()
}

/// The only span of this name in a trace.
fn only<'s>(trace: &[&'s StoredSpan], name: &str) -> &'s StoredSpan {
    let mut named = trace.iter().filter(|span| span.name == name);
    let found = named
        .next()
        .unwrap_or_else(|| panic!("no {name}: {trace:#?}"));
    assert!(named.next().is_none(), "{name} is there twice: {trace:#?}");
    found
}

/// A trace must have these spans below these, and no others.
fn assert_shape(trace: &[&StoredSpan], wanted: &[(&str, &str)]) {
    let wanted = wanted.iter();
    let wanted = wanted.map(|(parent, name)| ((*parent).to_owned(), (*name).to_owned()));
    assert_eq!(shape(trace), wanted.collect(), "{trace:#?}");
}

/// Kafka's header must continue the span of the sink that wrote it; that span is linked by the one
/// of the batch, with the place where the record really is.
fn assert_in_kafka(spans: &[StoredSpan], record: &kafka::ReadRecord) {
    let context = context(record);
    let sink = trace(spans, context.trace_id)
        .into_iter()
        .find(|span| span.span_id == format!("{:016x}", context.span_id));
    let sink = sink.expect("the header's parent id is a span of the header's trace");
    assert_eq!(sink.name, SINK);
    let batch_name = format!("send {}", record.topic);
    let batch = spans
        .iter()
        .find(|span| span.name == batch_name && sink.is_linked_by(span));
    let batch = batch.unwrap_or_else(|| panic!("no {batch_name} links to {sink:#?}"));
    let link = batch.links.iter().find(|link| link.span_id == sink.span_id);
    let place = |key: &str| link.unwrap().attributes[key].clone();
    let partition = place("messaging.destination.partition.id");
    assert_eq!(partition, record.partition.to_string());
    assert_eq!(place("messaging.kafka.offset"), record.offset.to_string());
}

/// Scenario: everything is sampled. A lock (MQTT 3.1.1) whose owner has a webhook is closed, then
/// open; an application sends it a signed command, which it takes.
/// Guarantee: each message has one trace, through every stage that it went through up to its owner,
/// each span below that of the stage before; and what Kafka holds says which trace and span it is
/// of. All names, kinds, attributes and links are those of the conventions. Skipped without Jaeger.
#[tokio::test]
async fn every_message_has_one_trace() {
    let mut pipeline = match Pipeline::start().await {
        Ok(pipeline) => pipeline,
        Err(reason) => return crate::waiting::skipped(&reason),
    };
    let (lock, mut incoming) = connect(&pipeline.bed.client(LOCK)).await;
    soon("SUBACK", lock.subscribe([command_topic(LOCK)]))
        .await
        .unwrap();
    pipeline.move_door(&lock, 2).await;
    pipeline.move_door(&lock, 3).await;
    pipeline.receiver.requests(1).await;
    let sent = pipeline.send_command(&[]).await;
    assert_eq!(sent.code, Some(0), "{sent:#?}");
    soon("the command", incoming.next()).await.unwrap();
    let records = pipeline.tail.records(4).await.to_vec();
    let spans = pipeline.finish().await;

    let of_topic = |end: &str| {
        let topic = format!("devices/{LOCK}/{end}");
        let is_it = move |record: &&kafka::ReadRecord| envelope(record)["topic"] == *topic;
        records.iter().filter(is_it).collect::<Vec<_>>()
    };
    let (states, commands) = (of_topic("state"), of_topic("command"));
    let ([closed, open], [published, acked]) = (&states[..], &commands[..]) else {
        panic!("{states:#?} {commands:#?}")
    };
    for record in &records {
        assert_in_kafka(&spans, record);
    }
    let id = |record| context(record).trace_id;
    assert_ne!(id(closed), id(open), "two messages, two traces");
    assert_eq!(id(published), id(acked), "one message, one trace");
    let on_the_road = |first| {
        vec![
            ("", first),
            (first, TRANSFORM),
            (TRANSFORM, SINK),
            (TRANSFORM, AUDIT),
            (AUDIT, SINK),
        ]
    };
    assert_shape(&trace(&spans, id(published)), &on_the_road(COMMAND));
    let to_people = [(AUDIT, NOTIFY), (NOTIFY, SEND)];
    let wanted = [&on_the_road(STATE)[..], &to_people].concat();
    assert_shape(&trace(&spans, id(open)), &wanted);
}

/// Scenario: an MQTT 5.0 lock sends a traceparent of its own as a user property.
/// Guarantee: strangers choose no parent: the message has a trace of its own, whose first span
/// links to theirs, and nothing is in their trace. Skipped without Jaeger.
#[tokio::test]
async fn a_devices_context_is_only_a_link() {
    const THEIRS: (u128, &str) = (
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
        "b7ad6b7169203331",
    );
    let mut pipeline = match Pipeline::start().await {
        Ok(pipeline) => pipeline,
        Err(reason) => return crate::waiting::skipped(&reason),
    };
    let (lock, _) = connect(&pipeline.bed.client(LOCK).v5()).await;
    let mut message = Publish::new(state_topic(LOCK), door(LOCK, 2));
    let traceparent = format!("00-{:032x}-{}-01", THEIRS.0, THEIRS.1);
    message.user_properties = vec![("traceparent".into(), traceparent.into())];
    let acknowledged = lock.publish(message).await.unwrap();
    soon("PUBACK", acknowledged).await.unwrap();
    let ours = context(&pipeline.tail.records(1).await[0]).trace_id;
    let spans = pipeline.finish().await;

    assert_ne!(ours, THEIRS.0);
    let first = only(&trace(&spans, ours), STATE);
    assert_eq!(first.parent, "");
    let [link] = &first.links[..] else {
        panic!("{first:#?}")
    };
    assert_eq!(link.trace_id, format!("{:032x}", THEIRS.0));
    assert_eq!(link.span_id, THEIRS.1);
    assert!(trace(&spans, THEIRS.0).is_empty());
}

/// Scenario: a state that breaks its contract, a command of an hour ago, and an owner whose webhook
/// refuses what it is told.
/// Guarantee: in the trace of each, the span of the stage that refused it is an error with the
/// cause, below the span before; and no other is. Skipped without Jaeger.
#[tokio::test]
async fn what_is_refused_says_where_and_why() {
    let pipeline = match Pipeline::start().await {
        Ok(pipeline) => pipeline,
        Err(reason) => return crate::waiting::skipped(&reason),
    };
    pipeline.receiver.now(Behaviour::Refuses(410));
    let (lock, _) = connect(&pipeline.bed.client(LOCK)).await;
    publish(&lock, state_topic(LOCK), broken_state(LOCK, 1)).await;
    await_dead_letters(&pipeline.bed, "transform", 1).await;
    pipeline.move_door(&lock, 2).await;
    pipeline.move_door(&lock, 3).await;
    let old = pipeline.send_command(&["--ts", "1574744434"]).await;
    old.has_failed_saying(&["refused"]);
    await_dead_letters(&pipeline.bed, "send", 3).await;
    let spans = pipeline.finish().await;

    for (name, kind, cause, parent) in [
        (TRANSFORM, "schema", "number", STATE),
        (COMMAND, "stale", "too old", ""),
        (SEND, "refused", "410", NOTIFY),
    ] {
        let mut failed = spans
            .iter()
            .filter(|span| span.name == name && span.error.is_some());
        let failed = failed.next().unwrap_or_else(|| panic!("no {name} failed"));
        assert_eq!(failed.attribute("error.type"), kind, "{failed:#?}");
        let text = failed.error.as_deref().unwrap();
        assert!(text.contains(cause), "{failed:#?}");
        let before = spans.iter().find(|span| span.span_id == failed.parent);
        assert_eq!(before.map_or("", |span| &span.name), parent, "{failed:#?}");
    }
    let failed: Vec<&StoredSpan> = spans.iter().filter(|span| span.error.is_some()).collect();
    let is_expected = |span: &&StoredSpan| [TRANSFORM, COMMAND, SEND].contains(&&*span.name);
    assert!(failed.iter().all(is_expected), "{failed:#?}");
}
