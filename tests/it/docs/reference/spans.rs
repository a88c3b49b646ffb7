//! `spans.md`: what a trace is made of.

use schema::Contract;
use settings::Pipeline;
use topology::{FLOWS, Flow, KAFKA_SINK, MQTT_EDGE, Token, UP};

use super::markdown::{MADE, code, codes, table};

/// One span: who records it, under which name, and as what.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in super::super) struct SpanRow {
    pub(in super::super) service: String,
    pub(in super::super) name: String,
    pub(in super::super) kind: &'static str,
}

/// The attributes of every span.
pub(in super::super) const ATTRIBUTES: &[(&str, &str)] = &[
    ("messaging.system", "`mqtt`, `nats` or `kafka`"),
    (
        "messaging.operation.name",
        "`create`, `process` or `send`: the first word of the span's name",
    ),
    ("messaging.operation.type", "the same"),
    (
        "messaging.destination.template",
        "topic or subject, with placeholders: the rest of the span's name",
    ),
];

/// Those that some spans have besides.
pub(in super::super) const FURTHER: &[(&str, &str)] = &[
    (
        "messaging.destination.name",
        "the subject or the Kafka topic itself; never an MQTT topic, which would name a device",
    ),
    (
        "messaging.consumer.group.name",
        "the durable consumer, on `process`",
    ),
    (
        "messaging.batch.message_count",
        "messages of the batch, on the span of a batch",
    ),
    (
        "latchwork.rules.version",
        "which contracts, hooks and rules transform followed",
    ),
    (
        "latchwork.deliveries",
        "alerts that went out as one message, on `process notify.{channel}`",
    ),
    (
        "error.type",
        "why a message was rejected, as in `dlq list`; the status has the whole cause",
    ),
];

/// Those on the links of `send` to Kafka.
const OF_LINKS: &[(&str, &str)] = &[
    (
        "messaging.destination.partition.id",
        "the record's partition in Kafka",
    ),
    (
        "messaging.kafka.offset",
        "its offset there; not known of a record that Kafka had already",
    ),
];

/// The spans of a pipeline: of its contracts' topics, of the flows of the table, and of its Kafka
/// topics.
pub(in super::super) fn rows(pipeline: &Pipeline) -> Vec<SpanRow> {
    let filters = pipeline.contracts().iter().map(Contract::filter);
    let topics = filters.map(|filter| filter.as_str().replacen('+', "{client_id}", 1));
    let topics = topics.chain(["{topic}", "$events/{event}"].map(str::to_owned));
    let created = topics.map(|topic| row(&MQTT_EDGE, "create", &topic, "producer"));
    let stored = row(
        &MQTT_EDGE,
        "send",
        &UP.subject_of(placeholder(UP.token)),
        "client",
    );
    let processed = FLOWS.iter().filter_map(|flow| {
        let source = flow.source()?;
        let subject = source.subject_of(placeholder(source.token));
        Some(row(flow, "process", &subject, "consumer"))
    });
    let topics = pipeline.kafka_topics().into_iter();
    let to_kafka = topics.map(|topic| row(&KAFKA_SINK, "send", &topic, "client"));
    created
        .chain([stored])
        .chain(processed)
        .chain(to_kafka)
        .collect()
}

fn placeholder(token: Token) -> &'static str {
    match token {
        Token::Partition => "{partition}",
        Token::Word(_) => "{channel}",
        Token::Flow => "{flow}",
        Token::Client => "{client_id}",
    }
}

fn row(flow: &Flow, operation: &str, destination: &str, kind: &'static str) -> SpanRow {
    SpanRow {
        service: format!("latchwork-{}", flow.stage),
        name: format!("{operation} {destination}"),
        kind,
    }
}

pub(super) fn page() -> String {
    let rows = rows(&Pipeline::load(None).unwrap());
    let rows = rows
        .into_iter()
        .map(|row| vec![code(row.service), code(row.name), row.kind.to_owned()]);
    let spans = table(&["`service.name`", "Span", "Kind"], rows);
    let attributes = |rows: &[(&str, &str)]| {
        let rows = rows
            .iter()
            .map(|(name, value)| vec![code(name), (*value).to_owned()]);
        table(&["Attribute", "Value"], rows)
    };
    let resource = codes([
        "service.name",
        "service.version",
        "service.instance.id",
        "host.name",
        "process.pid",
    ]);
    format!(
        "# Spans\n\n{MADE} A scenario over running stages sees to it that they send these and no others.\n\n\
         One trace per message: `create` is its root, and each stage's `process` is the child of the one \
         before, through MQTT, the NATS frames and the Kafka header `traceparent`, which continues the \
         last. A trace that a device sent along (MQTT 5 user property `traceparent`) is a link of the \
         root, not its parent: devices are not trusted. Traced are one state in a hundred \
         (`--trace-sample`), and every command, alert and reject.\n\n\
         Contracts and hooks name topics: these are the spans of the built-in pipeline, and of the audit \
         and the notification beside it.\n\n\
         {spans}\n\
         A span of kind client is that of a batch: a trace of its own, with a link to each sampled \
         message in it. A `process` span is there twice, for the message and for its batch; messages to \
         people go one by one.\n\n\
         ## Attributes\n\n{}\nOf some:\n\n{}\nOn the links of a batch that went to Kafka:\n\n{}\n\
         Of the process: {resource}.\n",
        attributes(ATTRIBUTES),
        attributes(FURTHER),
        attributes(OF_LINKS),
    )
}
